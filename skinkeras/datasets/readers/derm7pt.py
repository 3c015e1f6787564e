"""The seven-point checklist data: Kawahara et al., IEEE JBHI 2018, doi:10.1109/JBHI.2018.2824327."""

import numpy as np
import pandas as pd

from skinkeras.datasets.image_index import ImageIndex
from skinkeras.datasets.manifest import Manifest
from skinkeras.datasets.tables import find_table, read_table
from skinkeras.datasets.taxonomy import DERM7PT

_COLUMNS = ("diagnosis", "derm")
_LISTS = {"train_indexes": "train", "valid_indexes": "validation", "test_indexes": "test"}


def derm7pt(root, *, clinical=False):
    """Reads derm7pt: a dermoscopic and a clinical image of each case, and the five classes of its paper.

    Args:
        root: the folder `release_v0`, with `meta/meta.csv`, `images/` and, for the published split,
            `meta/train_indexes.csv`, `meta/valid_indexes.csv` and `meta/test_indexes.csv`.
        clinical: whether the clinical images are read, instead of the dermoscopic ones.

    Returns:
        `Manifest` with the published split where the three lists are there. Whether the images are there is
        not checked: see `check_images`.

    Raises:
        FileNotFoundError: there is no such table.
        ValueError: an unknown diagnosis, or lists that do not name each case once.
    """
    path = find_table(root, ("meta",), _COLUMNS, "derm7pt")
    column = "clinic" if clinical else "derm"
    table = read_table(path, ("diagnosis", column))
    table = table.assign(
        image_id=table[column],
        image=ImageIndex(root).paths(table[column], ("images",)),
        label=[_label(name, row, path) for row, name in table["diagnosis"].items()],
        lesion_id=table.get("case_num"),
        source="derm7pt",
        acquisition="clinical camera" if clinical else "dermatoscope",
        site=table.get("location"),
    )
    notes = [f"derm7pt, the {'clinical' if clinical else 'dermoscopic'} images, from {path}."]
    split = _published_split(root, len(table))
    if split is not None:
        table["split"] = split
        notes.append("The published split is given.")
    file_columns = {"image_id": column, "site": "location"}
    return Manifest(table, tuple(DERM7PT), path, file_columns, notes=notes, root=str(root))


def _label(diagnosis, row, path):
    """The class of a diagnosis, as Kawahara et al. group the infrequent ones."""
    name = "" if pd.isna(diagnosis) else diagnosis.strip().lower()
    if name.startswith("melanoma"):
        return "mel"
    if name.endswith("nevus"):
        return "nv"
    for label, titles in DERM7PT.items():
        if name in titles.split(", "):
            return label
    raise ValueError(f"{path}, line {row + 2}, column diagnosis: {diagnosis!r} is not a known diagnosis.")


def _published_split(root, count):
    """(count,) the subset of each case, or None where a list is missing."""
    split = np.full(count, "", object)
    for name, subset in _LISTS.items():
        path = find_table(root, (name,), (), "", required=False)
        if path is None:
            return None
        rows = pd.to_numeric(read_table(path, ("indexes",))["indexes"], errors="coerce").to_numpy()
        wrong = ~np.isin(rows, np.arange(count))
        if wrong.any() or (split[rows.astype(int)] != "").any():
            raise ValueError(f"{path} names a case that is not in the table, or that another list names too.")
        split[rows.astype(int)] = subset
    if (split == "").any():
        raise ValueError(f"The lists of {root} name {int((split != '').sum())} of {count} cases.")
    return split
