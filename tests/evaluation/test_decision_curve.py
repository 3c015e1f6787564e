import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from skinkeras.evaluation import (
    confusion_by_diagnosis,
    net_benefit,
    precision_recall,
    sensitivity_at,
    wilson,
)

LABELS = [0, 0, 0, 0, 0, 0, 1, 0, 1, 1, 0, 1]
PROBABILITIES = [0.02, 0.05, 0.10, 0.15, 0.20, 0.30, 0.35, 0.40, 0.55, 0.60, 0.70, 0.90]
THRESHOLDS = [0.05, 0.1, 0.2, 0.35, 0.5]


# dcurves 1.1.7: dca(data, outcome, modelnames, thresholds, prevalence), column net_benefit.
@pytest.mark.parametrize(
    ("prevalence", "model", "everybody"),
    [
        (
            None,
            [0.302632, 0.277778, 0.250000, 0.243590, 0.166667],
            [0.298246, 0.259259, 0.166667, -0.025641, -0.333333],
        ),
        (
            0.05,
            [0.006250, -0.029167, -0.068750, -0.077885, -0.081250],
            [0.0, -0.055556, -0.187500, -0.461538, -0.9],
        ),
    ],
)
def test_net_benefit_is_that_of_dcurves(prevalence, model, everybody):
    curve = net_benefit(LABELS, PROBABILITIES, THRESHOLDS, prevalence)
    assert curve["threshold"] == THRESHOLDS
    assert curve["model"] == pytest.approx(model, abs=1e-6)
    assert curve["all"] == pytest.approx(everybody, abs=1e-6)
    assert curve["none"] == [0.0] * 5


def test_a_perfect_model_is_worth_the_prevalence_at_every_threshold():
    curve = net_benefit([0, 0, 0, 1], [0.0, 0.0, 0.0, 1.0])
    assert curve["model"] == pytest.approx([0.25] * 50)


def test_precision_and_recall_end_at_the_prevalence_and_at_nothing():
    curve = precision_recall(LABELS, PROBABILITIES)
    assert curve["recall"][0] == 1 and curve["precision"][0] == pytest.approx(4 / 12)
    assert (curve["recall"][-1], curve["precision"][-1]) == (0, 1)
    assert curve["prevalence"] == pytest.approx(4 / 12)
    assert curve["average_precision"] == average_precision_score(LABELS, PROBABILITIES)


def test_sensitivity_at_several_specificities_by_hand():
    rows = sensitivity_at(LABELS, PROBABILITIES, (0.75, 0.8, 1.0))
    # Eight benign images: two false alarms allowed, then one, then none.
    assert [row["sensitivity"] for row in rows] == [1.0, 0.75, 0.25]
    assert rows[1]["interval"] == wilson(3, 4)
    assert [row["specificity"] for row in sensitivity_at(LABELS, PROBABILITIES)] == [0.8, 0.9, 0.95]


def test_what_became_of_each_diagnosis():
    diagnoses = ["nevus"] * 5 + ["basal cell carcinoma"] * 3 + ["melanoma"] * 3
    flagged = [True, False, False, False, False, True, True, False, True, True, True]
    rows = confusion_by_diagnosis(diagnoses, flagged)
    assert [(row["diagnosis"], row["n"], row["called_malignant"]) for row in rows] == [
        ("nevus", 5, 1),
        ("basal cell carcinoma", 3, 2),
        ("melanoma", 3, 3),
    ]
    assert rows[1]["share"] == pytest.approx(2 / 3) and rows[1]["interval"] == wilson(2, 3)
    lesions = ["a"] * 5 + ["b"] * 3 + ["c", "d", "e"]
    assert confusion_by_diagnosis(diagnoses, flagged, lesions)[1]["interval"][0] < rows[1]["interval"][0]


def test_bad_values_are_refused():
    for thresholds in ([0.0], [1.0], [np.nan]):
        with pytest.raises(ValueError, match="thresholds must be above 0"):
            net_benefit(LABELS, PROBABILITIES, thresholds)
    with pytest.raises(ValueError, match="prevalence must be above 0"):
        net_benefit(LABELS, PROBABILITIES, prevalence=1.0)
    with pytest.raises(ValueError, match="same length"):
        confusion_by_diagnosis(["nevus"], [True, False])
