"""The job over several classes, level by level, with a curriculum and two splits: whole, and killed and resumed."""

import json
from pathlib import Path

import keras
import numpy as np
import pandas as pd
import pytest
from processes import kill_once_there, start

from skinkeras import datasets, layers, reports, tflite

NAME = "demo_synthetic_hierarchical_efficientnet_tiny_32"
FORMS = ["float", "QAT", "float32", "float16", "int8"]
SETTINGS = [
    *("--model", "hierarchical_efficientnet_tiny", "--weights", "none", "--weighting", "ohem"),
    *("--colour-constancy", "before", "--constancy-gamma", "2.2", "--feature-dropout", "0.3"),
    *("--image-size", "32", "--max-images", "120", "--batch-size", "16"),
    *("--repeats", "2", "--epochs", "2", "--qat-epochs", "1", "--learning-rate", "1e-3"),
]

pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def runs(tmp_path_factory, cache_dir):
    """One run killed in the second split's training, resumed and finished; one stopped when both are trained."""
    root = tmp_path_factory.mktemp("runs")

    def run(name, *more):
        words = ("--cache-dir", cache_dir, "--out", root / name, *more)
        return start("multiclass", *SETTINGS, *words, log=root / f"{name}.log")

    resumed, whole = root / "resumed", root / "whole"
    kill_once_there(run("resumed"), resumed / "repeat_2" / "state" / "all.npz", root / "resumed.log")
    assert not (resumed / "repeat_2" / "model.keras").exists(), "the kill came too late to prove anything"
    assert run("resumed", "--resume").wait(600) == 0, (root / "resumed.log").read_text()[-3000:]
    kill_once_there(run("whole"), whole / "repeat_2" / "model.keras", root / "whole.log")
    return {"resumed": resumed, "whole": whole}


@pytest.mark.parametrize("repeat", [".", "repeat_2"])
def test_a_run_that_was_killed_ends_with_the_same_weights(runs, repeat):
    whole, resumed = (
        keras.models.load_model(runs[name] / repeat / "model.keras", compile=False).get_weights()
        for name in ("whole", "resumed")
    )
    assert len(whole) == len(resumed) > 100
    assert all(np.array_equal(a, b) for a, b in zip(whole, resumed, strict=True))


def test_the_run_leaves_what_the_design_promises(runs):
    run = runs["resumed"]
    for file in (
        "config.yaml taxonomy.yaml record.json metrics.json card.md figures/confusion_matrix.png "
        "figures/training.png split.csv history.csv predictions.csv model.keras model_qat.keras "
        "repeat_2/split.csv repeat_2/history.csv repeat_2/predictions.csv repeat_2/model.keras "
        f"export/{NAME}_float32.tflite export/{NAME}_float16.tflite export/{NAME}_int8.tflite "
        f"export/{NAME}.labels.txt export/{NAME}.json export/{NAME}.card.md"
    ).split():
        assert (run / file).exists(), file
    assert not list(run.rglob("state")) and not list(run.rglob("rejected_*"))
    assert not (run / "repeat_2" / "model_qat.keras").exists()
    assert "SYNTHETIC" in (run / "card.md").read_text()


def test_metrics_are_those_of_the_predictions(runs):
    """What `metrics.json` says, computed again from `predictions.csv`, in another way."""
    results = reports.read_results(runs["resumed"])
    classes = list(results.classes)
    assert classes == list(datasets.SYNTHETIC_TAXONOMY.classes) and results.synthetic
    first, second = results.repeats
    assert (list(first.metrics), list(second.metrics)) == (FORMS, ["float"])
    for place, repeat in (("predictions.csv", first), ("repeat_2/predictions.csv", second)):
        table = pd.read_csv(runs["resumed"] / place)
        for form, metrics in repeat.metrics.items():
            columns = table[[f"probability_{form}_{name}" for name in classes]]
            assert columns.sum(axis=1).to_numpy() == pytest.approx(1, abs=0.05)
            named = columns.idxmax(axis=1).str.removeprefix(f"probability_{form}_")
            assert (named == table[f"predicted_{form}"]).all()
            tied = columns.eq(columns.max(axis=1), axis=0).sum(axis=1) > 1
            right = (named == table["label"]) & ~tied
            assert metrics["accuracy"] == pytest.approx(right.mean())
            recalls = right.groupby(table["label"]).mean()
            assert metrics["balanced_accuracy"] == pytest.approx(recalls.mean())
    mean = np.mean([repeat.metrics["float"]["balanced_accuracy"] for repeat in results.repeats])
    assert results.mean["balanced_accuracy"] == pytest.approx(mean)


def test_each_level_is_measured(runs):
    record = reports.read_record(runs["resumed"] / "record.json")
    for repeat in record["repeats"]:
        level = repeat["forms"]["float"]["levels"]["level1"]
        assert level["classes"] == ["benign", "malignant"]
        assert level["n"] == sum(repeat["images"]["test"].values())


def test_the_integer_file_is_one(runs):
    export = runs["resumed"] / "export"
    contract = json.loads((export / f"{NAME}.json").read_text())
    assert contract["positive_class"] is None and contract["threshold"] is None
    assert contract["classes"] == list(datasets.SYNTHETIC_TAXONOMY.classes)
    file = export / contract["files"]["int8"]["file"]
    assert list(tflite.read_labels(file)) == contract["classes"]
    metrics = json.loads((runs["resumed"] / "metrics.json").read_text())
    verification = metrics["files"]["int8"]["verification"]
    assert verification["float_islands"] == [] and verification["custom_ops"] == []
    assert Path(verification["path"]).name == verification["path"]


def test_colour_constancy_is_a_layer_of_the_model(runs):
    model = keras.models.load_model(runs["whole"] / "model.keras", compile=False)
    constancy = model.get_layer("colour_constancy")
    assert isinstance(constancy, layers.ShadesOfGray)
    assert not constancy.in_training and constancy.settings["gamma"] == 2.2


def test_dropout_is_in_several_layers(runs):
    model = keras.models.load_model(runs["whole"] / "model.keras", compile=False)
    rates = {layer.name: layer.rate for layer in model.layers if isinstance(layer, keras.layers.Dropout)}
    names = {"feature_dropout": 0.3, **dict.fromkeys(("dropout", "level1_dropout", "level2_dropout"), 0.5)}
    assert names.items() <= rates.items()
