"""The job over several classes: its door, its losses, and small real runs of it."""

import json
import shlex
from dataclasses import replace
from pathlib import Path

import cv2
import doors
import keras
import numpy as np
import pandas as pd
import pytest
import tyro
import yaml

from pipelines import multiclass
from pipelines.common import data as common_data
from pipelines.common import multiclass_results, results, training
from pipelines.common.data import chosen_images
from pipelines.common.run_folder import RunFolder
from skinkeras import datasets, layers, losses, tflite


@pytest.fixture
def door(monkeypatch, capsys, tmp_path):
    """Gives the job a command line that it must refuse; what it wrote to the error stream."""

    def unreached(*_):
        raise AssertionError("training has begun")

    monkeypatch.setattr(multiclass, "trained_model", unreached)
    monkeypatch.setattr(multiclass, "set_up_keras", lambda seed, deterministic: None)

    def refused(*arguments):
        return doors.refused(monkeypatch, capsys, multiclass, *arguments, "--out", tmp_path / "run")

    yield refused
    assert not (tmp_path / "run" / "config.yaml").exists()


@pytest.fixture
def pictures(tmp_path):
    """A folder of three classes of twelve pictures."""
    random = np.random.default_rng(0)
    for label in ("a", "b", "c"):
        (folder := tmp_path / "pictures" / label).mkdir(parents=True)
        for i in range(12):
            assert cv2.imwrite(
                str(folder / f"{label}{i:02d}.jpg"), random.integers(0, 255, (40, 50, 3), np.uint8)
            )
    return tmp_path / "pictures"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--splits", "0"], "--splits must be at least 1. Received: 0"),
        (["--epochs", "0"], "--epochs must be at least 1. Received: 0"),
        (
            ["--units", "-1", "--model", "hierarchical_efficientnet_lite0"],
            "--units must be at least 1. Received: -1",
        ),
        (["--learning-rate", "2"], "--learning-rate must be between 0 and 1. Received: 2.0"),
        (
            ["--qat-learning-rate", "nan"],
            "--qat-learning-rate must be between 0 and 1. Received: nan",
        ),
        (
            ["--qat-learning-rate", "0"],
            "--qat-learning-rate must be between 0 and 1. Received: 0.0",
        ),
        (["--base-loss", "focal", "--focal-delta", "nan"], "--focal-delta must be at least 0. Received: nan"),
        (["--image-size", "16"], "needs an image size of at least 32 pixels"),
        (["--units", "9"], "--units needs a hierarchical --model"),
        (["--focal-delta", "1"], "--focal-delta needs --base-loss focal"),
        (["--raw-weights"], "--raw-weights needs --weighting cb or es"),
        (["--qat-epochs", "1", "--no-export"], "--qat-epochs needs --export"),
        (
            ["--model", "hierarchical_efficientnet_b0", "--weights", "none"],
            "hierarchical_efficientnet_b0 cannot be exported: integers of it crash LiteRT.",
        ),
        (
            ["--model", "hierarchical_efficientnet_lite0", "--weighting", "la"],
            "--weighting la is for flat models, and hierarchical_efficientnet_lite0 diagnoses level by level",
        ),
        (["--quick", "--head-epochs", "-1"], "--head-epochs must be at least 0. Received: -1"),
        (["--quick", "--data", "ham10000"], "--data ham10000 needs --data-dir"),
        (["--taxonomy", "absent.yaml"], "There is no file absent.yaml: check --taxonomy."),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_wrong_setting_is_refused_in_one_sentence(door, tmp_path, arguments, words):
    text = door("--limit", "150", *arguments)
    assert words in text
    assert text.startswith("Error: ") and text.count("\n") == 1


@pytest.mark.parametrize(
    ("tree", "words"),
    [
        ({"x": ["a", "b"]}, "'c' is not a leaf of the taxonomy"),
        ({"x": ["a", "y"], "y": ["b", "c", "d"]}, "each leaf once"),
        ({"x": ["y"], "y": ["x", "a", "b", "c"]}, "cycle"),
        ({"x": ["a", "b"], "y": ["c", "d"]}, "cannot be reached"),
        (["a", "b"], "A taxonomy is a dict"),
    ],
)
def test_a_tree_that_does_not_fit_is_refused(door, pictures, tmp_path, tree, words):
    file = tmp_path / "tree.yaml"
    file.write_text(yaml.safe_dump(tree))
    arguments = ["--quick", "--data", "folder", "--data-dir", pictures, "--image-size", "32"]
    assert words in door(*arguments, "--model", "hierarchical_efficientnet_lite0", "--taxonomy", file)


def test_a_hierarchical_model_needs_a_tree(door, pictures):
    arguments = ["--quick", "--data", "folder", "--data-dir", pictures, "--image-size", "32"]
    assert "needs a tree of the classes" in door(*arguments, "--model", "hierarchical_efficientnet_lite0")


def test_the_papers_settings_are_the_defaults(tmp_path):
    asked = multiclass.Settings(data="ham10000", weights="none", out=tmp_path)
    flat = multiclass.resolved(asked)
    assert (flat.model, flat.image_size, flat.batch_size, flat.splits) == ("vgg16_cbam", 299, 20, 2)
    assert (flat.epochs, flat.learning_rate, flat.colour_constancy) == (150, 1e-5, "yes")
    assert (flat.optimizer, flat.head_epochs) == ("adam", 0)
    assert multiclass.resolved(replace(asked, optimizer="sgd")).learning_rate == 1e-4
    assert multiclass.resolved(replace(asked, model="hierarchical_vgg16")).epochs == 250


def test_quick_fills_what_is_not_said(tmp_path):
    quick = multiclass.resolved(multiclass.Settings(data="ham10000", quick=True, epochs=7, out=tmp_path))
    assert (quick.model, quick.image_size, quick.epochs) == ("efficientnet_lite0_cbam", 128, 7)
    assert quick.colour_constancy == "no"
    assert (quick.optimizer, quick.learning_rate, quick.head_epochs) == ("one_cycle", 2e-4, 1)


@pytest.mark.parametrize(
    ("chosen", "rate"),
    [
        ({}, 2e-5),
        ({"learning_rate": 3e-4}, 3e-5),
        ({"optimizer": "adam"}, 1e-5),
        ({"optimizer": "sgd", "learning_rate": 0.1}, 1e-5),
    ],
)
def test_fine_tuning_has_a_tenth_of_adams_rate(tmp_path, chosen, rate):
    asked = multiclass.Settings(data="ham10000", quick=True, out=tmp_path, **chosen)
    assert multiclass.resolved(asked).qat_learning_rate == pytest.approx(rate)


@pytest.mark.parametrize(
    "chosen",
    [
        {},
        {"base_loss": "focal", "export": False, "colour_constancy": "yes"},
        {
            "model": "hierarchical_efficientnet_lite0",
            "weighting": "cb",
            "raw_weights": True,
            "optimizer": "sgd",
        },
    ],
)
def test_the_command_on_a_card_asks_for_the_same_run(chosen):
    asked = multiclass.Settings(quick=True, data="ham10000", data_dir=Path("DIR"), **chosen)
    settings = multiclass.resolved(asked)
    words = shlex.split(results.command("pipelines.multiclass", settings))
    assert words[:3] == ["python", "-m", "pipelines.multiclass"]
    assert multiclass.resolved(tyro.cli(multiclass.Settings, args=words[3:])) == settings
    assert multiclass.resolved(settings) == settings


@pytest.mark.parametrize(
    ("epochs", "rates"),
    [(8, [1, 1, 1, 1, 0.1, 0.1, 0.01, 0.01]), (2, [1, 0.1]), (1, [1]), (3, [1, 1, 0.1])],
)
def test_the_learning_rate_drops_at_a_half_and_at_three_quarters(epochs, rates):
    phase = training.Phase("all", epochs, 1.0, 0, "sgd")
    assert [phase.dropped_rate(epoch) for epoch in range(epochs)] == pytest.approx(rates)


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    """Where the pictures are drawn and decoded, once for all runs; 160 of them, not 800."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(common_data, "_SYNTHETIC_PICTURES", 160)
        yield tmp_path_factory.mktemp("cache")


def tiny(out, cache, **more):
    """Settings of a run that takes seconds, on drawn pictures of five classes."""
    given = {"limit": 120, "image_size": 32, "batch_size": 16, "weights": "none", "splits": 1, "epochs": 2}
    given["model"] = "efficientnet_lite0_cbam"
    given |= {"learning_rate": 1e-3, "cache_dir": cache, "out": out}
    return multiclass.Settings(**{**given, **more})


@pytest.fixture(scope="module")
def split(tmp_path_factory, cache, small_network):
    folder = tmp_path_factory.mktemp("split")
    settings = multiclass.resolved(tiny(folder / "run", cache))
    manifest = chosen_images(settings)
    data = multiclass._load(settings, manifest, 1, RunFolder(folder / "split_1"))
    taxonomy = multiclass.taxonomy_of(settings, manifest.classes)
    return multiclass.Split(1, RunFolder(folder / "split_1"), data, taxonomy)


@pytest.mark.parametrize("base_loss", ["ce", "focal"])
def test_logit_adjustment_knows_how_common_the_classes_are(split, cache, base_loss):
    settings = multiclass.resolved(tiny(split.folder.path, cache, base_loss=base_loss, weighting="la"))
    loss, movers = multiclass.build_loss(settings, split)
    counts = np.array(list(split.data.counts()["train"].values()))
    frequency = counts / counts.sum()
    hardness = (1 - frequency) ** 2 if base_loss == "focal" else 1
    values = loss(np.eye(5, dtype="float32"), np.full((5, 5), 0.2, "float32"))
    assert float(values) == pytest.approx(np.mean(-hardness * np.log(frequency)), rel=1e-5)
    assert movers == []


@pytest.mark.parametrize("model", ["efficientnet_lite0_cbam", "hierarchical_efficientnet_lite0"])
@pytest.mark.parametrize("base_loss", ["ce", "focal"])
@pytest.mark.parametrize("weighting", ["none", "cb", "es", "spl", "ohem", "ohem_per_class"])
def test_every_strategy_composes_with_every_base_loss_and_head(split, cache, model, base_loss, weighting):
    settings = multiclass.resolved(
        tiny(split.folder.path, cache, model=model, base_loss=base_loss, weighting=weighting)
    )
    loss, movers = multiclass.build_loss(settings, split)
    counts = split.data.counts()["train"]
    labels = np.eye(5, dtype="float32")[[0, 1, 1, 2]]
    uniform = np.full((4, 5), 0.2, "float32")
    expected = np.log(5) * (0.8**2 if base_loss == "focal" else 1)
    if "hierarchical" in model:
        # Two nodes at the first level; four at the second, which malignant has no part in.
        uniform = np.tile(np.float32([0.5, 0.5, 0.25, 0.25, 0.25, 0.25]), (4, 1))
        first, second = np.log(2), np.log(4)
        if base_loss == "focal":
            first, second = first * 0.5**2, second * 0.75**2
        expected = first + np.array([0, 1, 1, 1]) * second
    share = {"spl": "easiest", "ohem": "hardest", "ohem_per_class": "hardest"}
    value = float(loss(labels, uniform))
    if weighting == "none":
        assert value == pytest.approx(np.mean(expected), rel=1e-5)
    elif weighting in ("cb", "es"):
        n = np.array(list(counts.values()), float)
        weights = 1 / n if weighting == "cb" else 1 / (1 - (1 - 1 / n.sum()) ** n)
        weights /= (n * weights).sum() / n.sum()
        assert value == pytest.approx(np.mean(labels @ weights * expected), rel=1e-5)
    else:
        # At age 0 half of the batch counts; of each class rounded up, which is 1, 1 and 1 of 1, 2 and 1.
        order = np.argsort(np.broadcast_to(expected, 4), kind="stable")
        kept = {"spl": order[:2], "ohem": order[::-1][:2], "ohem_per_class": [0, 1, 3]}[weighting]
        assert value == pytest.approx(np.broadcast_to(expected, 4)[kept].sum() / 4, rel=1e-5)
        assert (loss.order, loss.epochs) == (share[weighting], 2)
        assert loss.per_class == (weighting == "ohem_per_class")
        assert len(movers) == 1
    assert isinstance(loss, losses.HierarchicalCrossentropy) == (
        weighting == "none" and "hierarchical" in model
    )


def test_a_run_is_not_resumed_with_another_tree(pictures, tmp_path, monkeypatch, small_network):
    monkeypatch.setattr(multiclass, "set_up_keras", lambda seed, deterministic: None)
    file, folder = tmp_path / "tree.yaml", RunFolder(tmp_path / "run")
    asked = {"quick": True, "data": "folder", "data_dir": pictures, "image_size": 32, "splits": 1}
    settings = multiclass.Settings(
        **asked, model="hierarchical_efficientnet_lite0", weights="none", taxonomy=file
    )
    file.write_text("{x: [a, y], y: [b, c]}")
    settings = multiclass.resolved(replace(settings, out=folder.path))
    multiclass.begin(settings, folder)
    multiclass.begin(settings, folder)
    file.write_text("{x: [b, y], y: [a, c]}")
    with pytest.raises(ValueError, match="another taxonomy"):
        multiclass.begin(settings, folder)


def test_a_run_from_before_there_was_a_head_phase_goes_on_without_one(tmp_path):
    folder = RunFolder(tmp_path / "run")
    asked = multiclass.Settings(data="ham10000", weights="none", out=folder.path)
    folder.begin(multiclass.resolved(asked))
    config = yaml.safe_load((folder.path / "config.yaml").read_text())
    del config["settings"]["head_epochs"]
    (folder.path / "config.yaml").write_text(yaml.safe_dump(config))
    folder.check(multiclass.resolved(asked), resume=True)
    with pytest.raises(ValueError, match="holds a run with head_epochs=0, this command has head_epochs=2"):
        folder.check(multiclass.resolved(replace(asked, head_epochs=2)), resume=True)


class Killed(Exception):
    pass


def killed(*_, **__):
    raise Killed


@pytest.fixture(scope="module")
def runs(tmp_path_factory, cache, small_network):
    """A hierarchical run with a curriculum, cut off behind its first epoch of all layers and resumed; and the
    same trained in one go, up to the evaluation."""
    folders = {name: tmp_path_factory.mktemp(name) / "run" for name in ("resumed", "whole")}
    given = {"model": "hierarchical_efficientnet_lite0", "weighting": "ohem", "colour_constancy": "yes"}
    write = training.HistoryFile.on_epoch_end

    def written_and_killed(self, epoch, logs=None):
        write(self, epoch, logs)
        if self.phase.name == "all":
            raise Killed

    settings = tiny(folders["resumed"], cache, **given, qat_epochs=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training.HistoryFile, "on_epoch_end", written_and_killed)
        with pytest.raises(Killed):
            multiclass.main(settings)
    multiclass.main(replace(settings, resume=True))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(multiclass_results, "evaluate", killed)
        with pytest.raises(Killed):
            multiclass.main(tiny(folders["whole"], cache, **given, export=False))
    return folders


@pytest.mark.long
@pytest.mark.timeout(900)
def test_a_run_that_was_cut_off_ends_with_the_same_weights(runs):
    whole, resumed = (
        keras.models.load_model(runs[name] / "split_1" / "model.keras", compile=False).get_weights()
        for name in ("whole", "resumed")
    )
    assert len(whole) == len(resumed) > 100
    assert all(np.array_equal(a, b) for a, b in zip(whole, resumed, strict=True))


@pytest.mark.long
@pytest.mark.timeout(900)
def test_the_run_leaves_what_the_design_promises(runs):
    run, name = runs["resumed"], "demo_synthetic_hierarchical_efficientnet_lite0_32"
    for file in (
        "config.yaml taxonomy.yaml metrics.json card.md figures/confusion_matrix.png figures/training.png "
        "split_1/split.csv split_1/history.csv split_1/predictions.csv split_1/model.keras "
        f"split_1/model_qat.keras export/{name}_float32.tflite export/{name}_float16.tflite "
        f"export/{name}_int8.tflite export/{name}.labels.txt export/{name}.json export/{name}.card.md"
    ).split():
        assert (run / file).exists(), file
    assert not (run / "split_1" / "state").exists()
    assert "SYNTHETIC" in (run / "card.md").read_text()


@pytest.mark.long
@pytest.mark.timeout(900)
def test_figures_are_those_of_the_predictions(runs):
    """What `metrics.json` says, computed again from `predictions.csv`, in another way."""
    run = runs["resumed"]
    metrics = json.loads((run / "metrics.json").read_text())
    predictions = pd.read_csv(run / "split_1" / "predictions.csv")
    classes = metrics["classes"]
    assert classes == list(datasets.SYNTHETIC_TAXONOMY.classes)
    assert metrics["synthetic"] is True
    for form in ("float", "QAT", "float32", "float16", "int8"):
        columns = predictions[[f"{form}_{name}" for name in classes]]
        assert columns.sum(axis=1).to_numpy() == pytest.approx(1, abs=0.05)
        named = columns.idxmax(axis=1).str.removeprefix(f"{form}_")
        tied = columns.eq(columns.max(axis=1), axis=0).sum(axis=1) > 1
        right = (named == predictions["label"]) & ~tied
        found = metrics["splits"][0]["test"][form]
        assert found["accuracy"] == pytest.approx(right.mean())
        recalls = right.groupby(predictions["label"]).mean()
        assert found["balanced_accuracy"] == pytest.approx(recalls.mean())
    first = metrics["splits"][0]["levels"]["float"]["level1"]
    assert first["classes"] == ["benign", "malignant"] and first["n"] == len(predictions)


@pytest.mark.long
@pytest.mark.timeout(900)
def test_the_integer_file_is_one(runs):
    export = runs["resumed"] / "export"
    contract = json.loads(next(export.glob("*.json")).read_text())
    assert contract["positive_class"] is None and contract["threshold"] is None
    assert contract["classes"] == list(datasets.SYNTHETIC_TAXONOMY.classes)
    file = export / contract["files"]["int8"]["file"]
    assert list(tflite.read_labels(file)) == contract["classes"]
    verification = json.loads((runs["resumed"] / "metrics.json").read_text())["files"]["int8"]["verification"]
    assert verification["float_islands"] == [] and verification["custom_ops"] == []


@pytest.mark.long
@pytest.mark.timeout(900)
def test_colour_constancy_is_a_layer_of_the_model(runs):
    model = keras.models.load_model(runs["whole"] / "split_1" / "model.keras", compile=False)
    assert isinstance(model.get_layer("colour_constancy"), layers.ShadesOfGray)


def test_two_splits_have_test_images_of_their_own(tmp_path, cache):
    settings = multiclass.resolved(tiny(tmp_path / "run", cache))
    manifest = chosen_images(settings)
    tests = []
    for number in (1, 2):
        data = multiclass._load(settings, manifest, number, RunFolder(tmp_path / f"split_{number}"))
        tests.append(set(data.part("test").table["image_id"]))
    # Two random fifths share a fifth of their images; groups of two move that a little.
    assert len(tests[0] & tests[1]) < 0.5 * len(tests[0])
