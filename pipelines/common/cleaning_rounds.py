"""Cleaning rounds inside a run: train, rank, remove, report, until the plan is done."""

import dataclasses
from contextlib import nullcontext

import keras
import numpy as np
import pandas as pd

from pipelines.common import loading
from pipelines.common.console import console, say, section
from skinkeras import cleaning, datasets, inputs, models, training
from skinkeras.cleaning import CleaningError
from skinkeras.cleaning.figures import contact_sheet, loss_histogram
from skinkeras.cleaning.rounds import WITHIN_FOLDS
from skinkeras.errors import DamagedFileError
from skinkeras.files.locks import locked_folder, remove_leftovers
from skinkeras.files.writing import replacing, write_text
from skinkeras.images.geometries import DEFAULT_GEOMETRY
from skinkeras.training.tasks import binary_epoch_metrics

_BATCH = 64
_SHOWN = 36  # images on a contact sheet


def check_materialised(data, folder):
    """Raises ValueError or UsageError if the variants of the training images cannot be written into `folder` (None:
    nowhere)."""
    if folder:
        with locked_folder(folder, "--materialise"):
            inputs.check_materialised(data.variants, folder)


def materialise(data, folder):
    """Writes every variant of the training images into `folder` (None: nowhere)."""
    if folder:
        with locked_folder(folder, "--materialise"):
            remove_leftovers(folder)
            loading.materialise(data, folder)


class Cleaner:
    """Does the rounds of a run that are not done yet.

    Args:
        options: `CleaningOptions`, resolved.
        model: group of settings that says initial weights and image size.
        plan: group of settings that says batch size, learning rate and seeds of the models that rank.
        dataset: name of the data set.
        data: `SplitImages`.
        run: `RunFolder`; a killed round goes on from the state that is kept there.

    Attributes:
        rounds: the `cleaning.CleaningRounds` as far as they have come; None without cleaning.

    Raises:
        ValueError: the plan or the folds do not suit the training images, or `--clean-dir` holds another
            cleaning.
        UsageError: another process is cleaning in `--clean-dir`.
    """

    def __init__(self, options, model, plan, dataset, data, run):
        self.options, self.model, self.plan = options, model, plan
        self.note, self.run, self.rounds = datasets.DATASETS[dataset].note, run, None
        if options.plan is None:
            return
        if options.clean_folds:
            self._folds(data.binary().subset("train"))
        # What decides the rankings beside the training rows themselves.
        deciding = {
            "data": dataset,
            "clean_model": options.clean_model,
            "clean_epochs": options.clean_epochs,
            "clean_folds": options.clean_folds,
            "weights": model.weights,
            "image_size": model.image_size,
            "batch_size": plan.batch_size,
            "learning_rate": plan.learning_rate,
            "data_seed": plan.data_seed,
        }
        if options.clean_folds:
            deciding[WITHIN_FOLDS] = True
        if model.geometry != DEFAULT_GEOMETRY:  # rounds of the released version name none
            deciding["geometry"] = model.geometry
        self._arguments = (
            options.clean_dir or run.file("cleaning"),
            data.variants.table,
            options.plan,
            deciding,
        )
        self.rounds = cleaning.CleaningRounds(*self._arguments)
        with self._locked():
            pass  # better now than when the run has begun

    def _locked(self):
        """Inside the block, no other process cleans in the folder of the rounds. A complete cleaning stays as it is:
        several runs may use it at a time."""
        return nullcontext() if self.rounds.is_complete else locked_folder(self._arguments[0], "--clean-dir")

    def clean(self, data):
        """`data` without what all rounds have removed."""
        if self.rounds is None:
            return data
        with self._locked():
            if not self.rounds.is_complete:  # another process may have been here since it was read
                self.rounds = cleaning.CleaningRounds(*self._arguments)
                remove_leftovers(self.rounds.folder)
            self._do_rounds(data)
        data = dataclasses.replace(data, kept=self.rounds.remaining())
        counts = self.rounds.counts()
        console.print(
            f"  after {len(self.rounds.removals)} cleaning rounds, {counts['ratio']:.3f} malignant to benign:"
        )
        loading.print_counts(data)
        return data

    def _do_rounds(self, data):
        """Does the rounds that are left."""
        rounds = self.rounds
        for number in range(1, rounds.done + 1):
            if not _sheet(rounds, number).exists():  # killed between the ranking and its report
                _report(rounds, number, data, self.note)
        binary = data.binary()  # the paper's rankings are those of the two classes
        while not rounds.is_complete:
            number = rounds.done + 1
            section(f"Cleaning, round {number} of {len(rounds.removals)}")
            left = dataclasses.replace(binary, kept=rounds.remaining())
            try:
                losses, folds = self._losses(left, number)
            except DamagedFileError:
                raise
            except ValueError as error:  # not finite, or too few images left for the folds
                raise CleaningError(f"Round {number} of the cleaning cannot go on: {error}") from error
            rounds.record(losses, folds)
            for file in self.run.state.glob(f"clean-{number}*"):
                file.unlink()
            _report(rounds, number, data, self.note)
            training.free_memory()

    def check_classes(self, data):
        """Raises CleaningError if the rounds, which see benign and malignant alone, have removed every training
        image of a class that is to be learned."""
        lost = self._lost_class(data)
        if lost:
            name, rounds = lost
            raise CleaningError(
                f"Round {rounds + 1} of the cleaning removes the last training image of class {name}: in another "
                f"--out, learn two classes (--target binary){self._fewer_rounds(rounds)}. The rounds are kept: add "
                f"--clean-dir {self.rounds.folder}."
            )

    def warn_of_lost_classes(self, data):
        """Says so if the rounds have removed every training image of a class."""
        lost = self._lost_class(data)
        if lost:
            name, rounds = lost
            say(
                f"  Round {rounds + 1} removes the last training image of class {name}. To learn every class, use "
                f"--clean-rounds {rounds} in another --out, with --clean-dir {self.rounds.folder}."
                if rounds
                else f"  Round 1 removes the last training image of class {name}: to learn every class, let a round "
                "remove fewer (--clean custom)."
            )

    @staticmethod
    def _fewer_rounds(rounds):
        return f", or stop before that (--clean-rounds {rounds})" if rounds else ""

    def _lost_class(self, data):
        """(the class of which a round removes the last training image, the rounds before that), or None."""
        if self.rounds is None:
            return None
        for rounds in range(1, self.rounds.done + 1):
            left = dataclasses.replace(data, kept=self.rounds.remaining(rounds)).subset("train")
            for name, count in zip(data.manifest.classes, left.one_hot.sum(axis=0), strict=True):
                if not count:
                    return name, rounds - 1
        return None

    def _losses(self, data, number):
        """(variants,) float: the loss of each training row that is left, by this round's model or models; and
        (variants,) int, whose model it is, or None if there is one."""
        rows = np.flatnonzero(data.kept)
        train = data.subset("train")
        losses = np.full(len(data.kept), np.nan)
        if not self.options.clean_folds:
            model = self._trained(data, f"clean-{number}", number)
            losses[rows] = cleaning.example_losses(model, train.images, rows, train.one_hot, _BATCH)
            return losses, None
        fold_of, folds = self._folds(train), np.full(len(data.kept), -1)
        folds[rows] = fold_of
        for fold in range(self.options.clean_folds):
            inside, outside = fold_of == fold, data.kept.copy()
            outside[rows[inside]] = False
            name = f"clean-{number}-fold-{fold + 1}"
            model = self._trained(dataclasses.replace(data, kept=outside), name, number)
            losses[rows[inside]] = cleaning.example_losses(
                model, train.images, rows[inside], train.one_hot[inside], _BATCH
            )
        return losses, folds

    def _folds(self, train):
        return cleaning.out_of_fold(
            train.malignant, train.groups, self.options.clean_folds, self.plan.data_seed
        )

    def _trained(self, data, name, number):
        plan, weights = self.plan, self.model.weights
        keras.utils.set_random_seed(plan.data_seed)
        model = models.create(
            self.options.clean_model,
            len(data.manifest.classes),
            input_size=self.model.image_size,
            weights=weights,
        )
        training.unfreeze(model, weights)
        # The run's other phases have seeds of 1 to 3 above its own.
        seed = (plan.data_seed + 10 * number) % 2**32
        phase = training.Phase(
            name, self.options.clean_epochs, plan.learning_rate, seed, batch_size=plan.batch_size
        )
        loss, run = keras.losses.CategoricalCrossentropy(), self.run
        places = training.TrainingPlaces(
            run.state, run.file("history.csv"), run.file("logs"), say, console.is_terminal
        )
        training.train_phase(model, phase, data, loss, places, evaluate=binary_epoch_metrics)
        return model


def write_cleaned(data, folder):
    """Writes what is left: the training variants; all images but those removed whole, and their split."""
    train = data.subset("train")
    variants = data.variants.table.iloc[train.rows][["image_id", "variant", "label"]]
    left = set(variants["image_id"])
    kept = np.isin(data.used, ("validation", "test")) | data.manifest.table["image_id"].isin(left).to_numpy()
    manifest = data.manifest.select(kept)
    manifest.to_csv(folder.file("cleaned_manifest.csv"))
    datasets.save_split(manifest, data.assignment[kept], folder.file("cleaned_split.csv"))
    with replacing(folder.file("cleaned_variants.csv")) as temporary:  # last: it says that all is there
        variants.to_csv(temporary, index=False)


def _report(rounds, number, data, note):
    """Figures of the round's ranking, and the rounds so far as `rounds.csv` and `report.md`."""
    ranking = rounds.ranking(number)
    removed = np.flatnonzero(ranking["removed"])
    diagnoses = _diagnoses(data)
    line = "the line of their fold" if "fold" in ranking else "the line"
    loss_histogram(
        {label: rows["loss"].dropna() for label, rows in ranking.groupby("label")},
        _cuts(ranking.iloc[removed]),
        rounds.folder / f"round_{number}_losses.png",
        f"Round {number}: {len(removed):,} benign images, right of {line}, were removed",
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
        f"Round {number}: the {len(shown)} of {len(removed)} removed images with the highest loss",
        note,
    )
    say(f"  removed {len(removed)} benign images: see {rounds.folder / 'report.md'}")


def _cuts(removed):
    """The lowest loss that was removed; of rows ranked within folds, that of each fold."""
    if "fold" in removed:
        return removed.groupby("fold")["loss"].min().tolist()
    return [removed["loss"].min()]


def _sheet(rounds, number):
    return rounds.folder / f"round_{number}_removed.png"


def _diagnoses(data):
    """(variants,) str: the class of each training row before it became benign or malignant."""
    whole = dataclasses.replace(data, kept=np.ones_like(data.kept))
    return whole.subset("train").table["label"].to_numpy()


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
        "Each round trains a model, ranks all training images that are left by their loss and removes the",
        "benign ones with the highest. Variants of an image count singly. Validation and test images are",
        "neither ranked nor removed.\n",
        *(
            [
                "An image is ranked by a model that was not trained on it, among the images of its own fold: models",
                "differ in how large their losses are, and each fold loses its share of the benign images.\n",
            ]
            if rounds.done and "fold" in rounds.ranking(rounds.done)
            else []
        ),
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
