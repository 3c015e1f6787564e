"""A small sweep of multi-class runs, and its report."""

import json

import cv2
import pandas as pd
import pytest
import yaml

from pipelines import multiclass, sweep
from pipelines.common import loading, options
from pipelines.common.console import UsageError
from pipelines.sweeps.engine.sweep_report import report_sweep

FLAT, HIERARCHICAL = "efficientnet_tiny_cbam", "hierarchical_efficientnet_tiny"
DONE = [f"{model}_adam_ce_ohem_per_class_seed0" for model in (FLAT, HIERARCHICAL)]
FAILING = f"{FLAT}_sgd_ce_es_seed0"
GRID = {
    "job": "multiclass",
    "settings": {
        "data": "synthetic",
        "max_images": 120,
        "image_size": 32,
        "batch_size": 16,
        "weights": "none",
        "epochs": 1,
        "head_epochs": 0,
        "repeats": 1,
        "export": False,
    },
    "runs": [
        {
            "models": [FLAT, HIERARCHICAL],
            "optimizers": ["adam"],
            "losses": ["crossentropy"],
            "weightings": ["ohem_per_class"],
        },
        {"models": [FLAT], "optimizers": ["sgd"], "losses": ["crossentropy"], "weightings": ["es"]},
    ],
}


class InProcess:
    """Runs the jobs of a sweep here: starting TensorFlow in a process each would take most of the time."""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def results(self, jobs):
        for job in jobs:
            _, module, *words = job.command
            assert module == "pipelines.multiclass"
            try:
                multiclass.main(options.parse(multiclass.Settings, words))
                yield job.name, 0, 1.0, ""
            except UsageError as error:
                yield job.name, 1, 1.0, f"Error: {error}"


@pytest.fixture(scope="module")
def swept(tmp_path_factory):
    """A sweep of a flat and a hierarchical model and of a run that must fail, which is then resumed; and the time
    at which the first run was complete."""
    folder = tmp_path_factory.mktemp("multiclass_sweep")
    (folder / "grid.yaml").write_text(yaml.safe_dump(GRID))
    out = folder / "out"
    (out / "runs").mkdir(parents=True)
    (out / "sweep.yaml").write_text(yaml.safe_dump(GRID))
    # A file where a run's folder should be: this run fails, the others go on.
    (out / "runs" / FAILING).write_text("in the way")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sweep, "choose_workers", lambda settings: InProcess())
        patch.setattr(loading, "_SYNTHETIC_IMAGES", 160)
        settings = sweep.Settings(folder / "grid.yaml", out=out, resume=True)
        sweep.main(settings)
        completed = (out / "runs" / DONE[0] / "card.md").stat().st_mtime_ns
        sweep.main(settings)
        yield out, completed


def metrics_of(out, name):
    """The metrics of the only repeat's float model."""
    metrics = json.loads((out / "runs" / name / "metrics.json").read_text())
    return metrics["repeats"][0]["forms"]["float"]["metrics"]


@pytest.mark.slow
def test_a_sweep_trains_what_is_left_and_passes_over_what_fails(swept):
    out, completed = swept
    table = pd.read_csv(out / "runs.csv").set_index("run")
    assert table["status"].to_dict() == {DONE[0]: "done", DONE[1]: "done", FAILING: "failed"}
    assert "is a file, or below one: choose another --out" in table["error"][FAILING]
    for name in DONE:
        for score in ("accuracy", "balanced_accuracy", "mean_precision", "mean_f1"):
            assert table[score][name] == pytest.approx(metrics_of(out, name)[score])
    assert (out / "runs" / DONE[0] / "card.md").stat().st_mtime_ns == completed


@pytest.mark.slow
def test_the_report_of_a_real_multiclass_sweep(swept, capsys):
    out, _ = swept
    report_sweep(out)
    assert "SYNTHETIC" in capsys.readouterr().out
    text = (out / "report" / "report.md").read_text()
    assert "2 of 3 configurations have finished, 1 failed" in text
    assert "no class that is called melanoma" in text
    for number, name in zip((2, 3), DONE, strict=True):
        row, metrics = pd.read_csv(out / "report" / f"table_{number}.csv").iloc[0], metrics_of(out, name)
        assert row["balanced_accuracy"] == pytest.approx(metrics["balanced_accuracy"], abs=1e-5)
        for label, each in metrics["per_class"].items():
            assert row[f"precision_{label}"] == pytest.approx(each["precision"], abs=1e-5)
    # No synthetic class is melanocytic, so there is no Figure 2.
    images = [cv2.imread(str(out / "report" / f"figure_{number}.png")) for number in (1, 3, 4)]
    assert all(image.std() > 5 for image in images)
    assert not (out / "report" / "figure_2.png").exists()
    assert "(level 2)" not in text and "Attention at the last decision, hard images" in text
