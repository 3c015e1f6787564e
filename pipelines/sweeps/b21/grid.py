"""The grid of Barata & Santiago 2021 as a YAML file says it.

    job: multiclass
    settings:        # of pipelines.multiclass, for every run
      data: ham10000
      splits: 1
    runs:            # each entry: models x optimizers x base losses x weightings x seeds
      - models: [efficientnet_lite0_cbam, hierarchical_efficientnet_lite0]
        optimizers: [adam]
        base_losses: [ce]
        weightings: [none, es, ohem]
        seeds: [0]

All runs have one image size, by default that of the first, and the same splits.
"""

import dataclasses
import itertools
from dataclasses import dataclass
from pathlib import Path

from pipelines import multiclass
from pipelines.common.data import load_data
from pipelines.sweeps.checks import check_differ, check_keys, checked_list, checked_numbers, make_absolute
from pipelines.sweeps.command_line import flags, parsed
from skinkeras import inputs

_AXES = {"models": "model", "optimizers": "optimizer", "base_losses": "base_loss", "weightings": "weighting"}
# What the grid itself decides for each run.
_DECIDED = {*_AXES.values(), "seed", "data_seed", "out", "resume", "cache_dir"}
_MEANS = ("accuracy", "balanced_accuracy", "mean_precision", "mean_f1")


@dataclass(frozen=True)
class GridRun:
    """One configuration: the values of these settings of the multi-class job."""

    model: str
    optimizer: str
    base_loss: str
    weighting: str
    seed: int
    cleaning = None

    @property
    def name(self):
        """The name of its folder."""
        return f"{self.model}_{self.optimizer}_{self.base_loss}_{self.weighting}_seed{self.seed}"

    @property
    def columns(self):
        return {**dataclasses.asdict(self), "splits": None, **dict.fromkeys(_MEANS)}


@dataclass(frozen=True)
class Grid:
    """What a YAML file asks for; `pipelines.sweeps.grid` explains its methods.

    Attributes:
        settings: dict, settings of the multi-class job that all runs share.
        runs: tuple of `GridRun`.
        source: the YAML file's content.
    """

    settings: dict
    runs: tuple
    source: dict
    job = "multiclass"

    def run_arguments(self, run, sweep):
        folders = {"out": sweep / "runs" / run.name, "cache_dir": sweep / ".cache"}
        return flags({**self.settings, **dataclasses.asdict(run), "data_seed": 0, **folders})

    def cleanings(self, sweep):
        return {}

    def decode(self, sweep):
        settings = multiclass.resolved(parsed(multiclass, self.run_arguments(self.runs[0], sweep)))
        load_data(settings, sweep / "no split yet", inputs.OVERSAMPLING["none"])

    def results(self, metrics):
        mean = metrics["mean"]["float"]
        return {"splits": len(metrics["splits"]), **{name: mean[name] for name in _MEANS}}

    def outcome(self, metrics):
        mean = metrics["mean"]["float"]
        return f"accuracy {mean['accuracy']:.3f}, balanced accuracy {mean['balanced_accuracy']:.3f}"


def read_grid(source, path):
    """The `Grid` that the content of the YAML file `path` asks for. Raises ValueError as its namesake."""
    check_keys(source, path, "", required=("job", "runs"), optional=("settings",))
    settings = dict(source.get("settings") or {})
    known = {field.name for field in dataclasses.fields(multiclass.Settings)} - _DECIDED
    check_keys(settings, path, "settings: ", optional=sorted(known))
    make_absolute(settings)
    runs = []
    for entry in checked_list(source["runs"], path, "runs"):
        check_keys(entry, path, "runs: ", required=_AXES, optional=("seeds",))
        axes = [_names(entry[name], path, name) for name in _AXES]
        seeds = checked_numbers(entry.get("seeds", [0]), path, "seeds")
        runs += [GridRun(*values) for values in itertools.product(*axes, seeds)]
    check_differ(runs, path)
    first = _resolved(Grid(settings, tuple(runs), source), path)
    return Grid({"image_size": first.image_size, **settings}, tuple(runs), source)


def _names(value, path, name):
    for entry in checked_list(value, path, name):
        if not isinstance(entry, str):
            raise ValueError(f"{path}: {name} must be a list of names. Received: {entry!r}")
    return value


def _resolved(grid, path):
    """Passes every command line through the job's own door; the first run's settings, resolved."""
    seen = {}
    try:
        for run in grid.runs:
            settings = parsed(multiclass, grid.run_arguments(run, Path("sweep")))
            if run.model not in seen:  # looking for a model's weights is slow
                seen[run.model] = multiclass.resolved(settings)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    return seen[grid.runs[0].model]
