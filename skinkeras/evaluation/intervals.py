"""95 % intervals of shares: Wilson's, for images that are independent and for images in groups.

A percentile bootstrap of a share without an error has no width: 19 of 19 would become [1.000, 1.000]. Wilson's
interval of 19 of 19 is [0.832, 1.000].
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

Z = 1.959963984540054
"""The 0.975 quantile of the normal distribution."""


def wilson(successes: float, n: float) -> tuple[float, float]:
    """Wilson's 95 % score interval of a share of independent images.

    Wilson 1927, *Probable inference, the law of succession, and statistical inference*; Newcombe 1998, *Two-sided
    confidence intervals for the single proportion*, method 3.

    Args:
        successes: how many of the n images count, 0 to n; need not be whole.
        n: how many images there are, more than 0; need not be whole (an effective sample size).

    Returns:
        (low, high), each in 0..1.

    Raises:
        ValueError: n is not more than 0, or successes is not in 0..n.

    Example:
        >>> [round(limit, 3) for limit in wilson(19, 19)]
        [0.832, 1.0]
    """
    if not (n > 0 and 0 <= successes <= n):
        raise ValueError(
            f"Wilson's interval needs 0 <= successes <= n and n > 0. Received: {successes} of {n}."
        )
    share = successes / n
    centre = (share + Z**2 / (2 * n)) / (1 + Z**2 / n)
    half = Z / (1 + Z**2 / n) * np.sqrt(share * (1 - share) / n + Z**2 / (4 * n**2))
    # The limit at 0 or 1 is exact but for rounding.
    low = 0.0 if successes == 0 else max(0.0, centre - half)
    high = 1.0 if successes == n else min(1.0, centre + half)
    return float(low), float(high)


def clustered_wilson(
    true: ArrayLike, groups: np.ndarray | None = None, weights: ArrayLike | None = None
) -> tuple[float, float]:
    """Wilson's 95 % interval of a share (or weighted mean) of images, some of which belong together.

    The number of images is replaced by an effective one: that of independent images whose share would have the
    same variance (Korn & Graubard 1998, *Confidence intervals for proportions with small expected number of
    positive counts estimated from survey data*; with Wilson's interval: Dean & Pagano 2015, *Evaluating confidence
    interval methods for binomial proportions in clustered surveys*). The variance is that of a ratio over G groups
    (Cochran 1977, *Sampling Techniques*, section 6.3): G/(G-1) sum_g (sum_{i in g} w_i (y_i - share))^2
    with weights w that sum to 1. The effective number is at most that of independent images, 1 / sum_i w_i^2, and at
    least that of groups whose images are all alike, 1 / sum_g (sum_{i in g} w_i)^2. A share of 0 or 1, which says
    nothing about how alike they are, gets the latter.

    Args:
        true: whether each image counts, 0 or 1, shape (n,).
        groups: the group of each image, whole numbers from 0, shape (n,). None: the images are independent.
        weights: of each image, 0 or more, shape (n,). None: all alike.

    Returns:
        (low, high), each in 0..1. Without groups and weights, those of `wilson`.

    Raises:
        ValueError: there is no image, or no weight is more than 0.

    Example:
        >>> low, high = clustered_wilson([1, 1, 1, 1], groups=np.array([0, 0, 1, 1]))
        >>> (low, high) == wilson(2, 2)
        True
    """
    true = np.asarray(true, np.float64)
    weights = np.ones(len(true)) if weights is None else np.asarray(weights, np.float64)
    if not weights.sum() > 0:
        raise ValueError("An interval of a share needs at least one image of a weight above 0.")
    kept = weights > 0
    true, weights = true[kept], weights[kept] / weights[kept].sum()
    independent = 1 / np.sum(weights**2)
    # A share that is 0 or 1 but for rounding is exactly that.
    share = float(true[0]) if (true == true[0]).all() else float(weights @ true)
    effective = independent
    if groups is not None:
        _, codes = np.unique(np.asarray(groups)[kept], return_inverse=True)
        effective = min(independent, _effective_number(true, share, weights, codes))
    return wilson(share * effective, effective)


def _effective_number(true: np.ndarray, share: float, weights: np.ndarray, codes: np.ndarray) -> float:
    """How many independent images would give the share the variance that it has over groups."""
    count = codes.max() + 1
    alike = 1 / np.sum(np.bincount(codes, weights) ** 2)
    if share in (0.0, 1.0) or count == 1:
        return alike
    variance = count / (count - 1) * np.sum(np.bincount(codes, weights * (true - share)) ** 2)
    # By chance, groups of few images can seem to spread the errors evenly, with next to no variance.
    return max(alike, share * (1 - share) / variance) if variance > 0 else np.inf


def mean_interval(values: ArrayLike, intervals: ArrayLike) -> tuple[float, float]:
    """The 95 % interval of the mean of independent shares, from the interval of each.

    Zou, Huang & Zhang 2009, *A note on confidence interval estimation for a linear function of binomial proportions*
    (MOVER): the distances from each share to its limits are added as squares.

    Args:
        values: the shares, such as the recalls of c classes, shape (c,).
        intervals: (low, high) of each, shape (c, 2).

    Returns:
        (low, high). With shares of 1 and Wilson's intervals, low is below 1.

    Example:
        >>> mean_interval([1.0, 1.0], [(0.4, 1.0), (0.7, 1.0)])
        (0.6645898033750315, 1.0)
    """
    values, intervals = np.asarray(values, np.float64), np.asarray(intervals, np.float64)
    below = np.sqrt(np.sum((values - intervals[:, 0]) ** 2)) / len(values)
    above = np.sqrt(np.sum((intervals[:, 1] - values) ** 2)) / len(values)
    return float(values.mean() - below), float(values.mean() + above)


def class_recalls(
    labels: np.ndarray,
    right: np.ndarray,
    weights: np.ndarray | None,
    codes: np.ndarray,
    present: Sequence[int],
) -> tuple[list[float], list[tuple[float, float]]]:
    """The (weighted) recall of each class of `present`, and its interval by group.

    Args:
        labels: the class of each image, shape (n,).
        right: whether each image is called what it is, shape (n,).
        weights: of each image, shape (n,). None: all alike.
        codes: the group of each image, whole numbers from 0, shape (n,).
        present: classes that have images.
    """
    recalls, intervals = [], []
    for value in present:
        rows = labels == value
        chosen = None if weights is None else weights[rows]
        recalls.append(float(np.average(right[rows], weights=chosen)))
        intervals.append(clustered_wilson(right[rows], codes[rows], chosen))
    return recalls, intervals
