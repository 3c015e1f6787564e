"""What speaks against using a model at all: on the card in large, and in the way of a release."""

import json

import pytest

from skinkeras import evaluation
from skinkeras.files.writing import json_text
from skinkeras.reports import unfit_forms
from skinkeras.reports.card import model_card

# Fifty malignant images of a hundred, each scored right.
LABELS = [0] * 50 + [1] * 50
SCORES = [i / 200 for i in range(50)] + [0.6 + i / 200 for i in range(50)]


def measured(record, threshold, scores=SCORES):
    """The record with an int8 file of these scores at this threshold."""
    metrics = evaluation.binary_metrics(LABELS, scores, threshold, bootstrap=100)
    point = {**record["operating_point"], "threshold": threshold, "chosen_by": "int8"}
    record["repeats"][0]["forms"] = {
        "int8": {"metrics": json.loads(json_text(metrics)), "operating_point": point}
    }
    return record


def test_a_threshold_that_calls_everything_malignant_is_named(binary):
    (reasons,) = unfit_forms(measured(binary, 0.0)).values()
    assert reasons == [
        "At its threshold it names no benign test image correctly.",
        "At its threshold it names every malignant test image correctly.",
    ]


def test_a_threshold_that_calls_everything_benign_is_named(binary):
    # What was once released: a float16 file at the threshold of the integers.
    assert unfit_forms(measured(binary, 0.99))["int8"][1] == (
        "At its threshold it names no malignant test image correctly."
    )


def test_an_interval_of_the_auc_that_includes_a_half_is_named(binary):
    guessing = [((37 * i) % 101) / 101 for i in range(100)]
    (reasons,) = unfit_forms(measured(binary, 0.5, guessing)).values()
    assert "includes 0.5 or lies below" in reasons[-1]


def test_a_sound_model_has_nothing_against_it(binary):
    mixed = [0.9 if i == 3 else 0.1 if i == 60 else score for i, score in enumerate(SCORES)]
    record = measured(binary, 0.54, mixed)
    assert unfit_forms(record) == {}
    assert "Not fit for use" not in model_card(record)


@pytest.mark.parametrize("threshold", [0.0, 0.99])
def test_the_card_says_it_before_anything_else(binary, threshold):
    card = model_card(measured(binary, threshold))
    assert "Not fit for use" in card.split("## ")[0]


def test_a_class_that_is_never_named_is_said(diagnosis):
    metrics = diagnosis["repeats"][0]["forms"]["float"]["metrics"]
    metrics["confusion_matrix"] = [[1, 0, 1], [2, 0, 0], [0, 0, 3]]
    metrics["macro_auc_interval"] = [0.7, 0.9]
    assert unfit_forms(diagnosis)["float"] == ["It never names nv."]


def test_a_class_that_is_never_named_is_text_and_no_markup(diagnosis):
    metrics = diagnosis["repeats"][0]["forms"]["float"]["metrics"]
    metrics["confusion_matrix"] = [[1, 0, 1], [2, 0, 0], [0, 0, 3]]
    metrics["classes"] = ["mel", "<b>[nv](x)", "vasc"]
    assert "It never names &lt;b&gt;\\[nv\\](x)." in model_card(diagnosis).split("## ")[0]


def test_a_model_that_guesses_within_a_source_is_named_though_its_pooled_auc_is_good(binary):
    record = measured(binary, 0.55, [*SCORES[:49], 0.9, 0.1, *SCORES[51:]])  # one mistake of each kind
    assert unfit_forms(record) == {}
    within = {"roc_auc": 0.6, "roc_auc_interval": [0.46, 0.73], "n": 100, "sources": 2}
    form = record["repeats"][0]["forms"]["int8"]
    form["strata"] = {"within_source": within, "confirmed": {"missing": "Nobody knows."}}
    (reasons,) = unfit_forms(record).values()
    assert reasons == [
        "The interval of its AUC within a source, 0.460 to 0.730, includes 0.5 or lies below: it may be guessing."
    ]
    within["roc_auc_interval"] = [0.51, 0.73]
    assert unfit_forms(record) == {}


def test_what_was_not_measured_is_no_reason_to_ship(binary):
    mixed = [0.9 if i == 3 else 0.1 if i == 60 else score for i, score in enumerate(SCORES)]
    metrics = measured(binary, 0.54, mixed)["repeats"][0]["forms"]["int8"]["metrics"]
    metrics.update(malignant_recall=None, roc_auc=0.5, roc_auc_interval=None)
    assert unfit_forms(binary)["int8"] == [
        "No test image is malignant, and so nothing is known of how it answers to one.",
        "Its AUC is 0.500, no better than guessing.",
    ]
