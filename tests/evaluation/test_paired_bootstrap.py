"""Comparisons of models on the same resamples."""

import numpy as np
import pytest
from scipy.special import expit, logit
from sklearn import metrics as sk

from skinkeras.evaluation import (
    binary_metrics,
    estimate,
    paired_bootstrap,
    paired_multiclass_bootstrap,
    sensitivity_at_specificity,
)

# Four malignant, six benign. The first model misses one and flags two; the second misses none and flags four.
LABELS = np.array([1, 1, 1, 1, 0, 0, 0, 0, 0, 0])
FIRST = np.array([0.9, 0.7, 0.5, 0.2, 0.8, 0.6, 0.4, 0.3, 0.2, 0.1])
SECOND = np.array([0.9, 0.7, 0.6, 0.5, 0.8, 0.6, 0.6, 0.5, 0.2, 0.1])


def two_models(n_benign=300, n_malignant=120, seed=0):
    """Two models of correlated scores, with ties."""
    rng = np.random.default_rng(seed)
    labels = np.repeat([0, 1], [n_benign, n_malignant])
    shared = labels + rng.normal(0, 1, labels.size)
    noise = rng.normal(0, 0.3, (2, labels.size))
    return labels, (1 / (1 + np.exp(0.5 - shared - noise))).round(2)


def test_the_first_column_is_the_images_as_they_are():
    rates = paired_bootstrap(LABELS, [FIRST, SECOND], resamples=5)
    assert {name: values.shape for name, values in rates.items()} == dict.fromkeys(
        (
            "miss_rate",
            "false_alarm_rate",
            "accuracy",
            "balanced_accuracy",
            "roc_auc",
            "recall_at_specificity",
        ),
        (2, 6),
    )
    np.testing.assert_allclose(rates["miss_rate"][:, 0], [1 / 4, 0])
    np.testing.assert_allclose(rates["false_alarm_rate"][:, 0], [2 / 6, 4 / 6])
    np.testing.assert_allclose(rates["balanced_accuracy"][:, 0], [(3 / 4 + 4 / 6) / 2, (1 + 2 / 6) / 2])
    # Of 4 and 6 images, 3 and 4 are called what they are; then 4 and 2.
    np.testing.assert_allclose(rates["accuracy"][:, 0], [7 / 10, 6 / 10])
    expected = [sk.roc_auc_score(LABELS, scores) for scores in (FIRST, SECOND)]
    np.testing.assert_allclose(rates["roc_auc"][:, 0], expected)


def test_a_model_less_itself_is_exactly_zero():
    labels, scores = two_models()
    for values in paired_bootstrap(labels, scores[[0, 0]]).values():
        assert estimate(values[1] - values[0]) == (0, 0, 0)


def test_rounding_errors_of_a_mean_do_not_exclude_zero():
    labels, scores = two_models()
    values = paired_bootstrap(labels, scores[[0, 0, 0]])["roc_auc"]
    assert estimate(values[1] - np.array([0.7, 0.1, 0.2]) @ values) == (0, 0, 0)


def test_differences_equal_those_of_scikit_learn_on_resampled_lesions():
    labels, scores = two_models(150, 60)
    lesions = np.arange(210) // 2 * 2  # pairs of images; the two classes share no lesion
    rng = np.random.default_rng(3)
    rows_of = {lesion: np.flatnonzero(lesions == lesion) for lesion in np.unique(lesions)}
    benign, malignant = (np.unique(lesions[labels == value]) for value in (0, 1))
    draws = []
    for _ in range(200):
        drawn = np.r_[rng.choice(benign, len(benign)), rng.choice(malignant, len(malignant))]
        rows = np.concatenate([rows_of[lesion] for lesion in drawn])
        draws.append([
            [1 - sk.recall_score(labels[rows], s[rows] >= 0.5), sk.roc_auc_score(labels[rows], s[rows])]
            for s in scores
        ])  # fmt: skip
    expected = np.quantile(np.diff(draws, axis=1)[:, 0], [0.025, 0.975], axis=0).T
    rates = paired_bootstrap(labels, scores, groups=lesions, resamples=4000)
    found = [estimate(rates[name][1] - rates[name][0])[1:] for name in ("miss_rate", "roc_auc")]
    np.testing.assert_allclose(found, expected, atol=0.03)


def test_a_paired_interval_is_narrower_than_an_unpaired_one():
    labels, scores = two_models()
    paired = paired_bootstrap(labels, scores)["roc_auc"]
    other = paired_bootstrap(labels, scores, seed=1)["roc_auc"]
    narrow, wide = estimate(paired[1] - paired[0]), estimate(other[1] - paired[0])
    assert narrow.high - narrow.low < 0.6 * (wide.high - wide.low)


def test_each_model_alone_has_the_standard_error_of_its_metrics():
    labels, scores = two_models()
    rates = paired_bootstrap(labels, scores, resamples=300)
    for i, row in enumerate(scores):
        m = binary_metrics(labels, row, bootstrap=300)
        error = rates["roc_auc"][i, 1:].std() * (120 / 119) ** 0.5 / (m.roc_auc * (1 - m.roc_auc))
        expected = expit(logit(m.roc_auc) + 1.959964 * error * np.array([-1, 1]))
        assert m.roc_auc_interval == pytest.approx(expected)


def test_copies_of_a_lesion_add_no_certainty_to_a_difference():
    labels, scores = two_models()
    alone = paired_bootstrap(labels, scores)["roc_auc"]
    copied = paired_bootstrap(np.tile(labels, 4), np.tile(scores, 4), groups=np.tile(np.arange(420), 4))
    width = [np.ptp(estimate(values[1] - values[0])[1:]) for values in (alone, copied["roc_auc"])]
    assert width[1] == pytest.approx(width[0], rel=0.1)


@pytest.mark.parametrize(
    ("labels", "scores", "message"),
    [
        ([0, 1], [0.1, 0.2], r"one row per model. Received shape: \(2,\)"),
        ([0, 1], [[0.1, 0.2], [0.1, 1.2]], "Received: 1.2 in row 1"),
        ([0, 1, 1], [[0.1, 0.2]], r"Received shapes: \(3,\) and \(2,\)"),
        ([0, 0], [[0.1, 0.2]], "none of the 2 images is malignant"),
    ],
)
def test_bad_input_is_refused_and_named(labels, scores, message):
    with pytest.raises(ValueError, match=message):
        paired_bootstrap(labels, scores)


def test_no_resample_at_all_is_refused():
    with pytest.raises(ValueError, match="resamples=0"):
        paired_bootstrap([0, 1], [[0.1, 0.9]], resamples=0)


def pairs_of_sources(labels, scores, sources):
    """(pairs of one source that the malignant image wins, a tie counting half; all of them)."""
    won = count = 0
    for source in set(sources) - {""}:
        malignant, benign = (scores[(labels == value) & (sources == source)] for value in (1, 0))
        won += np.sum(malignant[:, None] > benign) + np.sum(malignant[:, None] == benign) / 2
        count += len(malignant) * len(benign)
    return won, count


def three_sources(labels, seed=5):
    """Two sources of both classes, images of unknown source, and a source of benign images only."""
    rng = np.random.default_rng(seed)
    sources = rng.choice(["a", "b", ""], labels.size)
    return np.where((labels == 0) & (rng.uniform(size=labels.size) < 0.3), "benign only", sources)


def test_auc_within_source_counts_the_pairs_of_each_source():
    labels, scores = two_models()
    sources = three_sources(labels)
    rates = paired_bootstrap(labels, scores, resamples=5, sources=sources)
    expected = [np.divide(*pairs_of_sources(labels, row, sources)) for row in scores]
    np.testing.assert_allclose(rates["within_source_auc"][:, 0], expected)
    for name, values in paired_bootstrap(labels, scores, resamples=5).items():
        np.testing.assert_array_equal(rates[name], values)


def test_recognising_the_source_wins_nothing_within_it():
    labels, (scores, _) = two_models()
    sources = np.where(np.random.default_rng(0).uniform(size=labels.size) < 0.2 + 0.6 * labels, "a", "b")
    recognised = np.clip(0.3 * scores + 0.6 * (sources == "a"), 0, 1)
    rates = paired_bootstrap(labels, [scores, recognised], sources=sources)
    assert estimate(rates["roc_auc"][1] - rates["roc_auc"][0]).low > 0
    assert estimate(rates["within_source_auc"][1] - rates["within_source_auc"][0]) == (0, 0, 0)


def test_one_source_for_all_images_changes_no_metric():
    labels, scores = two_models(100, 50)
    rates = paired_bootstrap(labels, scores, resamples=50, sources=np.full(150, "a"))
    np.testing.assert_allclose(rates["within_source_auc"], rates["roc_auc"])
    np.testing.assert_allclose(rates["within_source_recall_at_specificity"], rates["recall_at_specificity"])


@pytest.mark.parametrize("specificity", [0.5, 0.8, 0.9, 1.0])
def test_recall_at_a_specificity_is_that_of_the_roc_curve(specificity):
    labels, scores = two_models()
    rates = paired_bootstrap(labels, scores, resamples=5, specificity=specificity)
    expected = [sensitivity_at_specificity(labels, row, specificity) for row in scores]
    np.testing.assert_allclose(rates["recall_at_specificity"][:, 0], expected)
    expected = sensitivity_at_specificity(LABELS, FIRST, specificity)
    found = paired_bootstrap(LABELS, [FIRST], resamples=5, specificity=specificity)
    np.testing.assert_allclose(found["recall_at_specificity"][0, 0], expected)


def test_recall_within_source_weighs_an_image_by_its_pairs():
    # Source a: two malignant, one benign; source b: one malignant, four benign.
    labels = np.array([1, 1, 0, 1, 0, 0, 0, 0])
    sources = np.array(["a", "a", "a", "b", "b", "b", "b", "b"])
    scores = np.array([0.9, 0.4, 0.3, 0.6, 0.7, 0.5, 0.2, 0.1])
    rates = paired_bootstrap(labels, [scores], resamples=2, sources=sources, specificity=0.8)
    # Benign weights: 2 of a, 1 of each in b, so 6: above 0.5 one is called malignant, which leaves 5/6 >= 0.8.
    # Malignant weights: 1 of each in a, 4 of b: 0.9 and 0.6 are found, 5 of 6.
    assert rates["within_source_recall_at_specificity"][0, 0] == pytest.approx(5 / 6)
    # a wins both of its pairs, b three of its four.
    assert rates["within_source_auc"][0, 0] == pytest.approx(5 / 6)


def test_two_classes_are_measured_alike_by_the_bootstrap_of_several():
    labels, scores = two_models(120, 60)
    sources = three_sources(labels)
    binary = paired_bootstrap(labels, scores, sources=sources, resamples=40)
    several = paired_multiclass_bootstrap(
        labels, np.stack([1 - scores, scores], axis=2), ["benign", "malignant"], sources=sources, resamples=40
    )
    np.testing.assert_allclose(several["within_source_macro_auc"], binary["within_source_auc"])


def test_recalls_of_several_classes_within_source_are_those_of_random_pairs():
    labels = np.array([0, 0, 1, 2, 0, 1, 1, 2])
    sources = np.array(["a", "a", "a", "a", "b", "b", "b", None], dtype=object)
    probabilities = np.full((1, 8, 3), 0.1)
    called = [0, 1, 1, 2, 0, 0, 1, 0]
    probabilities[0, np.arange(8), called] = 0.8
    rates = paired_multiclass_bootstrap(labels, probabilities, "abc", sources=sources, resamples=3)
    # Partners in a: 2 of each image of class 0, 3 of class 1, 3 of class 2; in b: 2 of class 0, 1 of each of class 1.
    recalls = (2 + 2) / 6, (3 + 1) / 5, 3 / 3
    assert rates["within_source_balanced_accuracy"][0, 0] == pytest.approx(np.mean(recalls))
    assert rates["within_source_accuracy"][0, 0] == pytest.approx((4 + 4 + 3) / (6 + 5 + 3))


def test_sources_without_a_pair_are_refused():
    with pytest.raises(ValueError, match="No source holds images of two classes"):
        paired_bootstrap(LABELS, [FIRST], sources=np.where(LABELS, "a", "b"))
    with pytest.raises(ValueError, match="3 sources for 10 images"):
        paired_bootstrap(LABELS, [FIRST], sources=["a", "b", "c"])
    with pytest.raises(ValueError, match="specificity=0"):
        paired_bootstrap(LABELS, [FIRST], specificity=0)


def test_resamples_without_a_pair_within_a_source_are_left_blank():
    labels = np.array([1, 1, 0, 0, 0, 0])
    sources = np.array(["a", "b", "a", "a", "c", "c"])  # the malignant image of a is in every pair
    scores = np.array([0.8, 0.7, 0.6, 0.3, 0.2, 0.1])
    values = paired_bootstrap(labels, [scores], sources=sources)["within_source_auc"][0]
    assert values[0] == 1
    # Two malignant images are drawn with replacement: in a quarter of the resamples that of b is drawn twice.
    assert np.isnan(values).mean() == pytest.approx(0.25 + 0.75 * 2**-4, abs=0.05)
    both = np.stack([1 - scores, scores], axis=1)[None]
    several = paired_multiclass_bootstrap(labels, both, ["benign", "malignant"], sources=sources)
    np.testing.assert_allclose(several["within_source_macro_auc"][0], values)
