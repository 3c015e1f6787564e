"""Grids of both papers: what a YAML file asks for, and what is refused before any work."""

import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from pipelines import clean, sweep
from pipelines.common import options
from pipelines.common.console import UsageError
from pipelines.sweeps.engine.grid_file import read_grid
from skinkeras import models

ROOT = Path(__file__).parents[2]
GRIDS = ROOT / "pipelines" / "sweeps"
TINY = "efficientnet_tiny"
SHORT = {"data": "synthetic", "weights": "none", "image_size": 32, "epochs": 1, "export": False}
SET = {"oversample": "none", "clean": "merge-scaled", "rounds": [0, 1]}
GILAL = {
    "settings": {**SHORT, "head_epochs": 0, "clean_epochs": 2},
    "training_sets": [SET],
    "runs": [{"models": [TINY], "losses": ["crossentropy", {"loss": "recall", "gamma": 10}]}],
}
BARATA = {
    "job": "multiclass",
    "settings": {**SHORT, "repeats": 1},
    "runs": [
        {
            "models": [f"{TINY}_cbam", f"hierarchical_{TINY}"],
            "optimizers": ["adam"],
            "losses": ["crossentropy"],
            "weightings": ["none", "ohem"],
        }
    ],
}


@pytest.fixture
def write_grid(tmp_path):
    def write(source):
        path = tmp_path / "grid.yaml"
        path.write_text(yaml.safe_dump(source))
        return path

    return write


def settings_of(grid, folder=Path("sweep")):
    """The settings that each run of the grid has, resolved, by their flat names."""
    runs = []
    for run in grid.runs:
        words = grid.run_command(run, folder)
        assert words[:2] == ("-m", grid.job.__name__)
        runs.append(options.flatten(grid.job.resolved(options.parse(grid.job.Settings, words[2:]))))
    return runs


def test_gilals_grid_has_144_runs(tmp_path, monkeypatch):
    # Weights of B0, B2 and Lite4 are not on every machine, and counting needs none.
    monkeypatch.setattr(models, "check_available", lambda *_: None)
    grid = read_grid(GRIDS / "gilal2023" / "full_grid.yaml", tmp_path)
    grid.check("full_grid.yaml")
    assert len({run.name for run in grid.runs}) == len(grid.runs) == 144
    assert {run.model.removeprefix("efficientnet_") for run in grid.runs} == {
        *("b0", "b2", "lite0", "lite2", "lite4")
    }
    # B0 and B2 on three blurred training sets, Lite0 on one; eight losses each.
    assert sum(run.training_set.oversample == "g23" for run in grid.runs) == 8 * (2 * 3 + 1)


def test_baratas_grid_is_the_whole_product_of_its_40_cells(tmp_path, monkeypatch):
    monkeypatch.setattr(models, "check_available", lambda *_: None)
    runs = settings_of(read_grid(GRIDS / "barata2021" / "full_grid.yaml", tmp_path))
    assert len({run["out"] for run in runs}) == 40
    cells = {(run["model"], run["optimizer"], run["loss"], run["weighting"]) for run in runs}
    assert cells == {
        (model, optimizer, loss, weighting)
        for model in ("vgg16_cbam", "hierarchical_vgg16")
        for optimizer in ("adam", "sgd")
        for loss in ("crossentropy", "focal")
        for weighting in ("none", "cb", "es", "spl", "ohem")
    }
    assert {(run["repeats"], run["data_seed"], run["image_size"]) for run in runs} == {(2, 0, 299)}


@pytest.mark.parametrize(
    "path", sorted(GRIDS.glob("*/*.yaml")), ids=lambda path: f"{path.parent.name}-{path.stem}"
)
def test_every_grid_that_comes_with_the_project_can_be_run(path, tmp_path, monkeypatch):
    monkeypatch.setattr(models, "check_available", lambda *_: None)
    grid = read_grid(path, None if path.stem == "demo" else tmp_path)
    grid.check(path)
    assert "data_dir" not in yaml.safe_load(path.read_text())["settings"]


def test_all_runs_share_the_cleaning_that_is_done_for_them(write_grid):
    entry = {"models": ["vgg16", TINY], "losses": ["crossentropy"]}
    grid = read_grid(write_grid({**GILAL, "runs": [entry]}))
    values = options.flags(grid.cleaning_values(grid.training_sets[0], Path("sweep")))
    done = options.flatten(clean.resolved(options.parse(clean.Settings, values)))
    for run, used in zip(grid.runs, settings_of(grid), strict=True):
        if run.rounds:
            assert used["clean_model"] == done["clean_model"] == done["model"] == "vgg16"
            assert used["clean_dir"] == done["out"] / "cleaning"
            assert (used["image_size"], used["data_seed"]) == (done["image_size"], done["data_seed"])


def test_a_gilal_grid_is_the_product_of_its_axes(write_grid):
    runs = settings_of(read_grid(write_grid(GILAL)))
    assert [(r["clean_rounds"], r["loss"], r["gamma"]) for r in runs] == [
        (None, "crossentropy", None),
        (None, "recall", 10),
        (1, "crossentropy", None),
        (1, "recall", 10),
    ]
    assert {(r["image_size"], r["export"]) for r in runs} == {(32, False)}


def test_a_setting_of_one_loss_does_not_reach_runs_with_another(write_grid):
    source = {**GILAL, "settings": {**GILAL["settings"], "recall_update": "epoch"}}
    grid = read_grid(write_grid(source))
    grid.check("grid.yaml")
    assert [run["recall_update"] for run in settings_of(grid)] == [None, "epoch"] * 2


def test_a_barata_run_is_the_command_line_of_its_cell(write_grid):
    source = {**BARATA, "settings": {**BARATA["settings"], "lstm_units": 16}}
    grid = read_grid(write_grid(source))
    assert [run.name for run in grid.runs] == [
        "efficientnet_tiny_cbam_adam_ce_none_seed0",
        "efficientnet_tiny_cbam_adam_ce_ohem_seed0",
        "hierarchical_efficientnet_tiny_adam_ce_none_seed0",
        "hierarchical_efficientnet_tiny_adam_ce_ohem_seed0",
    ]
    runs = settings_of(grid, Path("out"))
    assert (runs[3]["model"], runs[3]["weighting"]) == ("hierarchical_efficientnet_tiny", "ohem")
    assert (runs[3]["epochs"], runs[3]["image_size"], runs[3]["export"]) == (1, 32, False)
    assert runs[3]["out"] == Path("out/runs/hierarchical_efficientnet_tiny_adam_ce_ohem_seed0")
    assert [run["lstm_units"] for run in runs] == [None, None, 16, 16]


def test_seeds_change_the_training_and_not_the_test_images(write_grid):
    source = {**BARATA, "runs": [{**BARATA["runs"][0], "seeds": [0, 3]}]}
    assert {(run["seed"], run["data_seed"]) for run in settings_of(read_grid(write_grid(source)))} == {
        (0, 0),
        (3, 0),
    }


@pytest.mark.parametrize("source", [GILAL, BARATA], ids=["gilal", "barata"])
def test_seeds_of_the_file_are_those_of_entries_that_name_none(write_grid, source):
    own = {**source["runs"][0], "models": ["vgg16_cbam" if source is BARATA else "vgg16"], "seeds": [7]}
    grid = read_grid(write_grid({**source, "seeds": [0, 1, 2], "runs": [source["runs"][0], own]}))
    seeds = {}
    for run in grid.runs:
        seeds.setdefault(run.model, set()).add(run.seed)
    assert seeds.pop(own["models"][0]) == {7}
    assert set(map(tuple, seeds.values())) == {(0, 1, 2)}
    assert {run["data_seed"] for run in settings_of(grid)} == {0}


def test_grids_of_the_released_version_mean_the_same(write_grid):
    old = {**BARATA, "settings": {**SHORT, "splits": 1, "limit": 90, "units": 8}}
    entry = {key: value for key, value in BARATA["runs"][0].items() if key != "losses"}
    old["runs"] = [{**entry, "base_losses": ["ce"], "weightings": ["none", "la"]}]
    grid = read_grid(write_grid(old))
    assert {run.loss for run in grid.runs} == {"crossentropy"}
    assert {run.weighting for run in grid.runs} == {"none", "logit_adjustment"}
    assert [grid.settings[name] for name in ("repeats", "max_images", "lstm_units")] == [1, 90, 8]
    # The folders keep their names, so that a sweep of the released version can be resumed.
    assert grid.runs[1].name == "efficientnet_tiny_cbam_adam_ce_la_seed0"
    old = {
        **GILAL,
        "settings": {**GILAL["settings"], "learn": "binary", "rho": [0.01, 0.02], "split": "paper"},
    }
    settings = read_grid(write_grid(old)).settings
    assert (settings["target"], settings["blur_strength"], settings["split_by"]) == (
        "binary",
        [0.01, 0.02],
        "paper",
    )


def test_an_entry_can_be_of_some_training_sets_and_rounds(write_grid):
    sets = [SET, {"oversample": "g23", "clean": "blur-scaled", "rounds": [0, 2]}]
    entry = {**GILAL["runs"][0], "losses": ["crossentropy"]}
    runs = [{**entry, "oversample": ["g23"]}, {**entry, "models": ["vgg16"], "rounds": [0]}]
    grid = read_grid(write_grid({**GILAL, "training_sets": sets, "runs": runs}))
    assert [(run.model, run.training_set.oversample, run.rounds) for run in grid.runs] == [
        (TINY, "g23", 0),
        (TINY, "g23", 2),
        ("vgg16", "none", 0),
        ("vgg16", "g23", 0),
    ]
    path = write_grid({**GILAL, "runs": [{**entry, "rounds": [7]}]})
    with pytest.raises(ValueError, match="no training set has the oversample and rounds of"):
        read_grid(path)


def test_recall_loss_and_rcel_with_gamma_1_are_different_runs(write_grid):
    losses = [{"loss": "recall", "gamma": 1}, {"loss": "recall", "gamma": 1, "recall_update": "same_batch"}]
    source = {**GILAL, "training_sets": [{"oversample": "none"}], "runs": gilal_run(losses=losses)["runs"]}
    grid = read_grid(write_grid(source))
    assert [run.name for run in grid.runs] == [
        f"none_uncleaned_{TINY}_recall_1_seed0",
        f"none_uncleaned_{TINY}_recall_1_same_batch_seed0",
    ]
    assert [run["recall_update"] for run in settings_of(grid)] == ["batch", "same_batch"]
    assert [run.columns["recall_update"] for run in grid.runs] == [None, "same_batch"]


def gilal_run(**changes):
    return {"runs": [GILAL["runs"][0] | changes]}


def barata_run(**changes):
    return {"runs": [BARATA["runs"][0] | changes]}


@pytest.mark.parametrize(
    ("source", "changes", "words"),
    [
        (
            GILAL,
            {"loses": []},
            "'loses' is not a key; there are: training_sets, runs, settings, job, seeds, seed_sd, stands_for",
        ),
        (GILAL, {"settings": {"epoch": 3}}, "settings: 'epoch' is not a key"),
        (GILAL, {"settings": ["epoch"]}, "settings: must be keys with values"),
        (GILAL, {"settings": {"gamma": 3}}, "settings: 'gamma' is not a key"),
        (GILAL, {"settings": {"epochs": "many"}}, "many"),
        (GILAL, {"settings": {"data": "ham1000"}}, "ham1000"),
        (GILAL, {"settings": {"epochs": 0}}, "--epochs must be at least 1. Received: 0"),
        (GILAL, {"training_sets": [{"blur": True}]}, "training_sets: 'blur' is not a key"),
        (GILAL, {"training_sets": [{"oversample": "twice"}]}, "twice"),
        (GILAL, {"training_sets": [{"rounds": [0, 2]}]}, "need a cleaning"),
        (
            GILAL,
            {"training_sets": [{"clean": "merge", "rounds": [-1]}]},
            "rounds must be a list of numbers >= 0",
        ),
        (GILAL, {"training_sets": [{"clean": "merge", "rounds": 2}]}, "rounds must be a list"),
        (
            GILAL,
            {"training_sets": [{"clean": "merge", "rounds": [6]}]},
            "--clean merge has 5 rounds. Received: 6",
        ),
        (GILAL, {"training_sets": [SET, SET]}, "training_sets has none-merge-scaled twice"),
        (GILAL, gilal_run(models=["resnet"]), "resnet"),
        (GILAL, gilal_run(models=[f"hierarchical_{TINY}"]), "pipelines.multiclass trains"),
        (GILAL, gilal_run(losses=["hinge"]), "'hinge' is not one of"),
        (GILAL, gilal_run(losses=[{"loss": "recall"}]), "recall has gamma, a number or a list of them"),
        (
            GILAL,
            gilal_run(losses=[{"loss": "recall", "gamma": "1e4"}]),
            "gamma must be a number, such as 10. Received: '1e4'",
        ),
        (GILAL, gilal_run(losses=[{"loss": "recall", "gamma": -1}]), "gamma must be a finite number >= 0"),
        (GILAL, gilal_run(seeds=3), "seeds must be a list"),
        (
            GILAL,
            {"runs": GILAL["runs"] * 2},
            "has the configuration none_uncleaned_efficientnet_tiny_crossentropy_seed0 twice",
        ),
        (GILAL, {"seeds": [1, "two"]}, "seeds must be a list of numbers >= 0"),
        (GILAL, {"seed_sd": 0.012}, "seed_sd must give standard deviations of at least 0 and below 1"),
        (BARATA, {"seed_sd": {"accuracy": -1}}, "seed_sd must give standard deviations"),
        (GILAL, {"runs": []}, "runs must be a list with at least one entry"),
        (GILAL, {"stands_for": {TINY: "b0"}}, "stands_for must give models"),
        (GILAL, {"stands_for": TINY}, "stands_for must give models"),
        (
            GILAL,
            gilal_run(losses=[{"loss": "crossentropy", "recall_update": "same_batch"}]),
            "crossentropy has no parameter",
        ),
        (BARATA, {"job": "ternary"}, "job must be one of binary, multiclass. Received: 'ternary'"),
        (
            BARATA,
            {"training_sets": []},
            "'training_sets' is not a key; there are: job, runs, settings, seeds, seed_sd",
        ),
        (BARATA, {"settings": {"weighting": "es"}}, "settings: 'weighting' is not a key"),
        (BARATA, {"settings": {"epochs": 0}}, "--epochs must be at least 1. Received: 0"),
        (BARATA, barata_run(weightings=["none", "luck"]), "luck"),
        (BARATA, barata_run(weightings=["logit_adjustment"]), "logit_adjustment is for flat models"),
        (BARATA, barata_run(weightings=[None]), "weightings must be a list of names. Received: None"),
        (BARATA, barata_run(weightings=[]), "weightings must be a list with at least one entry"),
        (BARATA, barata_run(models=["resnet"]), "resnet"),
        (BARATA, barata_run(optimizers="adam"), "optimizers must be a list"),
        (BARATA, barata_run(gammas=["10"]), "runs: 'gammas' is not a key"),
        (BARATA, barata_run(seeds=[-1]), "seeds must be a list of numbers >= 0"),
        (
            BARATA,
            barata_run(weightings=["es", "es"]),
            "has the configuration efficientnet_tiny_cbam_adam_ce_es_seed0 twice",
        ),
        (BARATA, {"runs": [{"models": ["vgg16_cbam"]}]}, "runs: the key 'optimizers' is missing"),
    ],
)
def test_a_grid_that_cannot_be_run_is_refused(write_grid, source, changes, words):
    path = write_grid({**source, **changes})
    with pytest.raises(ValueError) as refused:
        read_grid(path).check(path)
    assert words in str(refused.value)
    assert "grid.yaml" in str(refused.value)
    assert "\n" not in str(refused.value)


def refusal(path, out, **settings):
    """The sentence with which a sweep ends before any work."""
    with pytest.raises(UsageError) as refused:
        sweep.main(sweep.Settings(path, out=out, **settings))
    return str(refused.value)


def test_the_folder_of_another_grid_is_refused(write_grid, tmp_path):
    path, out = write_grid(GILAL), tmp_path / "out"
    out.mkdir()
    (out / "sweep.yaml").write_text(yaml.safe_dump({**GILAL, "runs": gilal_run(seeds=[4])["runs"]}))
    assert "holds the sweep of another grid" in refusal(path, out)
    (out / "sweep.yaml").write_text(yaml.safe_dump(GILAL))
    assert "already holds this sweep: add --resume" in refusal(path, out)
    assert [path.name for path in out.iterdir()] == ["sweep.yaml"]
    (out / "sweep.yaml").rename(out / "notes.yaml")
    assert "is not empty and holds no sweep" in refusal(path, out)


def test_the_folder_of_the_images_is_an_argument(write_grid, tmp_path):
    path, out, images = (
        write_grid({**GILAL, "settings": {"data": "folder"}}),
        tmp_path / "out",
        tmp_path / "images",
    )
    assert "uses the data set folder: add --data-dir" in refusal(path, out)
    assert f"There is no folder {images}: check --data-dir" in refusal(path, out, data_dir=images)
    images.mkdir()
    assert read_grid(path, images).settings["data_dir"] == str(images)
    assert "uses synthetic images: leave out --data-dir" in refusal(write_grid(GILAL), out, data_dir=images)
    assert not out.exists()


def test_a_resumed_sweep_takes_its_images_from_its_record(write_grid, tmp_path):
    path = write_grid({**GILAL, "settings": {"data": "folder", "weights": "none"}})
    out, images = tmp_path / "out", tmp_path / "images"
    for folder in (out, images, tmp_path / "others"):
        folder.mkdir()
    (out / "sweep.yaml").write_text(yaml.safe_dump(read_grid(path, images).source))
    # Past all checks of the settings, and to the images.
    assert str(images) in refusal(path, out, resume=True)
    text = refusal(path, out, resume=True, data_dir=tmp_path / "others")
    assert f"holds a sweep with --data-dir {images}" in text


def test_a_cleaning_that_does_not_suit_the_data_is_refused_before_work(write_grid, tmp_path, monkeypatch):
    from pipelines.common import loading

    monkeypatch.setattr(loading, "_SYNTHETIC_IMAGES", 160)  # not 800: generating them takes the time
    path = write_grid({**GILAL, "training_sets": [{"clean": "merge", "rounds": [1]}]})
    assert "2045 are to be kept: nothing to clean" in refusal(path, tmp_path / "out")
    assert not (tmp_path / "out" / "sweep.yaml").exists()


@pytest.mark.parametrize(
    "words",
    [
        ["sweep", "--help"],
        ["sweep", GRIDS / "gilal2023" / "ham10000_slice.yaml"],
        ["report", "--help"],
        ["report", "no_such_folder"],
    ],
)
def test_help_and_refusals_load_nothing_heavy(words):
    code = (
        "import runpy, sys\n"
        f"sys.argv = {['x', *map(str, words[1:])]!r}\n"
        "try:\n"
        f"    runpy.run_module('pipelines.{words[0]}', run_name='__main__')\n"
        "except SystemExit: pass\n"
        "heavy = {'tensorflow', 'keras', 'pandas', 'matplotlib', 'sklearn'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    started = time.monotonic()
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True)
    assert time.monotonic() - started < 5  # a fifth of that, but for a busy machine
