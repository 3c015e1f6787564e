"""ISIC 2024 (SLICE-3D): Kurtansky et al., Sci Data 2024, doi:10.1038/s41597-024-03743-w."""

import numpy as np

from skinkeras.datasets.image_index import ImageIndex
from skinkeras.datasets.manifest import Manifest
from skinkeras.datasets.metadata import as_labels
from skinkeras.datasets.tables import find_table, header, read_rows_of, read_table
from skinkeras.datasets.taxonomy import BINARY_CLASSES

_TRUTH = "ISIC_2024_Training_GroundTruth"
_LABELS = dict(zip(("0", "1", "0.0", "1.0"), BINARY_CLASSES * 2, strict=True))
_FOLDERS = ("train-image/image", "ISIC_2024_Training_Input", "train-image.hdf5")


def isic2024(root):
    """Reads the training images of ISIC 2024: benign and malignant tiles of body photographs.

    Args:
        root: folder with Kaggle's `train-metadata.csv` and `train-image.hdf5` or `train-image/image/`, or with
            the challenge's `ISIC_2024_Training_GroundTruth.csv`, its metadata and its images; in any folders
            below it. An image in an HDF5 file has the path `train-image.hdf5/ISIC_0000000`.

    Returns:
        `Manifest`; whether the images are there is not checked: see `check_images`.

    Raises:
        FileNotFoundError: there is no such table.
        ValueError: an unknown class; the sentence names the line.
    """
    path = find_table(root, ("train-metadata", _TRUTH), ("isic_id",), "ISIC 2024")
    names = header(path)
    column = "target" if "target" in names else "malignant"
    table = read_table(path, ("isic_id", column))
    if "patient_id" not in table:
        # The challenge publishes the labels without the patients, in a file of its own.
        other = find_table(
            root,
            ("ISIC_2024_Training_Metadata",),
            ("isic_id", "patient_id"),
            "patients of ISIC 2024",
            beside=path,
        )
        known = read_rows_of(table["isic_id"], other, "isic_id").drop(
            columns=list(table.columns), errors="ignore"
        )
        table = table.join(known)
    table = table.assign(
        image_id=table["isic_id"],
        image=ImageIndex(root, hdf5=True).paths(table["isic_id"], _FOLDERS),
        label=as_labels(table[column].str.replace(",", "."), _LABELS, path, column),
        source="isic2024",
        age=table.get("age_approx", np.nan),
        site=table.get("anatom_site_general", np.nan),
        acquisition=table.get("attribution", np.nan),
    )
    file_columns = {"image_id": "isic_id", "age": "age_approx"}
    return Manifest(
        table, BINARY_CLASSES, path, file_columns, notes=[f"ISIC 2024, from {path}."], root=str(root)
    )
