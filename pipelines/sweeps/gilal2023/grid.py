"""A grid of Gilal et al. 2023, as a YAML file describes it.

    job: binary      # may be left out
    settings:        # of pipelines.binary, for every run
      data: ham10000
      epochs: 3
    training_sets:   # blur or not x cleaning rounds
      - {oversample: none, clean: merge-scaled, rounds: [0, 2]}
      - {oversample: g23, clean: blur-scaled, rounds: [0, 2]}
    seeds: [0, 1, 2] # of the training of every entry of `runs` that names none; [0] if left out
    seed_sd: {roc_auc: 0.012}   # for one seed: what reports take for the standard deviation between seeds
    stands_for: {efficientnet_lite0: efficientnet_b0}   # beside whose printed results reports put a model's
    runs:            # each entry: training sets x models x losses x seeds
      - models: [efficientnet_lite0]
        losses: [crossentropy, {loss: recall, gamma: [1, 10]}, {loss: recall, gamma: 1, recall_update: same_batch}]
        seeds: [0]   # in place of those above
        oversample: [g23]   # only of these training sets; all if left out
        rounds: [0]         # only after these rounds of cleaning; all if left out

Runs of several seeds differ in initial weights, order and augmentation. Split, variants and cleaning stay those of
`data_seed` 0: all runs are measured on the same test images, and reports compare them image by image.

Every training set is combined with every entry of `runs`. All runs have one image size and one `clean_model`:
by default the first model's architecture, and the image size of that.
"""

import itertools
from dataclasses import dataclass
from pathlib import Path

from pipelines import binary, clean
from pipelines.common import options
from pipelines.sweeps.engine import costs
from pipelines.sweeps.engine.grid_checks import (
    check_keys,
    check_runs_differ,
    checked_list,
    checked_luck,
    checked_names,
    checked_numbers,
    grid_seeds,
    shared_settings,
)
from pipelines.sweeps.engine.grid_file import Grid
from pipelines.sweeps.engine.workers import Job
from skinkeras import losses, models
from skinkeras.datasets import DATASETS

#: Loss -> its first parameter, which a grid varies; the others are settings that all runs share.
VARIED = {
    name: row.parameters[0] for name, row in losses.LOSSES.items() if "binary" in row.jobs and row.parameters
}
# What the grid itself decides for each run.
_DECIDED = {
    *("oversample", "clean", "clean_rounds", "clean_dir", "model", "loss", *VARIED.values(), "seed"),
    *("out", "resume", "cache_dir", "materialise", "data_seed"),
}
_ENTRY_OPTIONS = ("seeds", "oversample", "rounds")
_UPDATE, _SAME_BATCH = "recall_update", "same_batch"
_CUSTOM_CLEANING = {"clean_remove", "clean_until_ratio"}


@dataclass(frozen=True)
class TrainingSet:
    """The training images as oversampling shows them, and the cleaning that some runs have.

    Attributes:
        oversample: a key of `inputs.OVERSAMPLING`.
        clean: a preset of `cleaning.PRESETS`, "custom" or "none".
        rounds: tuple of int, the numbers of cleaning rounds that runs have.
    """

    oversample: str
    clean: str
    rounds: tuple

    @property
    def name(self):
        """The name of the folder of its cleaning."""
        return f"{self.oversample}-{self.clean}"


@dataclass(frozen=True)
class GridRun:
    """One configuration.

    Attributes:
        training_set: `TrainingSet`.
        rounds: int, the cleaning rounds that it has.
        model, loss, seed: as the settings of the binary job.
        parameter: value of the loss's parameter in VARIED; None for a loss without one.
        recall_update: when a recall loss counts misses; None where neither the entry nor the file says it.
    """

    training_set: TrainingSet
    rounds: int
    model: str
    loss: str
    parameter: float | None
    seed: int
    recall_update: str | None = None

    @property
    def name(self):
        """The name of its folder."""
        cleaned = f"{self.training_set.clean}-{self.rounds}" if self.rounds else "uncleaned"
        parameter = "" if self.parameter is None else f"_{self.parameter:g}"
        if self.recall_update == _SAME_BATCH:
            parameter += f"_{_SAME_BATCH}"
        return f"{self.training_set.oversample}_{cleaned}_{self.model}_{self.loss}{parameter}_seed{self.seed}"

    @property
    def cleaning(self):
        """The name of the cleaning that it needs, or None."""
        return self.training_set.name if self.rounds else None

    @property
    def loss_parameters(self):
        """{parameter: value}, None for those of other losses."""
        mine = VARIED.get(self.loss)
        return {name: self.parameter if name == mine else None for name in VARIED.values()}

    @property
    def columns(self):
        """Its row of `runs.csv`, with None for what only its results say."""
        return {
            "oversample": self.training_set.oversample,
            "cleaning": self.training_set.clean if self.rounds else "",
            "rounds": self.rounds,
            "train_benign": None,
            "train_malignant": None,
            "balance_ratio": None,
            "model": self.model,
            "loss": self.loss,
            **self.loss_parameters,
            "recall_update": self.recall_update,
            "seed": self.seed,
        }


@dataclass(frozen=True)
class BinaryGrid(Grid):
    """A `Grid` of binary runs.

    Attributes:
        training_sets: tuple of `TrainingSet`.
    """

    training_sets: tuple
    job = binary

    def run_values(self, run, sweep):
        values = {"oversample": run.training_set.oversample, "model": run.model, "loss": run.loss}
        values |= {**run.loss_parameters, "seed": run.seed, "data_seed": 0}
        if run.rounds:
            values |= {"clean": run.training_set.clean, "clean_rounds": run.rounds}
            values["clean_dir"] = sweep / "cleaning" / run.training_set.name / "cleaning"
        if run.recall_update:
            values["recall_update"] = run.recall_update
        shared = self._suitable_settings(run.training_set, loss=run.loss, cleaned=run.rounds > 0)
        return {**shared, **values, **_folders(sweep, sweep / "runs" / run.name)}

    def cleaning_values(self, training_set, sweep):
        """{flat name: value} of the settings of a training set's cleaning rounds."""
        values = {"oversample": training_set.oversample, "clean": training_set.clean, "data_seed": 0}
        values |= {"clean_rounds": max(training_set.rounds), "model": self.settings["clean_model"]}
        known = options.option_names(clean.Settings)
        shared = self._suitable_settings(training_set, cleaned=True)
        shared = {name: value for name, value in shared.items() if name in known}
        return {**shared, **values, **_folders(sweep, sweep / "cleaning" / training_set.name)}

    def cleanings(self, sweep):
        jobs = {}
        for training_set in self.training_sets:
            name = training_set.name
            if any(training_set.rounds) and not (sweep / "cleaning" / name / "cleaned_variants.csv").exists():
                flags = options.flags(self.cleaning_values(training_set, sweep))
                log = str(sweep / "cleaning" / f"{name}.log")
                jobs[name] = Job(name, ("-m", clean.__name__, *flags, "--resume"), log)
        return jobs

    def job_values(self, sweep):
        cleaned = [training_set for training_set in self.training_sets if any(training_set.rounds)]
        return [
            *super().job_values(sweep),
            *((clean, self.cleaning_values(training_set, sweep)) for training_set in cleaned),
        ]

    def decode(self, sweep):
        for training_set in self.training_sets:
            runs = [run for run in self.runs if run.training_set == training_set]
            self.decode_for(max(runs, key=lambda run: run.rounds), sweep)

    def work(self):
        counts, works, rows_of = None, [], {}
        for run in self.runs:
            settings = binary.with_defaults(
                options.build(binary.Settings, self.run_values(run, Path("sweep")))
            )
            counts = counts or costs.labelled_images(settings.data)
            train, *others = costs.subsets(settings.data, counts[0])
            sides = costs.oversampled(train, counts[1] * train / counts[0], settings.oversampling.policy)
            plan = settings.cleaning.plan
            removed = _removals(plan, sides)
            rows_of[run.training_set.name, run.rounds] = sides, removed
            rows = sum(sides) - sum(removed)
            count = costs.fit_images(rows, *others, settings.training, exports=settings.output.export)
            network = costs.architecture_of(run.model)
            works.append(costs.Work(run.name, network, settings.model.image_size, rows, count))
        return [*self._cleaning_work(rows_of), *works]

    def _cleaning_work(self, rows_of):
        """The `costs.Work` of the shared cleanings: each round trains on what is left and ranks it."""
        for training_set in self.training_sets:
            if not any(training_set.rounds):
                continue
            settings = clean.with_defaults(
                options.build(clean.Settings, self.cleaning_values(training_set, Path("sweep")))
            )
            done = [found for (name, _), found in rows_of.items() if name == training_set.name]
            sides, removed = max(done, key=lambda found: len(found[1]))
            left, images = sum(sides), 0.0
            for number in removed:
                images += left * (settings.cleaning.clean_epochs + 1 / 3)
                left -= number
            network = costs.architecture_of(settings.model.model)
            name = f"cleaning {training_set.name}"
            yield costs.Work(name, network, settings.model.image_size, sum(sides), images)

    def result_columns(self, results):
        counts = results.counts["train"]
        benign, malignant = counts["benign"], counts["malignant"]
        return {"train_benign": benign, "train_malignant": malignant, "balance_ratio": malignant / benign}

    def outcome(self, results):
        at_half = results.repeats[0].metrics_at_half["float"]
        return f"AUC {at_half['roc_auc']:.3f}, balanced accuracy {at_half['balanced_accuracy']:.3f}"

    def _suitable_settings(self, training_set, *, cleaned, loss=None):
        """The shared settings without those that a run refuses because they would have no effect in it."""
        left_out = set() if cleaned else set(_CUSTOM_CLEANING)
        if training_set.oversample == "none":
            left_out.add("blur_strength")
        if loss is not None:
            used = losses.LOSSES[loss].parameters
            left_out |= {
                name for row in losses.LOSSES.values() for name in row.parameters if name not in used
            }
        return {name: value for name, value in self.settings.items() if name not in left_out}


def read_grid(source, path):
    """The `BinaryGrid` that the content of a YAML file asks for.

    Args:
        source: dict.
        path: of the file.

    Raises:
        ValueError: an unknown key, a value of the wrong kind, or a configuration that occurs twice; one sentence.
    """
    optional = ("settings", "job", "seeds", "seed_sd", "stands_for")
    check_keys(source, path, "", required=("training_sets", "runs"), optional=optional)
    seeds_of_all = grid_seeds(source, path)
    checked_luck(source, path)
    checked_stand_ins(source, path)
    settings = shared_settings(source, path, binary, _DECIDED)
    training_sets = _training_sets(source["training_sets"], path)
    runs = []
    for entry in checked_list(source["runs"], path, "runs"):
        check_keys(entry, path, "runs: ", required=("models", "losses"), optional=_ENTRY_OPTIONS)
        names = checked_names(entry["models"], path, "models")
        found = [_losses(item, path, settings) for item in checked_list(entry["losses"], path, "losses")]
        chosen = [each for of_item in found for each in of_item]
        seeds = checked_numbers(entry.get("seeds", seeds_of_all), path, "seeds")
        for training_set, rounds in _of_entry(entry, training_sets, path):
            for model, (loss, value, update), seed in itertools.product(names, chosen, seeds):
                runs.append(GridRun(training_set, rounds, model, loss, value, seed, update))
    check_runs_differ(runs, path)
    return BinaryGrid(_completed(settings, runs[0].model), tuple(runs), source, training_sets)


def checked_stand_ins(source, path):
    """{model: the model of the paper that it stands for} of a YAML file, where a report looks up printed results.

    Raises:
        ValueError: no such dictionary, or a name that is no model; one sentence.
    """
    given = source.get("stands_for", {})
    for name in [*given, *given.values()] if isinstance(given, dict) else [None]:
        if name not in models.model_names():
            raise ValueError(
                f"{path}: stands_for must give models, such as {{efficientnet_lite0: efficientnet_b0}}. "
                f"Received: {given!r}"
            )
    return given


def _of_entry(entry, training_sets, path):
    """(`TrainingSet`, rounds) of every training set that an entry of `runs` has."""
    pairs = [(each, rounds) for each in training_sets for rounds in each.rounds]
    if "oversample" in entry:
        names = checked_names(entry["oversample"], path, "oversample")
        pairs = [(each, rounds) for each, rounds in pairs if each.oversample in names]
    if "rounds" in entry:
        numbers = checked_numbers(entry["rounds"], path, "rounds")
        pairs = [(each, rounds) for each, rounds in pairs if rounds in numbers]
    if not pairs:
        raise ValueError(f"{path}, runs: no training set has the oversample and rounds of {entry}.")
    return pairs


def _training_sets(entries, path):
    sets = {}
    for entry in checked_list(entries, path, "training_sets"):
        check_keys(entry, path, "training_sets: ", optional=("oversample", "clean", "rounds"))
        rounds = tuple(checked_numbers(entry.get("rounds", [0]), path, "rounds"))
        training_set = TrainingSet(entry.get("oversample", "none"), entry.get("clean", "none"), rounds)
        if any(rounds) and training_set.clean == "none":
            raise ValueError(
                f"{path}, training_sets: rounds {list(rounds)} need a cleaning (clean: merge-scaled)."
            )
        if training_set.name in sets:
            raise ValueError(
                f"{path}: training_sets has {training_set.name} twice: give it one list of rounds."
            )
        sets[training_set.name] = training_set
    return tuple(sets.values())


def _losses(item, path, settings):
    """(loss, parameter, recall_update) of each loss that an entry stands for."""
    entry = {"loss": item} if isinstance(item, str) else item
    check_keys(entry, path, "losses: ", required=("loss",), optional=(*VARIED.values(), _UPDATE))
    loss, known = entry["loss"], [name for name, row in losses.LOSSES.items() if "binary" in row.jobs]
    if loss not in known:
        raise ValueError(f"{path}, losses: {loss!r} is not one of {', '.join(known)}.")
    needed, updates = VARIED.get(loss), _UPDATE in losses.LOSSES[loss].parameters
    given = set(entry) - {"loss"} - ({_UPDATE} if updates else set())
    if given != ({needed} if needed else set()):
        wanted = f"{needed}, a number or a list of them, and nothing else" if needed else "no parameter"
        raise ValueError(f"{path}, losses: {loss} has {wanted}. Received: {entry}")
    update = entry.get(_UPDATE, settings.get(_UPDATE)) if updates else None
    values = entry[needed] if needed else None
    for value in checked_list(values, path, needed) if isinstance(values, list) else [values]:
        if needed and (isinstance(value, bool) or not isinstance(value, int | float)):
            raise ValueError(f"{path}, losses: {needed} must be a number, such as 10. Received: {value!r}")
        yield loss, value, update


def _completed(settings, model):
    """The settings with what runs with different models would otherwise each decide for themselves."""
    known = model in models.model_names()  # the job refuses others
    settings = {"clean_model": models.parse_name(model).architecture if known else model, **settings}
    data, ranking = settings.get("data", "synthetic"), settings["clean_model"]
    if "image_size" not in settings and data in DATASETS and ranking in models.ARCHITECTURES:
        usual = binary.with_defaults(options.build(binary.Settings, {"data": data, "model": ranking}))
        settings["image_size"] = usual.model.image_size
    return settings


def _removals(plan, sides):
    """How many rows each round removes, about; [] where that is only clear once the images are split."""
    try:
        return plan.removals(*sides) if plan else []
    except ValueError:
        return []


def _folders(sweep, out):
    return {"out": out, "cache_dir": sweep / ".cache"}
