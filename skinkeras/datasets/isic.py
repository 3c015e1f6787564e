"""The ISIC challenges of 2018 to 2020 in their official layouts, and the merge of Gilal et al. 2023."""

from pathlib import Path

import numpy as np
import pandas as pd

from skinkeras.datasets.manifest import BINARY_CLASSES, Manifest, read_table
from skinkeras.datasets.taxonomy import HAM10000, ISIC2018, ISIC2019


def isic2018(root):
    """ISIC 2018 task 3: seven diagnoses.

    Args:
        root: folder with `ISIC2018_Task3_Training_GroundTruth.csv` (there or in a folder of that name),
            `ISIC2018_Task3_Training_LesionGroupings.csv`, without which pictures of one lesion would
            straddle every split, and `ISIC2018_Task3_Training_Input/`.

    Returns:
        `Manifest`; whether the pictures are there is not checked.

    Raises:
        FileNotFoundError: a label file is missing.
        ValueError: a row that is not one class; the sentence names file and line.
    """
    root = Path(root)
    path = _find(root, "ISIC2018_Task3_Training_GroundTruth.csv")
    table = _one_hot_table(path, ISIC2018)
    groupings = _find(root, "ISIC2018_Task3_Training_LesionGroupings.csv")
    table["lesion_id"] = _lesions(groupings, table["image_id"])
    table["image"] = [str(root / "ISIC2018_Task3_Training_Input" / f"{i}.jpg") for i in table["image_id"]]
    return Manifest(table.assign(source="isic2018"), tuple(HAM10000), path, {"image_id": "image"})


def isic2019(root):
    """ISIC 2019: eight diagnoses (and UNK, which no training image has).

    Args:
        root: folder with `ISIC_2019_Training_GroundTruth.csv`, `ISIC_2019_Training_Metadata.csv` and
            `ISIC_2019_Training_Input/`.

    Returns and raises: as `isic2018`.
    """
    root = Path(root)
    path = _find(root, "ISIC_2019_Training_GroundTruth.csv")
    table = _one_hot_table(path, ISIC2019)
    table["lesion_id"] = _lesions(_find(root, "ISIC_2019_Training_Metadata.csv"), table["image_id"])
    table["image"] = [str(root / "ISIC_2019_Training_Input" / f"{i}.jpg") for i in table["image_id"]]
    classes = [name for name in ISIC2019.values() if name != "unk" or (table["label"] == "unk").any()]
    return Manifest(table.assign(source="isic2019"), classes, path, {"image_id": "image"})


def isic2020(root):
    """ISIC 2020 (SIIM-ISIC): benign and malignant, several pictures of a patient.

    Args:
        root: folder with `ISIC_2020_Training_GroundTruth.csv` (or `..._v2.csv`) and the pictures in
            `train/` or `ISIC_2020_Training_JPEG/train/`. All rows are returned, the known duplicates too:
            see `known_duplicates`.

    Returns and raises: as `isic2018`.
    """
    root = Path(root)
    path = _find(root, "ISIC_2020_Training_GroundTruth_v2.csv", needed=False) or _find(
        root, "ISIC_2020_Training_GroundTruth.csv"
    )
    table = read_table(path, ("image_name", "patient_id", "benign_malignant"))
    official = root / "ISIC_2020_Training_JPEG" / "train"
    folder = official if official.is_dir() else root / "train"
    table = table.assign(
        image_id=table["image_name"],
        image=[str(folder / f"{name}.jpg") for name in table["image_name"]],
        label=table["benign_malignant"],
        source="isic2020",
    )
    return Manifest(table, BINARY_CLASSES, path, {"image_id": "image_name", "label": "benign_malignant"})


def isic_merge(root2019, root2020=None):
    """ISIC-merge of Gilal et al. 2023: all of ISIC 2020 and the melanomas of ISIC 2019.

    32,542 benign and 584 + 4,522 = 5,106 malignant images, the known duplicates included, as in the paper.

    Args:
        root2019: see `isic2019`.
        root2020: see `isic2020`; None: the same folder.

    Returns and raises: as `isic2018`.
    """
    newer = isic2020(root2019 if root2020 is None else root2020)
    older = isic2019(root2019)
    melanomas = older.table[older.table["label"] == "mel"].assign(label=BINARY_CLASSES[1])
    table = pd.concat([newer.table, melanomas], ignore_index=True)
    return Manifest(table, BINARY_CLASSES, origin=f"{newer.origin} and {older.origin}")


def known_duplicates(root):
    """The published duplicate pairs of ISIC 2020.

    Args:
        root: folder with `ISIC_2020_Training_Duplicates.csv`.

    Returns:
        list of (image_id, image_id).

    Raises:
        FileNotFoundError: the file is not there.
    """
    path = _find(Path(root), "ISIC_2020_Training_Duplicates.csv")
    table = read_table(path, ("image_name_1", "image_name_2"))
    return list(zip(table["image_name_1"], table["image_name_2"], strict=True))


def drop_known_duplicates(manifest, root):
    """Leaves out the second picture of every published duplicate pair of which both are there.

    Returns:
        The smaller manifest, and how many pictures were left out.
    """
    present = set(manifest.table["image_id"])
    dropped = set()
    for first, second in known_duplicates(root):
        if first not in dropped and {first, second} <= present:
            dropped.add(second)
    keep = ~manifest.table["image_id"].isin(dropped).to_numpy()
    return manifest.select(keep), int((~keep).sum())


def _find(root, name, needed=True):
    """The label file called `name` in `root`, or in the folder of that name that the archives unpack to."""
    for path in (root / name, root / Path(name).stem / name):
        if path.is_file():
            return path
    if needed:
        raise FileNotFoundError(f"There is no {name} in {root}.")
    return None


def _lesions(path, image_ids):
    """The lesion of every image, missing where the file at `path` does not name one."""
    table = read_table(path, ("image", "lesion_id"))
    twice = table["image"].duplicated()
    if twice.any():
        row = int(np.flatnonzero(twice)[0])
        raise ValueError(
            f"{path}, line {row + 2}, column image: {table['image'][row]!r} occurs more than once."
        )
    return image_ids.map(table.set_index("image")["lesion_id"])


def _one_hot_table(path, columns):
    """image_id and label of a ground-truth file with one column of 0 and 1 a class."""
    table = read_table(path, ("image",))
    unknown = [name for name in table.columns if name != "image" and name not in columns]
    if unknown:
        raise ValueError(f"{path} has the unknown class {unknown[0]}; known are {', '.join(columns)}.")
    names = [name for name in columns if name in table.columns]
    values = table[names].apply(pd.to_numeric, errors="coerce").to_numpy()
    wrong = ~((np.isin(values, (0.0, 1.0)).all(axis=1)) & (values.sum(axis=1) == 1))
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        raise ValueError(
            f"{path}, line {row + 2} (image {table['image'][row]}): needs one class at 1, the others at 0. "
            f"Received: {table.loc[row, names].to_dict()}"
        )
    labels = [columns[names[number]] for number in values.argmax(axis=1)]
    return pd.DataFrame({"image_id": table["image"], "label": labels})
