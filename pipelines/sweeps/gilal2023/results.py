"""What a sweep of binary runs has left: the configurations, and what each model said about the test images."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from pipelines.sweeps.engine.finished_runs import assumed_luck, read_finished, read_runs, recorded_source
from pipelines.sweeps.engine.run_facts import pairs_within, sources_of, training_steps
from pipelines.sweeps.gilal2023.claims import METRICS
from pipelines.sweeps.gilal2023.grid import VARIED, checked_stand_ins
from skinkeras import losses
from skinkeras.evaluation.checks import binary_inputs

_TEXT = ("oversample", "cleaning", "model", "loss")
_NUMBERS = ("rounds", "balance_ratio", *VARIED.values(), "seed")


@dataclass(frozen=True)
class SweepResults:
    """The finished runs of a sweep, all measured on the same test images.

    Attributes:
        path: the sweep's folder.
        runs: one row a finished run, index 0, 1, ...: the columns of `runs.csv`, and
            loss_name: the loss with its parameter, such as "recall cross-entropy, gamma 10", or "recall loss", which
            counts the misses of the batch itself (Tian et al. 2022);
        same_batch: whether it is that one;
            blurred: whether it trained on blurred copies;
            steps: optimizer steps of its float model, NaN if they are not known.
        unfinished: the rows of `runs.csv` that failed or have not been run.
        at_half: the metrics of each finished run's float model at threshold 0.5, as dictionaries.
        images: image_id, group, malignant (0 or 1) of the n test images.
        sources: clinic or camera of each, text of shape (n,); None if no pair of classes is within a known one.
        scores: probability of malignant by each float model, shape (runs, n).
        synthetic: whether the images were generated.
        assumed_luck: {metric: standard deviation between seeds} that the sweep's YAML file gives.
        stands_for: {model: the one of the paper that it stands for} that it gives.
    """

    path: Path
    runs: pd.DataFrame
    unfinished: pd.DataFrame
    at_half: list
    images: pd.DataFrame
    sources: np.ndarray | None
    scores: np.ndarray
    synthetic: bool
    assumed_luck: dict
    stands_for: dict


def read_sweep(path):
    """Reads the folder of a sweep.

    Returns:
        `SweepResults`.

    Raises:
        ValueError: a column or value of `runs.csv` is missing or wrong; no run has finished; the results of a
            finished one cannot be read, or are of other test images than those of the first. One sentence that
            names the file or the run.
    """
    table = _described(read_runs(path, _TEXT, _NUMBERS, _needs_number))
    done = table["status"] == "done"
    runs = table[done].reset_index(drop=True)
    folders = [path / "runs" / name for name in runs["run"]]
    results = read_finished(folders, _check)
    runs["steps"] = [training_steps(*each) for each in zip(folders, results, strict=True)]
    images, sources = results[0].repeats[0].images, sources_of(folders, 1)
    return SweepResults(
        path=path,
        runs=runs,
        unfinished=table[~done].reset_index(drop=True),
        at_half=[run.repeats[0].metrics_at_half["float"] for run in results],
        images=images[["image_id", "group"]].assign(malignant=_malignant(images)),
        sources=sources if pairs_within(sources, images["label"]) else None,
        scores=np.array([_scores(run) for run in results]),
        synthetic=any(run.synthetic for run in results),
        assumed_luck=assumed_luck(path, METRICS),
        stands_for=checked_stand_ins(recorded_source(path), path / "sweep.yaml"),
    )


def _needs_number(table, name):
    return table["loss"].map(VARIED).eq(name) if name in VARIED.values() else True


def _described(table):
    # Without a round there is no cleaning, whatever the preset was called: such runs match.
    table.loc[table["rounds"] == 0, "cleaning"] = ""
    # Sweeps of before there was a choice have no such column.
    update = table.get("recall_update", "")
    table["same_batch"] = (table["loss"] == "recall") & (update == "same_batch")
    table["loss_name"] = [_loss_name(row) for _, row in table.iterrows()]
    table["blurred"] = table["oversample"] != "none"
    return table


def _loss_name(row):
    if row["same_batch"]:
        return "recall loss" + ("" if row["gamma"] == 1 else f", gamma {row['gamma']:g}")
    name, parameter = loss_title(row["loss"]), VARIED.get(row["loss"])
    return f"{name}, {parameter.removeprefix('focal_')} {row[parameter]:g}" if parameter else name


def loss_title(loss):
    """The name of a loss in words, without its source."""
    return losses.LOSSES[loss].title.partition(" (")[0] if loss in losses.LOSSES else loss


def _malignant(images):
    return (images["label"] == "malignant").astype(int).to_numpy()


def _scores(results):
    return results.repeats[0].probabilities["float"][:, 1]


def _check(results):
    """Raises ValueError, KeyError or TypeError if the results of a run lack what a report needs of them."""
    repeat = results.repeats[0]
    at_half = repeat.metrics_at_half["float"]
    float(at_half["accuracy"])
    for name in ("balanced_accuracy", "roc_auc", "benign_recall", "malignant_recall"):
        _ = [float(at_half[name]), *map(float, at_half[f"{name}_interval"])]
    binary_inputs(_malignant(repeat.images), _scores(results))
