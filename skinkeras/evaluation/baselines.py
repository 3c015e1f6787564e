"""What needs no look at the skin: the AUC of the source, the file's size, dark corners and the mean colour.

A model has to beat these rows. They are fitted on training images and measured on test images, as a model is.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skinkeras.evaluation.bootstrap import group_codes
from skinkeras.evaluation.checks import binary_inputs
from skinkeras.evaluation.within_source import auc_interval, pair_auc_draws, pair_weights
from skinkeras.images import image_files

_FILE, _CORNERS, _COLOUR = "file size", "dark corners", "mean colour"
_BLOCK = 256  # images at once: 39 MB as uint8 at 224 x 224
# Rec. ITU-R BT.601, as Pillow's mode L.
_LUMINANCE = (0.299, 0.587, 0.114)


class BaselineImages(NamedTuple):
    """What the baselines know of a set of images."""

    labels: ArrayLike
    """0 (benign) or 1 (malignant), shape (n,)."""
    sources: ArrayLike | None = None
    """Clinic or device of each image, shape (n,); None where it is not known."""
    features: Mapping[str, np.ndarray] | None = None
    """Name -> float values, shape (n,) or (n, k), such as those of `image_features`."""


def binary_baselines(
    train: BaselineImages,
    test: BaselineImages,
    groups: ArrayLike | None = None,
    bootstrap: int = 2000,
    seed: int = 0,
) -> list[dict[str, Any]]:
    """The AUCs that the source and simple features of an image reach without a model.

    The source's score is the share of malignant training images of the same source (`source_scores`). Each feature,
    and all of them together, become a score by a logistic regression on the training images.

    Args:
        train: the images to fit on.
        test: the images to measure on, with the same features.
        groups: lesion of each test image, shape (n,); None, NaN or "" makes an image its own group.
        bootstrap: number of resamples.
        seed: seed of the resampling.

    Returns:
        One dict a baseline: name, roc_auc, roc_auc_interval, within_source_auc, within_source_auc_interval (both None
        where no source of the test images is known to have both classes). Within a source, the source's own AUC is
        0.5 by definition. Without sources there is no row "source".

    Raises:
        ValueError: bad shapes, or a class is absent from either set.

    Example:
        >>> train = BaselineImages([0, 0, 1, 1], ["a", "a", "a", "b"])
        >>> binary_baselines(train, BaselineImages([0, 1], ["a", "b"]))[0]["roc_auc"]
        1.0
    """
    scores = {}
    if train.sources is not None and test.sources is not None:
        scores["source"] = source_scores(train.sources, train.labels, test.sources)
    features = dict(train.features or {})
    if features:
        tested = {name: test.features[name] for name in features}
        scores |= {name: _fitted(features[name], train.labels, tested[name]) for name in features}
        if len(features) > 1:
            together = " + ".join(features)
            scores[together] = _fitted(_columns(features), train.labels, _columns(tested))
    if not scores:
        return []
    rows = np.array(list(scores.values()))
    labels, _ = binary_inputs(test.labels, rows[0])
    codes = group_codes(groups, len(labels))
    pooled = _measured("roc_auc", labels, rows, np.zeros(len(labels), np.int64), codes, bootstrap, seed)
    sources = np.full(len(labels), -1)
    if test.sources is not None:
        sources = pd.factorize(np.asarray(test.sources, object))[0]
    within = _measured("within_source_auc", labels, rows, sources, codes, bootstrap, seed)
    return [{"name": name, **a, **b} for name, a, b in zip(scores, pooled, within, strict=True)]


def source_scores(train_sources: ArrayLike, train_labels: ArrayLike, test_sources: ArrayLike) -> np.ndarray:
    """The share of malignant training images of each test image's source: what the source alone says.

    Args:
        train_sources, test_sources: clinic or device of each image, shapes (n,) and (m,).
        train_labels: 0 (benign) or 1 (malignant), shape (n,).

    Returns:
        float64 of shape (m,), in 0..1. A source without training images, or an unknown one, gets the share of all.

    Example:
        >>> source_scores(["a", "a", "b"], [0, 1, 1], ["a", "b", "c"]).round(2).tolist()
        [0.5, 1.0, 0.67]
    """
    labels = pd.Series(np.asarray(train_labels, np.float64))
    shares = labels.groupby(np.asarray(train_sources, object)).mean()
    return pd.Series(np.asarray(test_sources, object)).map(shares).fillna(labels.mean()).to_numpy(np.float64)


def image_features(images: np.ndarray, file_sizes: ArrayLike | None = None) -> dict[str, np.ndarray]:
    """Simple features of images that say how they were taken rather than what they show.

    Args:
        images: decoded, RGB, 0..255, shape (n, height, width, 3). A crop shows less of the corners than the file.
        file_sizes: bytes of each file, shape (n,); see `file_sizes`. None: not known.

    Returns:
        "file size" (n,): the logarithm of the bytes (only if they are known); "dark corners" (n,): the mean luminance
        of the four corners, squares with a tenth of the shorter side; "mean colour" (n, 3): mean red, green and blue.

    Raises:
        ValueError: `images` is not of shape (n, height, width, 3), or not one size per image.

    Example:
        >>> image_features(np.full((1, 8, 8, 3), (200, 100, 0)))["mean colour"].tolist()
        [[200.0, 100.0, 0.0]]
    """
    if images.ndim != 4 or images.shape[3] != 3:
        raise ValueError(f"images must have the shape (n, height, width, 3). Received: {images.shape}")
    corners, colours = np.empty(len(images)), np.empty((len(images), 3))
    for start in range(0, len(images), _BLOCK):
        rows = slice(start, start + _BLOCK)
        corners[rows], colours[rows] = _corners_and_colour(np.asarray(images[rows]))
    features = {_CORNERS: corners, _COLOUR: colours}
    if file_sizes is None:
        return features
    sizes = np.asarray(file_sizes, np.float64)
    if sizes.shape != corners.shape:
        raise ValueError(f"file_sizes must hold one number per image. Received shape: {sizes.shape}")
    return {_FILE: np.log(np.maximum(sizes, 1)), **features}


def file_sizes(paths: Sequence[str | Path]) -> np.ndarray:
    """The bytes of each file, int64 of shape (n,)."""
    return np.array([image_files.size(path) for path in paths], np.int64)


def _corners_and_colour(images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    side = max(1, min(images.shape[1:3]) // 10)
    edges = slice(None, side), slice(-side, None)
    corners = [images[:, rows, columns].mean(axis=(1, 2)) for rows in edges for columns in edges]
    return np.mean(corners, axis=0) @ _LUMINANCE, images.mean(axis=(1, 2))


def _columns(features: Mapping[str, np.ndarray]) -> np.ndarray:
    return np.column_stack(list(features.values()))


def _fitted(train: np.ndarray, labels: ArrayLike, test: np.ndarray) -> np.ndarray:
    """The probability of malignant of the test images, by a logistic regression on the training images."""
    train, test = np.asarray(train, np.float64), np.asarray(test, np.float64)
    model = make_pipeline(StandardScaler(), LogisticRegression())
    model.fit(train.reshape(len(train), -1), np.asarray(labels))
    return model.predict_proba(test.reshape(len(test), -1))[:, 1]


def _measured(
    name: str,
    labels: np.ndarray,
    scores: np.ndarray,
    sources: np.ndarray,
    codes: np.ndarray,
    bootstrap: int,
    seed: int,
) -> list[dict[str, Any]]:
    """For each row of scores, the AUC over pairs of one source and its interval, under `name`."""
    if not pair_weights(labels, sources).any():
        return [{name: None, f"{name}_interval": None}] * len(scores)
    positive = np.broadcast_to(labels == 1, scores.shape)
    draws = pair_auc_draws(labels, scores, positive, sources, codes, bootstrap, seed)
    return [{name: float(row[0]), f"{name}_interval": auc_interval(row, labels, codes)} for row in draws]
