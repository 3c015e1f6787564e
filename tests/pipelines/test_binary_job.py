"""The binary job: what it makes of its settings, and what it refuses about the images."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from processes import SURROUNDINGS
from refusals import refused

from pipelines import binary, clean
from pipelines.common import cleaning_rounds
from pipelines.common.options import build, flatten, request_of
from pipelines.common.run_folder import RunFolder
from skinkeras import models


@pytest.fixture(params=[binary, clean], ids=["binary", "clean"])
def refusal(request, monkeypatch, capsys, tmp_path):
    """Gives each job that learns two classes a command line that it must refuse; what it wrote to the error
    stream."""

    def call(*words, out=tmp_path / "run"):
        # Determinism, once switched on, would stay on for every other test of this process.
        words = (*words, "--no-deterministic", "--cache-dir", tmp_path / "cache", "--out", out)
        return refused(monkeypatch, capsys, request.param, *words)

    yield call
    assert not (tmp_path / "run" / "config.yaml").exists()


def ham10000_labels(root, *rows):
    root.mkdir()
    (root / "labels.csv").write_text("\n".join(["image_id,lesion_id,dx", *rows]) + "\n")
    return root


def test_a_negative_gamma_ends_the_process_with_2_and_one_sentence(tmp_path):
    command = [sys.executable, "-m", "pipelines.binary", "--gamma", "-1", "--out", tmp_path / "run"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, **SURROUNDINGS)
    assert done.returncode == 2
    assert done.stderr == "Error: gamma must be a finite number >= 0. Received: gamma=-1.0\n"
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("suffix", [".weights.h5", ".pth", ".txt"])
def test_a_file_without_the_models_weights_is_refused_before_there_is_a_run(refusal, tmp_path, suffix):
    file = tmp_path / f"mine{suffix}"
    file.write_text("no weights")
    text = refusal("--weights", file)
    assert str(file) in text
    assert text.startswith("Error: ") and text.count("\n") == 1
    assert not (tmp_path / "run").exists()


def test_another_architectures_weights_are_refused_before_there_is_a_run(refusal, tmp_path):
    file = models.check_available("efficientnet_lite1", "imagenet")
    text = refusal("--weights", file)
    assert f"{file} does not fit efficientnet_lite0: layer " in text
    assert not (tmp_path / "run").exists()


def test_an_unknown_positive_class_is_refused(refusal, images):
    text = refusal("--data", "folder", "--data-dir", images, "--positive", "melanoma")
    assert text == (
        "Error: 'melanoma' is not a class of this data: benign, malignant. Say with --positive which count "
        "as malignant.\n"
    )


def test_an_unknown_class_in_a_label_file_is_named_with_file_line_column_and_value(refusal, tmp_path):
    root = ham10000_labels(tmp_path / "ham", "a,1,mel", "b,2,mole")
    text = refusal("--data", "ham10000", "--data-dir", root)
    assert text.startswith(f"Error: {root}/labels.csv, line 3, column dx: 'mole' is not one of akiec, ")


def test_a_class_too_small_for_a_split_is_named(refusal, images):
    for path in sorted((images / "malignant").iterdir())[2:]:
        path.unlink()
    text = refusal("--data", "folder", "--data-dir", images)
    assert "Class malignant is in 2 group(s)" in text and "train, validation, test" in text


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["custom", "--clean-rounds", "2", "--clean-remove", "5"], "2 rounds of 5 would remove all 9 benign"),
        (["merge"], "There are 9 benign images and 2045 are to be kept: nothing to clean"),
        (
            ["custom", "--clean-remove", "2", "--clean-until-ratio", "50"],
            "A balance ratio of 50.0 cannot be reached",
        ),
        (
            ["custom", "--clean-rounds", "1", "--clean-remove", "2", "--clean-folds", "20"],
            "20",
        ),
    ],
    ids=["whole class", "preset", "ratio", "folds"],
)
def test_a_cleaning_that_the_data_cannot_have_is_refused(refusal, images, words, sentence):
    text = refusal("--data", "folder", "--data-dir", images, "--image-size", "32", "--clean", *words)
    assert sentence in text and text.count("\n") == 1


@pytest.mark.parametrize("words", [["--operating-point", "sensitivity_95"], ["--prevalence", "0.02"]])
def test_what_is_chosen_on_validation_images_is_refused_without_any(
    monkeypatch, capsys, images, tmp_path, words
):
    # The split that the data gives has none, which is known when it is read.
    rows = [
        f"{path},{path.parent.name},{'test' if n % 3 else 'train'}"
        for n, path in enumerate(images.rglob("*.jpg"))
    ]
    (tmp_path / "manifest.csv").write_text("\n".join(["image,label,split", *rows]) + "\n")
    where = ("--data-dir", tmp_path, "--cache-dir", tmp_path / "cache", "--out", tmp_path / "run")
    given = ("--data", "manifest", "--positive", "malignant", "--image-size", "32", "--no-deterministic")
    text = refused(monkeypatch, capsys, binary, *given, *where, *words)
    assert words[0] in text and "needs validation images, and there are none" in text
    assert not (tmp_path / "run" / "config.yaml").exists()


def test_a_limit_that_is_too_small_says_the_least_that_works(refusal, images):
    text = refusal("--data", "folder", "--data-dir", images, "--max-images", "4")
    assert "--max-images 4" in text and "use at least 10" in text


def test_every_bad_image_is_listed_before_training(refusal, images):
    (images / "benign" / "benign03.jpg").write_bytes(b"no image")
    cut_off = images / "malignant" / "malignant05.jpg"
    cut_off.write_bytes(cut_off.read_bytes()[:300])
    text = refusal("--data", "folder", "--data-dir", images, "--image-size", "32")
    assert "2 image(s) cannot be read" in text and "--skip-bad-images" in text
    assert "benign/benign03.jpg" in text and "malignant/malignant05.jpg" in text


def test_a_folder_for_variants_that_holds_something_else_is_refused(refusal, images, tmp_path):
    (tmp_path / "variants").mkdir()
    (tmp_path / "variants" / "thesis.doc").write_text("the only copy")
    words = ("--data", "folder", "--data-dir", images, "--image-size", "32")
    text = refusal(
        *words,
        "--clean",
        "custom",
        "--clean-rounds",
        "1",
        "--clean-remove",
        "2",
        "--materialise",
        tmp_path / "variants",
    )
    assert f"{tmp_path / 'variants'}" in text and text.count("\n") == 1
    assert [path.name for path in (tmp_path / "variants").iterdir()] == ["thesis.doc"]


@pytest.fixture
def settings(images, tmp_path):
    values = {"data": "folder", "data_dir": images, "image_size": 32, "out": tmp_path / "runs" / "a"}
    return binary.resolved(build(binary.Settings, values))


def test_a_folder_that_holds_a_run_is_refused_and_not_touched(monkeypatch, capsys, settings, tmp_path):
    out = settings.output.out
    config = out / "config.yaml"
    config.parent.mkdir(parents=True)
    config.write_text("settings: {gamma: 10.0}\n")
    text = refused(monkeypatch, capsys, binary, "--gamma", "10", "--out", out)
    assert "already holds a run: add --resume" in text
    text = refused(monkeypatch, capsys, binary, "--gamma", "5", "--resume", "--out", out)
    assert f"{out} holds a run with gamma=10.0, this command has gamma=5.0" in text
    assert [path.name for path in out.iterdir()] == ["config.yaml"]
    assert config.read_text() == "settings: {gamma: 10.0}\n"


def test_resuming_with_another_gamma_names_the_setting_and_both_values(monkeypatch, capsys, settings, images):
    out = settings.output.out
    asked = replace(settings, loss=replace(settings.loss, gamma=10.0))
    RunFolder(out).begin(request_of("binary", asked))
    words = ("--data", "folder", "--data-dir", images, "--image-size", "32", "--resume", "--out", out)
    text = refused(monkeypatch, capsys, binary, "--gamma", "5", *words)
    assert "holds a run with gamma=10.0, this command has gamma=5.0" in text


def test_good_settings_pass_with_every_default_filled_in(settings):
    assert (settings.training.epochs, settings.training.qat_epochs) == (10, 2)
    assert settings.data.positive == ("malignant",)
    demonstration = binary.resolved(binary.Settings())
    training = demonstration.training
    assert (demonstration.model.image_size, training.epochs, training.qat_epochs) == (96, 4, 1)
    ham10000 = binary.with_defaults(build(binary.Settings, {"data": "ham10000"}))
    assert (ham10000.data.positive, ham10000.model.image_size) == (("mel",), 224)
    assert (ham10000.loss.loss, ham10000.loss.gamma, ham10000.loss.focal_delta) == ("recall", 1.0, None)
    ranking = clean.with_defaults(build(clean.Settings, {"data": "ham10000", "clean": "merge-scaled"}))
    assert (ranking.cleaning.clean_model, ranking.model.image_size) == ("efficientnet_lite0", 224)


@pytest.mark.parametrize(
    ("chosen", "rate"),
    [({}, 5e-5), ({"learning_rate": 3e-4}, 3e-5), ({"optimizer": "sgd", "learning_rate": 0.1}, 5e-5)],
)
def test_fine_tuning_has_a_tenth_of_adams_rate(chosen, rate):
    settings = binary.with_defaults(build(binary.Settings, chosen))
    assert settings.training.qat_learning_rate == pytest.approx(rate)


def test_each_fold_is_ranked_by_a_model_that_saw_none_of_its_lesions(settings, monkeypatch, tmp_path):
    values = {"oversample": "g23", "clean": "custom", "clean_remove": 2, "clean_rounds": 1, "clean_folds": 3}
    settings = build(binary.Settings, {**flatten(settings), **values})
    loader = binary.new_loader(settings)
    data = loader.load(tmp_path / "no split")
    cleaner = cleaning_rounds.Cleaner(
        settings.cleaning, settings.model, settings.training, "folder", data, RunFolder(tmp_path / "run")
    )
    ranked = []

    def example_losses(trained_on, images, rows, one_hot, _):
        lesions = set(images.table["image_id"].to_numpy()[rows])
        assert lesions.isdisjoint(trained_on)
        ranked.extend(rows)
        return np.full(len(rows), 1.0)

    # No model is trained: in its place stand the images that it would have been trained on.
    monkeypatch.setattr(
        cleaning_rounds.Cleaner,
        "_trained",
        lambda _, data, *more: set(data.subset("train").table["image_id"]),
    )
    monkeypatch.setattr(cleaning_rounds.cleaning, "example_losses", example_losses)
    losses = cleaner._losses(data, 1)
    assert sorted(ranked) == list(range(len(data.variants)))
    assert np.isfinite(losses).all()
