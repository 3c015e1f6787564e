"""`NAME.json` beside the files of a model: what an app must know that the files do not say.

Nothing in such a file is trusted: whoever reads one takes it from `read_contract`.
"""

import functools
import hashlib
import json
import os
import re
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Any

from skinkeras.files.reading_json import read_json, unreadable_numbers
from skinkeras.images.geometries import DEFAULT_GEOMETRY

SCHEMA_VERSION = 1
_MOST_BYTES = 2**20  # the released ones have 25 KB
_LONGEST_VALUE = 60  # of a wrong value that a message quotes


def find_contract(path: str | os.PathLike) -> Path | None:
    """The `NAME.json` in the same folder that describes a file `NAME_int8.tflite`, or None.

    Raises:
        FileNotFoundError: there is no file at `path`.
        ValueError: `read_contract` refuses the json, or it describes another file of that name (sha256).
    """
    path = Path(path)
    digest = sha256(path)
    # The longest name first: a_b.json describes a_b_int8.tflite, though a.json may lie there too.
    for candidate in sorted(path.parent.glob("*.json"), key=lambda one: (-len(one.stem), one.stem)):
        if not path.name.startswith((f"{candidate.stem}_", f"{candidate.stem}.")):
            continue
        for entry in read_contract(candidate)["files"].values():
            if entry["file"] == path.name:
                if entry["sha256"] != digest:
                    raise ValueError(f"{candidate} describes another {path.name}: the sha256 differs.")
                return candidate
    return None


def read_contract(path: str | os.PathLike) -> dict[str, Any]:
    """Reads a `NAME.json` and checks it against `contract.schema.json` and against itself.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is no JSON, or does not describe a model; one sentence with the place.
    """
    contract = read_json(path, _MOST_BYTES)
    try:
        problem = next(_problems(contract), None)
    except RecursionError as error:
        raise ValueError(f"{path} does not describe a model: it is nested too deeply.") from error
    if problem is not None:
        raise ValueError(f"{path} does not describe a model: {problem}.")
    return contract


def threshold_of(contract: dict[str, Any], kind: str, operating_point: str | None = None) -> float | None:
    """The threshold of one of a model's files.

    Args:
        contract: what `read_contract` returned.
        kind: key of `contract["files"]`.
        operating_point: key of the file's `operating_points`; None: the operating threshold, which is the file's
            own, or else the one that serves all files.

    Returns:
        A number above 0 and below 1; None for a model that has no positive class.

    Raises:
        ValueError: the file has no such operating point; the sentence names those that it has.
    """
    entry = contract["files"][kind]
    if operating_point is not None:
        points = entry.get("operating_points", {})
        if operating_point not in points:
            none = "it has none" if contract["positive_class"] else "only models of two classes have any"
            offered = f"it has {', '.join(points)}" if points else none
            raise ValueError(f"{entry['file']} has no operating point {operating_point!r}: {offered}.")
        return points[operating_point]
    own = entry.get("threshold")
    return contract["threshold"] if own is None else own


def geometry_of(contract: dict[str, Any]) -> str:
    """What of an image a model's files take, one of `skinkeras.images.geometries.GEOMETRIES`.

    Args:
        contract: what `read_contract` returned; earlier ones name no geometry, and mean "crop".
    """
    return contract["input"].get("geometry", DEFAULT_GEOMETRY)


def decide(probabilities, classes, positive_class: str | None, threshold: float | None) -> str:
    """The class that a model names.

    Args:
        probabilities: (classes,), in the order of `classes`.
        classes: class names.
        positive_class, threshold: of `NAME.json` and `threshold_of`: from the threshold on it is the positive
            class, below it the most probable of the others. None: the most probable class.
    """
    ranked = sorted(zip(probabilities, classes, strict=True), key=lambda pair: -pair[0])
    if positive_class is None or threshold is None:
        return ranked[0][1]
    if probabilities[list(classes).index(positive_class)] >= threshold:
        return positive_class
    return next(name for _, name in ranked if name != positive_class)


def is_class_name(text: str) -> bool:
    """Whether a `NAME.json` may name a class so."""
    return re.search(contract_schema()["$defs"]["class"]["pattern"], text) is not None


def sha256(path: str | os.PathLike) -> str:
    """The digest of a file, in hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@functools.cache
def contract_schema() -> dict[str, Any]:
    """The JSON Schema of a `NAME.json`."""
    return json.loads(resources.files("skinkeras.tflite").joinpath("contract.schema.json").read_text("utf-8"))


def _problems(contract: Any) -> Iterator[str]:
    """What is wrong with a contract, as clauses."""
    import jsonschema  # takes 0.1 s, which `import skinkeras.tflite` need not wait for

    if isinstance(contract, dict) and contract.get("schema_version", SCHEMA_VERSION) != SCHEMA_VERSION:
        yield f"its schema_version is {_quoted(contract['schema_version'])}; this program reads {SCHEMA_VERSION}"
    # The schema's comparisons let NaN pass.
    yield from _unreadable_numbers(contract)
    # The first error, not the best one: a file of a megabyte may have as many as it has bytes.
    error = next(jsonschema.Draft202012Validator(contract_schema()).iter_errors(contract), None)
    if error is not None:
        yield _clause(error)
        return
    yield from _contradictions(contract)


def _unreadable_numbers(contract: Any) -> Iterator[str]:
    for place, number in unreadable_numbers(contract):
        yield f"{_place(place)} is {'a number beyond 2^53' if isinstance(number, int) else 'not a finite number'}"


def _clause(error) -> str:
    while error.context and "description" not in error.schema:
        error = error.context[0]
    place = _place(error.absolute_path)
    if error.validator == "required":
        missing = next(name for name in error.validator_value if name not in error.instance)
        return f"{_place((*error.absolute_path, missing))} is missing"
    expected = error.schema.get("description")
    if expected is None:
        return f"{place}: {error.message[:200]}"
    return f"{place} must be {expected}; it is {_quoted(error.instance)}"


def _contradictions(contract: dict[str, Any]) -> Iterator[str]:
    """What the schema cannot say."""
    classes, positive, files = contract["classes"], contract["positive_class"], contract["files"]
    if len(set(classes)) < len(classes):
        yield f"classes must be different names; it is {_quoted(classes)}"
    if positive is not None and positive not in classes:
        yield f"positive_class {_quoted(positive)} is not one of its classes"
    if (positive is None) != (contract["threshold"] is None):
        yield "positive_class and threshold must both be null, or neither"
    for field in ("class_titles", "malignancy"):
        if not set(contract.get(field, ())) <= set(classes):
            yield f"{field} has other classes than classes"
    if positive is None and "target" in contract:
        yield "target needs a positive_class"
    if contract["output"]["shape"][1] != len(classes):
        yield f"output.shape has {contract['output']['shape'][1]} classes, and classes has {len(classes)}"
    names = [entry["file"] for entry in files.values()]
    for kind, entry in files.items():
        if names.count(entry["file"]) > 1:
            yield f"two entries of files have the name {_quoted(entry['file'])}"
        if positive is None and entry.get("threshold") is not None:
            yield f"files.{kind}.threshold needs a positive_class"
        low, high = entry.get("not_sure", (0, 1))
        if low > high:
            yield f"files.{kind}.not_sure must have the lower score first"
        for number, one in enumerate((entry.get("golden") or {"pictures": ()})["pictures"]):
            if len(one["probabilities"]) != len(classes):
                yield f"files.{kind}.golden.pictures.{number}.probabilities must be one number for each class"


def _place(path) -> str:
    return ".".join(_printable(str(part)) for part in path) or "it"


def _quoted(value: Any) -> str:
    return _printable(json.dumps(value, ensure_ascii=False))


def _printable(text: str) -> str:
    """A text for a message: short, and control characters as escapes."""
    text = "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in text)
    return text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}..."
