"""What a report knows of finished runs beyond their results: how long they trained, where their images are from."""

import math

import numpy as np
import pandas as pd

from pipelines.common.run_folder import RunFolder, recorded_run


def training_steps(folder, results):
    """How many optimizer steps the float model of a run was trained for, in one repeat; NaN if it is not known.

    Args:
        folder: path of the run.
        results: its `RunResults`.
    """
    images = sum(results.counts.get("train", {}).values())
    try:
        training = recorded_run(folder).settings.training
    except ValueError:  # the folder has no record of its settings
        return np.nan
    if not images:
        return np.nan
    return float((training.head_epochs + training.epochs) * math.ceil(images / training.batch_size))


def steps_text(runs, weights):
    """Whether both sides of a comparison trained for equally many steps, in a sentence with the numbers.

    Args:
        runs: table with the column `steps`.
        weights: (runs,), the part of each run in the comparison.
    """
    steps = runs["steps"].to_numpy(float)
    if np.isnan(steps[weights != 0]).any():
        return "Optimizer steps: not known of all of these runs, so they may differ in how long they trained."
    more, less = (np.average(steps[side], weights=abs(weights[side])) for side in (weights > 0, weights < 0))
    if math.isclose(more, less, rel_tol=1e-3):
        return f"Optimizer steps: {more:,.0f} on both sides."
    return (
        f"**Optimizer steps differ**: {more:,.0f} on average against {less:,.0f} ({more / less:.2f} times as many). "
        "Part of the difference may come from that."
    )


def sources_of(folders, repeats):
    """The source (clinic or camera) of the test images, which all runs share, or None if no run knows it.

    Args:
        folders: of the runs.
        repeats: how many repeats each has.

    Returns:
        Text of shape (n,), those of the first repeat first; an unknown source is "".
    """
    for folder in folders:
        tables = [
            pd.read_csv(
                RunFolder(folder).repeat(number).file("predictions.csv"),
                usecols=lambda name: name == "acquisition",
                dtype=str,
                keep_default_na=False,
            )
            for number in range(1, repeats + 1)
        ]
        if all("acquisition" in table for table in tables):
            return np.concatenate([table["acquisition"].to_numpy(object) for table in tables])
    return None


def pairs_within(sources, labels, repeats=None):
    """Whether every repeat has a source with images of two classes.

    Args:
        sources: of `sources_of`, or None.
        labels, repeats: of the same images.
    """
    if sources is None:
        return False
    table = pd.DataFrame({"source": sources, "label": labels, "repeat": 0 if repeats is None else repeats})
    classes = table[table["source"] != ""].groupby(["repeat", "source"])["label"].nunique()
    mixed = classes[classes > 1].index.get_level_values("repeat")
    return set(mixed) == set(table["repeat"])
