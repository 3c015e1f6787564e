"""The grid of multi-class runs: what a YAML file asks for, what is refused, and a small sweep of them."""

import json
from pathlib import Path

import cv2
import pandas as pd
import pytest
import yaml

from pipelines import multiclass, report, sweep
from pipelines.common import data as common_data
from pipelines.common.console import UsageError
from pipelines.sweeps.command_line import parsed
from pipelines.sweeps.grid import read_grid
from skinkeras import models

GRIDS = Path(__file__).parents[2] / "pipelines" / "sweeps"
SMALL = {
    "job": "multiclass",
    "settings": {"data": "synthetic", "image_size": 32, "epochs": 1, "splits": 1, "export": False},
    "runs": [
        {
            "models": ["efficientnet_lite0_cbam", "hierarchical_efficientnet_lite0"],
            "optimizers": ["adam"],
            "base_losses": ["ce"],
            "weightings": ["none", "ohem"],
        }
    ],
}


@pytest.fixture
def write_grid(tmp_path):
    def write(**changes):
        path = tmp_path / "grid.yaml"
        path.write_text(yaml.safe_dump({**SMALL, **changes}))
        return path

    return write


def entry(**changes):
    return {"runs": [SMALL["runs"][0] | changes]}


def test_the_papers_grid_is_the_whole_product_of_its_40_cells(monkeypatch):
    monkeypatch.setattr(models, "check_available", lambda *_: None)  # none is needed to count
    grid = read_grid(GRIDS / "b21.yaml")
    runs = [parsed(multiclass, grid.run_arguments(run, Path("sweep"))) for run in grid.runs]
    assert len({run.out for run in runs}) == 40
    cells = {(run.model, run.optimizer, run.base_loss, run.weighting) for run in runs}
    assert cells == {
        (model, optimizer, base_loss, weighting)
        for model in ("vgg16_cbam", "hierarchical_vgg16")
        for optimizer in ("adam", "sgd")
        for base_loss in ("ce", "focal")
        for weighting in ("none", "cb", "es", "spl", "ohem")
    }
    assert {(run.splits, run.data_seed, run.image_size) for run in runs} == {(2, 0, 299)}


def test_a_run_is_the_command_line_of_its_cell(write_grid):
    grid = read_grid(write_grid())
    assert [run.name for run in grid.runs] == [
        "efficientnet_lite0_cbam_adam_ce_none_seed0",
        "efficientnet_lite0_cbam_adam_ce_ohem_seed0",
        "hierarchical_efficientnet_lite0_adam_ce_none_seed0",
        "hierarchical_efficientnet_lite0_adam_ce_ohem_seed0",
    ]
    settings = parsed(multiclass, grid.run_arguments(grid.runs[3], Path("out")))
    assert (settings.model, settings.weighting) == ("hierarchical_efficientnet_lite0", "ohem")
    assert (settings.epochs, settings.image_size, settings.export) == (1, 32, False)
    assert settings.out == Path("out/runs/hierarchical_efficientnet_lite0_adam_ce_ohem_seed0")


def test_seeds_change_the_training_and_not_the_test_images(write_grid):
    grid = read_grid(write_grid(**entry(seeds=[0, 3])))
    settings = [parsed(multiclass, grid.run_arguments(run, Path("out"))) for run in grid.runs]
    assert {(s.seed, s.data_seed) for s in settings} == {(0, 0), (3, 0)}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"job": "ternary"}, "job must be one of binary, multiclass. Received: 'ternary'"),
        ({"training_sets": []}, "'training_sets' is not a key; there are: job, runs, settings"),
        ({"settings": {"weighting": "es"}}, "settings: 'weighting' is not a key"),
        ({"settings": {"epochs": 0}}, "--epochs must be at least 1. Received: 0"),
        (entry(weightings=["none", "luck"]), "luck"),
        (entry(weightings=[None]), "weightings must be a list of names. Received: None"),
        (entry(weightings=[]), "weightings must be a list with at least one entry"),
        (entry(models=["resnet"]), "resnet"),
        (entry(optimizers="adam"), "optimizers must be a list"),
        (entry(losses=["ce"]), "runs: 'losses' is not a key"),
        (entry(seeds=[-1]), "seeds must be a list of numbers >= 0"),
        (
            entry(weightings=["es", "es"]),
            "has the configuration efficientnet_lite0_cbam_adam_ce_es_seed0 twice",
        ),
        ({"runs": [{"models": ["vgg16_cbam"]}]}, "runs: the key 'optimizers' is missing"),
    ],
)
def test_a_grid_that_cannot_be_run_is_refused(write_grid, changes, words):
    with pytest.raises(ValueError) as refused:
        read_grid(write_grid(**changes))
    assert words in str(refused.value)
    assert "grid.yaml" in str(refused.value)


class InProcess:
    """Runs the jobs of a sweep here: starting TensorFlow in a process each would take most of the time."""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def results(self, jobs):
        for job in jobs:
            _, module, *arguments = job.command
            assert module == "pipelines.multiclass"
            try:
                multiclass.main(parsed(multiclass, arguments))
                yield job.name, 0, 1.0, ""
            except UsageError as error:
                yield job.name, 1, 1.0, f"Error: {error}"


FLAT, HIERARCHICAL = "efficientnet_lite0_cbam", "hierarchical_efficientnet_lite0"


@pytest.fixture(scope="module")
def swept(tmp_path_factory, small_network):
    """A sweep of a flat and a hierarchical model, and of a run that must fail."""
    folder = tmp_path_factory.mktemp("multiclass_sweep")
    grid = {
        "job": "multiclass",
        "settings": {
            "data": "synthetic",
            "limit": 120,
            "image_size": 32,
            "batch_size": 16,
            "weights": "none",
            "epochs": 1,
            "splits": 1,
            "export": False,
        },
        "runs": [
            {
                "models": [FLAT, HIERARCHICAL],
                "optimizers": ["adam"],
                "base_losses": ["ce"],
                "weightings": ["ohem_per_class"],
            },
            {"models": [FLAT], "optimizers": ["sgd"], "base_losses": ["ce"], "weightings": ["es"]},
        ],
    }
    (folder / "grid.yaml").write_text(yaml.safe_dump(grid))
    (folder / "out" / "runs").mkdir(parents=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sweep, "choose_workers", lambda settings: InProcess())
        patch.setattr(common_data, "_SYNTHETIC_PICTURES", 160)
        # A file where a run's folder should be: this run fails, the others go on.
        (folder / "out" / "sweep.yaml").write_text(yaml.safe_dump(grid, sort_keys=False))
        (folder / "out" / "runs" / f"{FLAT}_sgd_ce_es_seed0").write_text("in the way")
        settings = sweep.Settings(folder / "grid.yaml", folder / "out", resume=True)
        sweep.main(settings)
        trained = (folder / "out" / "runs" / f"{FLAT}_adam_ce_ohem_per_class_seed0" / "card.md").stat()
        sweep.main(settings)
        yield folder / "out", trained


@pytest.mark.long
@pytest.mark.timeout(900)
def test_a_sweep_trains_what_is_left_and_passes_over_what_fails(swept):
    out, trained = swept
    table = pd.read_csv(out / "runs.csv").set_index("run")
    names = [f"{model}_adam_ce_ohem_per_class_seed0" for model in (FLAT, HIERARCHICAL)]
    failing = f"{FLAT}_sgd_ce_es_seed0"
    assert table["status"].to_dict() == {names[0]: "done", names[1]: "done", failing: "failed"}
    assert "is a file: choose another --out" in table["error"][failing]
    for name in names:
        mean = json.loads((out / "runs" / name / "metrics.json").read_text())["mean"]["float"]
        for score in ("accuracy", "balanced_accuracy", "mean_precision", "mean_f1"):
            assert table[score][name] == pytest.approx(mean[score])
    assert (out / "runs" / names[0] / "card.md").stat().st_mtime_ns == trained.st_mtime_ns


@pytest.mark.long
@pytest.mark.timeout(900)
def test_the_report_of_a_real_multiclass_sweep(swept, capsys):
    out, _ = swept
    report.main(report.Settings(out))
    assert "SYNTHETIC" in capsys.readouterr().out
    text = (out / "report" / "report.md").read_text()
    assert "2 of 3 configurations have finished, 1 failed" in text
    assert "no class that is called melanoma" in text
    for number, model in ((2, FLAT), (4, HIERARCHICAL)):
        row = pd.read_csv(out / "report" / f"table_{number}.csv").iloc[0]
        run = out / "runs" / f"{model}_adam_ce_ohem_per_class_seed0"
        test = json.loads((run / "metrics.json").read_text())["splits"][0]["test"]["float"]
        assert row["balanced_accuracy"] == pytest.approx(test["balanced_accuracy"], abs=1e-5)
        for name, each in test["per_class"].items():
            assert row[f"precision_{name}"] == pytest.approx(each["precision"], abs=1e-5)
    for number in range(1, 5):
        image = cv2.imread(str(out / "report" / f"figure_{number}.png"))
        assert image.std() > 5, number
    # Two levels of attention beside the picture, where the flat model has one.
    widths = [cv2.imread(str(out / "report" / f"figure_{number}.png")).shape[1] for number in (3, 4)]
    assert widths[1] > widths[0]
