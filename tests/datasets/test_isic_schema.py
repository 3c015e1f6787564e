"""What the reader of the ISIC Archive expects, against the archive's own schema (PyPI: isic-metadata)."""

import csv
from itertools import islice

import pytest

from skinkeras.datasets.metadata import CONFIRMATIONS, fitzpatrick

fields = pytest.importorskip("isic_metadata.fields")


def values(enumeration):
    return {str(member.value) for member in enumeration}


def test_every_confirmation_of_the_schema_has_a_name():
    assert values(fields.DiagnosisConfirmTypeEnum) <= set(CONFIRMATIONS)


def test_the_schema_has_the_image_type_that_is_read():
    assert "dermoscopic" in values(fields.ImageTypeEnum)


def test_skin_types_are_those_of_the_schema():
    import pandas as pd

    types = sorted(values(fields.FitzpatrickSkinType))
    assert fitzpatrick(pd.Series(types)).tolist() == types


def test_the_real_export_fits_the_schema(shared_data):
    from isic_metadata.metadata import MetadataBatch, MetadataRow

    with open(shared_data / "ham10000" / "metadata.csv", newline="") as file:
        rows = [
            {name: value for name, value in row.items() if value} for row in islice(csv.DictReader(file), 500)
        ]
    checked = []
    for row in rows:
        diagnosis = [row.pop(f"diagnosis_{n}") for n in range(1, 6) if f"diagnosis_{n}" in row]
        for column in ("isic_id", "attribution", "copyright_license"):
            row.pop(column)
        age = {"age": row.pop("age_approx")} if "age_approx" in row else {}
        checked.append(MetadataRow.model_validate({**row, **age, "diagnosis": ":".join(diagnosis)}))
    assert len(MetadataBatch(items=checked).items) == 500
