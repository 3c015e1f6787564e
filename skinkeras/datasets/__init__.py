"""Where images and labels come from: readers that return a `Manifest`, splits, and a check for duplicates."""

from skinkeras.datasets.duplicates import find_duplicates
from skinkeras.datasets.folder import image_folder, manifest_csv
from skinkeras.datasets.ham10000 import ham10000
from skinkeras.datasets.isic import (
    drop_known_duplicates,
    isic2018,
    isic2019,
    isic2020,
    isic_merge,
    known_duplicates,
)
from skinkeras.datasets.manifest import BINARY_CLASSES, Manifest, check_positive
from skinkeras.datasets.splits import check_split, load_split, save_split, split
from skinkeras.datasets.synthetic import SYNTHETIC_TAXONOMY, synthetic
from skinkeras.datasets.taxonomy import HAM10000, ISIC2018_TAXONOMY, Taxonomy

# By the names that the command lines use; each takes the folder that holds the data.
READERS = {
    "ham10000": ham10000,
    "isic2018": isic2018,
    "isic2019": isic2019,
    "isic2020": isic2020,
    "isic_merge": isic_merge,
    "folder": image_folder,
    "manifest": manifest_csv,
}

__all__ = [
    "BINARY_CLASSES",
    "HAM10000",
    "ISIC2018_TAXONOMY",
    "READERS",
    "SYNTHETIC_TAXONOMY",
    "Manifest",
    "Taxonomy",
    "check_positive",
    "check_split",
    "drop_known_duplicates",
    "find_duplicates",
    "ham10000",
    "image_folder",
    "isic2018",
    "isic2019",
    "isic2020",
    "isic_merge",
    "known_duplicates",
    "load_split",
    "manifest_csv",
    "save_split",
    "split",
    "synthetic",
]
