"""PAD-UFES-20: Pacheco et al., Data in Brief 2020, doi:10.1016/j.dib.2020.106221."""

from skinkeras.datasets.image_index import ImageIndex
from skinkeras.datasets.manifest import Manifest
from skinkeras.datasets.metadata import as_labels, fitzpatrick
from skinkeras.datasets.tables import find_table, read_table
from skinkeras.datasets.taxonomy import PAD_UFES

_COLUMNS = ("img_id", "patient_id", "lesion_id", "diagnostic")
_FOLDERS = ("images/imgs_part_1", "images/imgs_part_2", "images/imgs_part_3", "images")


def pad_ufes(root):
    """Reads PAD-UFES-20: six diagnoses, photographed with smartphones.

    Args:
        root: folder with `metadata.csv` and the images, in any folders below it.

    Returns:
        `Manifest`; a diagnosis that was not confirmed by a biopsy is one of a consensus of dermatologists.
        Whether the images are there is not checked: see `check_images`.

    Raises:
        FileNotFoundError: there is no such table.
        ValueError: an unknown diagnosis; the sentence names the line.
    """
    path = find_table(root, ("metadata",), _COLUMNS, "PAD-UFES-20")
    table = read_table(path, _COLUMNS)
    table = table.assign(
        image_id=table["img_id"],
        image=ImageIndex(root).paths(table["img_id"], _FOLDERS),
        label=as_labels(table["diagnostic"], PAD_UFES, path, "diagnostic"),
        source="pad_ufes",
        site=table.get("region", table["img_id"].map(lambda _: None)),
        sex=table.get("gender"),
    )
    table["site"] = table["site"].str.lower()
    if "biopsed" in table:
        biopsied = table["biopsed"].str.lower()
        table["confirmed_by"] = biopsied.map({"true": "histopathology", "false": "consensus"})
    if "fitspatrick" in table:  # as the file spells it
        table["skin_tone"] = fitzpatrick(table["fitspatrick"])
    file_columns = {"image_id": "img_id", "sex": "gender", "site": "region"}
    notes = [f"PAD-UFES-20, from {path}."]
    return Manifest(table, sorted(set(PAD_UFES.values())), path, file_columns, notes=notes, root=str(root))
