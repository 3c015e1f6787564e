"""A run's models are calibrated before they are saved, and fine-tuning starts from the model as it was trained."""

import json
import shutil
from types import SimpleNamespace

import keras
import numpy as np
import pandas as pd
import pytest
from processes import run_here

from pipelines import binary, evaluate
from pipelines.common import calibrating
from pipelines.common.run_folder import RunFolder
from skinkeras import evaluation, layers, reports, tflite
from skinkeras.errors import RunError

pytestmark = pytest.mark.slow

SETTINGS = (
    *("--model", "efficientnet_tiny", "--weights", "none", "--image-size", "32", "--max-images", "300"),
    *("--batch-size", "16", "--epochs", "2", "--head-epochs", "0"),
)


@pytest.fixture(scope="module")
def plain(cache_dir, tmp_path_factory):
    """A run whose probabilities are as training leaves them."""
    out = tmp_path_factory.mktemp("plain") / "run"
    words = ("--calibration", "none", "--no-export", "--cache-dir", cache_dir, "--out", out)
    run_here(binary, *SETTINGS, *words)
    return out


@pytest.fixture(scope="module")
def calibrated(cache_dir, tmp_path_factory):
    """The same run with calibration, up to its files."""
    out = tmp_path_factory.mktemp("calibrated") / "run"
    words = ("--qat-epochs", "1", "--prevalence", "0.02", "--cache-dir", cache_dir, "--out", out)
    run_here(binary, *SETTINGS, *words)
    return out


def learned(path):
    """The model up to the softmax of the classes that were learned."""
    model = keras.models.load_model(path, compile=False)
    softmax = next(layer for layer in model.layers if type(layer) is keras.layers.Softmax)
    return keras.Model(model.input, softmax.output)


IMAGES = np.random.default_rng(0).integers(0, 256, (16, 32, 32, 3)).astype(np.float32)


def test_the_saved_model_has_the_calibration_that_the_record_names(plain, calibrated):
    assert layers  # registers what the files hold
    found = json.loads((calibrated / "calibration.json").read_text())
    fitted = evaluation.Calibration(found["float"]["temperature"], found["float"]["bias"])
    before, after = (
        learned(folder / "model.keras").predict(IMAGES, verbose=0) for folder in (plain, calibrated)
    )
    np.testing.assert_allclose(after, fitted.apply(before), atol=1e-5)
    assert np.abs(after - before).max() > 0.01
    forms = reports.read_record(calibrated / "record.json")["repeats"][0]["forms"]
    assert {name for name, form in forms.items() if "calibration" in form} == {"float", "QAT"}
    assert forms["float"]["calibration"]["temperature"] == fitted.temperature
    assert not (plain / "calibration.json").exists()


def test_probabilities_are_shifted_to_the_prevalence_that_was_asked_for(calibrated):
    form = reports.read_record(calibrated / "record.json")["repeats"][0]["forms"]["float"]["calibration"]
    after = form["validation"]["after"]
    assert after["mean_probability"] < 0.06 < after["prevalence"]


def test_taking_it_out_gives_the_trained_model_back(plain, calibrated):
    model = keras.models.load_model(calibrated / "model.keras", compile=False)
    calibrating.uncalibrate(model, RunFolder(calibrated))
    trained = keras.models.load_model(plain / "model.keras", compile=False)
    for one, other in zip(model.get_weights(), trained.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)


@pytest.mark.long
def test_a_run_that_was_killed_before_its_calibrated_model_was_saved_is_calibrated_once(
    plain, cache_dir, tmp_path, monkeypatch
):
    words = (*SETTINGS, "--no-export", "--cache-dir", cache_dir, "--out", tmp_path / "run")

    def killed(*_):
        raise RunError("The process is killed here.")

    with monkeypatch.context() as patch, pytest.raises(SystemExit):
        patch.setattr(RunFolder, "save_model", killed)
        run_here(binary, *words)
    assert (tmp_path / "run" / "calibration.json").is_file() and not (
        tmp_path / "run" / "model.keras"
    ).exists()
    run_here(binary, *words, "--resume")
    found = calibrating.calibrations(RunFolder(tmp_path / "run"))["float"]
    fitted = evaluation.Calibration(found["temperature"], found["bias"])
    before, after = (
        learned(folder / "model.keras").predict(IMAGES, verbose=0) for folder in (plain, tmp_path / "run")
    )
    np.testing.assert_allclose(after, fitted.apply(before), atol=1e-5)
    assert np.abs(after - before).max() > 0.01


def test_a_model_that_is_not_calibrated_has_no_calibration_of_an_earlier_one(tmp_path):
    one = {"temperature": 2.0, "bias": [0.0, 0.5]}
    (tmp_path / "calibration.json").write_text(json.dumps({"float": one, "QAT": one}))
    repeat = SimpleNamespace(folder=RunFolder(tmp_path), data=None)
    calibrating.calibrate(None, repeat, None, SimpleNamespace(calibration="none"), "float")
    assert calibrating.calibrations(repeat.folder) == {"QAT": one}


def test_the_settings_say_what_was_done(plain, calibrated):
    facts = [reports.read_record(run / "record.json")["training"]["facts"] for run in (plain, calibrated)]
    assert facts[0]["calibration"] == "none"
    assert "shifted to a prevalence of 0.02" in facts[1]["calibration"]
    assert "shifted to a prevalence of 2.0 %" in (calibrated / "card.md").read_text()


def test_files_have_operating_points_and_a_card_with_all_figures(calibrated):
    (path,) = (calibrated / "export").glob("*.json")
    contract = tflite.read_contract(path)
    entry = contract["files"]["int8"]
    assert {"balanced_accuracy", "sensitivity_95", "sensitivity_90"} >= set(entry["operating_points"])
    assert entry["operating_points"].get("balanced_accuracy", entry["threshold"]) == entry["threshold"]
    card = (calibrated / "card.md").read_text()
    assert "Calibration, fitted on the validation images" in card and "| QAT, after |" in card
    assert "Operating points of int8, chosen on the validation images" in card
    assert "mean colour" in card


def test_a_run_can_be_measured_on_images_that_it_has_not_seen(calibrated, images, tmp_path):
    used = pd.read_csv(calibrated / "images.csv")
    assert set(used["subset"]) == {"train", "validation", "test"} and used["digest"].str.len().eq(16).all()
    options = evaluate.EvaluationOptions(out=tmp_path / "out", cache_dir=tmp_path / "cache")
    evaluate.main(evaluate.Settings(calibrated, evaluate.ExternalDataOptions(data_dir=images), options))
    found = json.loads((tmp_path / "out" / "evaluation.json").read_text())
    assert list(found["forms"]) == ["float", "float32", "float16", "int8"]
    assert found["training_images"] == "left out" and found["images"] == {"benign": 12, "malignant": 12}


def test_a_damaged_calibration_is_refused(calibrated, tmp_path):
    shutil.copy(calibrated / "calibration.json", tmp_path)
    for text in ("{", '{"float": {}}', "[]", '{"float": {"temperature": -1, "bias": [0]}}'):
        (tmp_path / "calibration.json").write_text(text)
        with pytest.raises(
            ValueError, match=r"calibration\.json is damaged: delete it and the run's \.keras files"
        ):
            calibrating.calibrations(RunFolder(tmp_path))
