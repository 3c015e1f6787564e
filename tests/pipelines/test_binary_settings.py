"""The door of the main job: what it refuses, in which words, and that nothing is left behind."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import cv2
import doors
import numpy as np
import pytest

from pipelines import binary
from pipelines.common import cleaning, job
from pipelines.common.data import load_data
from pipelines.common.settings import oversampling
from skinkeras import models
from skinkeras.inputs import BadImagesError, decode

ROOT = Path(__file__).parents[2]


@pytest.fixture
def door(monkeypatch, capsys, tmp_path):
    """Gives the job a command line that it must refuse; what it wrote to the error stream."""

    def unreached(*_):
        raise AssertionError("training has begun")

    monkeypatch.setattr(binary, "trained_model", unreached)
    # Determinism, once switched on, would stay on for every other test of this process.
    monkeypatch.setattr(job, "set_up_keras", lambda seed, deterministic: None)

    def refused(*arguments, out=tmp_path / "run"):
        return doors.refused(monkeypatch, capsys, binary, *arguments, "--out", out)

    yield refused
    assert not (tmp_path / "run" / "config.yaml").exists()


@pytest.fixture
def pictures(tmp_path):
    """A folder of 12 benign and 12 malignant pictures."""
    random = np.random.default_rng(0)
    for label in ("benign", "malignant"):
        folder = tmp_path / "pictures" / label
        folder.mkdir(parents=True)
        for i in range(12):
            assert cv2.imwrite(str(folder / f"{i:02d}.jpg"), random.integers(0, 255, (40, 50, 3), np.uint8))
    return tmp_path / "pictures"


@pytest.fixture
def settings(pictures, tmp_path):
    asked = binary.Settings(data="folder", data_dir=pictures, image_size=32, out=tmp_path / "runs" / "a")
    return binary.resolved(asked)


def ham10000_labels(root, *rows):
    root.mkdir()
    (root / "labels.csv").write_text("\n".join(["image_id,lesion_id,dx", *rows]) + "\n")
    return root


def test_a_negative_gamma_ends_the_process_with_2_and_one_sentence(tmp_path):
    command = [sys.executable, "-m", "pipelines.binary", "--gamma", "-1", "--out", tmp_path / "run"]
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=250)
    assert done.returncode == 2
    assert done.stderr == "Error: gamma must be a finite number >= 0. Received: gamma=-1.0\n"
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--gamma", "5", "--loss", "focal"], "--gamma needs --loss recall: with --loss focal nothing looks"),
        (["--focal-delta", "3"], "--focal-delta needs --loss focal: with --loss recall nothing looks at it."),
        (["--gamma", "nan"], "gamma must be a finite number >= 0. Received: gamma=nan"),
        (["--epochs", "0"], "--epochs must be at least 1. Received: 0"),
        (["--qat-epochs", "0"], "--qat-epochs must be at least 1. Received: 0"),
        (["--batch-size", "0"], "--batch-size must be at least 1. Received: 0"),
        (["--seed", "-1"], "--seed must be at least 0. Received: -1"),
        (["--dropout", "1"], "--dropout must be at least 0 and below 1. Received: 1.0"),
        (["--learning-rate", "0"], "--learning-rate must be between 0 and 1. Received: 0.0"),
        (["--oversample", "g23", "--rho", "0.1", "0.2"], "rho must be in [0, 0.2). Received: rho=0.2"),
        (["--oversample", "g23", "--rho", "0.02", "0.01"], "rho must be (low, high)"),
        (["--rho", "0.01", "0.02"], "--rho needs --oversample"),
        (["--clean", "custom"], "--clean custom needs --clean-remove"),
        (
            ["--clean", "custom", "--clean-rounds", "2", "--clean-remove", "0"],
            "remove must be a number of rows, or a share",
        ),
        (["--clean", "merge", "--clean-remove", "5"], "--clean-remove goes with --clean custom"),
        (["--clean", "merge", "--clean-rounds", "0"], "rounds must be at least 1"),
        (["--clean-rounds", "2"], "--clean-rounds and --clean-dir need --clean"),
        (["--clean", "merge-scaled", "--clean-folds", "1"], "--clean-folds must be 0, or at least 2"),
        (["--image-size", "16"], "needs an image size of at least 32 pixels (224 is its own). Received: 16"),
        (["--weights", "absent.h5"], "There is no weights file absent.h5: check --weights."),
        (["--model", "efficientnet_lite4"], "No package carries ImageNet weights of efficientnet_lite4"),
        (["--data", "ham10000"], "--data ham10000 needs --data-dir"),
        (["--data", "ham10000", "--data-dir", "/absent"], "There is no folder /absent: check --data-dir."),
        (["--data", "synthetic", "--data-dir", "."], "--data-dir was given without --data"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_wrong_setting_is_refused_in_one_sentence(door, tmp_path, arguments, words):
    text = door(*arguments)
    assert words in text
    assert text.startswith("Error: ") and text.count("\n") == 1
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("suffix", [".weights.h5", ".pth", ".txt"])
def test_a_file_without_the_models_weights_is_refused_before_there_is_a_run(door, tmp_path, suffix):
    file = tmp_path / f"mine{suffix}"
    file.write_text("no weights")
    text = door("--weights", file)
    assert str(file) in text
    assert text.startswith("Error: ") and text.count("\n") == 1
    assert not (tmp_path / "run").exists()


def test_another_architectures_weights_are_refused_before_there_is_a_run(door, tmp_path):
    file = models.check_available("efficientnet_lite1", "imagenet")
    text = door("--weights", file)
    assert f"{file} does not fit efficientnet_lite0: layer " in text
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    "arguments", [["--gama", "10"], ["--data", "isic2077"], ["--model", "resnet"], ["--augmentation", "weak"]]
)
def test_unknown_flags_and_choices_are_refused(door, tmp_path, arguments):
    assert arguments[-1] in (text := door(*arguments)) or arguments[0] in text
    assert not (tmp_path / "run").exists()


def test_an_unknown_positive_class_is_refused(door, pictures):
    text = door("--data", "folder", "--data-dir", pictures, "--positive", "melanoma")
    assert text == (
        "Error: 'melanoma' is not a class of this data: benign, malignant. Say with --positive which count "
        "as malignant.\n"
    )


def test_an_unknown_class_in_a_label_file_is_named_with_file_line_column_and_value(door, tmp_path):
    root = ham10000_labels(tmp_path / "ham", "a,1,mel", "b,2,mole")
    text = door("--data", "ham10000", "--data-dir", root)
    assert text.startswith(f"Error: {root}/labels.csv, line 3, column dx: 'mole' is not one of the classes")


def test_a_class_too_small_for_a_split_is_named(door, pictures):
    for path in sorted((pictures / "malignant").iterdir())[2:]:
        path.unlink()
    text = door("--data", "folder", "--data-dir", pictures)
    assert "Class malignant is in 2 group(s)" in text and "train, validation, test" in text


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["custom", "--clean-rounds", "2", "--clean-remove", "5"], "2 rounds of 5 would remove all 9 benign"),
        (["merge"], "There are 9 benign pictures and 2045 are to be kept: nothing to clean"),
        (
            ["custom", "--clean-remove", "2", "--clean-until-ratio", "50"],
            "A balance ratio of 50.0 cannot be reached",
        ),
    ],
    ids=["whole class", "preset", "ratio"],
)
def test_a_cleaning_that_the_data_cannot_have_is_refused(door, pictures, arguments, words):
    text = door("--data", "folder", "--data-dir", pictures, "--clean", *arguments)
    assert words in text and text.count("\n") == 1


def test_a_limit_that_is_too_small_says_the_least_that_works(door, pictures):
    text = door("--data", "folder", "--data-dir", pictures, "--limit", "4")
    assert "--limit 4" in text and "use at least 10" in text


def test_a_folder_that_holds_a_run_is_refused_and_not_touched(door, settings, tmp_path):
    config = settings.out / "config.yaml"
    config.parent.mkdir(parents=True)
    config.write_text("settings: {gamma: 10.0}\n")
    assert "already holds a run: add --resume" in door("--gamma", "10", out=settings.out)
    text = door("--gamma", "5", "--resume", out=settings.out)
    assert f"{settings.out} holds a run with " in text
    assert [path.name for path in settings.out.iterdir()] == ["config.yaml"]
    assert config.read_text() == "settings: {gamma: 10.0}\n"


def test_resuming_with_another_gamma_names_the_setting_and_both_values(door, pictures, tmp_path):
    out = tmp_path / "runs" / "b"
    asked = binary.Settings(gamma=10.0, data="folder", data_dir=pictures, out=out)
    binary.RunFolder(out).begin(binary.resolved(asked))
    text = door("--gamma", "5", "--data", "folder", "--data-dir", pictures, "--resume", out=out)
    assert "holds a run with gamma=10.0, this command has gamma=5.0" in text


def test_every_bad_picture_is_listed_before_training(door, pictures):
    (pictures / "benign" / "03.jpg").write_bytes(b"no picture")
    (pictures / "malignant" / "05.jpg").write_bytes((pictures / "malignant" / "05.jpg").read_bytes()[:300])
    text = door("--data", "folder", "--data-dir", pictures, "--image-size", "32")
    assert "2 picture(s) cannot be read" in text and "--skip-bad-images" in text
    assert "benign/03.jpg" in text and "malignant/05.jpg" in text


def test_missing_pictures_of_a_label_file_are_listed_or_left_out(pictures, tmp_path):
    root = ham10000_labels(
        tmp_path / "ham", *(f"{dx}{i},{dx}{i},{dx}" for dx in classes_of_ham10000() for i in range(10))
    )
    (root / "images").mkdir()
    missing = {"mel3", "nv7", "df0"}
    some = next((pictures / "benign").iterdir())
    for line in (root / "labels.csv").read_text().splitlines()[1:]:
        if (name := line.split(",")[0]) not in missing:
            (root / "images" / f"{name}.jpg").symlink_to(some)
    asked = binary.Settings(data="ham10000", data_dir=root, image_size=32, out=tmp_path / "runs" / "a")
    settings = binary.resolved(asked)
    with pytest.raises(BadImagesError) as caught:
        load_data(settings, settings.out / "split.csv", oversampling(settings))
    assert {Path(path).stem for path in caught.value.problems} == missing
    assert set(caught.value.problems.values()) == {"no such file"}

    data = load_data(
        replace(settings, skip_bad_images=True), settings.out / "split.csv", oversampling(settings)
    )
    tables = [data.part(part).table for part in ("train", "validation", "test")]
    used = {name for table in tables for name in table["image_id"]}
    assert used == set(data.manifest.table["image_id"]) - missing
    assert len(used) == 67
    assert not settings.out.exists()


def classes_of_ham10000():
    return ("akiec", "bcc", "bkl", "df", "mel", "nv", "vasc")


def test_good_settings_pass_with_every_default_filled_in(settings):
    assert (settings.epochs, settings.qat_epochs, settings.positive) == (10, 2, ("malignant",))
    demonstration = binary.resolved(binary.Settings())
    assert (demonstration.image_size, demonstration.epochs, demonstration.qat_epochs) == (96, 4, 1)
    assert binary.resolved(binary.Settings(data="ham10000")).positive == ("mel",)
    assert binary.resolved(binary.Settings(data="ham10000")).image_size == 224


def test_good_data_is_split_whole(settings):
    data = load_data(settings, settings.out / "split.csv", oversampling(settings))
    parts = [data.part(part) for part in ("train", "validation", "test")]
    names = [name for part in parts for name in part.table["image_id"]]
    assert sorted(names) == sorted(data.manifest.table["image_id"])
    for part in parts:  # what is read is what the table says
        paths = part.table["image"].tolist()
        assert np.array_equal(part.pictures.read(part.rows), [decode(path, 32) for path in paths])
    assert data.part("train").one_hot[:, 1].tolist() == data.part("train").malignant.tolist()


def test_variants_that_are_left_carry_their_own_picture_and_label(settings, pictures):
    (pictures / "benign" / "03.jpg").write_bytes(b"no picture")
    settings = replace(settings, oversample="g23", skip_bad_images=True)
    data = load_data(settings, settings.out / "split.csv", oversampling(settings))
    rows = data.variants.table
    assert (rows["label"].value_counts()["malignant"] % 4, "benign/03.jpg" in set(rows["image_id"])) == (
        0,
        False,
    )
    kept = np.random.default_rng(0).random(len(rows)) < 0.6
    train = replace(data, kept=kept).part("train")
    assert train.table["image_id"].tolist() == rows["image_id"][kept].tolist()
    assert train.one_hot.argmax(axis=1).tolist() == (rows["label"][kept] == "malignant").astype(int).tolist()
    shown = train.pictures.read(train.rows)
    for picture, path, variant in zip(shown, train.table["image"], rows["variant"][kept], strict=True):
        if variant == "itself":
            assert np.array_equal(picture, decode(path, 32))
        else:  # turned and blurred noise keeps its mean colour
            assert picture.mean(axis=(0, 1)) == pytest.approx(decode(path, 32).mean(axis=(0, 1)), abs=6)


def test_two_classes_whose_malignant_one_comes_first_are_put_in_order(pictures, tmp_path):
    (pictures / "benign").rename(pictures / "nevus")
    asked = binary.Settings(
        data="folder", data_dir=pictures, image_size=32, positive=("malignant",), out=tmp_path / "runs" / "b"
    )
    settings = binary.resolved(asked)
    data = load_data(settings, settings.out / "split.csv", oversampling(settings))
    assert data.manifest.classes == ("benign", "malignant")
    for part in map(data.part, ("train", "validation", "test")):
        assert [path.parent.name == "malignant" for path in map(Path, part.table["image"])] == (
            part.one_hot[:, 1] == 1
        ).tolist()
        assert part.malignant.tolist() == part.one_hot[:, 1].tolist()


def test_each_fold_is_ranked_by_a_model_that_saw_none_of_its_lesions(settings, monkeypatch):
    settings = replace(
        settings, oversample="g23", clean="custom", clean_remove=2, clean_rounds=1, clean_folds=3
    )
    data = load_data(settings, settings.out / "split.csv", oversampling(settings))
    ranked = []

    def example_losses(trained_on, pictures, rows, one_hot, _):
        lesions = set(pictures.table["image_id"].to_numpy()[rows])
        assert lesions.isdisjoint(trained_on)
        ranked.extend(rows)
        return np.full(len(rows), 1.0)

    monkeypatch.setattr(
        cleaning, "_trained", lambda _, data, *more: set(data.part("train").table["image_id"])
    )
    monkeypatch.setattr(cleaning.cleaning, "example_losses", example_losses)
    losses = cleaning._losses(settings, data, 1, None)
    assert sorted(ranked) == list(range(len(data.variants)))
    assert np.isfinite(losses).all()
