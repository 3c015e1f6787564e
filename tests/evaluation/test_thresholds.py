import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score, roc_curve

from skinkeras.evaluation import choose_threshold, sensitivity_at_specificity


def levels(*values):
    return np.array(values) / 256


def test_the_threshold_lies_in_the_middle_between_two_separated_classes():
    # Levels 10 and 21: the middle is 15.5, a half step already.
    assert choose_threshold([0, 0, 1, 1], levels(5, 10, 21, 30)) == 15.5 / 256
    # Levels 10 and 20: the middle, 15, is a level itself; half a step below it is none.
    assert choose_threshold([0, 0, 1, 1], levels(5, 10, 20, 30)) == 14.5 / 256


def test_a_tie_goes_to_the_lower_threshold():
    # Below 40: 2 of 2 malignant and 1 of 2 benign are right; above 60: 1 and 2 of 2. The lower misses none.
    assert choose_threshold([0, 1, 0, 1], levels(20, 40, 60, 80)) == 29.5 / 256


def test_rare_malignant_images_weigh_as_much_as_common_benign_ones():
    labels = [0] * 8 + [0, 0] + [1]
    scores = levels(*[10] * 8, 100, 100, 90)
    # Accuracy would be best above 100; balanced accuracy gains 1/2 by the one melanoma and loses 1/10.
    assert choose_threshold(labels, scores) == 49.5 / 256


def test_no_other_threshold_reaches_a_higher_balanced_accuracy():
    rng = np.random.default_rng(0)
    for _ in range(4):
        labels = (rng.random(300) < 0.15).astype(int)
        scores = np.round(255 / (1 + np.exp(-rng.normal(labels * 1.5 - 1, 1)))) / 256
        best = max(balanced_accuracy_score(labels, scores >= t) for t in np.arange(-1, 257) / 256)
        assert balanced_accuracy_score(labels, scores >= choose_threshold(labels, scores)) == pytest.approx(
            best
        )


def test_rounding_scores_to_int8_changes_no_decision():
    rng = np.random.default_rng(1)
    for _ in range(20):
        labels = (rng.random(2000) < 0.2).astype(int)
        scores = 1 / (1 + np.exp(-rng.normal(labels * 2 - 2, 1)))
        threshold = choose_threshold(labels, scores)
        int8 = np.clip(np.round(scores * 256), 0, 255).astype(np.float32) / 256
        np.testing.assert_array_equal(int8 >= threshold, scores >= threshold)
        assert choose_threshold(labels, int8) == threshold


def test_scores_that_rank_backwards_end_in_calling_everything_malignant():
    assert choose_threshold([0, 0, 1, 1], [0.9, 0.8, 0.2, 0.1]) <= 0.1
    assert choose_threshold([0, 1], [0.0, 0.0]) == 0.0


def test_saturated_scores_stay_above_the_threshold():
    threshold = choose_threshold([0, 0, 1, 1], [0.0, 0.999, 1.0, 1.0])
    assert threshold == 127.5 / 256  # 0.999 and 1.0 are one int8 level, 255


def test_sensitivity_at_ninety_percent_specificity_by_hand():
    # Ten benign images at 0..9, so one false alarm is allowed; malignant ones at 4, 8.5, 9.5 and 12.
    labels = [0] * 10 + [1] * 4
    scores = np.array([*range(10), 4, 8.5, 9.5, 12]) / 20
    assert sensitivity_at_specificity(labels, scores, 0.9) == pytest.approx(3 / 4)
    assert sensitivity_at_specificity(labels, scores, 1.0) == pytest.approx(2 / 4)
    assert sensitivity_at_specificity(labels, scores, 0.0) == 1.0


def test_the_criterion_with_a_specificity_floor_reaches_what_the_roc_curve_offers():
    rng = np.random.default_rng(2)
    labels = (rng.random(500) < 0.3).astype(int)
    scores = np.round(255 / (1 + np.exp(-rng.normal(labels * 1.5 - 1, 1)))) / 256
    chosen = scores >= choose_threshold(labels, scores, "specificity_90")
    x, y, _ = roc_curve(labels, scores, drop_intermediate=False)
    assert chosen[labels == 0].mean() <= 0.1
    assert chosen[labels == 1].mean() == pytest.approx(y[x <= 0.1].max())
    assert chosen[labels == 1].mean() == pytest.approx(sensitivity_at_specificity(labels, scores, 0.9))


def test_bad_settings_are_refused():
    with pytest.raises(ValueError, match="no operating point 'f1'"):
        choose_threshold([0, 1], [0.1, 0.9], "f1")
    with pytest.raises(ValueError, match="specificity=90"):
        sensitivity_at_specificity([0, 1], [0.1, 0.9], 90)
    with pytest.raises(ValueError, match="malignant"):
        choose_threshold([0, 0], [0.1, 0.9])
