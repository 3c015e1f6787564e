"""JSON that came from anywhere: read strictly, and refused in one sentence."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

MOST_BYTES = 2**24  # a record of a run with several repeats has about 100 KB


def read_json(path: str | os.PathLike, most_bytes: int = MOST_BYTES) -> Any:
    """The value of a JSON file in UTF-8, in which no object has a name twice and no number is NaN or infinite.

    Args:
        path: the file.
        most_bytes: size that is not exceeded.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is no file, too large, or no such JSON; one sentence that names it.
    """
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"There is no file {path}.")
    if not path.is_file():
        raise ValueError(f"{path} is not a file.")
    if path.stat().st_size > most_bytes:
        raise ValueError(f"{path} is larger than {most_bytes // 2**20} MiB.")
    try:
        return json.loads(path.read_bytes().decode("utf-8"), object_pairs_hook=_members)
    except RecursionError as error:
        raise ValueError(f"{path} is nested too deeply.") from error
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is not JSON: it is not text in UTF-8.") from error
    except ValueError as error:
        raise ValueError(f"{path} is not JSON: {error}.") from error


def numbers(value: Any, place: tuple = ()) -> Iterator[tuple[tuple, float]]:
    """Yields (place, number) for each number of a JSON value; a place is a tuple of names and indices."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        yield place, value
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from numbers(item, (*place, key))


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object's members; of a name that stands there twice, one reader takes the first and another the last."""
    members: dict[str, Any] = {}
    for name, value in pairs:
        if name in members:
            raise ValueError(f"an object has the name {json.dumps(name, ensure_ascii=False)[:60]} twice")
        members[name] = value
    return members
