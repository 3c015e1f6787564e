"""A small sweep of binary runs, killed and resumed, and its report."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest
import yaml

from pipelines.common import options
from pipelines.sweeps.engine.grid_file import read_grid
from pipelines.sweeps.engine.sweep_report import report_sweep
from skinkeras import datasets

GRID = {
    "settings": {
        "data": "manifest",
        "weights": "none",
        "image_size": 32,
        "head_epochs": 0,
        "epochs": 1,
        "clean_epochs": 2,
        "export": False,
    },
    "training_sets": [{"oversample": "g23", "clean": "merge-scaled", "rounds": [0, 1]}],
    "runs": [{"models": ["efficientnet_tiny"], "losses": ["crossentropy"]}],
}
CLEANING = Path("cleaning") / "g23-merge-scaled"
FAILING = "g23_uncleaned_efficientnet_tiny_crossentropy_seed0"
CLEANED = "g23_merge-scaled-1_efficientnet_tiny_crossentropy_seed0"
PROCESS = {"cwd": Path(__file__).parents[2], "env": {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}}

pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def swept(tmp_path_factory):
    """A sweep that was killed in the middle of a cleaning round, and resumed with a run that must fail."""
    folder = tmp_path_factory.mktemp("sweep")
    images, out, log = folder / "images", folder / "out", folder / "log"
    datasets.synthetic(160, 0, images).to_csv(images / "manifest.csv")
    (folder / "grid.yaml").write_text(yaml.safe_dump(GRID))
    command = [sys.executable, "-m", "pipelines.sweep", folder / "grid.yaml", "--out", out]
    with open(log, "a") as file:
        first = subprocess.Popen([*command, "--data-dir", images], stdout=file, stderr=file, **PROCESS)
        kill_once_there(first, out / CLEANING / "state" / "clean-1.npz", log)
        assert not (out / CLEANING / "cleaning" / "round_1.csv").exists(), "the kill came too late"
        # A file where a run's folder should be: this run fails, the other goes on.
        (out / "runs").mkdir()
        (out / "runs" / FAILING).write_text("in the way")
        done = subprocess.run([*command, "--resume"], stdout=file, stderr=file, **PROCESS)
    assert done.returncode == 0, log.read_text()[-3000:]
    return out


def kill_once_there(process, path, log):
    """SIGKILL, which nothing can catch, as soon as `path` exists."""
    end = time.monotonic() + 600
    while not path.exists():
        assert process.poll() is None, f"it ended by itself: {log.read_text()[-3000:]}"
        assert time.monotonic() < end, f"{path} did not come: {log.read_text()[-3000:]}"
        time.sleep(0.01)
    process.kill()
    process.wait()


def test_a_round_that_was_killed_in_its_middle_ends_as_one_that_was_not(swept, tmp_path):
    grid = read_grid(swept / "sweep.yaml")
    words = options.flags(grid.cleaning_values(grid.training_sets[0], tmp_path))
    command = [sys.executable, "-m", "pipelines.clean", *words]
    subprocess.run(command, check=True, capture_output=True, **PROCESS)
    for name in ("cleaning/round_1.csv", "cleaning/rounds.csv", "cleaned_variants.csv"):
        assert (swept / CLEANING / name).read_bytes() == (tmp_path / CLEANING / name).read_bytes()


def test_cleaning_touches_neither_malignant_nor_held_out_images(swept):
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
    subsets = pd.read_csv(swept / CLEANING / "cleaned_split.csv", dtype=str).set_index("image_id")["split"]
    assert subsets.to_dict() == split["split"].drop(lost).to_dict()


def test_a_sweep_passes_over_a_run_that_fails(swept):
    table = pd.read_csv(swept / "runs.csv").set_index("run")
    assert table["status"].to_dict() == {FAILING: "failed", CLEANED: "done"}
    assert "is a file, or below one: choose another --out" in table["error"][FAILING]
    ranking = pd.read_csv(swept / CLEANING / "cleaning" / "round_1.csv")
    counts = ranking["label"][~ranking["removed"]].value_counts()
    assert table["train_benign"][CLEANED] == counts["benign"]
    assert table["train_malignant"][CLEANED] == counts["malignant"]
    assert not (swept / "runs" / CLEANED / "state").exists()


def test_the_report_of_a_real_sweep(swept):
    report_sweep(swept)
    text = (swept / "report" / "report.md").read_text()
    assert "is a file, or below one: choose another --out" in text
    metrics = json.loads((swept / "runs" / CLEANED / "metrics.json").read_text())
    at_half = metrics["repeats"][0]["forms"]["float"]["metrics_at_half"]
    table = pd.read_csv(swept / "report" / "table_1.csv").set_index("run")
    assert table["status"].to_dict() == {CLEANED: "done", FAILING: "failed"}
    for name in ("roc_auc", "balanced_accuracy"):
        assert table[name][CLEANED] == pytest.approx(at_half[name], abs=1e-4)
