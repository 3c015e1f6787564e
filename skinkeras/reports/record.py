"""`record.json`: everything that is known about a run. Card, contract, metrics and tables are rendered from it.

Its JSON Schema is `record.schema.json` beside this file; every record that is written or read is checked against it.
"""

import dataclasses
import functools
import itertools
import json
from importlib import resources
from pathlib import Path

import jsonschema

from skinkeras.files.reading_json import read_json, unreadable_numbers
from skinkeras.files.writing import write_json

SCHEMA_VERSION = 1
_MOST_ERRORS = 1000


@functools.cache
def record_schema():
    """The JSON Schema of a record, as a dict."""
    return json.loads(resources.files("skinkeras.reports").joinpath("record.schema.json").read_text("utf-8"))


def check_record(record, origin="The record"):
    """Checks that a record fits the schema and does not contradict itself.

    Args:
        record: dict as JSON has it.
        origin: what the sentence of an error calls it.

    Raises:
        ValueError: it does not; one sentence with the place.
    """
    validator = jsonschema.Draft202012Validator(record_schema())
    # The best of the first ones: a file of a megabyte may have as many as it has bytes.
    error = jsonschema.exceptions.best_match(itertools.islice(validator.iter_errors(record), _MOST_ERRORS))
    if error is not None:
        place = ".".join(map(str, error.absolute_path)) or "its top"
        message = error.message
        if len(message) > 200:  # it quotes a long value, and says at its end what is wrong with it
            message = f"{message[:80]} ... {message[-100:]}"
        raise ValueError(f"{origin} does not fit the schema of a record at {place}: {message}.")
    for place, number in unreadable_numbers(record):
        kind = "number beyond 2^53" if isinstance(number, int) else "NaN or infinite number"
        raise ValueError(f"{origin} holds a {kind} at {'.'.join(map(str, place))}.")
    try:
        json.dumps(record, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError as error:
        raise ValueError(
            f"{origin} holds half of a character, {error.object[error.start]!a}, which no file can hold."
        ) from error
    contradiction = next(_contradictions(record), None)
    if contradiction is not None:
        raise ValueError(f"{origin} contradicts itself: {contradiction}.")


def _contradictions(record):
    """What is wrong between parts of a record each of which fits the schema, as clauses."""
    forms, point = record["repeats"][0]["forms"], record["operating_point"]
    for kind, file in record["files"].items():
        if file["file"] != f"{record['name']}_{kind}.tflite":
            yield f"files.{kind}.file is {file['file']!r}, not '{record['name']}_{kind}.tflite'"
        if kind not in forms:
            yield f"files.{kind} has no results in repeats.0.forms"
    if record["mean"] is None and len(record["repeats"]) > 1:
        yield f"mean is null, and there are {len(record['repeats'])} repeats"
    counts = set()
    for name, form in forms.items():
        metrics = form["metrics"]
        counts.add((metrics["n"], metrics["n_groups"]))
        own = form.get("operating_point", point)
        if point and metrics["threshold"] != own["threshold"]:
            yield (
                f"the metrics of {name} were measured at threshold {metrics['threshold']}, where its operating "
                f"point is {own['threshold']}"
            )
    if len(counts) > 1:
        yield f"its forms were measured on different test images: (images, groups) are {sorted(counts)}"


def read_record(path):
    """Reads a `record.json`.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is not JSON, or `check_record` refuses it.
    """
    record = read_json(path)
    check_record(record, str(path))
    return record


def write_record(path, record):
    """Checks a record and writes it atomically.

    Args:
        path: the `record.json` to write.
        record: dict; NumPy numbers and arrays, tuples, dataclasses and paths in it are converted.

    Returns:
        The record as JSON has it: what `read_record` will return.

    Raises:
        ValueError: `check_record` refuses it.
        OSError: it cannot be written.
    """
    record = _json_form(record)
    check_record(record, str(path))
    write_json(path, record)
    return record


def _json_form(value):
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        value = dataclasses.asdict(value)
    if isinstance(value, dict):
        return {str(key): _json_form(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_json_form(item) for item in value]
    if isinstance(value, Path):
        return str(value)
    return value.tolist() if hasattr(value, "tolist") else value


def metrics_of(record):
    """The dict of `metrics.json`: the results, in one layout for both tasks."""
    keys = (
        "job",
        "task",
        "synthetic",
        "operating_point",
        "repeats",
        "mean",
        "files",
        "refused",
        "peak_memory_mb",
    )
    return {"classes": record["model"]["classes"], **{key: record[key] for key in keys}}
