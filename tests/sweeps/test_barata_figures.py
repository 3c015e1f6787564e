import os
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from pipelines.sweeps.barata2021.figures import attention_panels, recall_bars
from skinkeras.evaluation.style import BLUE, VERMILLION


def rgb(path):
    return np.asarray(Image.open(path).convert("RGB")).astype(int)


def height_of(image, colour):
    colour = [int(colour[i : i + 2], 16) for i in (1, 3, 5)]
    rows, _ = np.nonzero((image == colour).all(axis=-1))
    return np.ptp(rows)


def test_bars_are_as_high_as_the_recalls(tmp_path):
    recalls = {"none": {"nv": (0.8, 0.8, 0.8)}, "ohem": {"nv": (0.4, 0.3, 0.5)}}
    recall_bars(recalls, tmp_path / "bars.png", {"nv": 1341}, "Flat", "Synthetic")
    image = rgb(tmp_path / "bars.png")
    # The legend's squares are of the same colours, and stand above both bars' ends or beside them.
    columns = image[:, : int(image.shape[1] * 0.7)]
    assert height_of(columns, BLUE) == pytest.approx(2 * height_of(columns, VERMILLION), rel=0.03)
    assert os.listdir(tmp_path) == ["bars.png"]


def test_strategies_of_different_classes_are_refused(tmp_path):
    with pytest.raises(ValueError, match="'ohem' has"):
        recall_bars({"none": {"nv": (1, 1, 1)}, "ohem": {"mel": (1, 1, 1)}}, tmp_path / "bars.png")
    with pytest.raises(ValueError, match="at least one strategy"):
        recall_bars({}, tmp_path / "bars.png")
    assert os.listdir(tmp_path) == []


def maps(spatial, best):
    """Of one image, whose second channel matters most."""
    return SimpleNamespace(
        spatial=np.array([spatial]),
        best_feature=np.array([best]),
        channel=np.array([[0.2, 0.9]]),
        best_channel=np.array([1]),
    )


@pytest.mark.parametrize("verdicts", [None, {"none": ["nv"]}])
def test_the_panel_is_brightest_where_the_map_is(tmp_path, verdicts):
    images = np.full((1, 40, 40, 3), 128, np.uint8)
    corner, flat = np.zeros((4, 4)), np.full((4, 4), 0.5)
    corner[3, 3] = 1.0
    attention_panels(images, ["mel"], {"none": maps(corner, flat)}, tmp_path / "map.png", verdicts)
    image = rgb(tmp_path / "map.png")
    # The lower right corner of the upper overlay alone is yellow: nothing else of the figure is.
    yellow = (image[..., 0] > image[..., 2] + 80) & (image[..., 1] > image[..., 2] + 60)
    rows, columns = np.nonzero(yellow)
    assert len(rows) > 200
    assert np.ptp(rows) < 0.15 * len(image)
    assert rows.mean() < 0.5 * len(image)
    assert columns.min() > 0.5 * image.shape[1]


def test_maps_of_other_images_are_refused(tmp_path):
    two, one = np.zeros((2, 8, 8, 3), np.uint8), maps(np.zeros((2, 2)), np.zeros((2, 2)))
    for columns in ({"none": one}, {}):
        with pytest.raises(ValueError, match="2 images need as many"):
            attention_panels(two, ["a", "b"], columns, tmp_path / "map.png")
    assert os.listdir(tmp_path) == []
