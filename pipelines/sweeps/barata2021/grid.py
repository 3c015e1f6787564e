"""A grid of Barata & Santiago 2021, as a YAML file describes it.

    job: multiclass
    settings:        # of pipelines.multiclass, for every run
      data: ham10000
      repeats: 1
    seeds: [0, 1, 2] # of the training of every entry of `runs` that names none; [0] if left out
    seed_sd: {balanced_accuracy: 0.02}   # for one seed: what reports take for the standard deviation between seeds
    runs:            # each entry: models x optimizers x losses x weightings x seeds
      - models: [efficientnet_lite0_cbam, hierarchical_efficientnet_lite0]
        optimizers: [adam]
        losses: [crossentropy]
        weightings: [none, es, ohem]
        seeds: [0]   # in place of those above

All runs are measured on the same splits, those of `data_seed` 0: a seed changes initial weights, order and
augmentation.
"""

import dataclasses
import itertools
from dataclasses import dataclass
from pathlib import Path

from pipelines import multiclass
from pipelines.common import options
from pipelines.sweeps.engine import costs
from pipelines.sweeps.engine.grid_checks import (
    check_keys,
    check_runs_differ,
    checked_list,
    checked_luck,
    checked_names,
    checked_numbers,
    grid_seeds,
    shared_settings,
)
from pipelines.sweeps.engine.grid_file import Grid
from skinkeras import losses, models

# Key of an entry of `runs` -> the setting whose values it lists.
_AXES = {"models": "model", "optimizers": "optimizer", "losses": "loss", "weightings": "weighting"}
_RELEASED_AXES = {"base_losses": "losses"}
# The parameters of losses and weightings, which runs without them refuse.
_PARAMETERS = {
    name for row in (*losses.LOSSES.values(), *losses.WEIGHTINGS.values()) for name in row.parameters
}
# What the grid itself decides for each run.
_DECIDED = {*_AXES.values(), "seed", "data_seed", "out", "resume", "cache_dir"}
_MEANS = ("accuracy", "balanced_accuracy", "mean_precision", "mean_f1")
# In names of folders as the released version has them, so that its sweeps can be resumed.
_IN_NAMES = {"crossentropy": "ce", "logit_adjustment": "la"}


@dataclass(frozen=True)
class GridRun:
    """One configuration: the values of these settings of the multi-class job."""

    model: str
    optimizer: str
    loss: str
    weighting: str
    seed: int
    cleaning = None

    @property
    def name(self):
        """The name of its folder."""
        loss, weighting = (_IN_NAMES.get(value, value) for value in (self.loss, self.weighting))
        return f"{self.model}_{self.optimizer}_{loss}_{weighting}_seed{self.seed}"

    @property
    def columns(self):
        """Its row of `runs.csv`, with None for what only its results say."""
        return {**dataclasses.asdict(self), "repeats": None, **dict.fromkeys(_MEANS)}


@dataclass(frozen=True)
class DiagnosisGrid(Grid):
    """A `Grid` of multi-class runs."""

    job = multiclass

    def run_values(self, run, sweep):
        folders = {"out": sweep / "runs" / run.name, "cache_dir": sweep / ".cache"}
        shared = self._suitable_settings(run)
        return {**shared, **dataclasses.asdict(run), "data_seed": 0, **folders}

    def work(self):
        images = None
        works = []
        for run in self.runs:
            settings = multiclass.with_defaults(
                options.build(multiclass.Settings, self.run_values(run, Path("sweep")))
            )
            images = images or costs.labelled_images(settings.data)[0]
            rows, *others = costs.subsets(settings.data, images)
            count = costs.fit_images(
                rows,
                *others,
                settings.training,
                exports=settings.output.export,
                repeats=settings.data.repeats,
            )
            network = costs.architecture_of(run.model)
            works.append(costs.Work(run.name, network, settings.model.image_size, round(rows), count))
        return works

    def result_columns(self, results):
        mean = _mean(results)
        return {"repeats": len(results.repeats), **{name: mean[name] for name in _MEANS}}

    def outcome(self, results):
        mean = _mean(results)
        return f"accuracy {mean['accuracy']:.3f}, balanced accuracy {mean['balanced_accuracy']:.3f}"

    def _suitable_settings(self, run):
        """The shared settings without those that a run refuses because they would have no effect in it."""
        left_out = set(_PARAMETERS)
        for table, name in ((losses.LOSSES, run.loss), (losses.WEIGHTINGS, run.weighting)):
            if name in table:
                left_out -= set(table[name].parameters)
        if run.model in models.model_names() and models.parse_name(run.model).head != "hierarchical":
            left_out.add("lstm_units")
        return {name: value for name, value in self.settings.items() if name not in left_out}


def _mean(results):
    return results.mean or results.repeats[0].metrics["float"]


def read_grid(source, path):
    """The `DiagnosisGrid` that the content of a YAML file asks for.

    Args:
        source: dict.
        path: of the file.

    Raises:
        ValueError: an unknown key, a value of the wrong kind, or a configuration that occurs twice; one sentence.
    """
    check_keys(source, path, "", required=("job", "runs"), optional=("settings", "seeds", "seed_sd"))
    seeds_of_all = grid_seeds(source, path)
    checked_luck(source, path)
    settings = shared_settings(source, path, multiclass, _DECIDED)
    runs = []
    for entry in checked_list(source["runs"], path, "runs"):
        if isinstance(entry, dict):
            entry = {_RELEASED_AXES.get(key, key): value for key, value in entry.items()}
        check_keys(entry, path, "runs: ", required=_AXES, optional=("seeds",))
        axes = [
            [options.modern({setting: name})[setting] for name in checked_names(entry[key], path, key)]
            for key, setting in _AXES.items()
        ]
        seeds = checked_numbers(entry.get("seeds", seeds_of_all), path, "seeds")
        runs += [GridRun(*values) for values in itertools.product(*axes, seeds)]
    check_runs_differ(runs, path)
    return DiagnosisGrid(settings, tuple(runs), source)
