"""Where images and labels come from: readers that return a `Manifest`, splits, and a check for duplicates.

pandas and scikit-learn are imported with the first reader or split; the tables do without.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "catalog": ["DATASETS", "Dataset"],
        "duplicates": [
            "add_subsets",
            "check_labels_of_copies",
            "count_duplicates",
            "find_duplicates",
            "group_duplicates",
        ],
        "image_index": ["ImageIndex", "check_images", "missing_images"],
        "manifest": ["Manifest"],
        "metadata": ["METADATA"],
        "readers.bcn20000": ["bcn20000"],
        "readers.derm7pt": ["derm7pt"],
        "readers.folder": ["image_folder", "manifest_csv"],
        "readers.ham10000": ["ham10000"],
        "readers.isic": [
            "drop_known_duplicates",
            "isic2018",
            "isic2019",
            "isic2020",
            "isic_merge",
            "known_duplicates",
        ],
        "readers.isic2024": ["isic2024"],
        "readers.isic_archive": ["isic_archive"],
        "readers.pad_ufes": ["pad_ufes"],
        "splits": ["check_split", "load_split", "save_split", "split", "split_method"],
        "synthetic_images": ["synthetic"],
        "targets": ["malignancy_of", "target_of"],
        "taxonomy": [
            "BINARY_CLASSES",
            "HAM10000",
            "ISIC2018_TAXONOMY",
            "SYNTHETIC_TAXONOMY",
            "Taxonomy",
            "check_positive",
        ],
    },
)
