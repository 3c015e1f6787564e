"""What a probability is worth: how often what has been given it is true."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import binomtest

EDGES = (0.0, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0)


@dataclass(frozen=True)
class ReliabilityBin:
    """The images whose probability is at least `low` and below `high` (of the last bin: up to `high`)."""

    low: float
    high: float
    n: int
    mean_probability: float
    share: float
    """Of these images, how many it is true of, 0..1: the mean probability, of a calibrated model."""
    share_interval: tuple[float, float]
    """95 % Wilson interval, as if the images were independent; those of one lesion are not quite."""


def reliability(
    true: ArrayLike, probabilities: ArrayLike, edges: Sequence[float] = EDGES
) -> tuple[ReliabilityBin, ...]:
    """The rows of a reliability diagram (DeGroot & Fienberg 1983; Guo et al. 2017, section 2).

    Args:
        true: whether what was given the probability is true, 0 or 1, shape (n,): of a binary model, whether
            the image is malignant; of a model of several classes, whether the class that it names is right.
        probabilities: in 0..1, shape (n,).
        edges: of the bins, ascending, the first 0 and the last 1.

    Returns:
        A `ReliabilityBin` for each bin that holds an image, from low to high.

    Raises:
        ValueError: the shapes differ, or a probability or the edges are not as above.

    Example:
        >>> reliability([0, 1], [0.9, 0.9])[0].share
        0.5
    """
    true, probabilities = np.asarray(true, bool), np.asarray(probabilities, np.float64)
    if true.ndim != 1 or true.shape != probabilities.shape:
        raise ValueError(f"Shapes must be (n,) and equal. Received: {true.shape} and {probabilities.shape}")
    if not ((probabilities >= 0) & (probabilities <= 1)).all():
        raise ValueError("Probabilities must be in 0..1.")
    if edges[0] != 0 or edges[-1] != 1 or not (np.diff(edges) > 0).all():
        raise ValueError(f"edges must ascend from 0 to 1. Received: edges={list(edges)}")
    index = np.minimum(np.digitize(probabilities, edges) - 1, len(edges) - 2)
    return tuple(
        _bin(low, high, true[index == number], probabilities[index == number])
        for number, (low, high) in enumerate(pairwise(edges))
        if (index == number).any()
    )


def _bin(low: float, high: float, true: np.ndarray, probabilities: np.ndarray) -> ReliabilityBin:
    interval = binomtest(int(true.sum()), len(true)).proportion_ci(method="wilson")
    return ReliabilityBin(
        low=low,
        high=high,
        n=len(true),
        mean_probability=float(probabilities.mean()),
        share=float(true.mean()),
        share_interval=(float(interval.low), float(interval.high)),
    )
