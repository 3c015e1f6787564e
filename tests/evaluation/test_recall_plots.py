"""Bars of each class's recall: that they are where the numbers say."""

import cv2
import numpy as np
import pytest

from skinkeras.evaluation.recall_plots import recall_bars
from skinkeras.evaluation.style import BLUE, VERMILLION


def height(image, colour):
    """Pixels of that colour in the tallest column of them."""
    rgb = [int(colour[i : i + 2], 16) for i in (1, 3, 5)]
    return np.all(image[:, :, ::-1] == rgb, axis=2).sum(axis=0).max()


def test_bars_are_as_high_as_the_recalls(tmp_path):
    recalls = {
        "none": {"mel": (0.8, 0.8, 0.8), "nv": (0.1, 0.05, 0.2)},
        "ohem": {"mel": (0.4, 0.4, 0.4), "nv": (0.1, 0.05, 0.2)},
    }
    recall_bars(recalls, tmp_path / "bars.png", "Recall", "a note")
    image = cv2.imread(str(tmp_path / "bars.png"))
    assert height(image, BLUE) / height(image, VERMILLION) == pytest.approx(2, rel=0.02)


def test_strategies_of_other_classes_are_refused(tmp_path):
    with pytest.raises(ValueError, match="of each the same classes"):
        recall_bars({"a": {"mel": (1, 1, 1)}, "b": {"nv": (1, 1, 1)}}, tmp_path / "bars.png", "Recall")
    with pytest.raises(ValueError, match="at least one strategy"):
        recall_bars({}, tmp_path / "bars.png", "Recall")
