"""Runs that set no images aside for validation, from images to files."""

import pandas as pd
import pytest
from processes import run_here

from pipelines import binary, clean, export, multiclass
from skinkeras import reports

pytestmark = pytest.mark.long

NAME = "demo_synthetic_efficientnet_tiny_32"
SETTINGS = (
    *("--model", "efficientnet_tiny", "--weights", "none", "--image-size", "32", "--max-images", "150"),
    *("--validation", "0", "--batch-size", "16", "--no-deterministic"),
)
EPOCHS = ("--epochs", "1", "--head-epochs", "1")


@pytest.fixture(scope="module")
def trained(cache_dir, tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "run"
    run_here(binary, *SETTINGS, *EPOCHS, "--qat-epochs", "1", "--cache-dir", cache_dir, "--out", out)
    return out


def test_all_but_the_test_images_are_trained_on(trained):
    split = pd.read_csv(trained / "split.csv")["split"].value_counts()
    assert set(split.index) == {"train", "test"}
    assert split["test"] / split.sum() == pytest.approx(0.2, abs=0.03)
    images = reports.read_record(trained / "record.json")["repeats"][0]["images"]
    assert sum(images["train"].values()) == split["train"]
    assert images["validation"] == {"benign": 0, "malignant": 0}


def test_no_threshold_is_chosen(trained):
    record = reports.read_record(trained / "record.json")
    for form, entry in record["repeats"][0]["forms"].items():
        point = entry["operating_point"]
        assert (point["threshold"], point["criterion"], point["chosen_on"]) == (0.5, "fixed", None), form
        assert entry["metrics"] == entry["metrics_at_half"]
    facts = record["training"]["facts"]
    assert facts["calibration"] == "none: no validation images"
    assert facts["operating point"] == "0.5, fixed in advance"
    predictions = pd.read_csv(trained / "predictions.csv")
    flagged = predictions["probability_int8_malignant"] >= 0.5
    assert ((predictions["predicted_int8"] == "malignant") == flagged).all()


def test_the_history_has_no_validation_columns(trained):
    history = pd.read_csv(trained / "history.csv")
    assert history["phase"].tolist() == ["head", "all", "qat"]
    assert {"loss", "seconds"} <= set(history) and not [name for name in history if name.startswith("val_")]
    assert (trained / "figures" / "training.png").is_file()


def test_files_are_compared_on_training_images(trained, tmp_path, capsys):
    record = reports.read_record(trained / "record.json")
    images = {name: sum(counts.values()) for name, counts in record["repeats"][0]["images"].items()}
    assert record["verified_on"] == "train"
    for file in record["files"].values():
        assert file["verification"]["images"] == images["train"]
    card = (trained / "card.md").read_text()
    assert "on a fixed sample of the training images" in card and "fixed in advance" in card
    assert "--validation 0" in card
    export.main(export.Settings(trained, out=tmp_path / "again"))
    assert f"{images['train']} training images" in capsys.readouterr().out
    name = f"{NAME}_int8.tflite"
    again, first = (folder / "export" / name for folder in (tmp_path / "again", trained))
    assert again.read_bytes() == first.read_bytes()


def test_the_multiclass_job_needs_none(cache_dir, tmp_path):
    words = (*SETTINGS, *EPOCHS, "--no-export", "--repeats", "2", "--cache-dir", cache_dir)
    run_here(multiclass, *words, "--out", tmp_path / "run")
    record = reports.read_record(tmp_path / "run" / "record.json")
    assert len(record["repeats"]) == 2 and record["operating_point"] is None
    assert not [name for name in pd.read_csv(tmp_path / "run" / "history.csv") if name.startswith("val_")]


def test_cleaning_needs_none(cache_dir, tmp_path):
    words = [word for word in SETTINGS if word not in ("--epochs", "1")]
    rounds = ("--clean", "custom", "--clean-remove", "10", "--clean-rounds", "1", "--clean-epochs", "1")
    run_here(clean, *words, *rounds, "--cache-dir", cache_dir, "--out", tmp_path / "run")
    split = pd.read_csv(tmp_path / "run" / "cleaned_split.csv")["split"]
    assert set(split) == {"train", "test"}
    before = pd.read_csv(tmp_path / "run" / "split.csv")["split"]
    assert (before == "train").sum() - (split == "train").sum() == 10
