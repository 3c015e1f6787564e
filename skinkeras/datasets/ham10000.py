"""HAM10000: Tschandl, Rosendahl and Kittler, Sci Data 2018, doi:10.1038/sdata.2018.161."""

from pathlib import Path

from skinkeras.datasets.manifest import Manifest, read_table
from skinkeras.datasets.taxonomy import HAM10000

# As it is published: the two halves of the pictures, and the table beside them.
_OFFICIAL_FOLDERS = ("HAM10000_images_part_1", "HAM10000_images_part_2")
_OFFICIAL_TABLES = ("HAM10000_metadata.csv", "HAM10000_metadata")


def ham10000(root):
    """Reads HAM10000, or a part of it.

    Args:
        root: a folder with `images/` and `labels.csv`, or the official one with `HAM10000_metadata.csv`,
            `HAM10000_images_part_1/` and `HAM10000_images_part_2/`. The table has the columns image_id,
            lesion_id and dx; `source` is its column `dataset` (the clinic and camera) where it has one.

    Returns:
        `Manifest` of the seven diagnoses. Whether the pictures are there is not checked.

    Raises:
        FileNotFoundError: neither layout is there.
        ValueError: an unknown diagnosis; the sentence names the line.
    """
    root = Path(root)
    tables = [root / "labels.csv", *(root / name for name in _OFFICIAL_TABLES)]
    path = next((table for table in tables if table.is_file()), None)
    if path is None:
        raise FileNotFoundError(
            f"{root} holds no HAM10000: it has neither labels.csv nor HAM10000_metadata.csv."
        )
    table = read_table(path, ("image_id", "lesion_id", "dx"))
    table["image"] = _image_paths(root, table["image_id"])
    table["label"] = table["dx"]
    table["source"] = table.get("dataset", "ham10000")
    return Manifest(table, tuple(HAM10000), origin=path, file_columns={"label": "dx"})


def _image_paths(root, image_ids):
    first, second = (root / name for name in _OFFICIAL_FOLDERS)
    if not first.is_dir() and not second.is_dir():
        return [str(root / "images" / f"{image_id}.jpg") for image_id in image_ids]
    in_second = {path.stem for path in second.glob("*.jpg")}
    return [str((second if i in in_second else first) / f"{i}.jpg") for i in image_ids]
