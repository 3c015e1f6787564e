"""What every metric asks of its input."""

import numpy as np
from numpy.typing import ArrayLike


def binary_inputs(labels: ArrayLike, scores: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Returns labels as int64 (n,) and scores as float64 (n,), or says what is wrong with them.

    Args:
        labels: 0 (benign) or 1 (malignant), shape (n,).
        scores: probability of malignant in 0..1, shape (n,).

    Raises:
        ValueError: shapes differ, a label is neither 0 nor 1, a score is not a probability, or a class is
            absent.
    """
    labels, scores = np.asarray(labels), np.asarray(scores, dtype=np.float64)
    if labels.ndim != 1 or labels.shape != scores.shape:
        raise ValueError(
            f"labels and scores must be two vectors of one length. Received shapes: {labels.shape} and "
            f"{scores.shape}"
        )
    wrong = labels[(labels != 0) & (labels != 1)]
    if wrong.size:
        raise ValueError(f"labels must be 0 (benign) or 1 (malignant). Received: {wrong[0]}")
    outside = np.flatnonzero(~((scores >= 0) & (scores <= 1)))
    if outside.size:
        raise ValueError(
            f"scores must be probabilities in 0..1. Received: {scores[outside[0]]} in row {outside[0]}"
        )
    labels = labels.astype(np.int64)
    for value, name in enumerate(("benign", "malignant")):
        if not np.any(labels == value):
            raise ValueError(
                f"Binary metrics need images of both classes, and none of the {len(labels)} images is {name}."
            )
    return labels, scores
