"""The job over several classes: what it makes of its settings, its trees of classes and its splits."""

import pytest
import yaml
from refusals import refused

from pipelines import multiclass
from pipelines.common.options import build
from pipelines.common.run_folder import RunFolder

HIERARCHICAL = ("--model", "hierarchical_efficientnet_tiny", "--weights", "none")


@pytest.fixture
def refusal(monkeypatch, capsys, folder_of_images, tmp_path):
    """Gives the job a command line over three classes that it must refuse; what it wrote to the error stream."""
    folder = folder_of_images("a", "b", "c")

    def call(*words):
        # Determinism, once switched on, would stay on for every other test of this process.
        usual = (
            "--quick",
            "--data",
            "folder",
            "--data-dir",
            folder,
            "--image-size",
            "32",
            "--no-deterministic",
        )
        return refused(monkeypatch, capsys, multiclass, *usual, *words, "--out", tmp_path / "run")

    yield call
    assert not (tmp_path / "run" / "config.yaml").exists()


@pytest.mark.parametrize(
    ("tree", "sentence"),
    [
        ({"x": ["a", "b"]}, "'c' is not a leaf of the taxonomy"),
        ({"x": ["a", "y"], "y": ["b", "c", "d"]}, "each leaf once"),
        ({"x": ["y"], "y": ["x", "a", "b", "c"]}, "cycle"),
        ({"x": ["a", "b"], "y": ["c", "d"]}, "cannot be reached"),
        (["a", "b"], "A taxonomy is a dict"),
    ],
)
def test_a_tree_that_does_not_fit_is_refused(refusal, tmp_path, tree, sentence):
    file = tmp_path / "tree.yaml"
    file.write_text(yaml.safe_dump(tree))
    text = refusal(*HIERARCHICAL, "--taxonomy", file)
    assert sentence in text and text.count("\n") == 1


def test_a_file_that_is_no_tree_is_refused(refusal, tmp_path):
    file = tmp_path / "tree.yaml"
    file.write_text("a: [b")
    assert f"{file} is not a YAML file of a taxonomy" in refusal("--taxonomy", file)


def test_a_hierarchical_model_needs_a_tree(refusal):
    assert "needs a tree of the classes" in refusal(*HIERARCHICAL)


def resolved(tmp_path, **values):
    """Resolved settings for HAM10000, whose folder is empty."""
    values = {"data": "ham10000", "data_dir": tmp_path, "weights": "none", "out": tmp_path / "run", **values}
    return multiclass.resolved(build(multiclass.Settings, values))


def test_the_papers_settings_are_the_defaults(tmp_path):
    flat = resolved(tmp_path)
    model, training = flat.model, flat.training
    assert (model.model, model.image_size, training.batch_size) == ("vgg16_cbam", 299, 20)
    assert (flat.data.repeats, flat.loss.loss, flat.loss.weighting) == (2, "crossentropy", "none")
    assert (training.epochs, training.learning_rate, model.colour_constancy) == (150, 1e-5, "yes")
    assert (training.optimizer, training.head_epochs, model.dropout) == ("adam", 0, 0.5)
    assert resolved(tmp_path, optimizer="sgd").training.learning_rate == 1e-4
    levels = resolved(tmp_path, model="hierarchical_vgg16")
    assert (levels.training.epochs, levels.model.lstm_units, model.lstm_units) == (250, 256, None)


def test_quick_fills_what_is_not_said(tmp_path):
    quick = resolved(tmp_path, quick=True, epochs=7)
    model, training = quick.model, quick.training
    assert (model.model, model.image_size, training.epochs) == ("efficientnet_lite0_cbam", 128, 7)
    assert model.colour_constancy == "no"
    assert (training.optimizer, training.learning_rate, training.head_epochs) == ("one_cycle", 2e-4, 1)


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
    settings = resolved(tmp_path, quick=True, **chosen)
    assert settings.training.qat_learning_rate == pytest.approx(rate)


def test_a_run_is_not_resumed_with_another_tree(tmp_path):
    file, folder = tmp_path / "tree.yaml", RunFolder(tmp_path / "run")
    settings = resolved(
        tmp_path, model="hierarchical_efficientnet_tiny", taxonomy=file_of(file, "{x: [a, y], y: [b, c]}")
    )
    tree = multiclass.taxonomy_of(settings.data, settings.model, ("a", "b", "c"))
    folder.path.mkdir()
    multiclass.check_same_tree(folder, tree)
    multiclass.record_tree(folder, tree)
    multiclass.check_same_tree(folder, tree)
    file_of(file, "{x: [b, y], y: [a, c]}")
    other = multiclass.taxonomy_of(settings.data, settings.model, ("a", "b", "c"))
    with pytest.raises(ValueError, match="another taxonomy"):
        multiclass.check_same_tree(folder, other)


def file_of(path, text):
    path.write_text(text)
    return path


def test_two_splits_have_test_images_of_their_own(tmp_path, cache_dir):
    values = {"max_images": 120, "image_size": 32, "cache_dir": cache_dir, "out": tmp_path / "run"}
    settings = multiclass.with_defaults(build(multiclass.Settings, {**values, "weights": "none"}))
    loader = multiclass.new_loader(settings)
    repeats = multiclass.read_repeats(loader, loader.manifest(), 2, RunFolder(tmp_path / "run"))
    first, second = (set(repeat.data.subset("test").table["image_id"]) for repeat in repeats)
    # Two random fifths share a fifth of their images; groups of two move that a little.
    assert len(first & second) < 0.5 * len(first)
    assert [repeat.folder.path.name for repeat in repeats] == ["run", "repeat_2"]


def test_a_given_split_is_trained_on_once(tmp_path, folder_of_images):
    rows = ["image,image_id,label,split"]
    for path in sorted(folder_of_images("a", "b", "c").glob("*/*.jpg")):
        subset = "test" if int(path.stem[1:]) % 4 == 0 else "train"
        rows.append(f"{path},{path.stem},{path.parent.name},{subset}")
    (tmp_path / "manifest.csv").write_text("\n".join(rows) + "\n")
    values = {"data": "manifest", "data_dir": tmp_path, "image_size": 32, "weights": "none"}
    values |= {"cache_dir": tmp_path / "cache", "out": tmp_path / "run", "quick": True}

    def repeats_of(**more):
        settings = multiclass.with_defaults(build(multiclass.Settings, {**values, **more}))
        loader = multiclass.new_loader(settings)
        return multiclass.read_repeats(loader, loader.manifest(), settings.data.repeats, RunFolder(tmp_path))

    (repeat,) = repeats_of()
    assert sum(repeat.data.counts()["test"].values()) == 9
    assert sum(repeat.data.counts()["validation"].values()) == 0
    assert len(repeats_of(split_by="grouped")) == 2


def test_the_second_split_of_one_seed_is_not_the_first_of_the_next():
    assert multiclass.repeat_seed(3, 1) == 3
    seeds = {multiclass.repeat_seed(seed, number) for seed in range(20) for number in (1, 2, 3)}
    assert len(seeds) == 60
