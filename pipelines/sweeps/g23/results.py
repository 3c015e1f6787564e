"""What a sweep of binary runs left: the configurations, and what each model said about the test images."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from pipelines.sweeps.results import check_same_images, read_run, read_runs
from skinkeras.evaluation.checks import binary_inputs

_TEXT = ("oversample", "cleaning", "model", "loss")
_NUMBERS = ("rounds", "balance_ratio", "gamma", "focal_delta", "seed")
# The one parameter that each of these losses has.
_PARAMETER = {"recall": "gamma", "focal": "focal_delta"}
_IMAGES = ["image_id", "group", "malignant"]


@dataclass(frozen=True)
class SweepResults:
    """The finished runs of a sweep, all measured on the same test images.

    Attributes:
        path: the sweep's folder.
        runs: one row a finished run, index 0, 1, ...: the columns of `runs.csv`, and
            loss_name: the loss with its parameter, such as "recall, gamma 10";
            blurred: whether it trained on blurred copies.
        unfinished: the rows of `runs.csv` that failed or have not been run.
        at_half: the `BinaryMetrics` of each finished run's float model at threshold 0.5, as dictionaries.
        images: image_id, group, malignant of the n test images.
        scores: probability of malignant by each float model, shape (runs, n).
        synthetic: whether the pictures are drawn.
    """

    path: Path
    runs: pd.DataFrame
    unfinished: pd.DataFrame
    at_half: list
    images: pd.DataFrame
    scores: np.ndarray
    synthetic: bool


def read_sweep(path):
    """Reads the folder of a sweep.

    Returns:
        `SweepResults`.

    Raises:
        ValueError: no such folder or no `runs.csv`; a column or value of it is missing or wrong; no run has
            finished; the results of a finished one cannot be read, or are of other test images than those of
            the first. One sentence that names the file or the run.
    """
    path = Path(path)
    table = _described(read_runs(path, _TEXT, _NUMBERS, _needs_number))
    done = table["status"] == "done"
    runs = table[done].reset_index(drop=True)
    results = [read_run(path / "runs" / name, _read_run) for name in runs["run"]]
    images = [predictions[_IMAGES] for _, predictions in results]
    check_same_images(runs["run"], images)
    return SweepResults(
        path=path,
        runs=runs,
        unfinished=table[~done].reset_index(drop=True),
        at_half=[metrics["test"]["float"]["at_0.5"] for metrics, _ in results],
        images=images[0],
        scores=np.array([predictions["probability_float"] for _, predictions in results]),
        synthetic=any(metrics["synthetic"] for metrics, _ in results),
    )


def _needs_number(table, name):
    return table["loss"].map(_PARAMETER).eq(name) if name in _PARAMETER.values() else True


def _described(table):
    # Without a round there is no cleaning, whatever the preset was called: such runs match.
    table.loc[table["rounds"] == 0, "cleaning"] = ""
    table["loss_name"] = [_loss_name(row) for _, row in table.iterrows()]
    table["blurred"] = table["oversample"] != "none"
    return table


def _loss_name(row):
    name = {"crossentropy": "cross-entropy", "inverse_frequency": "inverse frequency"}.get(
        row["loss"], row["loss"]
    )
    if row["loss"] not in _PARAMETER:
        return name
    parameter = _PARAMETER[row["loss"]]
    return f"{name}, {parameter.removeprefix('focal_')} {row[parameter]:g}"


def _read_run(metrics, folder):
    """(metrics.json, predictions.csv), both checked for what a report needs of them."""
    _check_metrics(metrics)
    predictions = pd.read_csv(
        folder / "predictions.csv", usecols=[*_IMAGES, "probability_float"], dtype={"image_id": str}
    )
    binary_inputs(predictions["malignant"], predictions["probability_float"])
    return metrics, predictions


def _check_metrics(metrics):
    bool(metrics["synthetic"])
    at_half = metrics["test"]["float"]["at_0.5"]
    float(at_half["accuracy"])
    for name in ("balanced_accuracy", "roc_auc", "benign_recall", "malignant_recall"):
        _ = [float(at_half[name]), *map(float, at_half[f"{name}_interval"])]
