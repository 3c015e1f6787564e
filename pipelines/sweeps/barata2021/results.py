"""What a sweep of multi-class runs has left: the configurations, and what each model said about the test images."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from pipelines.sweeps.barata2021.claims import METRICS
from pipelines.sweeps.engine.finished_runs import assumed_luck, read_finished, read_runs
from pipelines.sweeps.engine.run_facts import pairs_within, sources_of, training_steps
from skinkeras import models
from skinkeras.evaluation.checks import multiclass_inputs

_TEXT = ("model", "optimizer", "loss", "weighting")


@dataclass(frozen=True)
class SweepResults:
    """The finished runs of a sweep, all measured on the same test images of the same splits.

    Attributes:
        path: the sweep's folder.
        runs: one row a finished run, index 0, 1, ...: the columns of `runs.csv`, and
            architecture, head: the two parts of its model's name;
            kind: "flat" or "hierarchical";
            steps: optimizer steps of its float model in a repeat, NaN if they are not known.
        unfinished: the rows of `runs.csv` that failed or have not been run.
        classes: tuple of the c class names.
        images: repeat (from 1), image_id, image (path), group and label of the n test images of all repeats,
            those of the first repeat first; an image can be in several.
        sources: clinic or camera of each, text of shape (n,); None if a repeat has no two classes in a known one.
        probabilities: of the classes by each float model, shape (runs, n, c).
        synthetic: whether the images were generated.
        assumed_luck: {metric: standard deviation between seeds} that the sweep's YAML file gives.
    """

    path: Path
    runs: pd.DataFrame
    unfinished: pd.DataFrame
    classes: tuple
    images: pd.DataFrame
    sources: np.ndarray | None
    probabilities: np.ndarray
    synthetic: bool
    assumed_luck: dict

    @property
    def labels(self):
        """(n,) int, index of each image's class."""
        return _codes(self.images, self.classes)

    def folder(self, row):
        """The folder of the run in that row of `runs`."""
        return self.path / "runs" / self.runs["run"][row]


def read_sweep(path):
    """Reads the folder of a sweep.

    Returns:
        `SweepResults`.

    Raises:
        ValueError: a column or value of `runs.csv` is missing or wrong; no run has finished; the results of a
            finished one cannot be read, or are of other test images, splits or classes than those of the first.
            One sentence that names the file or the run.
    """
    table = read_runs(path, _TEXT, ("seed",), lambda *_: True)
    try:
        names = [models.parse_name(model) for model in table["model"]]
    except ValueError as error:
        raise ValueError(f"{path / 'runs.csv'}: {error}") from error
    table["architecture"] = [name.architecture for name in names]
    table["head"] = [name.head for name in names]
    table["kind"] = np.where(table["head"] == "hierarchical", "hierarchical", "flat")
    done = table["status"] == "done"
    runs = table[done].reset_index(drop=True)
    folders = [path / "runs" / name for name in runs["run"]]
    results = read_finished(folders, _check)
    runs["steps"] = [training_steps(*each) for each in zip(folders, results, strict=True)]
    repeats = [repeat.images.assign(repeat=n) for n, repeat in enumerate(results[0].repeats, 1)]
    images, sources = pd.concat(repeats, ignore_index=True), sources_of(folders, len(repeats))
    return SweepResults(
        path=path,
        runs=runs,
        unfinished=table[~done].reset_index(drop=True),
        classes=results[0].classes,
        images=images,
        sources=sources if pairs_within(sources, images["label"], images["repeat"]) else None,
        probabilities=np.stack(
            [np.concatenate([repeat.probabilities["float"] for repeat in run.repeats]) for run in results]
        ),
        synthetic=any(run.synthetic for run in results),
        assumed_luck=assumed_luck(path, METRICS),
    )


def _check(results):
    """Raises ValueError or KeyError if the results of a run lack what a report needs of them."""
    for repeat in results.repeats:
        labels = _codes(repeat.images, results.classes)
        multiclass_inputs(labels, repeat.probabilities["float"], results.classes)


def _codes(images, classes):
    return pd.Categorical(images["label"], categories=classes).codes
