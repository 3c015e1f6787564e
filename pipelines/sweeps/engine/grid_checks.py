"""Checks of a sweep's YAML file: each raises ValueError with one sentence that names the file and the place in it."""

import os
from pathlib import Path

from pipelines.common import options
from skinkeras.datasets import DATASETS

_PATHS = ("data_dir", "weights", "taxonomy")


def check_keys(value, path, where, required=(), optional=()):
    """Raises ValueError unless `value` is a dict with all of `required` and nothing but those and `optional`.

    Args:
        value: anything.
        path: of the YAML file.
        where: the place in it, such as "runs: "; "" for the file itself.
        required, optional: keys.
    """
    if not isinstance(value, dict):
        raise ValueError(
            f"{path}: {where.strip() or 'the file'} must be keys with values. Received: {value!r}"
        )
    for key in value:
        if key not in (*required, *optional):
            raise ValueError(
                f"{path}: {where}{key!r} is not a key; there are: {', '.join((*required, *optional))}."
            )
    for key in required:
        if key not in value:
            raise ValueError(f"{path}: {where}the key {key!r} is missing.")


def checked_list(value, path, name):
    """`value`, if it is a list with at least one entry."""
    if not isinstance(value, list) or not value:
        raise ValueError(f"{path}: {name} must be a list with at least one entry. Received: {value!r}")
    return value


def checked_numbers(value, path, name):
    """`value`, if it is a list of whole numbers >= 0."""
    numbers = checked_list(value, path, name)
    if not all(isinstance(n, int) and not isinstance(n, bool) and n >= 0 for n in numbers):
        raise ValueError(f"{path}: {name} must be a list of numbers >= 0, such as [0, 2]. Received: {value}")
    return numbers


def checked_names(value, path, name):
    """`value`, if it is a list of text."""
    for entry in checked_list(value, path, name):
        if not isinstance(entry, str):
            raise ValueError(f"{path}: {name} must be a list of names. Received: {entry!r}")
    return value


def grid_seeds(source, path):
    """The seeds of every entry of `runs` that names none: those of the file, or 0."""
    return checked_numbers(source.get("seeds", [0]), path, "seeds")


def checked_luck(source, path):
    """{metric: standard deviation between seeds} that a YAML file gives under `seed_sd`.

    A report takes it for recipes that were trained once, where no other recipe was trained with several seeds.

    Args:
        source: dict, the YAML file's content.
        path: of the file.
    """
    given = source.get("seed_sd", {})
    numbers = given.values() if isinstance(given, dict) else [None]
    if not all(isinstance(n, int | float) and not isinstance(n, bool) and 0 <= n < 1 for n in numbers):
        raise ValueError(
            f"{path}: seed_sd must give standard deviations of at least 0 and below 1, such as "
            f"{{roc_auc: 0.012}}. Received: {given!r}"
        )
    return given


def check_runs_differ(runs, path):
    """Raises ValueError if a configuration occurs twice."""
    names = set()
    for run in runs:
        if run.name in names:
            raise ValueError(f"{path} has the configuration {run.name} twice.")
        names.add(run.name)


def shared_settings(source, path, job, decided):
    """The settings that all runs share: {flat name: value}, under today's names, with absolute paths.

    Args:
        source: the YAML file's content.
        path: of the YAML file.
        job: module with `Settings`.
        decided: names of the settings that the grid decides for each run.
    """
    settings = source.get("settings") or {}
    if isinstance(settings, dict):
        settings = options.modern(settings)
    known = (name for name in options.option_names(job.Settings) if name not in decided)
    check_keys(settings, path, "settings: ", optional=sorted(known))
    if "calibration" not in decided and "calibration" in options.option_names(job.Settings):
        # The papers' figures at 0.5 are those of probabilities as training leaves them.
        settings = {"calibration": "none", **settings}
    # A worker on another machine has another working folder.
    return {
        name: str(Path(str(value)).resolve()) if name in _PATHS and os.path.exists(str(value)) else value
        for name, value in settings.items()
    }


def check_data_dir(settings, path):
    """Raises ValueError if the data set needs a folder and has none, or has one and needs none."""
    data, folder = settings.get("data", "synthetic"), settings.get("data_dir")
    if not isinstance(data, str) or data not in DATASETS:
        return  # which the job refuses
    if DATASETS[data].synthetic and folder is not None:
        raise ValueError(f"{path} uses synthetic images: leave out --data-dir.")
    if not DATASETS[data].synthetic:
        if folder is None:
            raise ValueError(f"{path} uses the data set {data}: add --data-dir, the folder that holds it.")
        if not os.path.isdir(str(folder)):
            raise ValueError(f"There is no folder {folder}: check --data-dir.")


def check_values(job, values, path, known):
    """Raises ValueError if a job refuses its settings.

    Args:
        job: module with `Settings` and `resolved`.
        values: {flat name: value}.
        path: of the YAML file.
        known: set that is empty for the first run of a grid and grows: what is slow to check is checked once.
    """
    values = {name: value for name, value in values.items() if name not in ("out", "clean_dir")}
    # Whether the command line takes a value, and whether the weights of a model can be had.
    pairs = {(job.__name__, name, str(value)) for name, value in values.items()}
    networks = {values["model"], values["clean_model"] if values.get("clean") else values["model"]}
    try:
        if not pairs <= known:
            options.parse(job.Settings, options.flags(values))
        if networks <= known:
            values["weights"] = "none"
        job.resolved(options.build(job.Settings, values))
    except (ValueError, OSError) as error:  # the latter of a path that no file can have
        reason = f"{error.strerror}." if isinstance(error, OSError) and error.strerror else error
        raise ValueError(f"{path}: {reason}") from error
    known |= pairs | networks
