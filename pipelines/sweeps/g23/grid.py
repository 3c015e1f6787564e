"""The grid of Gilal et al. 2023 as a YAML file says it.

    job: binary      # may be left out
    settings:        # of pipelines.binary, for every run
      data: ham10000
      epochs: 3
    training_sets:   # blur or not x cleaning rounds
      - {oversample: none, clean: merge-scaled, rounds: [0, 2]}
      - {oversample: g23, clean: blur-scaled, rounds: [0, 2]}
    runs:            # each entry: models x losses x seeds
      - models: [efficientnet_lite0]
        losses: [crossentropy, {loss: recall, gamma: [1, 10]}]
        seeds: [0]

Every training set is combined with every entry of `runs`. All runs have one image size and one `clean_model`:
by default the first model's own size, and that model.
"""

import dataclasses
import itertools
from dataclasses import dataclass
from pathlib import Path

from pipelines import binary, clean
from pipelines.common.data import load_data
from pipelines.common.settings import JobSettings, cleaning_plan, oversampling
from pipelines.sweeps.checks import check_differ, check_keys, checked_list, checked_numbers, make_absolute
from pipelines.sweeps.command_line import flags, parsed
from pipelines.sweeps.workers import Job
from skinkeras import losses, models

_LOSSES = {"crossentropy": None, "inverse_frequency": None, "focal": "focal_delta", "recall": "gamma"}
# What the grid itself decides for each run.
_DECIDED = {
    *("oversample", "clean", "clean_rounds", "clean_dir", "model", "loss", "gamma", "focal_delta", "seed"),
    *("out", "resume", "cache_dir", "materialise", "data_seed"),
}


@dataclass(frozen=True)
class TrainingSet:
    """The training images as oversampling shows them, and the cleaning that some runs have.

    Attributes:
        oversample: a key of `inputs.OVERSAMPLING`.
        clean: a preset of `cleaning.PRESETS`, or "none".
        rounds: tuple of int, the numbers of cleaning rounds that runs have.
    """

    oversample: str
    clean: str
    rounds: tuple

    @property
    def name(self):
        return f"{self.oversample}-{self.clean}"


@dataclass(frozen=True)
class GridRun:
    """One configuration.

    Attributes:
        training_set: `TrainingSet`.
        rounds: int, the cleaning rounds that it has.
        model, loss, gamma, focal_delta, seed: as the settings of the binary job; None where not used.
    """

    training_set: TrainingSet
    rounds: int
    model: str
    loss: str
    gamma: float | None
    focal_delta: float | None
    seed: int

    @property
    def name(self):
        """The name of its folder."""
        parameter = "" if self.gamma is self.focal_delta is None else f"_{self.gamma or self.focal_delta:g}"
        if self.gamma == 0 or self.focal_delta == 0:
            parameter = "_0"
        cleaned = f"{self.training_set.clean}-{self.rounds}" if self.rounds else "uncleaned"
        return f"{self.training_set.oversample}_{cleaned}_{self.model}_{self.loss}{parameter}_seed{self.seed}"

    @property
    def cleaning(self):
        return self.training_set.name if self.rounds else None

    @property
    def columns(self):
        return {
            "oversample": self.training_set.oversample,
            "cleaning": self.training_set.clean if self.rounds else "",
            "rounds": self.rounds,
            "train_benign": None,
            "train_malignant": None,
            "balance_ratio": None,
            "model": self.model,
            "loss": self.loss,
            "gamma": self.gamma,
            "focal_delta": self.focal_delta,
            "seed": self.seed,
        }


@dataclass(frozen=True)
class Grid:
    """What a YAML file asks for; `pipelines.sweeps.grid` explains its methods.

    Attributes:
        settings: dict, settings of the binary job that all runs share.
        training_sets: tuple of `TrainingSet`.
        runs: tuple of `GridRun`.
        source: the YAML file's content.
    """

    settings: dict
    training_sets: tuple
    runs: tuple
    source: dict
    job = "binary"

    def run_arguments(self, run, sweep):
        own = {"oversample": run.training_set.oversample, "model": run.model, "loss": run.loss}
        own |= {"gamma": run.gamma, "focal_delta": run.focal_delta, "seed": run.seed, "data_seed": 0}
        shared = _suitable(self.settings, run.training_set, cleaned=run.rounds > 0)
        if run.rounds:
            own |= {"clean": run.training_set.clean, "clean_rounds": run.rounds}
            own["clean_dir"] = sweep / "cleaning" / run.training_set.name / "cleaning"
        return flags({**shared, **own, **_folders(sweep, sweep / "runs" / run.name)})

    def cleaning_arguments(self, training_set, sweep):
        """The command line of a training set's cleaning rounds behind `python -m pipelines.clean`."""
        own = {"oversample": training_set.oversample, "clean": training_set.clean, "data_seed": 0}
        own["clean_rounds"] = max(training_set.rounds)
        names = {field.name for field in dataclasses.fields(JobSettings)}
        shared = _suitable(self.settings, training_set, cleaned=True)
        shared = {name: value for name, value in shared.items() if name in names}
        own["model"] = shared["clean_model"]
        return flags({**shared, **own, **_folders(sweep, sweep / "cleaning" / training_set.name)})

    def cleanings(self, sweep):
        jobs = {}
        for training_set in self.training_sets:
            name = training_set.name
            done = sweep / "cleaning" / name / "cleaned_variants.csv"
            if any(training_set.rounds) and not done.exists():
                command = ("-m", "pipelines.clean", *self.cleaning_arguments(training_set, sweep), "--resume")
                jobs[name] = Job(name, command, str(sweep / "cleaning" / f"{name}.log"))
        return jobs

    def decode(self, sweep):
        for training_set in self.training_sets:
            run = max((r for r in self.runs if r.training_set is training_set), key=lambda r: r.rounds)
            settings = binary.resolved(parsed(binary, self.run_arguments(run, sweep)))
            load_data(settings, sweep / "no split yet", oversampling(settings), cleaning_plan(settings))

    def results(self, metrics):
        counts = metrics["images"]["train"]
        benign, malignant = counts["benign"], counts["malignant"]
        return {"train_benign": benign, "train_malignant": malignant, "balance_ratio": malignant / benign}

    def outcome(self, metrics):
        at_half = metrics["test"]["float"]["at_0.5"]
        return f"AUC {at_half['roc_auc']:.3f}, balanced accuracy {at_half['balanced_accuracy']:.3f}"


def read_grid(source, path):
    """The `Grid` that the content of the YAML file `path` asks for. Raises ValueError as its namesake."""
    check_keys(source, path, "", required=("training_sets", "runs"), optional=("settings", "job"))
    settings = dict(source.get("settings") or {})
    known = {field.name for field in dataclasses.fields(binary.Settings)} - _DECIDED
    check_keys(settings, path, "settings: ", optional=sorted(known))
    sets = tuple(
        _training_set(entry, path) for entry in checked_list(source["training_sets"], path, "training_sets")
    )
    names = [training_set.name for training_set in sets]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"{path}: training_sets has {name} twice: give it one list of rounds.")
    runs = []
    for entry in checked_list(source["runs"], path, "runs"):
        check_keys(entry, path, "runs: ", required=("models", "losses"), optional=("seeds",))
        losses = [
            loss for item in checked_list(entry["losses"], path, "losses") for loss in _losses(item, path)
        ]
        axes = (
            checked_list(entry["models"], path, "models"),
            losses,
            checked_numbers(entry.get("seeds", [0]), path, "seeds"),
        )
        for training_set in sets:
            for rounds, model, loss, seed in itertools.product(training_set.rounds, *axes):
                runs.append(GridRun(training_set, rounds, model, *loss, seed))
    check_differ(runs, path)
    _complete(settings, runs[0].model)
    grid = Grid(settings, sets, tuple(runs), source)
    _check_settings(grid, path)
    return grid


def _training_set(entry, path):
    check_keys(entry, path, "training_sets: ", optional=("oversample", "clean", "rounds"))
    rounds = tuple(checked_numbers(entry.get("rounds", [0]), path, "rounds"))
    training_set = TrainingSet(entry.get("oversample", "none"), entry.get("clean", "none"), rounds)
    if any(rounds) and training_set.clean == "none":
        raise ValueError(
            f"{path}, training_sets: rounds {list(rounds)} need a cleaning (clean: merge-scaled)."
        )
    return training_set


def _losses(item, path):
    """(loss, gamma, focal_delta) of each loss that an entry stands for."""
    entry = {"loss": item} if isinstance(item, str) else item
    check_keys(entry, path, "losses: ", required=("loss",), optional=("gamma", "focal_delta"))
    loss = entry["loss"]
    if not isinstance(loss, str) or loss not in _LOSSES:
        raise ValueError(f"{path}, losses: {loss!r} is not one of {', '.join(_LOSSES)}.")
    needed = _LOSSES[loss]
    if set(entry) - {"loss"} != ({needed} if needed else set()):
        wanted = f"{needed}, a number or a list of them, and nothing else" if needed else "no parameter"
        raise ValueError(f"{path}, losses: {loss} has {wanted}. Received: {entry}")
    values = entry[needed] if needed else None
    for value in values if isinstance(values, list) else [values]:
        if needed and (isinstance(value, bool) or not isinstance(value, int | float)):
            raise ValueError(f"{path}, losses: {needed} must be a number, such as 10. Received: {value!r}")
        yield loss, value if needed == "gamma" else None, value if needed == "focal_delta" else None


def _complete(settings, model):
    """Says what runs with different models would otherwise each decide for themselves."""
    settings.setdefault("clean_model", model)
    if "image_size" not in settings:
        drawn = settings.get("data", "synthetic") == "synthetic"
        known = settings["clean_model"] in models.ARCHITECTURES  # the job's door refuses it, in its own words
        settings["image_size"] = (
            96 if drawn or not known else models.architecture(settings["clean_model"]).input_size
        )
    make_absolute(settings)


def _suitable(settings, training_set, cleaned):
    """The shared settings without those that a run without cleaning, or without variants, refuses."""
    left_out = set() if cleaned else {"clean_remove", "clean_until_ratio"}
    if training_set.oversample == "none":
        left_out.add("rho")
    return {name: value for name, value in settings.items() if name not in left_out}


def _check_settings(grid, path):
    """Passes every command line through the jobs' own doors."""
    resolved = set()
    for run in grid.runs:
        # Looking for a model's weights is slow: once a model is enough, if the rest is read each time.
        whole = run.model not in resolved
        _check_arguments(binary, grid.run_arguments(run, Path("sweep")), path, whole)
        resolved.add(run.model)
    for training_set in grid.training_sets:
        if any(training_set.rounds):
            _check_arguments(clean, grid.cleaning_arguments(training_set, Path("sweep")), path)


def _check_arguments(job, arguments, path, whole=True):
    try:
        settings = parsed(job, arguments)
        if whole:
            job.resolved(settings)
        else:
            cleaning_plan(settings)
            losses.RecallCrossentropy(gamma=settings.gamma)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def _folders(sweep, out):
    return {"out": out, "cache_dir": sweep / ".cache"}
