"""Predictions in the submission format of the ISIC challenges."""

import os
from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from skinkeras.datasets.taxonomy import ISIC2018
from skinkeras.files.writing import replacing


def is_isic_challenge(classes: Sequence[str]) -> bool:
    """Whether the class names are those of ISIC 2018 task 3, in any order."""
    return sorted(classes) == sorted(ISIC2018.values())


def isic_submission(
    path: str | os.PathLike, image_ids: Sequence[str], probabilities: ArrayLike, classes: Sequence[str]
) -> None:
    """Writes a submission to ISIC 2018 task 3 (Lesion Diagnosis), which `isic-challenge-scoring` accepts.

    Columns: image, MEL, NV, BCC, AKIEC, BKL, DF, VASC. Numbers keep all digits, so scoring the file gives the same
    result as scoring the array.

    Args:
        path: CSV file to write.
        image_ids: the n images, such as "ISIC_0034524", each once.
        probabilities: in 0..1, shape (n, 7).
        classes: the column names of `probabilities`: those of `datasets.HAM10000`, in any order.

    Raises:
        ValueError: the classes differ, the shapes do not match, an image is listed twice, or a value is not a
            probability.
        OSError: the file could not be written.
    """
    probabilities = np.asarray(probabilities, dtype=np.float64)
    if sorted(classes) != sorted(ISIC2018.values()):
        raise ValueError(
            f"ISIC 2018 task 3 has the classes {', '.join(sorted(ISIC2018.values()))}. "
            f"Received: {', '.join(map(str, classes))}"
        )
    if probabilities.shape != (len(image_ids), len(classes)):
        raise ValueError(
            f"{len(image_ids)} images of {len(classes)} classes need probabilities of shape "
            f"{(len(image_ids), len(classes))}. Received shape: {probabilities.shape}"
        )
    table = pd.DataFrame(probabilities, pd.Index(image_ids, name="image"), list(classes))
    table = table[list(ISIC2018.values())].set_axis(list(ISIC2018), axis="columns")
    if twice := table.index[table.index.duplicated()].tolist():
        raise ValueError(f"A submission has one row per image, but image {twice[0]} is listed twice.")
    outside = table.index[~((table >= 0) & (table <= 1)).all(axis="columns")]
    if len(outside):
        raise ValueError(f"Probabilities must be in 0..1, and those of image {outside[0]} are not.")
    with replacing(path) as temporary:
        table.to_csv(temporary)
