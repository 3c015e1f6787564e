"""HAM10000: Tschandl, Rosendahl and Kittler, Sci Data 2018, doi:10.1038/sdata.2018.161."""

from skinkeras.datasets.image_index import ImageIndex
from skinkeras.datasets.manifest import Manifest
from skinkeras.datasets.metadata import as_labels
from skinkeras.datasets.tables import find_table, read_table
from skinkeras.datasets.taxonomy import HAM10000

_COLUMNS = ("image_id", "lesion_id", "dx")
# As it is published: the two halves of the images.
_FOLDERS = ("HAM10000_images_part_1", "HAM10000_images_part_2", "images")


def ham10000(root):
    """Reads HAM10000, or a part of it.

    Args:
        root: a folder with the table, `labels.csv` or `HAM10000_metadata` (also tab-separated, as the Dataverse
            hands it out), in which the columns image_id, lesion_id and dx matter, and the images in any
            folders below it; see `ImageIndex`.

    Returns:
        `Manifest` of the seven diagnoses; acquisition and `source` are the column `dataset` (the clinic and
        camera) where it has one. Whether the images are there is not checked: see `check_images`.

    Raises:
        FileNotFoundError: there is no such table.
        ValueError: an unknown diagnosis; the sentence names the line.
    """
    path = find_table(root, ("labels", "HAM10000_metadata"), _COLUMNS, "HAM10000")
    table = read_table(path, _COLUMNS)
    table["image"] = ImageIndex(root).paths(table["image_id"], _FOLDERS)
    table["label"] = as_labels(table["dx"], dict(zip(HAM10000, HAM10000, strict=True)), path, "dx")
    table["source"] = table.get("dataset", "ham10000")
    names = {"acquisition": "dataset", "site": "localization", "confirmed_by": "dx_type"}
    for column, published in names.items():
        table[column] = table.get(published)
    return Manifest(
        table,
        tuple(HAM10000),
        origin=path,
        file_columns={"label": "dx", "site": "localization"},
        notes=[f"HAM10000, from {path}."],
        root=str(root),
    )
