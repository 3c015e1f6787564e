import numpy as np
import pytest
from sklearn.calibration import calibration_curve

from skinkeras.evaluation import binary_metrics, multiclass_metrics, reliability


def test_shares_means_and_counts_by_hand():
    first, second = reliability([0, 1, 1, 1, 0], [0.0, 0.4, 0.5, 1.0, 0.9], edges=(0, 0.5, 1))
    assert (first.low, first.high, first.n, first.share) == (0, 0.5, 2, 0.5)
    assert first.mean_probability == pytest.approx(0.2)
    assert (second.n, second.share) == (3, pytest.approx(2 / 3))
    assert second.mean_probability == pytest.approx(0.8)


def test_the_interval_is_wilsons():
    # Newcombe 1998, table I: 81 of 263 has 0.2553 to 0.3662, and 0 of 20 has 0 to 0.1611.
    (many,) = reliability([1] * 81 + [0] * 182, [0.3] * 263, edges=(0, 1))
    assert many.share_interval == pytest.approx((0.2553, 0.3662), abs=5e-5)
    (none,) = reliability([0] * 20, [0.3] * 20, edges=(0, 1))
    assert none.share_interval == pytest.approx((0, 0.1611), abs=5e-5)


def test_shares_and_means_are_those_of_scikit_learn():
    rng = np.random.default_rng(0)
    probabilities = rng.random(500)
    true = rng.random(500) < probabilities**2
    rows = reliability(true, probabilities, np.linspace(0, 1, 11))
    shares, means = calibration_curve(true, probabilities, n_bins=10)
    assert [row.share for row in rows] == pytest.approx(shares)
    assert [row.mean_probability for row in rows] == pytest.approx(means)
    assert sum(row.n for row in rows) == 500


def test_empty_bins_are_left_out():
    rows = reliability([0, 1], [0.01, 0.99])
    assert [(row.low, row.high) for row in rows] == [(0.0, 0.05), (0.8, 1.0)]


def test_wrong_shapes_and_values_are_refused():
    with pytest.raises(ValueError, match=r"equal. Received: \(2,\) and \(1,\)"):
        reliability([0, 1], [0.5])
    with pytest.raises(ValueError, match=r"must be in 0\.\.1"):
        reliability([0], [float("nan")])
    for edges in ([0.5, 1], [0, 0.5], [0, 0.6, 0.4, 1]):
        with pytest.raises(ValueError, match="edges must ascend from 0 to 1"):
            reliability([0], [0.5], edges)


def test_binary_metrics_ask_for_malignant_and_multiclass_ones_for_the_named_class():
    (row,) = binary_metrics([0, 0, 0, 1], [0.9, 0.9, 0.9, 0.9], bootstrap=5).reliability
    assert (row.n, row.share) == (4, 0.25)
    probabilities = [[0.7, 0.2, 0.1], [0.7, 0.2, 0.1], [0.3, 0.5, 0.2], [0.45, 0.1, 0.45]]
    middle, high = multiclass_metrics([0, 1, 1, 2], probabilities, "abc", bootstrap=5).reliability
    assert (middle.low, middle.n, middle.share) == (0.4, 2, 0.5)  # the last is undecided, which is wrong
    assert (high.low, high.n, high.share) == (0.6, 2, 0.5)
