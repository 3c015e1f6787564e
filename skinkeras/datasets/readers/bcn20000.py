"""BCN20000: Hernández-Pérez et al., Sci Data 2024, doi:10.1038/s41597-024-03387-w."""

from skinkeras.datasets.image_index import ImageIndex
from skinkeras.datasets.manifest import Manifest
from skinkeras.datasets.metadata import as_labels
from skinkeras.datasets.tables import find_table, header, read_table
from skinkeras.datasets.taxonomy import ISIC2019

_COLUMNS = ("bcn_filename", "diagnosis")
_LABELS = {**ISIC2019, "OOD": "unk"}


def bcn20000(root):
    """Reads the training images of BCN20000: eight diagnoses.

    Args:
        root: folder with `bcn_20k_train.csv` and the images, in any folders below it.

    Returns:
        `Manifest`; images without a diagnosis, such as those of the challenge's test, are left out, and its
        notes count them. Whether the images are there is not checked: see `check_images`.

    Raises:
        FileNotFoundError: there is no such table.
        ValueError: an unknown diagnosis; the sentence names the line. Or the ISIC Archive's table, which another
            reader takes.
    """
    names = ("bcn_20k_train", "bcn20000*", "bcn_20000*")
    path = find_table(root, names, _COLUMNS, "BCN20000")
    if "bcn_filename" not in header(path) and "isic_id" in header(path):
        raise ValueError(f"{path} is the ISIC Archive's table of BCN20000: read it with --data isic_archive.")
    table = read_table(path, _COLUMNS)
    notes = [f"BCN20000, from {path}."]
    known = table["diagnosis"].notna()
    if not known.all():
        notes.append(f"{int((~known).sum()):,} images have no diagnosis and are left out.")
    table = table[known]
    names = table["bcn_filename"]
    table = table.assign(
        image_id=names.str.rsplit(".", n=1).str[0],
        image=ImageIndex(root).paths(names.tolist(), ("BCN_20k_train/bcn_20k_train", "bcn_20k_train", "")),
        label=as_labels(table["diagnosis"], _LABELS, path, "diagnosis"),
        source="bcn20000",
        acquisition="Hospital Clínic de Barcelona",
        age=table.get("age_approx"),
        site=table.get("anatom_site_general"),
    )
    # Its column split tells the challenge's training images from its test images, which have no labels.
    table = table.drop(columns="split", errors="ignore")
    classes = [name for name in ISIC2019.values() if name != "unk" or (table["label"] == "unk").any()]
    file_columns = {"image_id": "bcn_filename", "age": "age_approx"}
    return Manifest(table, classes, path, file_columns, notes=notes, root=str(root))
