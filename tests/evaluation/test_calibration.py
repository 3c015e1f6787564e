import numpy as np
import pytest
from scipy.special import log_softmax, logit, softmax
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import brier_score_loss, log_loss

from skinkeras.evaluation import (
    Calibration,
    calibration_metrics,
    fit_calibration,
    prevalence_shift,
    shift_prevalence,
)


def simulated(n, temperature, bias, seed=0):
    """Labels drawn from true probabilities, and the probabilities of a model that a calibration would make true."""
    rng = np.random.default_rng(seed)
    bias = np.asarray(bias)
    logits = rng.normal(0, 2, (n, len(bias)))
    true = softmax(logits, axis=1)
    labels = (rng.random((n, 1)) > true.cumsum(axis=1)).sum(axis=1)
    return labels, softmax((logits - bias) * temperature, axis=1)


class Passed(ClassifierMixin, BaseEstimator):
    """A classifier whose logits are its inputs."""

    def __init__(self, classes=2):
        self.classes = classes

    def fit(self, inputs, labels):
        self.classes_ = np.arange(self.classes)
        return self

    def decision_function(self, inputs):
        return inputs[:, 1] - inputs[:, 0] if self.classes == 2 else inputs

    def predict(self, inputs):
        return inputs.argmax(axis=1)


def test_by_hand():
    # 0.8 ** 0.5 : 0.2 ** 0.5 is 2 : 1; the second then counts three times.
    np.testing.assert_allclose(
        Calibration(2.0, (0.0, np.log(3.0))).apply([[0.8, 0.2]]), [[0.4, 0.6]], rtol=1e-12
    )


def test_a_known_temperature_and_biases_are_recovered():
    bias = np.array([0.5, -0.7, 0.9, 0.0, -0.7])
    fitted = fit_calibration(*simulated(40_000, 2.5, bias))
    assert fitted.temperature == pytest.approx(2.5, rel=0.03)
    np.testing.assert_allclose(np.array(fitted.bias) - np.mean(fitted.bias), bias, atol=0.06)
    assert sum(fitted.bias) == pytest.approx(0, abs=1e-4)


def test_the_temperature_is_that_of_scikit_learn():
    for classes in (2, 5):
        labels, probabilities = simulated(3000, 1.8, [0.0] * classes, seed=classes)
        logits = np.log(probabilities)
        estimator = Passed(classes).fit(logits, labels)
        theirs = CalibratedClassifierCV(
            FrozenEstimator(estimator), method="temperature", cv=2, ensemble=False
        )
        theirs.fit(logits, labels)
        ours = fit_calibration(labels, probabilities, fit_bias=False)
        np.testing.assert_allclose(ours.apply(probabilities), theirs.predict_proba(logits), atol=2e-3)


@pytest.mark.parametrize(("slope", "shift"), [(0.5, -1.5), (2.0, 0.7), (1.0, 0.0)])
def test_for_two_classes_it_is_logistic_regression_on_the_log_odds(slope, shift):
    rng = np.random.default_rng(3)
    log_odds = rng.normal(-1, 2, 4000)
    labels = (rng.random(4000) < 1 / (1 + np.exp(-slope * log_odds - shift))).astype(int)
    malignant = 1 / (1 + np.exp(-log_odds))
    probabilities = np.stack([1 - malignant, malignant], axis=1)
    platt = LogisticRegression(C=np.inf).fit(logit(malignant)[:, None], labels)
    ours = fit_calibration(labels, probabilities, positives=[1])
    assert 1 / ours.temperature == pytest.approx(platt.coef_[0, 0], rel=0.01)
    assert ours.bias[1] - ours.bias[0] == pytest.approx(platt.intercept_[0], abs=0.02)
    np.testing.assert_allclose(
        ours.apply(probabilities)[:, 1], platt.predict_proba(log_odds[:, None])[:, 1], atol=3e-3
    )


def test_with_malignant_classes_no_other_temperature_or_bias_is_better_for_malignant_or_benign():
    labels, probabilities = simulated(3000, 3.0, [1.0, 0.0, -1.0, 0.0])
    malignant = np.isin(labels, [0, 3]).astype(int)

    def loss(calibration):
        return log_loss(malignant, np.minimum(calibration.apply(probabilities)[:, [0, 3]].sum(axis=1), 1))

    fitted = fit_calibration(labels, probabilities, positives=[0, 3])
    assert fitted.bias[1] == fitted.bias[2] == 0 and fitted.bias[0] == fitted.bias[3] != 0
    best = loss(fitted)
    for temperature in np.geomspace(0.3, 9, 30):
        for shift in np.linspace(-2, 2, 30):
            assert loss(Calibration(temperature, (shift, 0.0, 0.0, shift))) >= best - 1e-4


def test_a_weighted_model_that_calls_too_much_malignant_is_right_on_average_afterwards():
    labels, probabilities = simulated(5000, 1.0, [2.0, -2.0])
    before = calibration_metrics(labels, probabilities[:, 1])
    after = calibration_metrics(
        labels, fit_calibration(labels, probabilities, [1]).apply(probabilities)[:, 1]
    )
    assert before["expected_calibration_error"] > 0.15 and before["log_score"] > after["log_score"] + 0.1
    assert after["expected_calibration_error"] < 0.03
    assert after["mean_probability"] == pytest.approx(after["prevalence"], abs=0.005)


def test_biases_of_rare_classes_stay_small_and_need_ten_images():
    labels, probabilities = simulated(3000, 1.0, [0.0, 0.0, 0.0])
    few = np.flatnonzero(labels == 2)
    nine = np.delete(np.arange(3000), few[9:])
    assert set(fit_calibration(labels[nine], probabilities[nine]).bias) == {0.0}
    ten = np.delete(np.arange(3000), few[10:])
    fitted = fit_calibration(labels[ten], probabilities[ten])
    assert fitted.bias[2] < min(fitted.bias[:2])  # it is far rarer than the model says
    assert np.abs(fitted.bias).max() < 6


@pytest.mark.parametrize("positives", [None, [1]])
def test_perfectly_separated_images_do_not_end_in_certainty(positives):
    labels = np.repeat([0, 1], 15)
    malignant = np.where(labels == 1, 0.8, 0.2)
    fitted = fit_calibration(labels, np.stack([1 - malignant, malignant], axis=1), positives)
    assert 0.2 <= fitted.temperature < 1
    assert np.abs(fitted.bias).max() < 0.1
    wrong = fit_calibration(1 - labels, np.stack([1 - malignant, malignant], axis=1), positives)
    assert 1 < wrong.temperature <= 10


def test_a_single_class_cannot_be_calibrated_on():
    probabilities = np.full((20, 3), 1 / 3)
    assert fit_calibration(np.zeros(20, int), probabilities).identity
    assert fit_calibration(np.repeat([0, 2], 10), probabilities, positives=[1]).identity


def test_zeros_of_an_int8_model_are_finite():
    rng = np.random.default_rng(0)
    labels = (rng.random(400) < 0.3).astype(int)
    malignant = np.clip(np.round(255 / (1 + np.exp(-rng.normal(labels * 12 - 6, 4)))), 0, 255) / 256
    probabilities = np.stack([1 - malignant, malignant], axis=1)
    assert (probabilities == 0).any()
    fitted = fit_calibration(labels, probabilities, positives=[1])
    assert np.isfinite(fitted.apply(probabilities)).all() and 0.2 <= fitted.temperature <= 10
    assert np.isfinite(calibration_metrics(labels, malignant)["log_score"])


def test_it_can_be_taken_back_and_composed():
    probabilities = simulated(50, 1.0, [0.0] * 4)[1]
    first, second = Calibration(1.7, (0.2, -0.4, 0.0, 1.0)), Calibration(0.6, (0.0, 0.3, -0.1, 0.0))
    np.testing.assert_allclose(first.inverse.apply(first.apply(probabilities)), probabilities, atol=1e-12)
    np.testing.assert_allclose(
        first.followed_by(second).apply(probabilities), second.apply(first.apply(probabilities)), atol=1e-12
    )
    assert Calibration(1.0, (0.0, 0.0)).identity and not first.identity
    assert Calibration(2.0, [0, 1]) == Calibration(2.0, (0.0, 1.0))


def test_another_prevalence_by_bayes():
    # Of 1,000 people 10 are ill; a sign with likelihood ratio 9 makes it 0.5 where 1 in 10 is ill.
    [[_, ill]] = shift_prevalence([[0.5, 0.5]], [1], 0.1, 0.01)
    assert ill == pytest.approx(9 * 0.01 / (9 * 0.01 + 0.99))
    three = prevalence_shift(3, [0, 2], 0.2, 0.4).apply([[0.1, 0.8, 0.1]])
    assert three[0, [0, 2]].sum() == pytest.approx(0.4)  # no evidence: the prevalence itself
    assert three[0, 0] == pytest.approx(three[0, 2])


def test_probabilities_of_a_thinned_set_are_right_on_average():
    labels, probabilities = simulated(60_000, 1.0, [0.0, 0.0])
    kept = (labels == 0) | (np.random.default_rng(1).random(len(labels)) < 0.1)
    prevalence = labels[kept].mean()
    shifted = shift_prevalence(probabilities[kept], [1], labels.mean(), prevalence)[:, 1]
    assert calibration_metrics(labels[kept], shifted)["expected_calibration_error"] < 0.01


def test_metrics_agree_with_scikit_learn_and_by_hand():
    labels, probabilities = simulated(800, 1.5, [0.0] * 3)
    figures = calibration_metrics(labels, probabilities)
    assert figures["log_score"] == pytest.approx(log_loss(labels, probabilities))
    assert figures["brier_score"] == pytest.approx(
        brier_score_loss(labels, probabilities, scale_by_half=False)
    )
    binary = calibration_metrics((labels == 1).astype(int), probabilities[:, 1])
    assert binary["brier_score"] == pytest.approx(brier_score_loss(labels == 1, probabilities[:, 1]))
    assert binary["log_score"] == pytest.approx(log_loss(labels == 1, probabilities[:, 1]))
    # Sure of 0.9 twice and right once: |0.5 - 0.9| for two of three images, |1 - 0.6| for the third.
    by_hand = calibration_metrics([0, 1, 1], [[0.9, 0.1], [0.9, 0.1], [0.4, 0.6]])
    assert by_hand["expected_calibration_error"] == pytest.approx(0.4)
    assert by_hand["log_score"] == pytest.approx(
        -np.mean(log_softmax(np.log([[0.9, 0.1], [0.1, 0.9], [0.6, 0.4]]), axis=1)[:, 0])
    )


def test_bad_values_are_refused():
    with pytest.raises(ValueError, match="temperature must be finite and above 0"):
        Calibration(0.0, (0.0, 0.0))
    with pytest.raises(ValueError, match="finite number"):
        Calibration(1.0, (np.nan, 0.0))
    with pytest.raises(ValueError, match=r"shape \(n, 3\)"):
        Calibration(1.0, (0.0,) * 3).apply([[0.5, 0.5]])
    with pytest.raises(ValueError, match=r"in 0\.\.1"):
        fit_calibration([0, 1], [[0.5, 1.5], [0.5, 0.5]])
    with pytest.raises(ValueError, match=r"whole numbers in 0\.\.1"):
        fit_calibration([0, 2], [[0.5, 0.5], [0.5, 0.5]])
    for positives in ([], [0, 1], [2]):
        with pytest.raises(ValueError, match="some but not all"):
            fit_calibration([0, 1], [[0.5, 0.5], [0.5, 0.5]], positives)
    with pytest.raises(ValueError, match="to_prevalence must be above 0"):
        shift_prevalence([[0.5, 0.5]], [1], 0.1, 0.0)
