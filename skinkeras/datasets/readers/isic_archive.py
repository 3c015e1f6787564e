"""What the ISIC Archive hands out: `isic image download`, or a download from its web page."""

import numpy as np

from skinkeras.datasets.file_search import name_some
from skinkeras.datasets.image_index import ImageIndex
from skinkeras.datasets.manifest import Manifest
from skinkeras.datasets.metadata import fitzpatrick
from skinkeras.datasets.tables import column_name, find_table, header, read_table

LEVELS = 5
_DERMOSCOPIC = "dermoscopic"
_NAMES = {
    "age": "age_approx",
    "site": "anatom_site_general",
    "acquisition": "attribution",
    "confirmed_by": "diagnosis_confirm_type",
    "skin_tone": "fitzpatrick_skin_type",
}


def isic_archive(root, level=1, *, label_column=None, all_image_types=False):
    """Reads a download of the ISIC Archive: `metadata.csv` and the images.

    Args:
        root: the folder, with a table that has the column isic_id, and the images in any folders below it.
        level: 1 to 5, how fine the classes are: 1 is benign, indeterminate and malignant, 3 the diagnosis. An
            image whose diagnosis is not known so finely has the finest one that is.
        label_column: the column that holds the classes instead, such as `benign_malignant` in old downloads.
        all_image_types: whether clinical images, tiles of body photographs and others are read too; else
            dermoscopic ones only.

    Returns:
        `Manifest`; images without a diagnosis are left out, and its notes count them. The classes are those
        that occur, sorted. The acquisition is the attribution.

    Raises:
        FileNotFoundError: there is no such table.
        ValueError: the table has no such column, or fewer than two classes.
    """
    if level not in range(1, LEVELS + 1):
        raise ValueError(f"The level of the diagnosis must be 1 to {LEVELS}. Received: {level}")
    path = find_table(root, ("metadata",), ("isic_id",), "download of the ISIC Archive")
    columns = [column_name(label_column)] if label_column else [f"diagnosis_{n}" for n in range(1, level + 1)]
    _check_columns(path, columns[0])
    table = read_table(path, ("isic_id", columns[0]))
    notes = [f"ISIC Archive, from {path}; the classes are {columns[-1]}."]
    columns = [column for column in columns if column in table]
    table["label"] = table[columns].ffill(axis=1).iloc[:, -1]
    keep = table["label"].notna().to_numpy()
    if not keep.all():
        notes.append(f"{int((~keep).sum()):,} images have no {columns[0]} and are left out.")
    if not all_image_types and "image_type" in table:
        dermoscopic = table["image_type"].str.strip().str.casefold() == _DERMOSCOPIC
        others = table["image_type"][keep & ~dermoscopic].fillna("unknown")
        if len(others):
            words = name_some(f"{count:,} {name}" for name, count in others.value_counts().items())
            notes.append(f"Images that are not dermoscopic are left out: {words}.")
        keep = keep & dermoscopic.to_numpy()
    if not keep.any():
        raise ValueError(
            f"{path} has no images of a known class left: {' '.join(notes[1:]) or 'it has no rows.'}"
        )
    table = table[keep].assign(source="isic_archive")
    table["image_id"] = table["isic_id"]
    for column, published in _NAMES.items():
        table[column] = table.get(published, np.nan)
    table["skin_tone"] = fitzpatrick(table["skin_tone"])
    table["image"] = ImageIndex(root).paths(table["image_id"].tolist(), ("", "images"))
    classes = sorted(table["label"].unique())
    file_columns = {**_NAMES, "image_id": "isic_id", "label": columns[-1]}
    return Manifest(table, classes, path, file_columns, notes=notes, root=str(root))


def _check_columns(path, column):
    """Raises ValueError where old downloads have the classes in other columns."""
    columns = header(path)
    others = [name for name in ("benign_malignant", "diagnosis") if name in columns]
    if column not in columns and others:
        raise ValueError(
            f"{path} has no column {column}: pass --label-column {' or --label-column '.join(others)}, which old "
            "downloads have."
        )
