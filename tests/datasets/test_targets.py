"""What a binary model looks for, in words."""

import pytest

from skinkeras.datasets import DATASETS, malignancy_of, target_of
from skinkeras.datasets.targets import MALIGNANCY


@pytest.mark.parametrize(
    ("data", "positive", "title", "others"),
    [
        ("ham10000", ["mel"], "melanoma", ("basal cell carcinoma",)),
        ("ham10000", ["MEL"], "melanoma", ("basal cell carcinoma",)),
        ("ham10000", ["bcc", "mel"], "basal cell carcinoma or melanoma", ()),
        ("isic2019", ["mel"], "melanoma", ("basal cell carcinoma", "squamous cell carcinoma")),
        ("isic2020", ["malignant"], "melanoma", ("basal cell carcinoma", "squamous cell carcinoma")),
        ("pad_ufes", ["bcc", "mel", "scc"], "basal cell carcinoma, melanoma or squamous cell carcinoma", ()),
        ("isic_archive", ["Malignant"], "malignant lesions", ()),
        ("folder", ["bad", "worse"], 'lesions labelled "bad" or "worse"', ()),
    ],
)
def test_the_target_is_named_and_so_are_the_cancers_that_are_not_looked_for(data, positive, title, others):
    target = target_of(DATASETS[data], positive)
    assert (target.title, target.not_looked_for) == (title, others)


def test_the_default_target_of_every_data_set_has_a_name():
    for name, row in DATASETS.items():
        target = target_of(row, row.positive)
        assert target.title and '"' not in target.title, name


def test_every_diagnosis_with_a_title_is_known_or_mixed():
    titled = {name for row in DATASETS.values() for name in row.class_titles}
    assert titled - set(MALIGNANCY) == {"misc", "unk"}


def test_a_class_of_an_unknown_data_set_is_not_marked():
    assert malignancy_of(DATASETS["ham10000"], ["mel", "nv", "other"]) == {"mel": "malignant", "nv": "benign"}
    assert malignancy_of(DATASETS["folder"], ["mel", "nv"]) == {}
