"""Damaged files of an earlier part of a run or a sweep: one sentence that says what to do, and nothing destroyed."""

import json
import zipfile

import numpy as np
import pytest
import yaml
from refusals import refused

from pipelines import binary, sweep
from pipelines.common import options
from pipelines.common.run_folder import RunFolder, recorded_run
from skinkeras.callbacks import TrainingState

DAMAGES = {
    "empty": lambda content: b"",
    "cut off": lambda content: content[: len(content) // 2],
    "garbage": lambda content: bytes(range(256)) * 4,
    "text": lambda content: b"the only copy\n",
    "zeros": lambda content: bytes(len(content)),
    "a flipped byte": lambda content: (
        content[: len(content) // 3] + b"\xff\xff" + content[len(content) // 3 + 2 :]
    ),
}
#: What a flipped byte leaves readable and valid, or cannot be seen without a second copy.
UNSEEN = {
    # Half of a config.yaml is a config.yaml of other settings, which the next test but one is about.
    ("cut off", "config.yaml"),
    *(("a flipped byte", name) for name in ("cache.npy", "split.csv", "cache.json", "config.yaml")),
    ("a flipped byte", "cleaning/round_1.csv"),
    ("zeros", "cache.npy"),
}
FILES = (
    *("config.yaml", "model.keras", "model_qat.keras", "state/all.npz", "state/loss.json", "history.csv"),
    *("split.csv", "cleaning/cleaning.json", "cleaning/round_1.csv", "cache.npy", "cache.json"),
)


@pytest.fixture
def words(images, tmp_path):
    """The command line of a run with cleaning."""
    return (
        *("--data", "folder", "--data-dir", images, "--image-size", "32", "--weights", "none"),
        *("--no-deterministic", "--cache-dir", tmp_path / "cache", "--out", tmp_path / "run"),
        *("--clean", "custom", "--clean-rounds", "2", "--clean-remove", "2"),
    )


@pytest.fixture
def begun(words):
    """The `RunFolder` of a run that was killed in the middle, as far as its files go."""
    from pipelines.common import cleaning_rounds, loading

    settings = binary.resolved(options.parse(binary.Settings, words))
    groups = (settings.cleaning, settings.model, settings.training)
    folder = RunFolder(settings.output.out)
    loader = binary.new_loader(settings)
    data = loader.load(folder.file("split.csv"))
    folder.begin(options.request_of("binary", settings))
    loading.record_data(data, folder)
    cleaner = cleaning_rounds.Cleaner(*groups, "folder", data, folder)
    cleaner.rounds.record(np.linspace(0, 1, len(data.variants)))
    folder.state.mkdir()
    record = {"shapes": [[3]], "optimizer": "Adam", "epochs": 1, "history": [{"loss": 0.5}]}
    np.savez(folder.state / "all.npz", record=json.dumps(record), v0=np.ones(3))
    for name in ("model.keras", "model_qat.keras"):
        with zipfile.ZipFile(folder.file(name), "w") as archive:
            archive.writestr("config.json", "{}" * 1000)
    (folder.state / "loss.json").write_text('{"class_name": "RecallCrossentropy", "config": {}}')
    folder.file("history.csv").write_text("phase,epoch,loss\nhead,1,0.7\nall,1,0.6\n")
    return folder


def place_of(begun, name):
    if name.startswith("cache"):
        decoded = (begun.path.parent / "cache").glob(f"pictures-*{name.removeprefix('cache')}")
        return min(decoded, key=lambda path: len(path.name))  # and not the shapes beside it
    return begun.file(name)


def contents(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


CASES = [(damage, name) for name in FILES for damage in DAMAGES if (damage, name) not in UNSEEN]


@pytest.mark.parametrize(("damage", "name"), CASES)
def test_a_damaged_file_is_named_with_what_to_do_and_nothing_is_lost(
    monkeypatch, capsys, begun, words, damage, name
):
    file = place_of(begun, name)
    file.write_bytes(DAMAGES[damage](file.read_bytes()))
    before = contents(begun.path.parent)
    text = refused(monkeypatch, capsys, binary, *words, "--resume")
    assert text.startswith(f"Error: {file}") and text.count("\n") == 1, text
    assert "delete" in text or "choose another" in text
    assert "Errno" not in text and "np." not in text and ".. " not in text
    assert contents(begun.path.parent) == before


def test_every_damage_is_tried():
    assert len(CASES) >= 55


@pytest.mark.parametrize(
    "content", [1, [], {}, {"settings": 1}, {"job": [1], "settings": {}}, {"job": "clean", "settings": [1]}]
)
def test_a_config_of_another_form_is_refused(tmp_path, content):
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(content))
    with pytest.raises(ValueError, match=r"config\.yaml is .*choose another folder\.$"):
        recorded_run(tmp_path)


@pytest.mark.parametrize(
    "value", [None, [], [1], {}, {"a": 1}, "", "x", "nan", -1, 10**21, float("nan"), True]
)
def test_a_config_with_any_value_under_any_name_is_read_or_refused(begun, value):
    record = yaml.safe_load(begun.file("config.yaml").read_text())
    for name in record["settings"]:
        changed = {**record, "settings": {**record["settings"], name: value}}
        begun.file("config.yaml").write_text(yaml.safe_dump(changed))
        try:
            recorded_run(begun.path)
        except ValueError as error:
            assert str(error).startswith(str(begun.file("config.yaml"))), error


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_state_is_refused_and_changes_no_weight(tmp_path, damage):
    import keras

    def training():
        model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
        model.compile(keras.optimizers.Adam())
        state = TrainingState(tmp_path / "state.npz")
        state.set_model(model)
        return state, model

    state, _ = training()
    state.on_epoch_end(0, {"loss": 0.5})
    state.path.write_bytes(DAMAGES[damage](state.path.read_bytes()))
    state, model = training()
    before = model.get_weights()
    with pytest.raises(ValueError, match=r"state\.npz is damaged: delete it and resume"):
        state.restore(model)
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))


GRID = {
    "settings": {"image_size": 32, "weights": "none"},
    "training_sets": [{"oversample": "none", "clean": "none", "rounds": [0]}],
    "runs": [{"models": ["efficientnet_lite0"], "losses": ["crossentropy"], "seeds": [0]}],
}


@pytest.mark.parametrize("name", ["sweep.yaml", "runs.csv"])
@pytest.mark.parametrize("damage", ["empty", "cut off", "garbage", "text"])
def test_a_damaged_file_of_a_sweep_is_named(monkeypatch, capsys, tmp_path, damage, name):
    grid, out = tmp_path / "grid.yaml", tmp_path / "sweep"
    grid.write_text(yaml.safe_dump(GRID))
    out.mkdir()
    (out / "sweep.yaml").write_text(grid.read_text())
    (out / "runs.csv").write_text("run,seconds\na,1.0\n")
    file = out / name
    file.write_bytes(DAMAGES[damage](file.read_bytes()))
    if (damage, name) == ("cut off", "runs.csv"):
        file.write_text("run,sec")
    before = {
        path: content for path, content in contents(out).items() if path == file or path.name != "sweep.yaml"
    }
    monkeypatch.setattr("pipelines.sweeps.engine.grid_file.Grid.decode", lambda *_: None)
    monkeypatch.setattr("pipelines.sweeps.gilal2023.grid.BinaryGrid.decode", lambda *_: None)
    monkeypatch.setattr("pipelines.sweep.train_all", lambda *_: None)
    text = refused(monkeypatch, capsys, sweep, grid, "--out", out, "--resume")
    assert text.startswith(f"Error: {file} is damaged: ") and text.count("\n") == 1
    after = contents(out)
    assert {path: after[path] for path in before} == before
