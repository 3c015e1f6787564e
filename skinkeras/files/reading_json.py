"""JSON that came from anywhere: read strictly, and refused in one sentence."""

import json
import math
import os
from collections.abc import Iterator
from typing import Any

from skinkeras.files.reading import read_bytes

MOST_BYTES = 2**24  # a record of a run with several repeats has about 100 KB
LARGEST_INTEGER = 2**53
_DEEPEST = 100  # levels; a record has about ten


def read_json(path: str | os.PathLike, most_bytes: int = MOST_BYTES) -> Any:
    """The value of a JSON file in UTF-8, in which no object has a name twice.

    Args:
        path: the file.
        most_bytes: size that is not exceeded.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is no regular file, too large, nested too deeply, or no such JSON; one sentence that names it.
    """
    data = read_bytes(path, most_bytes)
    try:
        value = json.loads(data.decode("utf-8"), object_pairs_hook=_members)
        _check_depth(value)
        return value
    except RecursionError as error:
        raise ValueError(f"{path} is nested too deeply.") from error
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is not JSON: it is not text in UTF-8.") from error
    except ValueError as error:
        raise ValueError(f"{path} is not JSON: {error}.") from error


def _check_depth(value: Any) -> None:
    """Raises RecursionError, of a value that whoever walks through it might raise later."""
    waiting = [(value, 1)]
    while waiting:
        item, depth = waiting.pop()
        if depth > _DEEPEST:
            raise RecursionError
        items = item.values() if isinstance(item, dict) else item if isinstance(item, list) else ()
        waiting.extend((one, depth + 1) for one in items)


def unreadable_numbers(value: Any) -> Iterator[tuple[tuple, float]]:
    """Those of `numbers` that JSON lacks (NaN, infinite), or that JavaScript and Kotlin read as another number."""
    for place, number in numbers(value):
        if abs(number) > LARGEST_INTEGER if isinstance(number, int) else not math.isfinite(number):
            yield place, number


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
