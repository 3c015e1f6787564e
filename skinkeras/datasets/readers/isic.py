"""The ISIC challenges of 2018 to 2020, and the merge of Gilal et al. 2023."""

import numpy as np
import pandas as pd

from skinkeras.datasets.file_search import name_some
from skinkeras.datasets.image_index import ImageIndex, image_key
from skinkeras.datasets.manifest import Manifest
from skinkeras.datasets.metadata import as_labels
from skinkeras.datasets.tables import find_table, numbers, read_rows_of, read_table
from skinkeras.datasets.taxonomy import BINARY_CLASSES, HAM10000, ISIC2018, ISIC2019
from skinkeras.errors import shown

_BINARY = dict(zip(BINARY_CLASSES, BINARY_CLASSES, strict=True))
_DUPLICATES = "ISIC_2020_Training_Duplicates"
# ISIC 2019 says in the lesion_id which collection an image comes from.
_COLLECTIONS = {"HAM": "HAM10000", "BCN": "BCN20000", "MSK": "MSK"}


def isic2018(root):
    """ISIC 2018 task 3: seven diagnoses.

    Args:
        root: folder with `ISIC2018_Task3_Training_GroundTruth.csv`,
            `ISIC2018_Task3_Training_LesionGroupings.csv`, without which images of one lesion would
            straddle every split, and the images; each in any folder below it.

    Returns:
        `Manifest`; whether the images are there is not checked: see `check_images`.

    Raises:
        FileNotFoundError: a label file is missing.
        ValueError: a row that is not one class; the sentence names file and line.
    """
    path = find_table(root, ("ISIC2018_Task3_Training_GroundTruth",), (), "labels of ISIC 2018")
    table = _one_hot_table(path, ISIC2018)
    name = "ISIC2018_Task3_Training_LesionGroupings"
    lesions = find_table(root, (name,), (), "lesions of ISIC 2018", beside=path)
    groupings = read_rows_of(table["image_id"], lesions, "image", ("lesion_id",))
    table["lesion_id"] = groupings["lesion_id"]
    table["confirmed_by"] = groupings.get("diagnosis_confirm_type")
    table["image"] = ImageIndex(root).paths(table["image_id"], ("ISIC2018_Task3_Training_Input",))
    return Manifest(
        table.assign(source="isic2018"),
        tuple(HAM10000),
        path,
        {"image_id": "image"},
        notes=[f"ISIC 2018 task 3, from {path}."],
        root=str(root),
    )


def isic2019(root):
    """ISIC 2019: eight diagnoses (and UNK, which no training image has).

    Args:
        root: folder with `ISIC_2019_Training_GroundTruth.csv`, `ISIC_2019_Training_Metadata.csv` and the
            images; each in any folder below it.

    Returns and raises: as `isic2018`. The acquisition is the collection, where the lesion_id names it.
    """
    path = find_table(root, ("ISIC_2019_Training_GroundTruth",), (), "labels of ISIC 2019")
    table = _one_hot_table(path, ISIC2019)
    name = "ISIC_2019_Training_Metadata"
    lesions = find_table(root, (name,), (), "lesions of ISIC 2019", beside=path)
    metadata = read_rows_of(table["image_id"], lesions, "image", ("lesion_id",))
    names = {"lesion_id": "lesion_id", "age": "age_approx", "sex": "sex", "site": "anatom_site_general"}
    for column, published in names.items():
        if published in metadata:
            table[column] = metadata[published]
    table["acquisition"] = table["lesion_id"].str[:3].map(_COLLECTIONS)
    table["image"] = ImageIndex(root).paths(table["image_id"], ("ISIC_2019_Training_Input",))
    classes = [name for name in ISIC2019.values() if name != "unk" or (table["label"] == "unk").any()]
    return Manifest(
        table.assign(source="isic2019"),
        classes,
        path,
        {"image_id": "image", "age": "age_approx"},
        notes=[f"ISIC 2019, from {path}."],
        root=str(root),
    )


def isic2020(root):
    """ISIC 2020 (SIIM-ISIC): benign and malignant, several images of a patient.

    Args:
        root: folder with `ISIC_2020_Training_GroundTruth.csv` (or `..._v2.csv`, or Kaggle's `train.csv`) and
            the images, each in any folder below it. All rows are returned, the known duplicates too:
            see `known_duplicates`.

    Returns and raises: as `isic2018`.
    """
    names = ("ISIC_2020_Training_GroundTruth_v2", "ISIC_2020_Training_GroundTruth", "train")
    columns = ("image_name", "patient_id", "benign_malignant")
    path = find_table(root, names, columns, "ISIC 2020")
    table = read_table(path, columns)
    folders = ("ISIC_2020_Training_JPEG/train", "ISIC_2020_Training_JPEG", "jpeg/train", "train")
    table = table.assign(
        image_id=table["image_name"],
        image=ImageIndex(root).paths(table["image_name"], folders),
        label=as_labels(table["benign_malignant"], _BINARY, path, "benign_malignant"),
        source="isic2020",
        age=table.get("age_approx"),
        site=table.get("anatom_site_general_challenge"),
    )
    return Manifest(
        table,
        BINARY_CLASSES,
        path,
        {"image_id": "image_name", "label": "benign_malignant", "age": "age_approx"},
        notes=[f"ISIC 2020, from {path}."],
        root=str(root),
    )


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
    return Manifest(
        table,
        BINARY_CLASSES,
        origin=f"{newer.origin} and {older.origin}",
        notes=(*newer.notes, f"The {len(melanomas):,} melanomas of {older.notes[0]}"),
        root=newer.root,
    )


def known_duplicates(root):
    """The published duplicate pairs of ISIC 2020.

    Args:
        root: folder with `ISIC_2020_Training_Duplicates.csv`, in any folder below it.

    Returns:
        list of (image_id, image_id).

    Raises:
        FileNotFoundError: the file is not there.
    """
    path = find_table(root, (_DUPLICATES,), (), "list of the known duplicates of ISIC 2020")
    table = read_table(path, ("image_name_1", "image_name_2"))
    return list(zip(table["image_name_1"], table["image_name_2"], strict=True))


def drop_known_duplicates(manifest, root):
    """Leaves out the second image of every published duplicate pair of which both are there.

    Returns:
        The smaller manifest, and how many images were left out.

    Raises:
        FileNotFoundError: there is no list of the pairs.
    """
    keys = manifest.table["image_id"].map(image_key)
    present, dropped = set(keys), set()
    for pair in known_duplicates(root):
        first, second = map(image_key, pair)
        if first not in dropped and {first, second} <= present:
            dropped.add(second)
    keep = ~keys.isin(dropped).to_numpy()
    return manifest.select(keep), int((~keep).sum())


def drop_duplicates_if_listed(manifest, root):
    """As `drop_known_duplicates`; without the list, which Kaggle's copy of the data lacks, all images and a note."""
    if find_table(root, (_DUPLICATES,), (), "", required=False) is not None:
        return drop_known_duplicates(manifest, root)
    note = (
        f"There is no {_DUPLICATES}.csv in {root}: the 425 known duplicate pairs of ISIC 2020 are all used. "
        "Download it from challenge.isic-archive.com/data to leave them out."
    )
    return manifest.with_table(manifest.table, note), 0


def _one_hot_table(path, columns):
    """image_id and label of a ground-truth file with one column of 0 and 1 a class."""
    table = read_table(path, ("image",)).rename(columns=str.upper)
    names = [name for name in columns if name in table.columns]
    if not names:
        raise ValueError(f"{path} has no column of a class; known are {', '.join(columns)}.")
    values = table[names].apply(numbers).to_numpy()
    wrong = ~((np.isin(values, (0.0, 1.0)).all(axis=1)) & (values.sum(axis=1) == 1))
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        values = table.drop(columns="IMAGE").iloc[row]  # those of unknown classes, too
        raise ValueError(
            f"{path}, line {table.index[row] + 2} (image {shown(table['IMAGE'].iloc[row])}): needs one class at 1, "
            f"the others at 0. Received: {name_some(f'{name} {value}' for name, value in values.items())}."
        )
    labels = [columns[names[number]] for number in values.argmax(axis=1)]
    return pd.DataFrame({"image_id": table["IMAGE"], "label": labels})
