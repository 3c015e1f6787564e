"""What a sweep left in its folder, as far as every paper's report reads it alike."""

import json
from pathlib import Path

import numpy as np
import pandas as pd

STATE = ("run", "status", "error")


def read_runs(path, text, numbers, needs_number):
    """Reads `runs.csv` of the sweep in the folder `path`.

    Args:
        path: the sweep's folder.
        text: columns of text that it must have besides STATE; an empty field is "".
        numbers: columns of numbers; an empty field is NaN.
        needs_number: function (table, column) -> mask of the finished rows that must have that number.

    Returns:
        The table, with at least one row that is done.

    Raises:
        ValueError: no such folder or no `runs.csv`; a column or value of it is missing or wrong; no run has
            finished. One sentence that names the file.
    """
    path = Path(path)
    if not path.is_dir():
        raise ValueError(f"There is no folder {path}: name the folder of a sweep.")
    file, text = path / "runs.csv", [*STATE, *text]
    if not file.is_file():
        raise ValueError(f"There is no {file}: name the folder of a sweep.")
    try:
        # "none" is a value of the grid here; only an empty field is a missing one.
        table = pd.read_csv(file, dtype=dict.fromkeys(text, str), keep_default_na=False, na_values=[""])
    except ValueError as error:
        raise ValueError(f"{file} is not a table that can be read: {error}") from error
    missing = [name for name in (*text, *numbers) if name not in table]
    if missing:
        raise ValueError(f"{file} has no column {', '.join(missing)}: run the sweep again to remake it.")
    table[text] = table[text].fillna("")
    done = table["status"] == "done"
    for name in numbers:
        found = pd.to_numeric(table[name], errors="coerce").astype(float)
        wrong = done & needs_number(table, name) & ~np.isfinite(found)
        if wrong.any():
            row = table[wrong].iloc[0]
            raise ValueError(f"{file} has no number as {name} of the run {row['run']}: found {row[name]!r}.")
        table[name] = found
    if not done.any():
        raise ValueError(
            f"No run of {path} has finished, so there is nothing to report: run the sweep first."
        )
    return table


def read_run(folder, read):
    """What `read` makes of a finished run: a function (metrics, folder) that may fail on what it finds.

    Args:
        folder: of the run.
        read: function (content of `metrics.json`, folder).

    Raises:
        ValueError: the results cannot be read; one sentence that names the run.
    """
    try:
        return read(json.loads((folder / "metrics.json").read_text()), folder)
    except (OSError, ValueError, KeyError, TypeError) as error:
        missing = isinstance(error, KeyError)
        raise ValueError(
            f"The run {folder.name} is marked as done, but {folder} holds no results that can be read "
            f"({'metrics.json has no ' if missing else ''}{error}): run the sweep again to remake it."
        ) from error


def check_same_images(names, images):
    """Raises ValueError unless all runs were measured on the same images.

    Args:
        names: of the runs.
        images: of each run, the table of its test images.
    """
    for name, table in zip(names, images, strict=True):
        if not table.equals(images[0]):
            raise ValueError(
                f"The run {name} was measured on other test images, labels or groups than {names[0]}: a "
                "report compares runs on the same images, in the same order."
            )
