"""Any pictures of one's own: one folder a class, or a table that also names lesions and patients."""

from pathlib import Path

import pandas as pd

from skinkeras.datasets.manifest import Manifest
from skinkeras.decoding import images_below


def image_folder(root):
    """Reads a folder that holds one folder of pictures for every class.

    Args:
        root: the folder; the names of its folders, sorted, are the classes. Hidden files and files that
            are no pictures by their suffix are passed over.

    Returns:
        `Manifest` in which every picture is a lesion of its own: where several pictures show one lesion,
        write a manifest with lesion_id instead (`manifest_csv`).

    Raises:
        FileNotFoundError: there is no such folder.
        ValueError: fewer than two classes, or a class without pictures.
    """
    root = Path(root)
    if not root.is_dir():
        raise FileNotFoundError(f"There is no folder {root}.")
    folders = sorted(path for path in root.iterdir() if path.is_dir() and not path.name.startswith("."))
    if len(folders) < 2:
        raise ValueError(
            f"{root} holds {len(folders)} folders; it needs one for each of two or more classes."
        )
    rows = []
    for folder in folders:
        pictures = images_below(folder)
        if not pictures:
            raise ValueError(f"The class folder {folder} holds no pictures: fill or remove it.")
        rows += [(str(p), str(p.relative_to(root)), folder.name) for p in pictures]
    table = pd.DataFrame(rows, columns=["image", "image_id", "label"]).assign(source="folder")
    return Manifest(table, [folder.name for folder in folders], origin=root)


def manifest_csv(root):
    """Reads a folder with a table, `manifest.csv`, of the pictures to use.

    Args:
        root: the folder. The table has the columns image (a path, counted from the folder), image_id
            (unique) and label, and, where known, lesion_id, patient_id and source.

    Returns:
        `Manifest`; the labels that occur, sorted, are the classes.

    Raises:
        FileNotFoundError: there is no such table.
        ValueError: see `Manifest`.
    """
    return Manifest.from_csv(Path(root) / "manifest.csv")
