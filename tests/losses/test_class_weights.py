"""Weights of HAM10000's seven diagnoses, worked out with 40-digit decimals from the formulas as printed."""

import numpy as np
import pytest

from skinkeras.losses import class_balanced_weights, effective_number_weights

HAM10000 = (6705, 1113, 115, 327, 1099, 514, 142)

CLASS_BALANCED = [
    1.4936614466,
    8.9982030548,
    87.086956521,
    30.626911314,
    9.1128298453,
    19.484435797,
    70.528169014,
]
EFFECTIVE_NUMBER = [
    2.0458996767e-04,
    9.4927743142e-04,
    8.7452386986e-03,
    3.1081481022e-03,
    9.6071074554e-04,
    1.9957803258e-03,
    7.0919450269e-03,
]
EFFECTIVE_NUMBER_BETA_0999 = [
    1.0012221627e-03,
    1.4889568045e-03,
    9.2008896362e-03,
    3.5837897898e-03,
    1.4992974753e-03,
    2.4872194230e-03,
    7.5505670803e-03,
]
EFFECTIVE_NUMBER_NORMALIZED = [
    0.27177905,
    1.26102818,
    11.61724913,
    4.12889025,
    1.27621629,
    2.65121148,
    9.42099982,
]


def test_class_balanced_weights_of_ham10000():
    assert class_balanced_weights(HAM10000) == pytest.approx(CLASS_BALANCED, rel=1e-9)


def test_effective_number_weights_of_ham10000():
    assert effective_number_weights(HAM10000) == pytest.approx(EFFECTIVE_NUMBER, rel=1e-9)
    assert effective_number_weights(HAM10000, normalize=True) == pytest.approx(
        EFFECTIVE_NUMBER_NORMALIZED, abs=1e-7
    )


def test_effective_number_weights_with_another_beta():
    assert effective_number_weights(HAM10000, beta=0.999) == pytest.approx(
        EFFECTIVE_NUMBER_BETA_0999, rel=1e-9
    )


def test_beta_0_weighs_all_classes_alike_and_beta_near_1_by_their_counts():
    assert effective_number_weights(HAM10000, beta=0) == [1.0] * 7
    near_one = effective_number_weights(HAM10000, beta=1 - 1e-9, normalize=True)
    assert near_one == pytest.approx(class_balanced_weights(HAM10000, normalize=True), rel=1e-4)


@pytest.mark.parametrize("weights_of", [class_balanced_weights, effective_number_weights])
def test_normalized_weights_have_mean_1_over_the_training_samples_and_the_same_ratios(weights_of):
    weights, normalized = np.array(weights_of(HAM10000)), np.array(weights_of(HAM10000, normalize=True))
    assert np.repeat(normalized, HAM10000).mean() == pytest.approx(1)
    assert normalized / normalized[0] == pytest.approx(weights / weights[0])


@pytest.mark.parametrize("weights_of", [class_balanced_weights, effective_number_weights])
@pytest.mark.parametrize("counts", [[5, 0], [5, -1], [5], [], [5, float("nan")], [5, float("inf")]])
def test_counts_that_would_give_no_finite_weight_are_refused(weights_of, counts):
    with pytest.raises(ValueError, match="class_counts must be two or more numbers above 0"):
        weights_of(counts)


@pytest.mark.parametrize("beta", [-0.1, 1, 1.5, float("nan")])
def test_a_beta_outside_its_range_is_refused(beta):
    with pytest.raises(ValueError, match=rf"beta must be in \[0, 1\)\. Received: beta={beta}"):
        effective_number_weights([5, 5], beta=beta)
