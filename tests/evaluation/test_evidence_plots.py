import os

import cv2
import numpy as np
import pytest
from matplotlib.figure import Figure

from skinkeras.evaluation import abstention_band, evidence_plots, operating_points


@pytest.fixture
def scored():
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1], [160, 40])
    return labels, 1 / (1 + np.exp(-rng.normal(2 * labels - 1, 1)))


@pytest.fixture
def words(monkeypatch):
    """All words of the figures that are saved."""
    found = set()
    savefig = Figure.savefig

    def reading(figure, *args, **kwargs):
        savefig(figure, *args, **kwargs)
        found.update(text.get_text() for text in figure.findobj(lambda artist: hasattr(artist, "get_text")))

    monkeypatch.setattr(Figure, "savefig", reading)
    return found


def assert_figure(path):
    image = cv2.imread(str(path))
    assert image is not None and image.shape[1] >= 600 and image.std() > 5
    assert os.listdir(path.parent) == [path.name]


def test_reliability_before_and_after(scored, tmp_path, words):
    labels, after = scored
    answers = {"before": (labels, np.sqrt(after)), "after": scored}
    evidence_plots.reliability_diagram(answers, tmp_path / "reliability.png", note="Synthetic")
    assert_figure(tmp_path / "reliability.png")
    assert "Share of images that are malignant" in words and "Synthetic" in words
    assert sum(text.startswith(("before  (cal", "after  (cal")) for text in words) == 2


def test_decision_curves(scored, tmp_path, words):
    evidence_plots.decision_curves({"int8": scored}, tmp_path / "decision.png", note="Synthetic")
    assert_figure(tmp_path / "decision.png")
    assert "200 images, 20.0% malignant; of use where it is above both" in words


def test_precision_and_recall(scored, tmp_path, words):
    evidence_plots.precision_recall_curves({"int8": scored, "float": scored}, tmp_path / "pr.png")
    assert_figure(tmp_path / "pr.png")
    assert "guessing: 20.0% malignant" in words


def test_operating_points_and_the_band(scored, tmp_path, words):
    points = operating_points(*scored, ["balanced_accuracy", "sensitivity_95", "cost_10"])
    band = abstention_band(*scored)
    evidence_plots.operating_points_roc(*scored, points, tmp_path / "points.png", band, "Synthetic")
    assert_figure(tmp_path / "points.png")
    assert any(text.startswith("not sure: ") for text in words)
    recall = np.mean(scored[1][scored[0] == 1] >= points["sensitivity_95"])
    assert any(text.startswith("sensitivity 95: ") and f"; {recall:.0%} found" in text for text in words)


def test_a_band_is_not_needed(scored, tmp_path, words):
    evidence_plots.operating_points_roc(*scored, {"fixed_0.5": 0.5}, tmp_path / "points.png")
    assert_figure(tmp_path / "points.png")
    assert not any("not sure" in text for text in words)


def test_a_forest_of_slices(tmp_path, words):
    rows = [
        {"label": "Sex"},
        {"label": "female", "value": 0.9, "low": 0.8, "high": 0.95, "n": 1267},
        {"label": "male", "value": 0.85, "low": None, "high": None, "n": 300},
        {"label": "unknown", "value": None, "low": None, "high": None, "n": 5},
    ]
    evidence_plots.forest(rows, tmp_path / "forest.png", "ROC AUC by slice", 0.88, "Synthetic")
    assert_figure(tmp_path / "forest.png")
    assert {"1,267", "5", "too few images of a class", "all images 0.880"} <= set(words)


def test_nothing_to_draw_is_refused(tmp_path):
    with pytest.raises(ValueError, match="nothing to draw"):
        evidence_plots.forest([{"label": "a", "value": None, "n": 1}], tmp_path / "forest.png")
    assert not os.listdir(tmp_path)
