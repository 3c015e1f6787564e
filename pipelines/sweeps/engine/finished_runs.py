"""Reads what the finished runs of a sweep have left, as far as all papers' reports need the same."""

from pathlib import Path

import numpy as np
import pandas as pd

from pipelines.common import options
from pipelines.sweeps.engine.grid_checks import check_keys, checked_luck
from skinkeras.files.reading import check_regular
from skinkeras.files.reading_yaml import read_yaml
from skinkeras.reports import read_results

_STATE = ("run", "status", "error")


def read_runs(path, text, numbers, needs_number):
    """Reads `runs.csv` of the sweep in the folder `path`, of this or of the released version.

    Args:
        path: the sweep's folder.
        text: columns of text that it must have besides the run's name and state; an empty field is "".
        numbers: columns of numbers; an empty field is NaN.
        needs_number: function (table, column) -> mask of the finished rows that must have that number.

    Returns:
        The table, with at least one row that is done.

    Raises:
        ValueError: a column or value is missing or wrong, or no run has finished. One sentence that names the
            file.
    """
    file, text = path / "runs.csv", [*_STATE, *text]
    try:
        check_regular(file)
        # "none" is a value of the grid here; only an empty field is a missing one.
        table = pd.read_csv(file, dtype=dict.fromkeys(text, str), keep_default_na=False, na_values=[""])
    except ValueError as error:
        raise ValueError(f"{file} is not a table that can be read: {' '.join(str(error).split())}") from error
    names = list(options.modern(dict.fromkeys(table)))
    table = pd.DataFrame([options.modern(row) for row in table.to_dict("records")], columns=names)
    missing = [name for name in (*text, *numbers) if name not in table]
    if missing:
        raise ValueError(f"{file} has no column {', '.join(missing)}: run the sweep again to remake it.")
    table[text] = table[text].fillna("").astype(str)
    done = table["status"] == "done"
    elsewhere = next((name for name in table["run"] if Path(name).name != name), None)
    if elsewhere is not None:
        raise ValueError(f"{file} names the run {elsewhere!r:.60}, which is no name of a folder.")
    for name in numbers:
        values = pd.to_numeric(table[name], errors="coerce").astype(float)
        wrong = done & needs_number(table, name) & ~np.isfinite(values)
        if wrong.any():
            row = table[wrong].iloc[0]
            raise ValueError(f"{file} has no number as {name} of the run {row['run']}: found {row[name]!r}.")
        table[name] = values
    if not done.any():
        raise ValueError(
            f"No run of {path} has finished, so there is nothing to report: run the sweep first."
        )
    return table


def recorded_source(path):
    """The content of `sweep.yaml` in the folder `path`; {} if there is none."""
    record = path / "sweep.yaml"
    return read_yaml(record) if record.is_file() else {}


def assumed_luck(path, metrics):
    """{metric: standard deviation between seeds} that `sweep.yaml` in the folder `path` gives, for lack of seeds.

    Raises:
        ValueError: it gives something else, or names a metric that is not one of `metrics`.
    """
    record = path / "sweep.yaml"
    given = checked_luck(recorded_source(path), record)
    check_keys(given, record, "seed_sd: ", optional=metrics)
    return given


def read_finished(folders, check):
    """The `RunResults` of finished runs, all measured on the same images of the same classes.

    Args:
        folders: of the runs.
        check: function of a `RunResults` that raises ValueError, KeyError or TypeError if it lacks what the
            report needs.

    Raises:
        ValueError: the results of a run cannot be read, or are of other test images, repeats or classes than
            those of the first; one sentence that names the run.
    """
    results = [_read(folder, check) for folder in folders]
    first = results[0]
    for folder, run in zip(folders, results, strict=True):
        if run.classes != first.classes:
            raise ValueError(
                f"The run {folder.name} has other classes, or in another order, than {folders[0].name}."
            )
        same = len(run.repeats) == len(first.repeats)
        if not same or any(
            not mine.images.equals(theirs.images)
            for mine, theirs in zip(run.repeats, first.repeats, strict=True)
        ):
            raise ValueError(
                f"The run {folder.name} was measured on other test images, labels or groups than "
                f"{folders[0].name}: a report compares runs on the same images, in the same order."
            )
    return results


def _read(folder, check):
    try:
        results = read_results(folder)
        check(results)
    except (OSError, ValueError, KeyError, TypeError) as error:
        reason = f"it lacks {error}" if isinstance(error, KeyError) else str(error).removesuffix(".")
        raise ValueError(
            f"The run {folder.name} is marked as done, but {folder} holds no results that can be read "
            f"({reason}): run the sweep again to remake it."
        ) from error
    return results
