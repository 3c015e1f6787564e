import dataclasses
import json

import numpy as np
import pytest
from scipy.special import expit, logit
from scipy.stats import binomtest
from sklearn import metrics as sk

from skinkeras.datasets import ISIC2018_TAXONOMY, Taxonomy
from skinkeras.evaluation import estimate, level_metrics, multiclass_metrics, paired_multiclass_bootstrap

CLASSES = ("a", "b", "c")
LABELS = np.array([0, 0, 0, 0, 1, 1, 1, 2])
# Decided: a a b (undecided), b b a, c. The tie at row 3 would be a hit for whoever takes the first.
PROBABILITIES = np.array([
    [0.8, 0.1, 0.1], [0.5, 0.3, 0.2], [0.2, 0.6, 0.2], [0.4, 0.4, 0.2],
    [0.1, 0.9, 0.0], [0.2, 0.7, 0.1], [0.6, 0.3, 0.1],
    [0.3, 0.3, 0.4],
])  # fmt: skip


def predictions(counts, seed=0, sharpness=1.5):
    """Labels with `counts` images of each class, and probabilities that know something of them."""
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(len(counts)), counts)
    logits = rng.normal(0, 1, (labels.size, len(counts)))
    logits[np.arange(labels.size), labels] += sharpness
    odds = np.exp(logits)
    return labels, odds / odds.sum(axis=1, keepdims=True)


def width(interval):
    return interval[1] - interval[0]


def test_rates_by_hand():
    m = multiclass_metrics(LABELS, PROBABILITIES, CLASSES, bootstrap=50)
    assert m.confusion_matrix == ((2, 1, 0), (1, 2, 0), (0, 0, 1))
    assert (m.n, m.n_groups, m.n_undecided, m.classes) == (8, 8, 1, CLASSES)
    assert m.accuracy == pytest.approx(5 / 8)
    assert m.balanced_accuracy == pytest.approx((2 / 4 + 2 / 3 + 1) / 3)
    assert m.mean_precision == pytest.approx((2 / 3 + 2 / 3 + 1) / 3)
    assert m.mean_f1 == pytest.approx((4 / 7 + 2 / 3 + 1) / 3)
    a, b, c = (m.per_class[name] for name in CLASSES)
    assert (a["recall"], a["precision"], a["f1"], a["support"]) == pytest.approx((2 / 4, 2 / 3, 4 / 7, 4))
    assert (b["recall"], b["precision"], b["f1"], b["support"]) == pytest.approx((2 / 3, 2 / 3, 2 / 3, 3))
    # Pairs won by a's images against .1 .2 .6 .3: .8 all, .5 three, .2 one and a half, .4 three. Of 16.
    assert a["auc"] == pytest.approx((4 + 3 + 1.5 + 3) / 16)
    # b's .9, .7, .3 against .1 .3 .6 .4 .3: five, five, and one with two ties. Of 15.
    assert b["auc"] == pytest.approx((5 + 5 + 2) / 15)
    assert c["auc"] == 1
    assert m.macro_auc == pytest.approx((11.5 / 16 + 12 / 15 + 1) / 3)


def test_a_class_that_is_never_predicted_has_no_precision():
    probabilities = np.tile([0.5, 0.3, 0.2], (8, 1))
    m = multiclass_metrics(LABELS, probabilities, CLASSES, bootstrap=50)
    assert [m.per_class[name]["precision"] for name in CLASSES] == [0.5, 0, 0]
    assert m.mean_precision == pytest.approx(0.5 / 3)
    assert m.mean_precision_interval == pytest.approx((0.5 / 3, 0.5 / 3))
    assert m.macro_auc == 0.5


def resampled_means(labels, probabilities, lesions, times):
    """Scikit-learn's BAcc, mPR, mF1 and macro AUC of lesions of two images, resampled within each class."""
    by_class = [np.unique(lesions[labels == value]) for value in range(3)]
    rng = np.random.default_rng(3)
    draws = []
    for _ in range(times):
        drawn = np.concatenate([rng.choice(members, len(members)) for members in by_class])
        rows = np.r_[drawn, drawn + 1]
        y, p = labels[rows], probabilities[rows]
        tied = np.sum(p == p.max(axis=1, keepdims=True), axis=1) > 1
        decided = np.where(tied, -1, p.argmax(axis=1))
        precision, recall, f1, _ = sk.precision_recall_fscore_support(y, decided, labels=[0, 1, 2])
        auc = [sk.roc_auc_score(y == value, p[:, value]) for value in range(3)]
        draws.append([np.mean(each) for each in (recall, precision, f1, auc)])
    return np.transpose(draws)


def test_intervals_follow_from_scikit_learn_on_resampled_lesions():
    labels, probabilities = predictions([120, 60, 20])
    probabilities = probabilities.round(1)  # many ties
    lesions = np.arange(200) // 2 * 2  # pairs of images; no class shares a lesion with another
    recall, precision, f1, auc = resampled_means(labels, probabilities, lesions, 200)
    m = multiclass_metrics(labels, probabilities, CLASSES, lesions, bootstrap=4000)
    # The quantiles of 200 and of 4,000 random resamples differ by a tenth of the width or so.
    for found, draws in ((m.mean_precision_interval, precision), (m.mean_f1_interval, f1)):
        np.testing.assert_allclose(found, np.quantile(draws, [0.025, 0.975]), atol=0.02)
    # The rarest class has ten lesions.
    error = np.std(auc) * (10 / 9) ** 0.5 / (m.macro_auc * (1 - m.macro_auc))
    expected = expit(logit(m.macro_auc) + 1.96 * error * np.array([-1, 1]))
    np.testing.assert_allclose(m.macro_auc_interval, expected, atol=0.01)
    assert width(m.balanced_accuracy_interval) == pytest.approx(3.92 * np.std(recall), rel=0.2)


def test_intervals_of_shares_are_scipys_wilson():
    labels, probabilities = predictions([120, 60, 20])
    m = multiclass_metrics(labels, probabilities, CLASSES, bootstrap=1)
    matrix = np.array(m.confusion_matrix)
    shares = [(np.trace(matrix), 200, m.accuracy_interval)]
    for value, name in enumerate(CLASSES):
        shares.append((matrix[value, value], matrix[value].sum(), m.per_class[name]["recall_interval"]))
    for right, n, found in shares:
        expected = binomtest(int(right), int(n)).proportion_ci(method="wilson")
        assert found == pytest.approx((expected.low, expected.high))


def test_without_an_error_only_precision_and_f1_have_intervals_of_zero_width():
    labels = np.repeat([0, 1, 2], [40, 30, 19])
    m = multiclass_metrics(labels, np.eye(3)[labels], CLASSES, bootstrap=20)
    assert m.mean_precision_interval == m.mean_f1_interval == (1, 1)
    # n / (n + z^2)
    rarest = 19 / (19 + 1.959964**2)
    assert m.per_class["c"]["recall_interval"] == pytest.approx((rarest, 1))
    assert m.macro_auc_interval == pytest.approx((rarest, 1))
    assert m.accuracy_interval == pytest.approx((89 / (89 + 1.959964**2), 1))
    assert rarest < m.balanced_accuracy_interval[0] < 0.96


def test_recall_intervals_have_the_width_of_a_binomial_share():
    m = multiclass_metrics(*predictions([400, 300, 200]), CLASSES)
    for each in m.per_class.values():
        spread = 3.92 * (each["recall"] * (1 - each["recall"]) / each["support"]) ** 0.5
        assert width(each["recall_interval"]) == pytest.approx(spread, rel=0.1)


def test_copies_of_an_image_in_one_lesion_add_no_certainty():
    labels, probabilities = predictions([150, 80, 30])
    alone = multiclass_metrics(labels, probabilities, CLASSES)
    copies = np.tile(labels, 4), np.tile(probabilities, (4, 1)), CLASSES
    grouped = multiclass_metrics(*copies, groups=np.tile(np.arange(260), 4))
    by_image = multiclass_metrics(*copies)
    assert (grouped.n, grouped.n_groups) == (1040, 260)
    for name in ("accuracy", "balanced_accuracy", "mean_precision", "mean_f1", "macro_auc"):
        once, four, free = (width(getattr(m, f"{name}_interval")) for m in (alone, grouped, by_image))
        assert four == pytest.approx(once, rel=0.1)
        assert free == pytest.approx(once / 2, rel=0.2)


def test_the_first_column_is_the_metrics_of_the_images_as_they_are():
    labels, first = predictions([90, 40, 12])
    _, second = predictions([90, 40, 12], seed=1)
    draws = paired_multiclass_bootstrap(labels, [first, second], CLASSES, resamples=7)
    assert draws["recall"].shape == (2, 3, 8)
    for i, probabilities in enumerate((first, second)):
        m = multiclass_metrics(labels, probabilities, CLASSES, bootstrap=7)
        for name in ("accuracy", "balanced_accuracy", "mean_precision", "mean_f1", "macro_auc"):
            assert draws[name].shape == (2, 8)
            assert draws[name][i, 0] == pytest.approx(getattr(m, name), abs=1e-12)
        for name in ("mean_precision", "mean_f1"):
            assert estimate(draws[name][i])[1:] == pytest.approx(getattr(m, f"{name}_interval"))
        recalls = [each["recall"] for each in m.per_class.values()]
        np.testing.assert_allclose(draws["recall"][i, :, 0], recalls)


def test_a_paired_interval_is_narrower_than_an_unpaired_one():
    labels, first = predictions([300, 120, 60])
    second = 0.9 * first + 0.1 * predictions([300, 120, 60], seed=1)[1]
    models = labels, [first, second], CLASSES
    draws, other = paired_multiclass_bootstrap(*models), paired_multiclass_bootstrap(*models, seed=1)
    for name in ("balanced_accuracy", "macro_auc"):
        paired, unpaired = (estimate(values[name][1] - draws[name][0]) for values in (draws, other))
        assert width(paired[1:]) < 0.6 * width(unpaired[1:])


def test_every_resample_has_every_class_even_when_lesions_mix_them():
    labels, probabilities = predictions([2, 2, 2])
    draws = paired_multiclass_bootstrap(labels, [probabilities], CLASSES, ["p", "q", "p", "r", "q", "s"])
    assert all(np.isfinite(values).all() for values in draws.values())


def test_the_same_call_gives_the_same_metrics_and_they_go_through_json():
    labels, probabilities = predictions([30, 20, 10])
    m = multiclass_metrics(labels, probabilities.astype(np.float32), CLASSES, bootstrap=20)
    assert multiclass_metrics(labels, probabilities.astype(np.float32), CLASSES, bootstrap=20) == m
    back = json.loads(json.dumps(dataclasses.asdict(m)))
    assert back["per_class"]["b"]["support"] == 20
    assert back["confusion_matrix"] == [list(row) for row in m.confusion_matrix]


def test_levels_by_hand():
    taxonomy = Taxonomy({"lesion": ("nevus", "other"), "other": ("wart", "cancer")})
    labels = [0, 0, 1, 1, 2, 2]
    probabilities = [
        [0.9, 0.1, 0.0],
        [0.4, 0.3, 0.3],  # a nevus whose node loses although the class wins
        [0.3, 0.5, 0.2],
        [0.8, 0.1, 0.1],  # a tie below, and wrong above
        [0.6, 0.1, 0.3],  # wrong above, right below
        [0.1, 0.5, 0.4],
    ]
    found = level_metrics(labels, probabilities, taxonomy, ["x", "x", "y", "z", "u", "u"], bootstrap=20)
    first, second = found["level1"], found["level2"]
    assert list(found) == ["level1", "level2"]
    assert (first.classes, first.n, first.n_groups) == (("nevus", "other"), 6, 4)
    assert first.confusion_matrix == ((1, 1), (2, 2))
    assert (second.classes, second.n, second.n_groups) == (("wart", "cancer"), 4, 3)
    assert (second.confusion_matrix, second.n_undecided) == (((1, 0), (1, 1)), 1)
    # The probabilities of cancer as they are: .3 and .4 against .2 and .1.
    assert second.per_class["cancer"]["auc"] == 1


def test_levels_of_isic_2018():
    counts = dict(zip(ISIC2018_TAXONOMY.classes, (5, 6, 7, 4, 8, 30, 3), strict=True))
    labels, probabilities = predictions(list(counts.values()))
    found = level_metrics(labels, probabilities, ISIC2018_TAXONOMY, bootstrap=20)
    assert {name: m.n for name, m in found.items()} == {"level1": 63, "level2": 63, "level3": 25}
    assert found["level3"].classes == ("bkl", "df", "vasc", "bcc", "akiec")
    melanocytic = probabilities[:, [4, 5]].sum(axis=1)
    truth = np.isin(labels, [4, 5])
    recall = found["level1"].per_class["melanocytic"]["recall"]
    assert recall == pytest.approx(sk.recall_score(truth, melanocytic > 0.5))
    auc = found["level1"].per_class["melanocytic"]["auc"]
    assert auc == pytest.approx(sk.roc_auc_score(truth, melanocytic))


def test_probabilities_of_an_int8_model_may_sum_to_more_than_1():
    taxonomy = Taxonomy({"lesion": ("nevus", "other"), "other": ("wart", "cancer")})
    probabilities = [[0, 129 / 256, 128 / 256], [0.5, 0.25, 0.25], [0, 0.25, 0.75]]
    found = level_metrics([1, 0, 2], probabilities, taxonomy, bootstrap=5)
    assert found["level1"].n_undecided == 1
    assert found["level2"].accuracy == 1


def test_a_level_of_one_node_asks_nothing():
    taxonomy = Taxonomy({"lesion": ("nevus", "other"), "other": ("cancer",)})
    assert list(level_metrics([0, 1], [[0.9, 0.1], [0.2, 0.8]], taxonomy, bootstrap=5)) == ["level1"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"labels": [0, 0, 1, 1]}, "none of the 4 images is 'c'"),
        ({"labels": [0, 1, 2, 3]}, r"whole numbers in 0\.\.2. Received: 3"),
        ({"labels": [0, 1, 2, 0.5]}, r"Received: 0\.5"),
        ({"labels": [0, 1, 2]}, r"Received shapes: \(3,\) and \(4, 3\)"),
        ({"labels": ["a", "b", "c", "a"]}, "Received: a"),
        ({"probabilities": np.eye(4)}, r"shape \(n, 3\)"),
        ({"probabilities": np.eye(4, 3) - 0.5}, "Received: -0.5 in row 0, class 'b'"),
        ({"probabilities": np.full((4, 3), np.nan)}, "Received: nan in row 0, class 'a'"),
        ({"classes": ("a", "b", "a")}, "two or more different names"),
        ({"bootstrap": 0}, "bootstrap=0"),
        ({"groups": [1, 2, 3]}, "3 groups for 4 images"),
    ],
)
def test_bad_input_is_refused_and_named(change, message):
    given = {"labels": [0, 1, 2, 0], "probabilities": np.full((4, 3), 1 / 3), "classes": CLASSES}
    with pytest.raises(ValueError, match=message):
        multiclass_metrics(**{**given, **change})


def test_models_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match=r"Received shape: \(8, 3\)"):
        paired_multiclass_bootstrap(LABELS, PROBABILITIES, CLASSES)
    with pytest.raises(ValueError, match="resamples=0"):
        paired_multiclass_bootstrap(LABELS, [PROBABILITIES], CLASSES, resamples=0)
