"""YAML that came from anywhere: read to plain types, and refused in one sentence."""

import os
from typing import Any

import yaml

from skinkeras.files.reading import read_text
from skinkeras.files.reading_json import numbers

_MOST_VALUES = 100_000
_LARGEST_NUMBER = 10**300  # float() takes no integer beyond 1.8e308


def read_yaml(path: str | os.PathLike) -> Any:
    """The value of a YAML file, of plain types only.

    Raises:
        FileNotFoundError: there is none.
        ValueError: it is no YAML, is nested too deeply, or says much more than it has bytes (an alias stands for all
            that it names); one sentence that names the file.
    """
    text = read_text(path)
    try:
        value = yaml.safe_load(text)
        _check_values(value)
    except RecursionError as error:
        raise ValueError(f"{path} is nested too deeply.") from error
    # Beside YAMLError, what the conversion of a value raises: of a date that does not exist, of a number "0b".
    except (yaml.YAMLError, ValueError, LookupError, ArithmeticError, TypeError) as error:
        raise ValueError(f"{path} is not YAML: {' '.join(str(error).split()).rstrip('.')}.") from error
    return value


def _check_values(value: Any) -> None:
    seen, waiting = 0, [value]
    while waiting:
        item = waiting.pop()
        seen += 1
        if seen > _MOST_VALUES:
            raise ValueError(f"it has more than {_MOST_VALUES:,} values.")
        if isinstance(item, dict):
            waiting.extend(item.values())
        elif isinstance(item, list | tuple | set):
            waiting.extend(item)
    if any(abs(number) > _LARGEST_NUMBER for _, number in numbers(value) if isinstance(number, int)):
        raise ValueError("it has a number beyond 10^300.")
