"""What a sweep of multi-class runs left: the configurations, and what each said about the test images."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from pipelines.multiclass import backbone_of, is_hierarchical
from pipelines.sweeps.results import check_same_images, read_run, read_runs
from skinkeras.evaluation.checks import multiclass_inputs

_TEXT = ("model", "optimizer", "base_loss", "weighting")
_IMAGES = ["image_id", "image", "group", "label"]


@dataclass(frozen=True)
class SweepResults:
    """The finished runs of a sweep, all measured on the same test images of the same splits.

    Attributes:
        path: the sweep's folder.
        runs: one row a finished run, index 0, 1, ...: the columns of `runs.csv`, and
            backbone: of its model;
            head: "flat" or "hierarchical".
        unfinished: the rows of `runs.csv` that failed or have not been run.
        classes: tuple of the c class names.
        images: split (from 1), image_id, image (path), group and label of the n test images of all splits,
            one behind the other; an image can be in several.
        probabilities: of the classes by each float model, shape (runs, n, c).
        synthetic: whether the pictures are drawn.
    """

    path: Path
    runs: pd.DataFrame
    unfinished: pd.DataFrame
    classes: tuple
    images: pd.DataFrame
    probabilities: np.ndarray
    synthetic: bool

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
        ValueError: no such folder or no `runs.csv`; a column or value of it is missing or wrong; no run has
            finished; the results of a finished one cannot be read, or are of other test images, splits or
            classes than those of the first. One sentence that names the file or the run.
    """
    path = Path(path)
    table = read_runs(path, _TEXT, ("seed",), lambda *_: True)
    table["backbone"] = table["model"].map(backbone_of)
    table["head"] = np.where(table["model"].map(is_hierarchical), "hierarchical", "flat")
    done = table["status"] == "done"
    runs = table[done].reset_index(drop=True)
    results = [read_run(path / "runs" / name, _read_run) for name in runs["run"]]
    images = [predictions[["split", *_IMAGES]] for _, predictions in results]
    check_same_images(runs["run"], images)
    classes = tuple(results[0][0]["classes"])
    for name, (metrics, _) in zip(runs["run"], results, strict=True):
        if tuple(metrics["classes"]) != classes:
            raise ValueError(f"The run {name} has other classes, or in another order, than {runs['run'][0]}.")
    return SweepResults(
        path=path,
        runs=runs,
        unfinished=table[~done].reset_index(drop=True),
        classes=classes,
        images=images[0],
        probabilities=np.stack([predictions[_columns(classes)].to_numpy() for _, predictions in results]),
        synthetic=any(metrics["synthetic"] for metrics, _ in results),
    )


def _read_run(metrics, folder):
    """(metrics.json, predictions.csv of all splits), checked for what a report needs of them."""
    bool(metrics["synthetic"])
    classes, parts = metrics["classes"], []
    for number in range(1, len(metrics["splits"]) + 1):
        part = pd.read_csv(
            folder / f"split_{number}" / "predictions.csv",
            usecols=[*_IMAGES, *_columns(classes)],
            dtype=dict.fromkeys(_IMAGES, str),
            keep_default_na=False,
        )
        multiclass_inputs(_codes(part, classes), part[_columns(classes)], classes)
        parts.append(part.assign(split=number))
    return metrics, pd.concat(parts, ignore_index=True)


def _columns(classes):
    return [f"float_{name}" for name in classes]


def _codes(table, classes):
    return pd.Categorical(table["label"], categories=classes).codes
