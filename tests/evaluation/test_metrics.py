import dataclasses
import json

import numpy as np
import pytest
from scipy.special import expit, logit
from scipy.stats import binom, binomtest
from sklearn import metrics as sk

from skinkeras.evaluation import binary_metrics, expected_calibration_error

# Four malignant, six benign. At 0.5: TP 3, FN 1, FP 2, TN 4 (0.5 itself counts as malignant).
LABELS = np.array([1, 1, 1, 1, 0, 0, 0, 0, 0, 0])
SCORES = np.array([0.9, 0.7, 0.5, 0.2, 0.8, 0.6, 0.4, 0.3, 0.2, 0.1])


def normal_scores(n_benign, n_malignant, shift=1.5, seed=0):
    rng = np.random.default_rng(seed)
    labels = np.repeat([0, 1], [n_benign, n_malignant])
    return labels, 1 / (1 + np.exp(-rng.normal(shift * labels, 1)))


def width(interval):
    return interval[1] - interval[0]


def test_counts_and_rates_by_hand():
    m = binary_metrics(LABELS, SCORES, bootstrap=50)
    assert m.confusion_matrix == ((4, 2), (1, 3))
    assert (m.n, m.n_malignant, m.n_groups, m.threshold) == (10, 4, 10, 0.5)
    assert m.accuracy == pytest.approx(7 / 10)
    assert m.malignant_recall == pytest.approx(3 / 4)
    assert m.benign_recall == pytest.approx(4 / 6)
    assert m.miss_rate == pytest.approx(1 / 4)
    assert m.false_alarm_rate == pytest.approx(2 / 6)
    assert m.balanced_accuracy == pytest.approx((3 / 4 + 4 / 6) / 2)
    # Pairs won of 24: 0.9 beats 6, 0.7 beats 5, 0.5 beats 4, 0.2 beats one and ties with one.
    assert m.roc_auc == pytest.approx((6 + 5 + 4 + 1.5) / 24)
    # Squared errors: .01 .09 .25 .64 .64 .36 .16 .09 .04 .01
    assert m.brier_score == pytest.approx(0.229)
    # No false alarm of six is allowed at 90 %: only 0.9 lies above every benign score.
    assert m.sensitivity_at_90_specificity == pytest.approx(1 / 4)


def test_another_threshold_moves_the_recalls_and_not_the_ranking():
    half, low = (
        binary_metrics(LABELS, SCORES, bootstrap=50),
        binary_metrics(LABELS, SCORES, 0.15, bootstrap=50),
    )
    assert low.confusion_matrix == ((1, 5), (0, 4))
    assert (low.roc_auc, low.roc_auc_interval) == (half.roc_auc, half.roc_auc_interval)


def test_calibration_error_by_hand():
    # One bin of two images at 0.2 with none malignant, one of two at 0.7 with both: (2 * 0.2 + 2 * 0.3) / 4.
    assert expected_calibration_error([0, 0, 1, 1], [0.2, 0.2, 0.7, 0.7], bins=10) == pytest.approx(0.25)
    assert expected_calibration_error([0, 1], [0.0, 1.0]) == 0.0


def test_a_calibrated_model_has_a_small_calibration_error_and_a_shifted_one_the_shift():
    rng = np.random.default_rng(1)
    p = rng.uniform(0, 0.8, 200_000)
    labels = (rng.random(200_000) < p).astype(int)
    assert expected_calibration_error(labels, p) < 0.01
    assert expected_calibration_error(labels, p + 0.15) == pytest.approx(0.15, abs=0.01)


def resampled_aucs(labels, scores, times):
    """Scikit-learn's AUCs of images that are drawn with replacement within each class."""
    rng = np.random.default_rng(7)
    members = [np.flatnonzero(labels == value) for value in (0, 1)]
    draws = (np.concatenate([rng.choice(rows, len(rows)) for rows in members]) for _ in range(times))
    return [sk.roc_auc_score(labels[rows], scores[rows]) for rows in draws]


def test_the_auc_interval_is_that_of_scikit_learns_standard_error_on_the_logit_scale():
    labels, scores = normal_scores(150, 50)
    scores = scores.round(1)  # many ties
    auc = sk.roc_auc_score(labels, scores)
    error = np.std(resampled_aucs(labels, scores, 500)) * (50 / 49) ** 0.5 / (auc * (1 - auc))
    expected = expit(logit(auc) + 1.96 * error * np.array([-1, 1]))
    m = binary_metrics(labels, scores, bootstrap=4000)
    assert m.roc_auc == pytest.approx(auc)
    np.testing.assert_allclose(m.roc_auc_interval, expected, atol=0.008)


@pytest.mark.parametrize("threshold", [0.05, 0.6])
def test_recall_intervals_are_scipys_wilson(threshold):
    labels, scores = normal_scores(150, 50)
    m = binary_metrics(labels, scores, threshold, bootstrap=1)
    (tn, fp), (fn, tp) = m.confusion_matrix
    for right, wrong, found in (
        (tp, fn, m.malignant_recall_interval),
        (tn, fp, m.benign_recall_interval),
    ):
        expected = binomtest(right, right + wrong).proportion_ci(method="wilson")
        assert found == pytest.approx((expected.low, expected.high))


def test_the_interval_of_balanced_accuracy_is_newcombes_of_a_difference():
    # Newcombe 1998, Interval estimation for the difference between independent proportions, method 10: 56 of 70 less
    # 48 of 80 is 0.0524 to 0.3339. As recall less false alarm rate, that is twice the balanced accuracy less 1.
    labels = np.repeat([1, 1, 0, 0], [56, 14, 48, 32])
    scores = np.repeat([0.9, 0.1, 0.8, 0.2], [56, 14, 48, 32])
    low, high = binary_metrics(labels, scores, bootstrap=1).balanced_accuracy_interval
    assert (2 * low - 1, 2 * high - 1) == pytest.approx((0.0524, 0.3339), abs=5e-5)


def test_without_an_error_no_interval_is_certain():
    m = binary_metrics(
        [0] * 40 + [1] * 19, [0.1] * 40 + [0.9] * 19, groups=list(range(40)) + ["a"] * 9 + ["b"] * 10
    )
    # Two lesions of nine and ten images count as 19^2 / (9^2 + 10^2) independent images: n / (n + z^2).
    n = 361 / 181
    assert m.malignant_recall_interval == pytest.approx((n / (n + 1.959964**2), 1))
    assert m.benign_recall_interval == pytest.approx((40 / (40 + 1.959964**2), 1))
    assert m.roc_auc_interval == pytest.approx((2 / (2 + 1.959964**2), 1))
    assert m.balanced_accuracy_interval[0] < 0.7


def test_auc_interval_has_the_width_that_delong_gives():
    labels, scores = normal_scores(400, 200)
    malignant, benign = scores[labels == 1], scores[labels == 0]
    wins = malignant[:, None] > benign[None]  # no ties among these
    # DeLong et al. 1988: the variance of the mean of each image's own share of pairs won.
    variance = wins.mean(axis=1).var(ddof=1) / 200 + wins.mean(axis=0).var(ddof=1) / 400
    assert width(binary_metrics(labels, scores).roc_auc_interval) == pytest.approx(
        3.92 * variance**0.5, rel=0.1
    )


def test_recall_interval_has_the_width_of_a_binomial_share():
    labels, scores = normal_scores(900, 300)
    m = binary_metrics(labels, scores, 0.6)
    for recall, interval, n in (
        (m.malignant_recall, m.malignant_recall_interval, 300),
        (m.benign_recall, m.benign_recall_interval, 900),
    ):
        assert width(interval) == pytest.approx(3.92 * (recall * (1 - recall) / n) ** 0.5, rel=0.1)


def test_auc_intervals_cover_the_truth_about_19_times_in_20():
    # Two normals 1.5 apart: AUC = Phi(1.5 / sqrt(2)) = 0.8556.
    intervals = [
        binary_metrics(*normal_scores(100, 60, seed=seed), bootstrap=400).roc_auc_interval
        for seed in range(150)
    ]
    covered = np.mean([low <= 0.8556 <= high for low, high in intervals])
    assert 0.88 <= covered <= 0.99


def test_recall_intervals_of_few_images_cover_the_truth():
    # Twenty malignant images, of which a model finds each with a probability of 0.95: in 36 % of such sets it finds
    # all, and a percentile interval [1, 1] misses the truth.
    covered = 0
    for found in range(21):
        scores = np.repeat([0.9, 0.1], [found, 21 - found])
        low, high = binary_metrics([1] * 20 + [0], scores, bootstrap=1).malignant_recall_interval
        covered += binom.pmf(found, 20, 0.95) * (low <= 0.95 <= high)
    assert 0.92 <= covered <= 0.99


def test_intervals_hold_the_estimate_and_depend_on_the_seed_only():
    labels, scores = normal_scores(100, 40)
    m = binary_metrics(labels, scores)
    for name in ("roc_auc", "benign_recall", "malignant_recall", "balanced_accuracy"):
        low, high = getattr(m, f"{name}_interval")
        assert 0 <= low <= getattr(m, name) <= high <= 1
    assert binary_metrics(labels, scores) == m
    assert binary_metrics(labels, scores, seed=1).roc_auc_interval != m.roc_auc_interval


def test_copies_of_an_image_in_one_lesion_add_no_certainty():
    labels, scores = normal_scores(150, 60)
    alone = binary_metrics(labels, scores)
    labels, scores, lesions = np.tile(labels, 4), np.tile(scores, 4), np.tile(np.arange(210), 4)
    grouped = binary_metrics(labels, scores, groups=lesions)
    by_image = binary_metrics(labels, scores)
    assert grouped.n_groups == 210
    for name in ("roc_auc_interval", "malignant_recall_interval", "benign_recall_interval"):
        assert width(getattr(grouped, name)) == pytest.approx(width(getattr(alone, name)), rel=0.1)
        assert width(getattr(by_image, name)) == pytest.approx(width(getattr(alone, name)) / 2, rel=0.2)


def test_an_image_without_a_lesion_is_its_own_group():
    labels, scores = normal_scores(5, 3)
    groups = np.array(["a", "a", "", "", None, np.nan, "b", "b"], dtype=object)
    assert binary_metrics(labels, scores, groups=groups, bootstrap=10).n_groups == 6


def test_every_resample_has_both_classes_even_when_groups_mix_them():
    # One patient with both classes, and one of each: a plain draw of three would often lack a class.
    labels, scores = [0, 1, 0, 1], [0.1, 0.9, 0.6, 0.4]
    m = binary_metrics(labels, scores, groups=["p", "p", "q", "r"], bootstrap=500)
    assert np.isfinite(m.roc_auc_interval).all()


def test_metrics_go_through_json():
    m = binary_metrics(LABELS, SCORES.astype(np.float32), bootstrap=20)
    back = json.loads(json.dumps(dataclasses.asdict(m)))
    assert back["confusion_matrix"] == [[4, 2], [1, 3]]
    assert back["roc_auc"] == m.roc_auc


@pytest.mark.parametrize(
    ("labels", "scores", "message"),
    [
        ([0, 0], [0.1, 0.2], "none of the 2 images is malignant"),
        ([1, 1], [0.1, 0.2], "none of the 2 images is benign"),
        ([], [], "none of the 0 images"),
        ([0, 1, 2], [0.1, 0.2, 0.3], "Received: 2"),
        ([0, 1], [0.1, 1.7], "Received: 1.7 in row 1"),
        ([0, 1], [float("nan"), 0.3], "Received: nan in row 0"),
        ([0, 1], [[0.9, 0.1], [0.2, 0.8]], r"Received shapes: \(2,\) and \(2, 2\)"),
    ],
)
def test_bad_input_is_refused_and_named(labels, scores, message):
    with pytest.raises(ValueError, match=message):
        binary_metrics(labels, scores)


def test_bad_settings_are_refused():
    with pytest.raises(ValueError, match=r"threshold=1\.5"):
        binary_metrics(LABELS, SCORES, 1.5)
    with pytest.raises(ValueError, match="bootstrap=0"):
        binary_metrics(LABELS, SCORES, bootstrap=0)
    with pytest.raises(ValueError, match="3 groups for 10 images"):
        binary_metrics(LABELS, SCORES, groups=[1, 2, 3])
