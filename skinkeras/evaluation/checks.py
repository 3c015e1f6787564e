"""Validation of labels and probabilities."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike


def binary_inputs(labels: ArrayLike, scores: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Checks labels and scores, and returns them as int64 (n,) and float64 (n,).

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
            f"labels and scores must be vectors of the same length. Received shapes: {labels.shape} and "
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
                f"Binary metrics need images of both classes, but none of the {len(labels)} images is {name}."
            )
    return labels, scores


def multiclass_inputs(
    labels: ArrayLike, probabilities: ArrayLike, classes: Sequence[str], *, absent: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    """Checks labels and probabilities, and returns them as int64 (n,) and float64 (n, c).

    A row of probabilities need not sum to 1: the softmax of an int8 model is rounded.

    Args:
        labels: index of each image's class, 0..c-1, shape (n,).
        probabilities: in 0..1, shape (n, c).
        classes: the c class names, two or more.
        absent: whether classes may have no images.

    Raises:
        ValueError: a class name occurs twice, the shapes do not match, a label is not the index of a class, a
            value is not a probability, or a class has no images and `absent` is off.
    """
    labels, probabilities = np.asarray(labels), np.asarray(probabilities, dtype=np.float64)
    if len(classes) < 2 or len(set(classes)) < len(classes):
        raise ValueError(f"classes must be two or more different names. Received: {list(classes)}")
    if labels.ndim != 1 or probabilities.shape != (len(labels), len(classes)):
        raise ValueError(
            f"n labels of {len(classes)} classes need probabilities of shape (n, {len(classes)}). "
            f"Received shapes: {labels.shape} and {probabilities.shape}"
        )
    wrong = labels[~np.isin(labels, range(len(classes)))]
    if wrong.size:
        raise ValueError(f"labels must be whole numbers in 0..{len(classes) - 1}. Received: {wrong[0]}")
    outside = np.argwhere(~((probabilities >= 0) & (probabilities <= 1)))
    if outside.size:
        row, column = outside[0]
        raise ValueError(
            "probabilities must be in 0..1. "
            f"Received: {probabilities[row, column]} in row {row}, class {classes[column]!r}"
        )
    labels = labels.astype(np.int64)
    for value, name in enumerate(classes):
        if not absent and not np.any(labels == value):
            raise ValueError(
                f"A class without images has no recall, but none of the {len(labels)} images is {name!r}."
            )
    return labels, probabilities
