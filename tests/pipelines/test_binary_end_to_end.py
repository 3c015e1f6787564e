"""The main job, as a user runs it: in processes of its own, one of which is killed twice and resumed."""

import json
import zipfile
from pathlib import Path

import keras
import numpy as np
import pandas as pd
import pytest
from processes import kill_once_there, start
from sklearn.metrics import roc_auc_score

from skinkeras import datasets, quantization, reports, tflite

NAME = "melanoma_efficientnet_tiny_64"
FORMS = ["float", "QAT", "float32", "float16", "int8"]
SETTINGS = [
    *("--gamma", "10", "--data", "folder", "--image-size", "64", "--batch-size", "16"),
    *("--model", "efficientnet_tiny", "--weights", "none"),
    *("--head-epochs", "1", "--epochs", "4", "--qat-epochs", "3", "--learning-rate", "2e-4"),
    "--robustness",
]

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]


@pytest.fixture(scope="module")
def images(cache_dir, tmp_path_factory):
    """A user's own folder of 160 images: one folder a class."""
    folder = tmp_path_factory.mktemp("images")
    manifest = datasets.synthetic(800, 0, cache_dir / "synthetic-800-0").limit(160, 0)
    for path, label in zip(manifest.table["image"], manifest.table["label"], strict=True):
        target = folder / label / Path(path).name
        target.parent.mkdir(exist_ok=True)
        target.symlink_to(path)
    return folder


def run(images, out, *more):
    return start("binary", *SETTINGS, "--data-dir", images, "--out", out, *more, log=f"{out}.log")


@pytest.fixture(scope="module")
def uninterrupted(images, tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "whole"
    assert run(images, out).wait(1000) == 0, Path(f"{out}.log").read_text()[-3000:]
    return out


@pytest.fixture(scope="module")
def killed_twice(images, tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "killed"
    log = f"{out}.log"
    kill_once_there(run(images, out), out / "state" / "all.npz", log)
    history = (
        pd.read_csv(out / "history.csv") if (out / "history.csv").exists() else pd.DataFrame({"phase": []})
    )
    assert (history["phase"] == "all").sum() < 4, "the first kill came too late to prove anything"
    kill_once_there(run(images, out, "--resume"), out / "state" / "qat.npz", log)
    assert not (out / "model_qat.keras").exists(), "the second kill came too late to prove anything"
    # The third part is stopped too: what is compared is there before the export.
    kill_once_there(run(images, out, "--resume"), out / "model_qat.keras", log)
    return out


@pytest.mark.long
@pytest.mark.parametrize("file", ["model.keras", "model_qat.keras"])
def test_killed_and_resumed_run_ends_with_the_same_weights(uninterrupted, killed_twice, file):
    whole, resumed = (
        keras.models.load_model(out / file, compile=False).get_weights()
        for out in (uninterrupted, killed_twice)
    )
    assert len(whole) == len(resumed) > 100
    assert all(np.array_equal(a, b) for a, b in zip(whole, resumed, strict=True))


@pytest.mark.long
def test_killed_and_resumed_run_has_the_same_history(uninterrupted, killed_twice):
    whole, resumed = (
        pd.read_csv(out / "history.csv").drop(columns="seconds") for out in (uninterrupted, killed_twice)
    )
    pd.testing.assert_frame_equal(whole, resumed)
    assert whole["phase"].tolist() == ["head"] + ["all"] * 4 + ["qat"] * 3
    # The recall terms leave their start at 1, and a new phase does not send them back there.
    rates = whole["miss_rate_benign"]
    first_of_a_phase = (whole["phase"] != whole["phase"].shift()) & (whole.index > 0)
    assert rates.iloc[0] < 1
    assert (rates.diff()[first_of_a_phase] < (1 - rates.shift()[first_of_a_phase]) / 2).all()


def test_run_leaves_everything_that_the_design_promises(uninterrupted):
    out = uninterrupted
    for name in (
        "config.yaml split.csv history.csv record.json metrics.json predictions.csv card.md model.keras "
        "model_qat.keras figures/roc.png figures/confusion_matrix.png figures/training.png "
        "figures/worst_misses.png logs "
        f"export/{NAME}_float32.tflite export/{NAME}_float16.tflite export/{NAME}_int8.tflite "
        f"export/{NAME}.labels.txt export/{NAME}.json export/{NAME}.card.md"
    ).split():
        assert (out / name).exists(), name
    assert not (out / "state").exists()
    assert not list(out.rglob("rejected_*"))
    with zipfile.ZipFile(out / "model.keras") as archive:
        assert archive.testzip() is None
    assert quantization.is_quantized(keras.models.load_model(out / "model_qat.keras"))


def test_metrics_are_those_of_the_predictions(uninterrupted):
    results = reports.read_results(uninterrupted)
    predictions = pd.read_csv(uninterrupted / "predictions.csv")
    split = pd.read_csv(uninterrupted / "split.csv")
    assert set(predictions["image_id"]) == set(split[split["split"] == "test"]["image_id"])
    malignant = predictions["label"] == "malignant"
    (repeat,) = results.repeats
    assert list(repeat.metrics) == FORMS
    for form in FORMS:
        scores = predictions[f"probability_{form}_malignant"]
        metrics = repeat.metrics[form]
        assert metrics["roc_auc"] == pytest.approx(roc_auc_score(malignant, scores), abs=1e-6)
        flagged = predictions[f"predicted_{form}"] == "malignant"
        assert metrics["malignant_recall"] == pytest.approx(flagged[malignant].mean())
        assert (flagged == (scores >= metrics["threshold"])).all()
        at_half = repeat.metrics_at_half[form]
        assert at_half["benign_recall"] == pytest.approx((scores < 0.5)[~malignant].mean())


def test_every_form_has_an_operating_point_of_its_own(uninterrupted):
    record = reports.read_record(uninterrupted / "record.json")
    for form, entry in record["repeats"][0]["forms"].items():
        point = entry["operating_point"]
        assert (point["chosen_by"], point["chosen_on"]) == (form, "validation")
        assert entry["metrics"]["threshold"] == point["threshold"]
    assert record["operating_point"] == record["repeats"][0]["forms"]["int8"]["operating_point"]


def test_the_form_that_ships_is_measured_on_disturbed_images(uninterrupted):
    record = reports.read_record(uninterrupted / "record.json")
    first, *disturbed = record["robustness"]
    int8 = record["repeats"][0]["forms"]["int8"]["metrics"]
    for key in ("n", "roc_auc", "malignant_recall"):
        assert first[key] == pytest.approx(int8[key]), key
    assert len(disturbed) > 20 and any(row["changed"] for row in disturbed)
    assert "Robustness of int8." in (uninterrupted / "card.md").read_text()
    assert (uninterrupted / "figures" / "robustness.png").exists()


def test_exported_files_answer_alone_and_as_the_contract_says(uninterrupted):
    export = uninterrupted / "export"
    contract = json.loads((export / f"{NAME}.json").read_text())
    predictions = pd.read_csv(uninterrupted / "predictions.csv")
    assert contract["classes"] == ["benign", "malignant"]
    assert (export / f"{NAME}.labels.txt").read_text() == "benign\nmalignant\n"
    for kind, file in contract["files"].items():
        classifier = tflite.Classifier(export / file["file"])
        assert list(classifier.labels) == contract["classes"]
        assert [1, *classifier.input_size, 3] == contract["input"]["shape"]
        probabilities = classifier.predict(np.zeros((1, 64, 64, 3), np.float32))
        assert probabilities.sum() == pytest.approx(1, abs=0.01)
        assert predictions[f"probability_{kind}_malignant"].between(0, 1).all()
        assert sum(row["n"] for row in file["test"]["reliability"]) == len(predictions)


def test_finished_run_is_shown_again_and_not_run_again(uninterrupted, images):
    before = (uninterrupted / "metrics.json").stat().st_mtime_ns
    assert run(images, uninterrupted, "--resume").wait(100) == 0
    assert (uninterrupted / "metrics.json").stat().st_mtime_ns == before
