"""Sweeps: what a YAML file asks for, what is refused, and a whole sweep, killed and resumed."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import yaml
from doors import refused
from processes import ROOT, SURROUNDINGS, kill_once_there

from pipelines import binary, clean, report, sweep
from pipelines.common import data as common_data
from pipelines.sweeps.command_line import parsed
from pipelines.sweeps.grid import read_grid
from pipelines.sweeps.workers import Job, LocalWorkers, RayWorkers

SMALL = {
    "settings": {
        "data": "synthetic",
        "limit": 160,
        "image_size": 32,
        "head_epochs": 0,
        "epochs": 1,
        "clean_epochs": 2,
        "export": False,
    },
    "training_sets": [{"oversample": "none", "clean": "merge-scaled", "rounds": [0, 1]}],
    "runs": [{"models": ["efficientnet_lite0"], "losses": ["crossentropy", {"loss": "recall", "gamma": 10}]}],
}


@pytest.fixture
def write_grid(tmp_path):
    def write(**changes):
        path = tmp_path / "grid.yaml"
        path.write_text(yaml.safe_dump({**SMALL, **changes}))
        return path

    return write


def test_the_papers_grid_has_144_runs(monkeypatch):
    from skinkeras import models

    # Weights of B0, B2 and Lite4 are not on every machine, and none is needed to count.
    monkeypatch.setattr(models, "check_available", lambda *_: None)
    grid = read_grid(ROOT / "pipelines" / "sweeps" / "g23.yaml")
    assert len(grid.runs) == 144
    assert {grid_run.model.removeprefix("efficientnet_") for grid_run in grid.runs} == {
        *("b0", "b2", "lite0", "lite2", "lite4")
    }
    assert sum(grid_run.training_set.oversample == "g23" for grid_run in grid.runs) == 72
    assert len({grid_run.name for grid_run in grid.runs}) == 144


def test_all_runs_share_the_cleaning_that_is_done_for_them(write_grid):
    models = ["efficientnet_lite1", "efficientnet_lite0"]
    grid = read_grid(write_grid(runs=[{"models": models, "losses": ["crossentropy"]}]))
    done = parsed(clean, grid.cleaning_arguments(grid.training_sets[0], Path("sweep")))
    for grid_run in grid.runs:
        if grid_run.rounds:
            used = binary.resolved(parsed(binary, grid.run_arguments(grid_run, Path("sweep"))))
            assert used.clean_model == clean.resolved(done).clean_model == "efficientnet_lite1"
            assert (used.image_size, used.data_seed) == (done.image_size, done.data_seed)


def test_a_grid_is_the_product_of_its_axes(write_grid):
    grid = read_grid(write_grid())
    assert [(g.rounds, g.loss, g.gamma) for g in grid.runs] == [
        (0, "crossentropy", None),
        (0, "recall", 10),
        (1, "crossentropy", None),
        (1, "recall", 10),
    ]
    arguments = grid.run_arguments(grid.runs[3], Path("out"))
    for flag, value in {"--gamma": "10", "--clean-rounds": "1", "--image-size": "32"}.items():
        assert arguments[arguments.index(flag) + 1] == value
    assert "--no-export" in arguments


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"loses": []}, "'loses' is not a key; there are: training_sets, runs, settings"),
        ({"settings": {"epoch": 3}}, "settings: 'epoch' is not a key"),
        ({"settings": {"gamma": 3}}, "settings: 'gamma' is not a key"),
        ({"settings": {"epochs": "many"}}, "many"),
        ({"settings": {"epochs": 0}}, "--epochs must be at least 1. Received: 0"),
        ({"training_sets": [{"blur": True}]}, "training_sets: 'blur' is not a key"),
        ({"training_sets": [{"oversample": "twice"}]}, "twice"),
        ({"training_sets": [{"rounds": [0, 2]}]}, "need a cleaning"),
        ({"training_sets": [{"clean": "merge", "rounds": [-1]}]}, "rounds must be a list of numbers >= 0"),
        ({"training_sets": [{"clean": "merge", "rounds": 2}]}, "rounds must be a list"),
        ({"training_sets": [{"clean": "merge", "rounds": [6]}]}, "--clean merge has 5 rounds. Received: 6"),
        ({"training_sets": SMALL["training_sets"] * 2}, "training_sets has none-merge-scaled twice"),
        ({"runs": [{"models": ["resnet"], "losses": ["crossentropy"]}]}, "resnet"),
        ({"runs": [{"models": ["efficientnet_lite0"], "losses": ["hinge"]}]}, "'hinge' is not one of"),
        (
            {"runs": [{"models": ["efficientnet_lite0"], "losses": [{"loss": "recall"}]}]},
            "recall has gamma, a number or a list of them",
        ),
        (
            {"runs": [{"models": ["efficientnet_lite0"], "losses": [{"loss": "recall", "gamma": "1e4"}]}]},
            "gamma must be a number, such as 10. Received: '1e4'",
        ),
        ({"runs": [{**SMALL["runs"][0], "seeds": 3}]}, "seeds must be a list"),
        ({"runs": SMALL["runs"] * 2}, "has the configuration none_uncleaned_efficientnet_lite0"),
        ({"runs": []}, "runs must be a list with at least one entry"),
    ],
)
def test_a_grid_that_cannot_be_run_is_refused(write_grid, changes, words):
    with pytest.raises(ValueError) as refused:
        read_grid(write_grid(**changes))
    assert words in str(refused.value)
    assert "grid.yaml" in str(refused.value)


def test_the_folder_of_another_grid_is_refused(write_grid, tmp_path, monkeypatch, capsys):
    out = tmp_path / "out"
    out.mkdir()
    (out / "sweep.yaml").write_text(yaml.safe_dump({**SMALL, "runs": SMALL["runs"] * 3}))
    assert "holds the sweep of another grid" in refused(
        monkeypatch, capsys, sweep, write_grid(), "--out", out
    )
    (out / "sweep.yaml").write_text(yaml.safe_dump(SMALL))
    assert "already holds this sweep: add --resume" in refused(
        monkeypatch, capsys, sweep, write_grid(), "--out", out
    )
    assert [path.name for path in out.iterdir()] == ["sweep.yaml"]


def test_a_cleaning_that_does_not_suit_the_data_is_refused_before_work(
    write_grid, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(common_data, "_SYNTHETIC_PICTURES", 160)  # not 800: drawing them is what takes long
    grid = write_grid(training_sets=[{"clean": "merge", "rounds": [1]}])
    text = refused(monkeypatch, capsys, sweep, grid, "--out", tmp_path / "out")
    assert "2045 are to be kept: nothing to clean" in text
    assert not (tmp_path / "out" / "sweep.yaml").exists()


JOBS = {
    "good": "print('fine')",
    "bad": "import sys; print('Error: no luck'); sys.exit(1)",
    "killed": "import os; os.kill(os.getpid(), 9)",
}


@pytest.mark.parametrize("kind", ["local", "ray"])
def test_two_workers_do_all_jobs_and_pass_over_those_that_fail(kind, tmp_path):
    if kind == "ray":
        pytest.importorskip("ray")
    workers = LocalWorkers(2) if kind == "local" else RayWorkers("local", 2)
    marks = [tmp_path / f"mark{n}" for n in range(2)]
    # Each of two jobs waits for the other: one worker alone would never end.
    wait = "import pathlib, sys, time\npathlib.Path(sys.argv[1]).touch()\nend = time.time() + 60\n"
    wait += (
        "while not pathlib.Path(sys.argv[2]).exists():\n    assert time.time() < end\n    time.sleep(0.05)"
    )
    pairs = {"first": marks, "second": marks[::-1]}
    jobs = [Job(n, ("-c", wait, *map(str, pair)), str(tmp_path / n)) for n, pair in pairs.items()]
    jobs += [Job(name, ("-c", code), str(tmp_path / "logs" / name)) for name, code in JOBS.items()]
    with workers:
        once = {name: (code, line) for name, code, _, line in workers.results(jobs[:2])}
        again = {name: (code, line) for name, code, _, line in workers.results(jobs[2:])}
    results = {**once, **again}
    assert results["first"][0] == results["second"][0] == 0
    assert results["good"] == (0, "fine")
    assert results["bad"] == (1, "Error: no luck")
    assert results["killed"] == (-signal.SIGKILL, "ended by signal 9; its last line: it printed nothing")


def test_ray_that_is_not_installed_is_asked_for(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ValueError, match=r'pip install "skinkeras\[ray\]"'):
        RayWorkers("local", 2)


CLEANING = Path("cleaning") / "g23-merge-scaled"
FAILING = "g23_uncleaned_efficientnet_lite0_crossentropy_seed0"
CLEANED = "g23_merge-scaled-1_efficientnet_lite0_crossentropy_seed0"


@pytest.fixture(scope="module")
def swept(tmp_path_factory):
    """A sweep that was killed in the middle of a cleaning round, and resumed with a run that must fail."""
    folder = tmp_path_factory.mktemp("sweep")
    grid = {
        **SMALL,
        "training_sets": [{"oversample": "g23", "clean": "merge-scaled", "rounds": [0, 1]}],
        "settings": {**SMALL["settings"], "weights": "none"},
        "runs": [{"models": ["efficientnet_lite0"], "losses": ["crossentropy"]}],
    }
    (folder / "grid.yaml").write_text(yaml.safe_dump(grid))
    out = folder / "out"
    command = [sys.executable, "-m", "pipelines.sweep", folder / "grid.yaml", "--out", out]
    with open(folder / "log", "a") as log:
        options = {"stdout": log, "stderr": log, **SURROUNDINGS}
        first = subprocess.Popen(command, **options)
        kill_once_there(first, out / CLEANING / "state" / "clean-1.npz", folder / "log")
        assert not (out / CLEANING / "cleaning" / "round_1.csv").exists(), "the kill came too late"
        # A file where a run's folder should be: this run fails, the other goes on.
        (out / "runs").mkdir()
        (out / "runs" / FAILING).write_text("in the way")
        done = subprocess.run([*command, "--resume"], **options)
    assert done.returncode == 0, (folder / "log").read_text()[-3000:]
    return out


@pytest.mark.long
@pytest.mark.timeout(900)
def test_a_round_that_was_killed_in_its_middle_ends_as_one_that_was_not(swept, tmp_path):
    grid = read_grid(swept.parent / "grid.yaml")
    arguments = grid.cleaning_arguments(grid.training_sets[0], tmp_path)
    command = [sys.executable, "-m", "pipelines.clean", *arguments]
    subprocess.run(command, check=True, capture_output=True, **SURROUNDINGS)
    for name in ("cleaning/round_1.csv", "cleaning/rounds.csv", "cleaned_variants.csv"):
        assert (swept / CLEANING / name).read_bytes() == (tmp_path / CLEANING / name).read_bytes()


@pytest.mark.long
@pytest.mark.timeout(900)
def test_cleaning_touches_neither_malignant_nor_held_out_pictures(swept):
    split = pd.read_csv(swept / CLEANING / "split.csv", dtype=str).set_index("image_id")
    ranking = pd.read_csv(swept / CLEANING / "cleaning" / "round_1.csv")
    train = split[split["split"] == "train"]
    variants = [
        image for image, row in train.iterrows() for _ in range(4 if row["label"] == "malignant" else 2)
    ]
    assert ranking["image_id"].tolist() == variants
    assert set(ranking["label"][ranking["removed"]]) == {"benign"}
    benign = ranking[ranking["label"] == "benign"]
    # merge-scaled: 6,000 of 26,033 benign images a round, those of the highest losses.
    assert benign["removed"].sum() == round(len(benign) * 6000 / 26033)
    assert benign["loss"][benign["removed"]].min() >= benign["loss"][~benign["removed"]].max()
    left = pd.read_csv(swept / CLEANING / "cleaned_manifest.csv")
    lost = set(ranking["image_id"]) - set(ranking["image_id"][~ranking["removed"]])
    assert set(left["image_id"]) == set(split.index) - lost
    parts = pd.read_csv(swept / CLEANING / "cleaned_split.csv", dtype=str).set_index("image_id")["split"]
    assert parts.to_dict() == split["split"].drop(lost).to_dict()


@pytest.mark.long
@pytest.mark.timeout(900)
def test_a_sweep_passes_over_a_run_that_fails(swept):
    table = pd.read_csv(swept / "runs.csv").set_index("run")
    assert table["status"].to_dict() == {FAILING: "failed", CLEANED: "done"}
    assert "is a file: choose another --out" in table["error"][FAILING]
    ranking = pd.read_csv(swept / CLEANING / "cleaning" / "round_1.csv")
    counts = ranking["label"][~ranking["removed"]].value_counts()
    assert table["train_benign"][CLEANED] == counts["benign"]
    assert table["train_malignant"][CLEANED] == counts["malignant"]
    assert not (swept / "runs" / CLEANED / "state").exists()


@pytest.mark.long
@pytest.mark.timeout(900)
def test_the_report_of_a_real_sweep(swept):
    report.main(report.Settings(swept))
    text = (swept / "report" / "report.md").read_text()
    assert "SYNTHETIC" in text
    assert "is a file: choose another --out" in text
    metrics = json.loads((swept / "runs" / CLEANED / "metrics.json").read_text())["test"]["float"]["at_0.5"]
    table = pd.read_csv(swept / "report" / "table_1.csv").set_index("run")
    assert table["status"].to_dict() == {CLEANED: "done", FAILING: "failed"}
    row = table.loc[CLEANED]
    assert row["roc_auc"] == pytest.approx(metrics["roc_auc"], abs=1e-4)
    assert row["balanced_accuracy"] == pytest.approx(metrics["balanced_accuracy"], abs=1e-4)
