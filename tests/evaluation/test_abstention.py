import numpy as np
import pytest

from skinkeras.evaluation import abstention_band, abstention_metrics

BENIGN = (2, 3, 5, 5, 8, 13, 16, 21, 30, 34, 55, 60, 72, 89, 144, 160, 200)
MALIGNANT = (18, 27, 44, 61, 88, 99, 101, 120, 150, 170, 190, 210, 222, 240)
LABELS = np.repeat([0, 1], [len(BENIGN), len(MALIGNANT)])
SCORES = np.array(BENIGN + MALIGNANT) / 256


def drawn(rng, n, share=0.3):
    labels = np.r_[0, 1, rng.random(n - 2) < share].astype(int)
    return labels, 1 / (1 + np.exp(-rng.normal(labels * 2 - 1.5, 1)))


# The lowest and the highest level whose prediction set holds both classes: `predict_p(..., smoothing=False)` of
# crepes 0.9.1, fitted on the images of each class, with 1 - p(class) as nonconformity, above the error.
@pytest.mark.parametrize(("error", "first", "last"), [(0.07, 18, 200), (0.15, 27, 160), (0.25, 44, 89)])
def test_the_band_is_that_of_crepes(error, first, last):
    assert abstention_band(LABELS, SCORES, error) == ((first - 0.5) / 256, (last + 0.5) / 256)


@pytest.mark.parametrize("n", [60, 300])
def test_at_most_the_promised_share_of_each_class_is_surely_wrong(n):
    rng = np.random.default_rng(0)
    wrong = []
    for _ in range(400):
        labels, scores = drawn(rng, n)
        band = abstention_band(labels, scores, 0.1)
        if band is None:
            continue
        new, new_scores = drawn(rng, 400)
        figures = abstention_metrics(new, new_scores, band)
        wrong.append((figures["malignant_called_benign"], figures["benign_called_malignant"]))
    malignant, benign = np.mean(wrong, axis=0)
    error = 3 * np.std(wrong, axis=0) / np.sqrt(len(wrong))
    assert malignant <= 0.1 + error[0] and benign <= 0.1 + error[1]
    assert malignant > 0.03 and benign > 0.07  # and the band is no wider than it has to be


def test_float_and_int8_scores_fall_on_the_same_side():
    rng = np.random.default_rng(1)
    for _ in range(20):
        labels, scores = drawn(rng, 500)
        int8 = np.clip(np.round(scores * 256), 0, 255).astype(np.float32) / 256
        low, high = abstention_band(labels, scores)
        assert (low, high) == abstention_band(labels, int8)
        np.testing.assert_array_equal(scores < low, int8 < low)
        np.testing.assert_array_equal(scores >= high, int8 >= high)


def test_no_band_is_needed_where_the_classes_are_far_apart():
    labels, scores = np.repeat([0, 1], 20), np.repeat([0.1, 0.9], 20)
    low, high = abstention_band(labels, scores)
    assert low == high and 0.1 < low < 0.9 and low * 256 % 1 == 0.5
    assert abstention_band(labels, scores, threshold=0.3) == (0.3, 0.3)
    low, high = abstention_band(labels, scores, threshold=0.05)
    assert low == 0.05 and 0.1 < high < 0.11


def test_the_band_reaches_the_operating_point():
    low, high = abstention_band(LABELS, SCORES, 0.25)
    assert abstention_band(LABELS, SCORES, 0.25, threshold=60.5 / 256) == (low, high)
    assert abstention_band(LABELS, SCORES, 0.25, threshold=20.5 / 256) == (20.5 / 256, high)
    assert abstention_band(LABELS, SCORES, 0.25, threshold=99.5 / 256) == (low, 99.5 / 256)


def test_too_few_images_promise_nothing():
    eight, nine = np.repeat([0, 1], [30, 8]), np.repeat([0, 1], [30, 9])
    assert abstention_band(eight, np.linspace(0, 1, 38)) is None
    assert abstention_band(nine, np.linspace(0, 1, 39)) is not None
    assert abstention_band(eight, np.linspace(0, 1, 38), 0.2) is not None


def test_saturated_scores_leave_nothing_certain():
    labels = np.repeat([0, 1], 20)
    low, high = abstention_band(labels, np.r_[np.ones(20), np.zeros(20)])
    assert low == 0 and high > 1
    figures = abstention_metrics(labels, np.r_[np.ones(20), np.zeros(20)], (low, high))
    assert figures["not_sure"] == 1
    assert figures["sure_malignant_recall"] is figures["sure_malignant_recall_interval"] is None


def test_metrics_by_hand():
    labels = [0, 0, 0, 0, 0, 1, 1, 1, 1]
    scores = [0.1, 0.2, 0.5, 0.5, 0.9, 0.1, 0.5, 0.8, 0.9]
    figures = abstention_metrics(labels, scores, (0.4, 0.6))
    assert (figures["n"], figures["n_not_sure"]) == (9, 3)
    assert figures["not_sure"] == pytest.approx(3 / 9)
    assert figures["malignant_not_sure"] == pytest.approx(1 / 4)
    assert figures["benign_not_sure"] == pytest.approx(2 / 5)
    assert figures["malignant_called_benign"] == pytest.approx(1 / 4)
    assert figures["benign_called_malignant"] == pytest.approx(1 / 5)
    assert figures["sure_malignant_recall"] == pytest.approx(2 / 3)
    assert figures["sure_benign_recall"] == pytest.approx(2 / 3)
    assert figures["sure_positive_predictive_value"] == pytest.approx(2 / 3)
    assert figures["sure_negative_predictive_value"] == pytest.approx(2 / 3)
    # Wilson's interval of 1 of 4, by hand: [0.0456, 0.6994].
    assert figures["malignant_called_benign_interval"] == pytest.approx((0.0456, 0.6994), abs=1e-4)


def test_images_of_one_lesion_widen_the_intervals():
    labels, scores = drawn(np.random.default_rng(3), 200)
    alone = abstention_metrics(labels, scores, (0.3, 0.6))
    doubled = np.r_[labels, labels], np.r_[scores, scores]
    together = abstention_metrics(*doubled, (0.3, 0.6), groups=[str(i % 200) for i in range(400)])
    for name in ("not_sure", "malignant_called_benign"):
        assert together[name] == alone[name]
        assert together[f"{name}_interval"] == pytest.approx(alone[f"{name}_interval"], abs=0.01)


def test_bad_values_are_refused():
    for error in (0, 0.5, np.nan):
        with pytest.raises(ValueError, match="error must be above 0"):
            abstention_band(LABELS, SCORES, error)
    with pytest.raises(ValueError, match="malignant"):
        abstention_band([0, 0], [0.1, 0.2])
