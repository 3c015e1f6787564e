"""The grid of multi-class runs: what a YAML file asks for, and what is refused."""

from pathlib import Path

import pytest
import yaml

from pipelines import multiclass
from pipelines.sweeps.command_line import parsed
from pipelines.sweeps.grid import read_grid

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
    from skinkeras import models

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
