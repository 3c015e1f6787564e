"""Cleaning rounds whose folds are ranked by models of different confidence."""

import numpy as np
import pandas as pd
import pytest

from pipelines.common.cleaning_rounds import Cleaner
from pipelines.common.groups import BinaryDataOptions, CleaningOptions, RankingModelOptions, RankingOptions
from pipelines.common.loading import ImageLoader
from pipelines.common.run_folder import RunFolder
from skinkeras import inputs
from skinkeras.datasets import DATASETS


class Confident:
    """A model that is wrong about dark images, by as much as it is confident."""

    def __init__(self, confidence):
        self.confidence = confidence

    def predict_on_batch(self, images):
        benign = 1 - self.confidence * (1 - np.mean(images, axis=(1, 2, 3)) / 255)
        return np.stack([benign, 1 - benign], axis=1)


@pytest.fixture
def cleaner(tmp_path, cache_dir, monkeypatch):
    """A `Cleaner` of one round over two folds, and its images."""
    positive = DATASETS["synthetic"].positive
    options = BinaryDataOptions(max_images=200, positive=positive)
    data = ImageLoader(options, 32, cache_dir, 0, positive, inputs.OVERSAMPLING["none"]).load(
        tmp_path / "none"
    )
    monkeypatch.setattr(
        Cleaner, "_trained", lambda _, data, name, number: Confident(0.9 if name.endswith("1") else 0.09)
    )
    cleaning = CleaningOptions(clean="custom", clean_rounds=1, clean_remove=20, clean_folds=2)
    model, plan = RankingModelOptions(image_size=32), RankingOptions(data_seed=0, batch_size=8)
    return Cleaner(cleaning, model, plan, "synthetic", data, RunFolder(tmp_path / "run")), data


def test_each_fold_loses_its_share_of_the_benign_images(cleaner):
    cleaner, data = cleaner
    left = cleaner.clean(data)
    assert int(data.kept.sum() - left.kept.sum()) == 20
    ranking = pd.read_csv(cleaner.rounds.folder / "round_1.csv")
    removed = ranking[ranking["removed"]]
    benign = ranking[ranking["label"] == "benign"]
    shares = 20 * benign["fold"].value_counts(normalize=True)
    assert removed["fold"].value_counts().to_dict() == pytest.approx(shares.to_dict(), abs=1)
    # Pooled, the confident model's fold would have lost all twenty: its losses are ten times as large.
    assert benign.nlargest(20, "loss")["fold"].nunique() == 1
    for fold, rows in benign.groupby("fold"):
        gone = rows["removed"]
        assert rows["loss"][gone].min() >= rows["loss"][~gone].max(), fold
    report = (cleaner.rounds.folder / "report.md").read_text()
    assert "among the images of its own fold" in report
