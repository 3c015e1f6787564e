"""Cleaning rounds inside a run: train, rank, remove, report, until the plan is done."""

import dataclasses

import keras
import numpy as np
import pandas as pd

from pipelines.common.console import console, section
from pipelines.common.data import SOURCES, print_counts
from pipelines.common.settings import cleaning_plan
from pipelines.common.training import Phase, train_phase, unfreeze
from skinkeras import cleaning, models
from skinkeras.cleaning import CleaningError
from skinkeras.evaluation.cleaning_plots import contact_sheet, loss_histogram
from skinkeras.files import replacing, write_text
from skinkeras.memory import free_memory

_BATCH = 64
_SHOWN = 36  # pictures on a contact sheet

# What decides the rankings beside the training rows themselves.
_DECIDING = (
    *("data", "clean_model", "clean_epochs", "clean_folds", "weights"),
    *("image_size", "batch_size", "learning_rate", "data_seed"),
)


def cleaning_rounds(settings, data, run):
    """The `CleaningRounds` that the settings ask for, as far as they have come; None without cleaning.

    Raises:
        ValueError: the plan or the folds do not suit the training images, or `--clean-dir` holds another
            cleaning.
    """
    plan = cleaning_plan(settings)
    if plan is None:
        return None
    if settings.clean_folds:
        _folds(settings, data.binary().part("train"))
    deciding = {name: getattr(settings, name) for name in _DECIDING}
    table = data.variants.table
    return cleaning.CleaningRounds(settings.clean_dir or run.file("cleaning"), table, plan, deciding)


def cleaned(settings, data, rounds, run):
    """Does the rounds that are not done yet; the data without what all of them have removed.

    Args:
        settings: `JobSettings`, resolved.
        data: `Data`.
        rounds: what `cleaning_rounds` returned.
        run: `RunFolder`; a killed round goes on from the state that is kept there.
    """
    if rounds is None:
        return data
    for number in range(1, rounds.done + 1):
        if not _sheet(rounds, number).exists():  # killed between the ranking and its report
            _report(rounds, number, data, SOURCES[settings.data].note)
    binary = data.binary()  # the paper's rankings are those of the two classes
    while not rounds.is_complete:
        number = rounds.done + 1
        section(f"Cleaning, round {number} of {len(rounds.removals)}")
        left = dataclasses.replace(binary, kept=rounds.remaining())
        try:
            losses = _losses(settings, left, number, run)
        except ValueError as error:  # not finite, or too few pictures left for the folds
            raise CleaningError(f"Round {number} of the cleaning cannot go on: {error}") from error
        rounds.record(losses)
        for file in run.state.glob(f"clean-{number}*"):
            file.unlink()
        _report(rounds, number, data, SOURCES[settings.data].note)
        free_memory()
    data = dataclasses.replace(data, kept=rounds.remaining())
    _check_classes(data)
    counts = rounds.counts()
    console.print(
        f"  after {len(rounds.removals)} cleaning rounds, {counts['ratio']:.3f} malignant to benign:"
    )
    print_counts(data)
    return data


def _losses(settings, data, number, run):
    """(variants,) float: the loss of each training row that is left, by this round's model or models."""
    rows = np.flatnonzero(data.kept)
    train = data.part("train")
    losses = np.full(len(data.kept), np.nan)
    if not settings.clean_folds:
        model = _trained(settings, data, f"clean-{number}", number, run)
        losses[rows] = cleaning.example_losses(model, train.pictures, rows, train.one_hot, _BATCH)
        return losses
    fold_of = _folds(settings, train)
    for fold in range(settings.clean_folds):
        inside, outside = fold_of == fold, data.kept.copy()
        outside[rows[inside]] = False
        name = f"clean-{number}-fold-{fold + 1}"
        model = _trained(settings, dataclasses.replace(data, kept=outside), name, number, run)
        losses[rows[inside]] = cleaning.example_losses(
            model, train.pictures, rows[inside], train.one_hot[inside], _BATCH
        )
    return losses


def _folds(settings, train):
    return cleaning.out_of_fold(train.malignant, train.groups, settings.clean_folds, settings.data_seed)


def _check_classes(data):
    """The rounds look at benign and malignant alone: of a rare diagnosis they can take every picture."""
    left = data.part("train").one_hot.sum(axis=0)
    for name, count in zip(data.manifest.classes, left, strict=True):
        if not count:
            raise CleaningError(
                f"Cleaning has removed every training picture of class {name}: use fewer rounds, or "
                "--learn binary."
            )


def _trained(settings, data, name, number, run):
    keras.utils.set_random_seed(settings.data_seed)
    model = models.create(
        settings.clean_model, len(data.manifest.classes), settings.image_size, settings.weights
    )
    unfreeze(model, settings.weights)
    # The run's other phases have seeds of 1 to 3 behind its own.
    phase = Phase(name, settings.clean_epochs, settings.learning_rate, settings.data_seed + 10 * number)
    train_phase(model, phase, data, keras.losses.CategoricalCrossentropy(), settings.batch_size, run)
    return model


def _report(rounds, number, data, note):
    """Figures of the round's ranking, and the rounds so far as `rounds.csv` and `report.md`."""
    ranking = rounds.ranking(number)
    removed = np.flatnonzero(ranking["removed"])
    diagnoses = _diagnoses(data)
    loss_histogram(
        {label: rows["loss"].dropna() for label, rows in ranking.groupby("label")},
        ranking["loss"][removed].min(),
        rounds.folder / f"round_{number}_losses.png",
        f"Round {number}: {len(removed):,} benign pictures, right of the line, were removed",
        note,
    )
    table = _table(rounds, diagnoses)
    with replacing(rounds.folder / "rounds.csv") as temporary:
        table.to_csv(temporary, index=False)
    write_text(rounds.folder / "report.md", _markdown(rounds, table))
    shown = removed[np.argsort(-ranking["loss"].to_numpy()[removed], kind="stable")][:_SHOWN]
    captions = [
        f"{row.image_id} {row.variant}\n{diagnoses[row.Index]}  loss {row.loss:.2f}"
        for row in ranking.iloc[shown].itertuples()
    ]
    contact_sheet(
        data.variants.read(shown),
        captions,
        _sheet(rounds, number),
        f"Round {number}: the {len(shown)} of {len(removed)} removed pictures with the highest loss",
        note,
    )
    console.print(f"  removed {len(removed)} benign pictures: see {rounds.folder / 'report.md'}")


def _sheet(rounds, number):
    return rounds.folder / f"round_{number}_removed.png"


def _diagnoses(data):
    """(variants,) str: the class of each training row before it became benign or malignant."""
    whole = dataclasses.replace(data, kept=np.ones_like(data.kept))
    return whole.part("train").table["label"].to_numpy()


def _table(rounds, diagnoses):
    rows = [{"round": 0, **rounds.counts(0), "removed": 0}]
    for number in range(1, rounds.done + 1):
        removed = rounds.ranking(number)["removed"].to_numpy()
        of_each = pd.Series(diagnoses[removed]).value_counts().sort_index()
        rows.append(
            {
                "round": number,
                **rounds.counts(number),
                "removed": int(removed.sum()),
                **{f"removed_{name}": int(count) for name, count in of_each.items()},
            }
        )
    table = pd.DataFrame(rows).fillna(0)
    return table.astype({name: int for name in table.columns if name != "ratio"})


def _markdown(rounds, table):
    lines = [
        "# Cleaning rounds\n",
        "Each round trains a model, ranks all training pictures that are left by their loss and removes the",
        "benign ones with the highest. Variants of a picture count singly. Validation and test pictures are",
        "neither ranked nor removed.\n",
        "| " + " | ".join(table.columns) + " |",
        "| " + " | ".join("---:" for _ in table.columns) + " |",
        *(
            "| "
            + " | ".join(f"{value:.3f}" if isinstance(value, float) else str(value) for value in row)
            + " |"
            for row in table.itertuples(index=False)
        ),
    ]
    for number in range(1, rounds.done + 1):
        lines += [
            f"\n## Round {number}\n",
            f"![Losses](round_{number}_losses.png)\n",
            f"![Removed](round_{number}_removed.png)",
        ]
    return "\n".join(lines) + "\n"
