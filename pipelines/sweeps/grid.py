"""A grid of runs, read from a YAML file.

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

import contextlib
import dataclasses
import io
import itertools
from dataclasses import dataclass
from pathlib import Path

import tyro
import yaml

from pipelines import binary, clean
from pipelines.common.settings import JobSettings, cleaning_plan
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


@dataclass(frozen=True)
class Grid:
    """What a YAML file asks for.

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

    def run_arguments(self, run, sweep):
        """The command line of a run behind `python -m pipelines.binary`."""
        own = {"oversample": run.training_set.oversample, "model": run.model, "loss": run.loss}
        own |= {"gamma": run.gamma, "focal_delta": run.focal_delta, "seed": run.seed, "data_seed": 0}
        shared = _suitable(self.settings, run.training_set, cleaned=run.rounds > 0)
        if run.rounds:
            own |= {"clean": run.training_set.clean, "clean_rounds": run.rounds}
            own["clean_dir"] = sweep / "cleaning" / run.training_set.name / "cleaning"
        return _flags({**shared, **own, **_folders(sweep, sweep / "runs" / run.name)})

    def cleaning_arguments(self, training_set, sweep):
        """The command line of a training set's cleaning rounds behind `python -m pipelines.clean`."""
        own = {"oversample": training_set.oversample, "clean": training_set.clean, "data_seed": 0}
        own["clean_rounds"] = max(training_set.rounds)
        names = {field.name for field in dataclasses.fields(JobSettings)}
        shared = _suitable(self.settings, training_set, cleaned=True)
        shared = {name: value for name, value in shared.items() if name in names}
        own["model"] = shared["clean_model"]
        return _flags({**shared, **own, **_folders(sweep, sweep / "cleaning" / training_set.name)})


def read_grid(path):
    """Reads and checks a YAML file.

    Raises:
        ValueError: no such file, no YAML, an unknown key, a value that the binary job does not take, or a
            configuration that occurs twice. One sentence that names it.
    """
    path = Path(path)
    if not path.is_file():
        raise ValueError(f"There is no file {path}: name the YAML file of a sweep.")
    try:
        source = yaml.safe_load(path.read_text())
    except yaml.YAMLError as error:
        raise ValueError(f"{path} is not YAML: {' '.join(str(error).split())}") from error
    _check_keys(source, path, "", required=("training_sets", "runs"), optional=("settings",))
    settings = dict(source.get("settings") or {})
    known = {field.name for field in dataclasses.fields(binary.Settings)} - _DECIDED
    _check_keys(settings, path, "settings: ", optional=sorted(known))
    sets = tuple(
        _training_set(entry, path) for entry in _list(source["training_sets"], path, "training_sets")
    )
    names = [training_set.name for training_set in sets]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"{path}: training_sets has {name} twice: give it one list of rounds.")
    runs = []
    for entry in _list(source["runs"], path, "runs"):
        _check_keys(entry, path, "runs: ", required=("models", "losses"), optional=("seeds",))
        losses = [loss for item in _list(entry["losses"], path, "losses") for loss in _losses(item, path)]
        axes = (
            _list(entry["models"], path, "models"),
            losses,
            _numbers(entry.get("seeds", [0]), path, "seeds"),
        )
        for training_set in sets:
            for rounds, model, loss, seed in itertools.product(training_set.rounds, *axes):
                runs.append(GridRun(training_set, rounds, model, *loss, seed))
    names = [run.name for run in runs]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"{path} has the configuration {name} twice.")
    _complete(settings, runs[0].model)
    grid = Grid(settings, sets, tuple(runs), source)
    _check_settings(grid, path)
    return grid


def _training_set(entry, path):
    _check_keys(entry, path, "training_sets: ", optional=("oversample", "clean", "rounds"))
    rounds = tuple(_numbers(entry.get("rounds", [0]), path, "rounds"))
    training_set = TrainingSet(entry.get("oversample", "none"), entry.get("clean", "none"), rounds)
    if any(rounds) and training_set.clean == "none":
        raise ValueError(
            f"{path}, training_sets: rounds {list(rounds)} need a cleaning (clean: merge-scaled)."
        )
    return training_set


def _losses(item, path):
    """(loss, gamma, focal_delta) of each loss that an entry stands for."""
    entry = {"loss": item} if isinstance(item, str) else item
    _check_keys(entry, path, "losses: ", required=("loss",), optional=("gamma", "focal_delta"))
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
        known = settings["clean_model"] in models.VARIANTS  # the job's door refuses it, in its own words
        settings["image_size"] = (
            96 if drawn or not known else models.variant(settings["clean_model"]).input_size
        )
    for name in ("data_dir", "weights"):  # a process elsewhere has another working folder
        if name in settings and Path(settings[name]).exists():
            settings[name] = str(Path(settings[name]).resolve())


def _suitable(settings, training_set, cleaned):
    """The shared settings without those that a run without cleaning, or without variants, refuses."""
    left_out = set() if cleaned else {"clean_remove", "clean_until_ratio"}
    if training_set.oversample == "none":
        left_out.add("rho")
    return {name: value for name, value in settings.items() if name not in left_out}


def _numbers(value, path, name):
    numbers = _list(value, path, name)
    if not all(isinstance(n, int) and not isinstance(n, bool) and n >= 0 for n in numbers):
        raise ValueError(f"{path}: {name} must be a list of numbers >= 0, such as [0, 2]. Received: {value}")
    return numbers


def _list(value, path, name):
    if not isinstance(value, list) or not value:
        raise ValueError(f"{path}: {name} must be a list with at least one entry. Received: {value!r}")
    return value


def _check_keys(value, path, where, required=(), optional=()):
    if not isinstance(value, dict):
        raise ValueError(f"{path}: {where or 'the file'} must be keys with values. Received: {value!r}")
    for key in value:
        if key not in (*required, *optional):
            raise ValueError(
                f"{path}: {where}{key!r} is not a key; there are: {', '.join((*required, *optional))}."
            )
    for key in required:
        if key not in value:
            raise ValueError(f"{path}: {where}the key {key!r} is missing.")


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


def parsed(job, arguments):
    """The settings that a job reads off a command line.

    Raises:
        ValueError: it does not take them.
    """
    said = io.StringIO()
    try:
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            return tyro.cli(job.Settings, args=arguments)
    except SystemExit:
        words = " ".join(word for word in said.getvalue().split() if set(word) - set("│╭╮╰╯─"))
        raise ValueError(words) from None


def _folders(sweep, out):
    return {"out": out, "cache_dir": sweep / ".cache"}


def _flags(settings):
    arguments = []
    for name, value in settings.items():
        flag = "--" + name.replace("_", "-")
        if isinstance(value, bool):
            arguments.append(flag if value else flag.replace("--", "--no-", 1))
        elif isinstance(value, list | tuple):
            arguments += [flag, *map(str, value)]
        elif value is not None:
            arguments += [flag, str(value)]
    return arguments
