"""Any images of one's own: one folder a class, or a table that also names lesions and patients."""

import re
import unicodedata
from pathlib import Path

import pandas as pd

from skinkeras.datasets.class_images import ClassImages
from skinkeras.datasets.file_search import advice, is_image, name_some, walk, what_is_there
from skinkeras.datasets.manifest import Manifest
from skinkeras.datasets.metadata import SUBSETS, subset_of
from skinkeras.datasets.tables import find_table
from skinkeras.datasets.taxonomy import BINARY_CLASSES, HAM10000, ISIC2019

# Folders that hold images of all classes, or none.
_NO_CLASS = re.compile(
    r"images?|imgs?|pictures?|photos?|jpe?gs?|pngs?|masks?|segmentations?|labels?|annotations?|ground[ _-]?truth"
    r"|thumb(nail)?s?|folds?|(folds?|parts?|splits?)[ _-]?\d+|.*(images?|imgs?|masks?)[ _-]part[ _-]?\d+"
    r"|.*[ _-](images?|imgs?|masks?|inputs?|segmentations?)",
    re.IGNORECASE,
)
_KNOWN_CLASSES = frozenset(
    name.casefold() for name in (*BINARY_CLASSES, *HAM10000, *HAM10000.values(), *ISIC2019.values(), "nevus")
)


def image_folder(root):
    """Reads a folder that holds one folder of images for every class.

    Args:
        root: the folder; the names of its folders, sorted, are the classes. Folders called train, val and
            test that hold the classes, or that every class holds, are a split, which is used; a single folder on
            the way is passed through. Links are followed. Hidden files are passed over; so are files without an
            image's ending, masks beside their images and images outside the classes, and notes count them.

    Returns:
        `Manifest` in which every image is a lesion of its own: where several images show one lesion,
        write a manifest with lesion_id instead (`manifest_csv`).

    Raises:
        FileNotFoundError: there is no such folder.
        ValueError: fewer than two classes, a class without images, or folders that are no classes.
    """
    root = Path(root)
    if not root.is_dir():
        raise FileNotFoundError(f"There is no folder {root}.")
    top, notes = _unwrapped(root)
    subsets = _subset_folders(top)
    found, rows = ClassImages(), []
    for subset, parent in subsets or [(None, top)]:
        for folder in _class_folders(parent):
            for own, place in _subset_folders_of_class(folder) or [(subset, folder)]:
                images = found.below(place)
                rows += [(str(p), p.relative_to(root).as_posix(), folder.name, own) for p in images]
        found.count_beside(parent)
    if subsets:
        found.count_beside(top)
    found.check_filled()
    names = _one_spelling([label for _, _, label, _ in rows])
    if len(set(names.values())) < 2:
        raise ValueError(
            f"{top} holds images of {len(set(names.values()))} classes; it needs two or more: "
            f"{what_is_there(top)}."
        )
    table = pd.DataFrame(rows, columns=["image", "image_id", "label", "split"]).assign(source="folder")
    table["label"] = table["label"].map(names)
    notes += [*_split_note(table, subsets), *found.notes()]
    classes = sorted(set(names.values()))
    return Manifest(table, classes, origin=root, notes=notes, root=str(root))


def _split_note(table, subsets):
    """The note on the split that the folders give, as a list of it or of nothing.

    Raises ValueError where only some of the images are in one.
    """
    known = table["split"].notna()
    if not known.any():
        return []
    if not known.all():
        row = table[~known].iloc[0]
        raise ValueError(
            f"Some classes are divided into train and test, and {row['label']} is not ({row['image']}): divide all "
            "or none."
        )
    counts = table["split"].value_counts()
    called = {name: f"{parent.name}/" for name, parent in subsets or ()}
    names = [name for name in SUBSETS if name in counts]
    words = [f"{called.get(name, name)} ({counts[name]:,})" for name in names]
    return [f"The folders are a split: {', '.join(words)}."]


def _folders_in(folder):
    return [folder / name for name in next(walk(folder, 0))[1]]


def _unwrapped(root):
    """The first folder that holds more than one folder, and the notes on the way there."""
    top, notes = root, []
    while len(folders := _folders_in(top)) == 1 and _folders_in(folders[0]):
        if any(is_image(name) for name in next(walk(top, 0))[2]):
            break
        top = folders[0]
    if top != root:
        notes.append(f"The classes are the folders in {top}.")
    return top, notes


def _subset_folders(top):
    """[(subset, folder)] where the folders are those of a split, else None."""
    folders = _folders_in(top)
    subsets = [(subset_of(folder.name), folder) for folder in folders]
    named = [(name, folder) for name, folder in subsets if name]
    if len(named) < 2 or not any(_folders_in(folder) for _, folder in named):
        return None
    others = [folder.name for name, folder in subsets if name is None]
    if others:
        raise ValueError(
            f"{top} holds {name_some(folder.name for _, folder in named)}, which are a split, and beside them "
            f"{name_some(others)}: move these elsewhere."
        )
    if len({name for name, _ in named}) < len(named):
        raise ValueError(f"{top} holds two folders of one subset: {name_some(f.name for _, f in named)}.")
    return sorted(named, key=lambda pair: SUBSETS.index(pair[0]))


def _subset_folders_of_class(folder):
    """[(subset, folder)] of a class that holds nothing but the folders of a split, else None."""
    _, folders, files = next(walk(folder, 0))
    subsets = [(subset_of(name), folder / name) for name in folders]
    if len(subsets) < 2 or not all(name for name, _ in subsets) or any(map(is_image, files)):
        return None
    return subsets


def _class_folders(parent):
    folders = _folders_in(parent)
    if len(folders) < 2:
        number = "1 folder" if len(folders) == 1 else f"{len(folders)} folders"
        raise ValueError(
            f"{parent} holds {number}; it needs one for each of two or more classes: {what_is_there(parent)}."
            f"{advice(parent)}"
        )
    wrong = [folder.name for folder in folders if _NO_CLASS.fullmatch(folder.name) or subset_of(folder.name)]
    if wrong:
        raise ValueError(
            f"{parent} holds {name_some(wrong)}, which by their names are no classes: point --data-dir at a "
            "folder with one folder of images for each class, or name the images in a table "
            "(--data manifest)."
        )
    _refuse_folders_of_classes(parent, folders)
    return folders


def _refuse_folders_of_classes(parent, folders):
    """Raises ValueError where each folder holds the same classes, as the folders of clinics do."""
    inside = [{below.name.casefold() for below in _folders_in(folder)} for folder in folders]
    shared = sorted(_KNOWN_CLASSES.intersection(*inside))
    if len(shared) > 1:
        raise ValueError(
            f"{parent} holds {name_some(folder.name for folder in folders)}, each with the folders "
            f"{name_some(shared)}, which are the classes: point --data-dir at one of them, or name the images in a "
            "table (--data manifest)."
        )


def _one_spelling(labels):
    """{label: class}: without spaces around it, in one spelling where two subsets differ in upper and lower case, and
    benign and malignant in lower case."""
    classes = {}
    for label in sorted(set(labels)):
        classes.setdefault(_folded(label), unicodedata.normalize("NFC", label.strip()))
    if set(classes) == set(BINARY_CLASSES):
        classes = {name: name for name in BINARY_CLASSES}
    return {label: classes[_folded(label)] for label in set(labels)}


def _folded(label):
    return unicodedata.normalize("NFC", label.strip()).casefold()  # a Mac takes accents apart


def manifest_csv(root):
    """Reads a folder with a table, `manifest.csv`, of the images to use.

    Args:
        root: the folder. The table, in it or below, has the columns image (a path, counted from the folder of
            the table, or a name that is looked for in all of root) and label, and, where known, image_id
            (unique), lesion_id, patient_id, source, split and what else a `Manifest` has. A table of another
            name is taken if it is the only one with the first two.

    Returns:
        `Manifest`; the labels that occur, sorted, are the classes.

    Raises:
        FileNotFoundError: there is no such table.
        ValueError: see `Manifest`.
    """
    root = Path(root)
    if not root.is_dir():
        raise FileNotFoundError(f"There is no manifest {root / 'manifest.csv'}: {what_is_there(root)}.")
    path = find_table(root, ("manifest",), ("image", "label"), "manifest")
    manifest = Manifest.from_csv(path, images_below=root)
    return manifest.with_table(manifest.table, f"The images of {path}.")
