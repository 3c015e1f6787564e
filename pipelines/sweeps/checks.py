"""What a sweep's YAML file may hold: each check raises ValueError with one sentence that names the place."""

from pathlib import Path


def check_keys(value, path, where, required=(), optional=()):
    """Raises ValueError unless `value` is a dict with all of `required` and nothing but those and `optional`.

    Args:
        value: anything.
        path: of the YAML file.
        where: the place in it, such as "runs: "; "" for the file itself.
        required, optional: keys.
    """
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


def check_differ(runs, path):
    """Raises ValueError if a configuration occurs twice."""
    names = [run.name for run in runs]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"{path} has the configuration {name} twice.")


def make_absolute(settings):
    """Makes the paths in `settings` absolute, in place: a process elsewhere has another working folder."""
    for name in ("data_dir", "weights"):
        if name in settings and Path(settings[name]).exists():
            settings[name] = str(Path(settings[name]).resolve())
