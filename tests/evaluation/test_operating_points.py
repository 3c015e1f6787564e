"""The table of operating points, and what a threshold is worth on other images."""

import subprocess
import sys

import numpy as np
import pytest

from skinkeras.evaluation import choose_threshold, measured_point, operating_points, wilson
from skinkeras.operating_points import OPERATING_POINTS, parse_operating_point


def levels(*values):
    return np.array(values) / 256


def simulated(n=2000, seed=0):
    rng = np.random.default_rng(seed)
    log_odds = rng.normal(-2, 2, n)
    probabilities = 1 / (1 + np.exp(-log_odds))
    return (rng.random(n) < probabilities).astype(int), probabilities


def test_every_row_is_found_by_its_name():
    for name, row in OPERATING_POINTS.items():
        assert parse_operating_point(name) is row and row.name == name and row.title
    assert next(iter(OPERATING_POINTS)) == "balanced_accuracy"
    assert [row.needs_validation for row in OPERATING_POINTS.values()] == [True, True, True, False]


def test_numbers_in_names():
    assert parse_operating_point("cost_20").value == 20
    assert parse_operating_point("cost_0.5").title == "lowest cost if a miss costs 0.5 times a false alarm"
    assert parse_operating_point("cost_20.0").name == "cost_20"
    assert parse_operating_point("sensitivity_97.5").value == 0.975
    assert parse_operating_point("specificity_90").value == 0.9


@pytest.mark.parametrize(
    "name",
    [
        "cost_0",
        "cost_0.0001",
        "cost_1e9",
        "cost_-1",
        "cost_nan",
        "cost_inf",
        "cost_R",
        "cost_",
        "cost",
        "sensitivity_101",
        "sensitivity_0",
        "fixed_0.4",
        "f1",
        "",
        None,
    ],
)
def test_other_names_are_refused_in_a_sentence(name):
    with pytest.raises(ValueError, match=r"perating point .*\.$") as refusal:
        parse_operating_point(name)
    assert str(refusal.value).count("\n") == 0 and "Traceback" not in str(refusal.value)


def test_the_table_is_light_to_import():
    code = (
        "import sys, skinkeras.operating_points; assert not {'numpy', 'pandas', 'sklearn'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("percent", [90, 95, 97.5, 100])
def test_a_sensitivity_is_reached_and_the_next_threshold_misses_it(percent):
    labels, scores = simulated()
    threshold = choose_threshold(labels, scores, f"sensitivity_{percent:g}")
    rounded = np.floor(scores * 256 + 0.5) / 256
    assert np.mean(rounded[labels == 1] >= threshold) >= percent / 100
    above = min(score for score in rounded[(labels == 1) & (rounded >= threshold)])
    assert np.mean(rounded[labels == 1] > above) < percent / 100
    # Between the threshold and the next malignant image no benign one could have been spared.
    assert not np.any((labels == 0) & (rounded >= threshold) & (rounded < above))


def test_nineteen_of_twenty_are_ninety_five_percent():
    labels, scores = [0] + [1] * 20, levels(50, 10, *range(100, 119))
    assert choose_threshold(labels, scores, "sensitivity_95") > 50 / 256


def test_a_cost_ratio_by_hand():
    labels, scores = [0, 0, 1, 0, 0, 1], levels(10, 20, 30, 40, 50, 60)
    # Above 50: one miss, no false alarm. Above 20: no miss, two false alarms.
    assert choose_threshold(labels, scores, "cost_1.9") == 54.5 / 256
    assert choose_threshold(labels, scores, "cost_2") == 24.5 / 256  # a tie goes to the lower
    assert choose_threshold(labels, scores, "cost_30") == 24.5 / 256


@pytest.mark.parametrize("ratio", [1, 4, 9, 19])
def test_calibrated_probabilities_lead_to_the_threshold_of_decision_theory(ratio):
    labels, scores = simulated(60_000)
    assert choose_threshold(labels, scores, f"cost_{ratio}") == pytest.approx(1 / (1 + ratio), abs=0.04)


def test_rounding_scores_to_int8_changes_no_decision():
    labels, scores = simulated()
    int8 = np.clip(np.round(scores * 256), 0, 255).astype(np.float32) / 256
    for threshold in operating_points(
        labels, scores, ["balanced_accuracy", "sensitivity_95", "cost_10"]
    ).values():
        assert threshold * 256 % 1 == 0.5
        np.testing.assert_array_equal(int8 >= threshold, scores >= threshold)


def test_several_points_keep_their_order():
    labels, scores = simulated()
    names = ["sensitivity_90", "cost_10", "fixed_0.5", "sensitivity_95"]
    points = operating_points(labels, scores, names)
    assert list(points) == names and points["fixed_0.5"] == 0.5
    assert points["sensitivity_95"] < points["sensitivity_90"]


def test_a_sensitivity_of_validation_images_is_about_that_of_others():
    """The mean that the docstring states: (m - k) / (m + 1)."""
    reached = []
    new_labels, new_scores = simulated(20_000, seed=99)
    for seed in range(300):
        labels, scores = simulated(600, seed)
        malignant = np.flatnonzero(labels == 1)[:100]
        kept = np.r_[np.flatnonzero(labels == 0), malignant]
        threshold = choose_threshold(labels[kept], scores[kept], "sensitivity_95")
        reached.append(np.mean(new_scores[new_labels == 1] >= threshold))
    assert np.mean(reached) == pytest.approx(95 / 101, abs=0.01)
    assert np.mean((np.array(reached) > 0.887) & (np.array(reached) < 0.978)) > 0.88


def test_a_measured_point_by_hand():
    labels = [0] * 6 + [1] * 4
    scores = [0.1, 0.1, 0.2, 0.3, 0.6, 0.7, 0.2, 0.6, 0.8, 0.9]
    point = measured_point(labels, scores, 0.5)
    assert point["called_malignant"] == 5 and point["prevalence"] == 0.4
    assert point["malignant_recall"] == pytest.approx(3 / 4)
    assert point["benign_recall"] == pytest.approx(4 / 6)
    assert point["positive_predictive_value"] == pytest.approx(3 / 5)
    assert point["negative_predictive_value"] == pytest.approx(4 / 5)
    assert point["false_alarms_per_detection"] == pytest.approx(2 / 3)
    assert point["malignant_recall_interval"] == wilson(3, 4)
    low, high = wilson(3, 5)
    assert point["false_alarms_per_detection_interval"] == pytest.approx((1 / high - 1, 1 / low - 1))


def test_a_point_without_a_detection_or_an_alarm():
    nothing = measured_point([0, 0, 1], [0.1, 0.1, 0.2], 0.5)
    assert nothing["positive_predictive_value"] is nothing["false_alarms_per_detection"] is None
    assert nothing["false_alarms_per_detection_interval"] is None
    wrong = measured_point([0, 0, 1], [0.1, 0.9, 0.2], 0.5)
    assert wrong["positive_predictive_value"] == 0 and wrong["false_alarms_per_detection"] is None
    assert wrong["false_alarms_per_detection_interval"][1] is None


def test_images_of_one_lesion_widen_the_intervals():
    labels, scores = simulated(300)
    alone = measured_point(labels, scores, 0.3)
    twice = measured_point(np.r_[labels, labels], np.r_[scores, scores], 0.3, [*range(300), *range(300)])
    for name in ("malignant_recall", "positive_predictive_value", "negative_predictive_value"):
        assert twice[name] == alone[name]
        assert twice[f"{name}_interval"] == pytest.approx(alone[f"{name}_interval"], abs=0.01)
