import os

import cv2
import numpy as np
import pandas as pd
import pytest

from skinkeras.evaluation import binary_metrics, plots


@pytest.fixture
def scored():
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1], [60, 20])
    return labels, 1 / (1 + np.exp(-rng.normal(2 * labels - 1, 1)))


def assert_figure(path):
    image = cv2.imread(str(path))
    assert image is not None
    assert image.shape[1] >= 600
    assert image.std() > 5
    assert os.listdir(path.parent) == [path.name]


def test_roc(scored, tmp_path):
    m = binary_metrics(*scored, 0.4, bootstrap=50)
    names = ("float32", "QAT", "int8")
    plots.roc(dict.fromkeys(names, scored), tmp_path / "roc.png", dict.fromkeys(names, m), "Synthetic")
    assert_figure(tmp_path / "roc.png")


@pytest.mark.parametrize("classes", [2, 7])
def test_confusion_matrix(tmp_path, classes):
    matrix = np.eye(classes, dtype=int) * 50 + 3
    plots.confusion_matrix(
        matrix, [f"class {i}" for i in range(classes)], tmp_path / "cm.png", "int8", "Synthetic"
    )
    assert_figure(tmp_path / "cm.png")


def test_dollar_signs_in_a_name_are_no_mathematics(tmp_path):
    drawn = []
    for name in ("$\\frac$", "$x$", "x"):  # the first one is wrong as mathematics
        plots.confusion_matrix([[5, 2], [1, 4]], (name, "b"), tmp_path / "confusion.png")
        drawn.append(cv2.imread(str(tmp_path / "confusion.png")))
    assert drawn[1].shape == drawn[2].shape and (drawn[1] != drawn[2]).any()


def test_confusion_matrix_of_another_size_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"\(3, 3\)"):
        plots.confusion_matrix(np.eye(2), ["a", "b", "c"], tmp_path / "cm.png")


def test_training_curves_draw_the_columns_that_exist(tmp_path):
    history = pd.DataFrame({
        "epoch": [1, 1, 2, 3],
        "phase": ["head", "all", "all", "all"],
        "loss": [0.9, 0.6, 0.5, 0.4],
        "val_loss": [0.8, 0.7, np.nan, 0.6],
        "val_auc": [0.7, 0.8, 0.85, 0.87],
        "miss_rate_malignant": [0.9, 0.5, 0.4, 0.3],
        "something_else": ["x"] * 4,
    })  # fmt: skip
    plots.training_curves(history, tmp_path / "curves.png", "Synthetic")
    assert_figure(tmp_path / "curves.png")


@pytest.mark.parametrize("history", [pd.DataFrame({"epoch": [1]}), pd.DataFrame({"loss": []})])
def test_training_curves_of_nothing_are_refused(history, tmp_path):
    with pytest.raises(ValueError, match="nothing to draw"):
        plots.training_curves(history, tmp_path / "curves.png")
    assert os.listdir(tmp_path) == []


def write_pictures(folder, colours):
    folder.mkdir()
    paths = [folder / f"lesion_{i}.png" for i in range(len(colours))]
    for path, colour in zip(paths, colours, strict=True):
        cv2.imwrite(str(path), np.full((30, 50, 3), colour[::-1], np.uint8))
    return paths


def count(image, rgb):
    return np.sum(np.all(np.abs(image[..., ::-1].astype(int) - rgb) <= 2, axis=-1))


def test_the_sheet_shows_the_lowest_malignant_and_the_highest_benign_pictures(tmp_path):
    shown, hidden = (10, 200, 30), (200, 10, 230)
    labels = np.array([0, 0, 0, 1, 1, 1])
    scores = np.array([0.1, 0.2, 0.9, 0.05, 0.7, 0.8])
    paths = write_pictures(tmp_path / "in", [hidden, hidden, shown, shown, hidden, hidden])
    out = tmp_path / "out" / "misses.png"
    plots.worst_misses(paths, labels, scores, 0.5, out, count=1, note="Synthetic")
    assert_figure(out)
    image = cv2.imread(str(out))
    assert count(image, shown) > 10_000
    assert count(image, hidden) == 0


def test_the_sheet_names_a_picture_that_cannot_be_read(tmp_path):
    paths = write_pictures(tmp_path / "in", [(9, 9, 9)] * 2)
    paths[1].write_text("not an image")
    with pytest.raises(ValueError, match=r"lesion_1\.png"):
        plots.worst_misses(paths, [0, 1], [0.1, 0.9], 0.5, tmp_path / "misses.png")
    assert not (tmp_path / "misses.png").exists()
