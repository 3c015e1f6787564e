"""Wilson's interval, alone and for images that belong together."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from skinkeras.evaluation import clustered_wilson, wilson
from skinkeras.evaluation.intervals import mean_interval


@given(st.integers(1, 3000), st.floats(0, 1))
def test_wilson_is_that_of_scipy(n, share):
    successes = round(share * n)
    expected = binomtest(successes, n).proportion_ci(method="wilson")
    np.testing.assert_allclose(wilson(successes, n), (expected.low, expected.high), atol=1e-12)


def test_nineteen_of_nineteen_are_not_certain():
    low, high = wilson(19, 19)
    assert high == 1.0
    # n / (n + z^2)
    assert low == pytest.approx(19 / (19 + 1.959964**2), abs=1e-6)


@pytest.mark.parametrize(("successes", "n"), [(0, 0), (-1, 3), (4, 3), (math.nan, 3)])
def test_counts_that_are_none_are_refused(successes, n):
    with pytest.raises(ValueError, match="0 <= successes <= n"):
        wilson(successes, n)


@given(st.lists(st.booleans(), min_size=1, max_size=60))
def test_images_of_their_own_are_independent(true):
    plain = wilson(sum(true), len(true))
    assert clustered_wilson(true) == pytest.approx(plain, abs=1e-12)
    assert clustered_wilson(true, np.arange(len(true))) == pytest.approx(plain, abs=1e-12)


def test_images_that_are_always_alike_count_once():
    true = np.repeat([1, 0, 1, 1, 0, 1, 1, 0, 1, 1], 7)
    groups = np.repeat(np.arange(10), 7)
    assert clustered_wilson(true, groups) == pytest.approx(wilson(7, 10))
    # Without an error, nothing says that the images of a lesion differ.
    assert clustered_wilson(np.ones(70), groups) == pytest.approx(wilson(10, 10))


def test_lesions_of_unequal_size_count_less_than_their_number():
    # (8 + 1 + 1)^2 / (64 + 1 + 1)
    groups = np.repeat([0, 1, 2], [8, 1, 1])
    assert clustered_wilson(np.zeros(10), groups) == pytest.approx(wilson(0, 100 / 66))


def test_groups_never_narrow_an_interval():
    # Each lesion has one error: less spread than independent images would have.
    true, groups = [0, 1] * 20, np.repeat(np.arange(20), 2)
    assert clustered_wilson(true, groups) == pytest.approx(wilson(20, 40))


def test_weights_make_fewer_images():
    weights = np.array([3.0, 1.0, 1.0, 1.0, 0.0])
    # (sum of weights)^2 / sum of squares = 36 / 12; the last image does not count.
    assert clustered_wilson([1, 0, 1, 0, 0], weights=weights) == pytest.approx(wilson(2, 3))
    assert clustered_wilson([1, 0, 1, 0, 0], weights=10 * weights) == pytest.approx(wilson(2, 3))


def test_a_share_of_no_image_is_refused():
    with pytest.raises(ValueError, match="at least one image"):
        clustered_wilson([])
    with pytest.raises(ValueError, match="at least one image"):
        clustered_wilson([1, 0], weights=[0, 0])


def test_the_mean_of_two_recalls_adds_squares():
    low, high = mean_interval([0.8, 0.6], [(0.7, 0.84), (0.5, 0.63)])
    assert low == pytest.approx(0.7 - math.hypot(0.1, 0.1) / 2)
    assert high == pytest.approx(0.7 + math.hypot(0.04, 0.03) / 2)
