"""Reliability of probabilities: how often predictions of a given probability are right."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike

from skinkeras.evaluation.intervals import wilson

EDGES = (0.0, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0)


@dataclass(frozen=True)
class ReliabilityBin:
    """The images whose probability is at least `low` and below `high` (in the last bin: at most `high`)."""

    low: float
    high: float
    n: int
    mean_probability: float
    share: float
    """The share of these images whose prediction is right, 0..1; of a calibrated model, the mean probability."""
    share_interval: tuple[float, float]
    """95 % Wilson interval, which assumes independent images; those of one lesion are not quite independent."""


def reliability(
    true: ArrayLike, probabilities: ArrayLike, edges: Sequence[float] = EDGES
) -> tuple[ReliabilityBin, ...]:
    """The rows of a reliability diagram (DeGroot & Fienberg 1983; Guo et al. 2017, section 2).

    Args:
        true: whether the prediction that has the probability is right, 0 or 1, shape (n,): for a binary model,
            whether the image is malignant; for several classes, whether the most probable class is the true one.
        probabilities: in 0..1, shape (n,).
        edges: bounds of the bins, ascending from 0 to 1.

    Returns:
        A `ReliabilityBin` for each bin that is not empty, from low to high.

    Raises:
        ValueError: the shapes differ, a probability is outside 0..1, or the edges do not ascend from 0 to 1.

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
    return ReliabilityBin(
        low=low,
        high=high,
        n=len(true),
        mean_probability=float(probabilities.mean()),
        share=float(true.mean()),
        share_interval=wilson(int(true.sum()), len(true)),
    )
