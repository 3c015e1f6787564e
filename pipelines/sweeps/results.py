"""What a sweep left in its folder: the configurations, and what each model said about the test images."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from skinkeras.evaluation.checks import binary_inputs

_TEXT = ("run", "status", "error", "oversample", "cleaning", "model", "loss")
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
    if not path.is_dir():
        raise ValueError(f"There is no folder {path}: name the folder of a sweep.")
    table = _read_runs(path / "runs.csv")
    done = table["status"] == "done"
    if not done.any():
        raise ValueError(
            f"No run of {path} has finished, so there is nothing to report: run the sweep first."
        )
    runs = table[done].reset_index(drop=True)
    results = [_read_run(path / "runs" / name) for name in runs["run"]]
    images = results[0][1][_IMAGES]
    for name, (_, predictions) in zip(runs["run"], results, strict=True):
        if not predictions[_IMAGES].equals(images):
            raise ValueError(
                f"The run {name} was measured on other test images, labels or groups than "
                f"{runs['run'][0]}: a report compares runs on the same images, in the same order."
            )
    return SweepResults(
        path=path,
        runs=runs,
        unfinished=table[~done].reset_index(drop=True),
        at_half=[metrics["test"]["float"]["at_0.5"] for metrics, _ in results],
        images=images,
        scores=np.array([predictions["probability_float"] for _, predictions in results]),
        synthetic=any(metrics["synthetic"] for metrics, _ in results),
    )


def _read_runs(file):
    if not file.is_file():
        raise ValueError(f"There is no {file}: name the folder of a sweep.")
    try:
        # "none" is a value of the grid here; only an empty field is a missing one.
        table = pd.read_csv(file, dtype=dict.fromkeys(_TEXT, str), keep_default_na=False, na_values=[""])
    except ValueError as error:
        raise ValueError(f"{file} is not a table that can be read: {error}") from error
    missing = [name for name in (*_TEXT, *_NUMBERS) if name not in table]
    if missing:
        raise ValueError(f"{file} has no column {', '.join(missing)}: run the sweep again to remake it.")
    table[list(_TEXT)] = table[list(_TEXT)].fillna("")
    done = table["status"] == "done"
    for name in _NUMBERS:
        numbers = pd.to_numeric(table[name], errors="coerce").astype(float)
        needed = done & table["loss"].map(_PARAMETER).eq(name) if name in _PARAMETER.values() else done
        wrong = needed & ~np.isfinite(numbers)
        if wrong.any():
            row = table[wrong].iloc[0]
            raise ValueError(f"{file} has no number as {name} of the run {row['run']}: found {row[name]!r}.")
        table[name] = numbers
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


def _read_run(folder):
    """(metrics.json, predictions.csv), both checked for what a report needs of them."""
    try:
        metrics = json.loads((folder / "metrics.json").read_text())
        _check_metrics(metrics)
        predictions = pd.read_csv(
            folder / "predictions.csv", usecols=[*_IMAGES, "probability_float"], dtype={"image_id": str}
        )
        binary_inputs(predictions["malignant"], predictions["probability_float"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        missing = isinstance(error, KeyError)
        raise ValueError(
            f"The run {folder.name} is marked as done, but {folder} holds no results that can be read "
            f"({'metrics.json has no ' if missing else ''}{error}): run the sweep again to remake it."
        ) from error
    return metrics, predictions


def _check_metrics(metrics):
    bool(metrics["synthetic"])
    at_half = metrics["test"]["float"]["at_0.5"]
    float(at_half["accuracy"])
    for name in ("balanced_accuracy", "roc_auc", "benign_recall", "malignant_recall"):
        _ = [float(at_half[name]), *map(float, at_half[f"{name}_interval"])]
