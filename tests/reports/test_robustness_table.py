"""What the card says of disturbed test images, and which rows a record takes."""

import copy

import pytest

from skinkeras.reports import model_card
from skinkeras.reports.evidence_tables import robustness_table
from skinkeras.reports.record import check_record

FIRST = {
    "name": "undisturbed",
    "title": "undisturbed",
    "severity": None,
    "n": 1200,
    "roc_auc": 0.9,
    "roc_auc_interval": [0.88, 0.92],
    "roc_auc_change": None,
    "roc_auc_change_interval": None,
    "malignant_recall": 0.8,
    "malignant_recall_interval": [0.7, 0.87],
    "benign_recall": 0.75,
    "benign_recall_interval": [0.72, 0.78],
    "changed": None,
    "changed_interval": None,
    "mean_shift": None,
}
BLURRED = FIRST | {
    "name": "defocus",
    "title": "out of focus",
    "severity": 0.015,
    "roc_auc": 0.85,
    "roc_auc_change": -0.05,
    "roc_auc_change_interval": [-0.08, -0.02],
    "changed": 0.125,
    "changed_interval": [0.1, 0.15],
    "mean_shift": -0.02,
}
NOISY = BLURRED | {
    "name": "noise",
    "title": "noise",
    "roc_auc": 0.89,
    "roc_auc_change": -0.01,
    "changed": 0.2,
}


def test_the_table_says_first_what_is_worst():
    text, table = robustness_table([FIRST, BLURRED, NOISY]).split("\n\n")
    assert text.startswith("1,200 of these images")
    assert "The ROC AUC is lowest with out of focus: 0.850" in text
    assert "Most decisions change with noise: 20.0 % [10.0, 15.0]" in text
    lines = table.splitlines()
    assert lines[2].split(" | ")[1:3] == ["0.900 [0.880, 0.920]", ""] and lines[2].endswith("|  |")
    assert "| -0.050 [-0.080, -0.020] |" in lines[3] and lines[3].endswith("| 12.5 % [10.0, 15.0] |")


@pytest.mark.parametrize("rows", [None, [], [FIRST]])
def test_what_was_not_measured_has_no_table(rows):
    assert robustness_table(rows) == ""


def test_the_card_shows_it_of_the_form_that_ships(binary):
    assert "Robustness" not in model_card(binary)
    card = model_card(binary | {"robustness": [FIRST, BLURRED]})
    assert "Robustness of int8. 1,200 of these images" in card and "| out of focus | 0.850" in card


def test_a_record_takes_such_rows_and_no_others(binary):
    check_record(binary | {"robustness": [FIRST, BLURRED]})
    for key, value in (
        ("roc_auc", 1.5),
        ("changed", -0.1),
        ("roc_auc_interval", [0.1]),
        ("title", 3),
        ("fog", 1),
    ):
        wrong = copy.deepcopy([FIRST, BLURRED])
        wrong[1][key] = value
        with pytest.raises(ValueError, match="robustness"):
            check_record(binary | {"robustness": wrong})
    with pytest.raises(ValueError, match="robustness"):
        check_record(binary | {"robustness": [{**FIRST, "roc_auc": None}, BLURRED]})


def test_several_classes():
    def row(row):
        renamed = {
            key.replace("roc_auc", "macro_auc"): value for key, value in row.items() if "recall" not in key
        }
        return renamed | {"balanced_accuracy": 0.7, "balanced_accuracy_interval": [0.6, 0.8]}

    assert "| disturbance | mean AUC | change of the mean AUC | balanced accuracy |" in robustness_table(
        [row(FIRST), row(BLURRED)]
    )
