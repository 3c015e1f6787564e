"""Evaluation comes before export: a file that is refused costs a run nothing else."""

import dataclasses
import json

import pandas as pd
import pytest
from processes import run_here

from pipelines import binary, export
from skinkeras import reports, tflite

pytestmark = pytest.mark.slow

SETTINGS = (
    *("--model", "efficientnet_tiny", "--weights", "none", "--image-size", "32", "--max-images", "150"),
    *("--epochs", "1", "--head-epochs", "0", "--qat-epochs", "1", "--batch-size", "16", "--no-deterministic"),
)
NAME = "demo_synthetic_efficientnet_tiny_32"


def exit_code(*words):
    """What the binary job ends with."""
    try:
        run_here(binary, *words)
    except SystemExit as stopped:
        return stopped.code
    return 0


@pytest.fixture(scope="module")
def refused(cache_dir, tmp_path_factory):
    """A run whose int8 file no tolerance lets pass."""
    out = tmp_path_factory.mktemp("runs") / "run"
    with pytest.MonkeyPatch.context() as patch:
        strict = dataclasses.replace(tflite.TOLERANCES["int8"], max_difference=-1.0)
        patch.setitem(tflite.TOLERANCES, "int8", strict)
        assert exit_code(*SETTINGS, "--cache-dir", cache_dir, "--out", out) == 1
    return out


def test_the_run_is_measured_and_reported_on_without_the_file(refused):
    record = reports.read_record(refused / "record.json")
    assert list(record["files"]) == ["float32", "float16"]
    (entry,) = record["refused"].values()
    assert entry["file"] == f"rejected_{NAME}_int8.tflite" and (refused / entry["file"]).is_file()
    assert "layer_noise.csv says which layers add most noise" in entry["reason"]
    assert list(record["repeats"][0]["forms"]) == ["float", "QAT", "float32", "float16"]
    metrics = json.loads((refused / "metrics.json").read_text())
    assert metrics["refused"] == record["refused"]
    assert metrics["operating_point"]["chosen_by"] == "float16"  # the last form that ships
    predictions = pd.read_csv(refused / "predictions.csv")
    assert "probability_float16_malignant" in predictions and "probability_int8_malignant" not in predictions
    for name in (
        "card.md",
        "figures/roc.png",
        "layer_noise.csv",
        "model_qat.keras",
        f"export/{NAME}.card.md",
    ):
        assert (refused / name).is_file(), name
    assert not (refused / "export" / f"{NAME}_int8.tflite").exists()
    assert not (refused / "state").exists()


def test_the_card_says_which_file_was_refused(refused):
    text = (refused / "card.md").read_text()
    reason = reports.read_record(refused / "record.json")["refused"]["int8"]["reason"]
    assert reason.startswith(f"rejected_{NAME}_int8.tflite disagrees with its Keras model")
    assert reason in text and "refused" in text
    assert str(refused) not in text


def test_files_are_compared_on_validation_images_and_test_images_only_reported_on(refused):
    record = reports.read_record(refused / "record.json")
    images = {name: sum(counts.values()) for name, counts in record["repeats"][0]["images"].items()}
    assert images["validation"] != images["test"]
    assert record["verified_on"] == "validation"
    for kind, file in record["files"].items():
        assert file["verification"]["images"] == images["validation"]
        assert record["repeats"][0]["forms"][kind]["metrics"]["n"] == images["test"]
    assert "its Keras model on the validation images" in (refused / "card.md").read_text()


def test_the_run_is_complete_and_its_files_can_be_made_again(refused, tmp_path, cache_dir):
    before = (refused / "metrics.json").stat().st_mtime_ns
    assert (
        exit_code(*SETTINGS, "--cache-dir", cache_dir, "--out", refused, "--resume") == 1
    )  # it is said again
    assert (refused / "metrics.json").stat().st_mtime_ns == before
    export.main(export.Settings(refused, out=tmp_path / "again"))
    assert (tmp_path / "again" / "export" / f"{NAME}_int8.tflite").is_file()
