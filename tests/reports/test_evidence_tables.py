"""The card says where its figures come from, the weakest first."""

import json

import numpy as np
import pytest
from sample_records import LABELS, SCORES, evidence_record
from sklearn.metrics import roc_auc_score

from skinkeras import reports
from skinkeras.reports import evidence_tables


@pytest.fixture
def forms():
    return evidence_record()["repeats"][0]["forms"]


def test_the_auc_within_a_source_and_of_confirmed_images_stand_before_the_pooled_one(forms):
    # Clinic A has malignant 0.9, 0.7, 0.5 and benign 0.8, 0.6, 0.4: 6 of 9 pairs. B has malignant 0.2 and benign 0.3,
    # 0.2, 0.1: one pair won, one tied. Confirmed: 0.9, 0.7, 0.5, 0.2 against 0.8, 0.6.
    within, confirmed = 7.5 / 12, roc_auc_score(LABELS[:6], SCORES[:6])
    assert confirmed == 3 / 8
    header, _, *rows = evidence_tables.ranking_table(forms, binary=True).split("\n\n")[0].splitlines()
    assert header == "| model | ROC AUC, within a source | ROC AUC, histology only | ROC AUC, pooled |"
    cells = rows[-1].split(" | ")
    assert cells[0] == "| int8"
    assert [cell[:6] for cell in cells[1:]] == [f"{within:.3f} ", f"{confirmed:.3f} ", "0.688 "]


def test_what_is_missing_is_said_with_the_reason(forms):
    for form in forms.values():
        form["strata"]["within_source"] = {"missing": "The data set does not say where its images come from."}
    text = evidence_tables.ranking_table(forms, binary=True)
    assert "| int8 | not measured | 0.375 " in text
    assert "Within a source: not measured. The data set does not say where its images come from." in text
    for form in forms.values():
        del form["strata"]
    assert "alone, it was not measured." in evidence_tables.ranking_table(forms, binary=True)


def test_nothing_is_to_be_judged_by_figures_that_are_missing(forms):
    for form in forms.values():
        form["strata"] = {name: {"missing": "It is not known."} for name in ("within_source", "confirmed")}
    text = evidence_tables.ranking_table(forms, binary=True)
    assert (
        "counts images that nobody doubted. Within a source: not measured." in text
        and "to its left" not in text
    )


def test_a_prevalence_is_said_below_the_figures_that_it_moves(forms):
    text = evidence_tables.calibration_table(forms, 0.02)
    assert "shifted to a prevalence of 2.0 %. Of these test images 40.0 % are malignant" in text
    assert "prevalence" not in evidence_tables.calibration_table(forms)


def test_an_operating_point_that_is_not_known_here_keeps_its_name(forms):
    form = forms["int8"]
    form["operating_points"] = {"triage.v2": next(iter(form["operating_points"].values()))}
    assert "| triage.v2 | " in evidence_tables.operating_points_table(form)


def test_operating_points_with_predictive_values_and_the_band(forms):
    text = evidence_tables.operating_points_table(forms["int8"])
    # At 0.15 nine images are called malignant, four of which are; the only one below is benign.
    row = next(line for line in text.splitlines() if "at least 95 %" in line).split(" | ")
    assert [cell[:5] for cell in row[1:]] == ["0.150", "1.000", "0.167", "0.444", "1.000"]
    assert "hold where 40.0 % of the images are malignant" in text
    # Of the scores, 0.5, 0.6, 0.4 and 0.3 are in 0.25..0.65.
    assert "from 0.2500 to below 0.6500 are left undecided, these are 40.0 % of the images." in text


def test_a_band_without_scores_is_said_in_words(forms):
    form = forms["int8"]
    form["abstention"]["low"] = form["abstention"]["high"]
    assert (
        "Not sure: on the validation images the classes were far enough"
        in evidence_tables.operating_points_table(form)
    )


def test_a_diagnosis_has_a_row_and_small_groups_are_counted_only():
    details = evidence_record()["repeats"][0]["details"]
    text = evidence_tables.diagnoses_table(details["diagnoses"])
    assert "| mel | 4 | 3 | 0.750 [" in text and "| bcc | 2 | 0 | 0.000 [0.000, " in text
    text = evidence_tables.slices_section(details["slices"], binary=True)
    assert "3 groups of fewer than 10 images are not shown." not in text
    assert "| sex | female | 10 | 4 |" in text and "| source | A |" not in text
    assert "4 groups of fewer than 10 images are not shown" in text


def test_calibration_before_and_after_is_that_of_the_forms_that_have_it(forms):
    lines = evidence_tables.calibration_table(forms).splitlines()
    # In ten bins of one score each, the error is the mean of |label - score|.
    error = np.mean(np.abs(np.subtract(LABELS, SCORES)))
    assert [line[: line.index(" | ", 3)] for line in lines[-2:]] == ["| QAT, before", "| QAT, after"]
    assert f"| 1 | {0.5:.3f} |" in lines[-2] and lines[-1].startswith("| QAT, after | 1.500 | ")
    assert float(lines[-1].split(" | ")[2]) <= error


def test_every_table_is_on_the_card_and_survives_json():
    record = json.loads(json.dumps(evidence_record()))
    card = reports.model_card(record)
    for words in (
        "ROC AUC, within a source",
        "Baselines that do not look at the lesion",
        "Operating points of int8",
        "Calibration, fitted on the validation images",
        "What becomes of each diagnosis",
        "By group",
        "| source | not measured | 0.625 [0.250, 0.875] |",
    ):
        assert words in card, words
