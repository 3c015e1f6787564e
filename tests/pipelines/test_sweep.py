"""Sweeps: what a YAML file asks for, what is refused, and a whole sweep, killed and resumed."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest
import yaml

from pipelines import report, sweep
from pipelines.common.console import run
from pipelines.sweeps.grid import read_grid
from pipelines.sweeps.workers import Job, LocalWorkers, RayWorkers

ROOT = Path(__file__).parents[2]
SMALL = {
    "settings": {
        "data": "synthetic",
        "limit": 160,
        "image_size": 32,
        "head_epochs": 0,
        "epochs": 1,
        "clean_epochs": 1,
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
        ({"runs": [{"models": ["resnet"], "losses": ["crossentropy"]}]}, "resnet"),
        ({"runs": [{"models": ["efficientnet_lite0"], "losses": ["hinge"]}]}, "'hinge' is not one of"),
        (
            {"runs": [{"models": ["efficientnet_lite0"], "losses": [{"loss": "recall"}]}]},
            "recall has gamma, a number or a list of them",
        ),
        ({"runs": SMALL["runs"] * 2}, "has the configuration none_uncleaned_efficientnet_lite0"),
        ({"runs": []}, "runs must be a list with at least one entry"),
    ],
)
def test_a_grid_that_cannot_be_run_is_refused(write_grid, changes, words):
    with pytest.raises(ValueError) as refused:
        read_grid(write_grid(**changes))
    assert words in str(refused.value)
    assert "grid.yaml" in str(refused.value)


def refused(monkeypatch, capsys, *arguments):
    monkeypatch.setattr(sys, "argv", ["sweep", *map(str, arguments)])
    with pytest.raises(SystemExit) as stopped:
        run(sweep.main, sweep.Settings)
    assert stopped.value.code == 2
    return capsys.readouterr().err


def test_the_folder_of_another_grid_is_refused(write_grid, tmp_path, monkeypatch, capsys):
    out = tmp_path / "out"
    out.mkdir()
    (out / "sweep.yaml").write_text(yaml.safe_dump({**SMALL, "runs": SMALL["runs"] * 3}))
    assert "holds the sweep of another grid" in refused(monkeypatch, capsys, write_grid(), "--out", out)
    (out / "sweep.yaml").write_text(yaml.safe_dump(SMALL))
    assert "already holds this sweep: add --resume" in refused(
        monkeypatch, capsys, write_grid(), "--out", out
    )
    assert [path.name for path in out.iterdir()] == ["sweep.yaml"]


def test_a_cleaning_that_does_not_suit_the_data_is_refused_before_work(
    write_grid, tmp_path, monkeypatch, capsys
):
    grid = write_grid(training_sets=[{"clean": "merge", "rounds": [1]}])
    text = refused(monkeypatch, capsys, grid, "--out", tmp_path / "out")
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
    wait += "while not pathlib.Path(sys.argv[2]).exists():\n    assert time.time() < end\n    time.sleep(0.05)"
    pairs = {"first": marks, "second": marks[::-1]}
    jobs = [Job(n, ("-c", wait, *map(str, pair)), str(tmp_path / n)) for n, pair in pairs.items()]
    jobs += [Job(name, ("-c", code), str(tmp_path / "logs" / name)) for name, code in JOBS.items()]
    results = {name: (code, line) for name, code, seconds, line in workers.results(jobs) if seconds >= 0}
    assert results["first"][0] == results["second"][0] == 0
    assert results["good"] == (0, "fine")
    assert results["bad"] == (1, "Error: no luck")
    assert results["killed"][0] == -signal.SIGKILL


def test_ray_without_a_cluster_or_without_ray_is_refused(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ValueError, match=r'pip install "skinkeras\[ray\]"'):
        RayWorkers("local", 2)


@pytest.fixture(scope="module")
def swept(tmp_path_factory):
    """A sweep that was killed in the middle of a run, and resumed with a run that must fail."""
    folder = tmp_path_factory.mktemp("sweep")
    (folder / "grid.yaml").write_text(yaml.safe_dump(SMALL))
    out = folder / "out"
    command = [sys.executable, "-m", "pipelines.sweep", folder / "grid.yaml", "--out", out]
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    log = open(folder / "log", "a")  # noqa: SIM115
    first = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log, env=environment)
    end = time.monotonic() + 400
    second_run = out / "runs" / "none_uncleaned_efficientnet_lite0_recall_10_seed0"
    while not second_run.exists():
        assert first.poll() is None and time.monotonic() < end, (folder / "log").read_text()[-2000:]
        time.sleep(0.05)
    first.send_signal(signal.SIGKILL)
    first.wait()
    ranking = out / "cleaning" / "none-merge-scaled" / "cleaning" / "round_1.csv"
    before = ranking.read_bytes()
    # A file where a run's folder should be: this run fails, the others go on.
    failing = out / "runs" / "none_merge-scaled-1_efficientnet_lite0_crossentropy_seed0"
    failing.write_text("in the way")
    done = subprocess.run([*command, "--resume"], cwd=ROOT, stdout=log, stderr=log, env=environment)
    log.close()
    assert done.returncode == 0, (folder / "log").read_text()[-3000:]
    assert ranking.read_bytes() == before, "the shared cleaning was done twice"
    return out


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_killed_sweep_goes_on_and_passes_over_a_failure(swept):
    table = pd.read_csv(swept / "runs.csv").set_index("run")
    assert table["status"].tolist() == ["done", "done", "failed", "done"]
    assert "is a file: choose another --out" in table["error"].iloc[2]
    uncleaned, cleaned = table.iloc[1], table.iloc[3]
    assert cleaned["train_malignant"] == uncleaned["train_malignant"]
    # merge-scaled: 6,000 of 26,033 benign images a round.
    removed = round(uncleaned["train_benign"] * 6000 / 26033)
    assert cleaned["train_benign"] == uncleaned["train_benign"] - removed
    images = [
        pd.read_csv(swept / "runs" / name / "predictions.csv")["image_id"].tolist()
        for name in table.index[table["status"] == "done"]
    ]
    assert all(ids == images[0] for ids in images)
    assert not (swept / "runs" / table.index[0] / "state").exists()


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_report_of_a_real_sweep(swept):
    report.main(report.Settings(swept))
    text = (swept / "report" / "report.md").read_text()
    assert "SYNTHETIC" in text
    assert "in the way" in text or "is a file" in text
    table = pd.read_csv(swept / "report" / "table_1.csv")
    assert len(table) == 3
    best = json.loads(
        (swept / "runs" / pd.read_csv(swept / "runs.csv")["run"].iloc[0] / "metrics.json").read_text()
    )
    assert best["test"]["float"]["at_0.5"]["roc_auc"] == pytest.approx(table["roc_auc"], abs=1)
