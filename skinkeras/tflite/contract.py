"""`NAME.json` beside the files of a model: what an app must know that the files do not say."""

import hashlib
import json
import os
from pathlib import Path

SCHEMA_VERSION = 1


def find_contract(path: str | os.PathLike) -> Path | None:
    """The `NAME.json` in the same folder that describes a file `NAME_int8.tflite`, or None.

    Raises:
        FileNotFoundError: there is no file at `path`.
        ValueError: the json cannot be read, or describes another file of that name (sha256).
    """
    path = Path(path)
    digest = sha256(path)
    for candidate in sorted(path.parent.glob("*.json")):
        if not path.name.startswith(candidate.stem):
            continue
        for entry in read_contract(candidate)["files"].values():
            if entry.get("file") == path.name:
                if entry.get("sha256") != digest:
                    raise ValueError(f"{candidate} describes another {path.name}: the sha256 differs.")
                return candidate
    return None


def read_contract(path: str | os.PathLike) -> dict:
    """Reads a `NAME.json`. Raises ValueError if it is none."""
    try:
        contract = json.loads(Path(path).read_text("utf-8"))
    except ValueError as error:
        raise ValueError(f"{path} is not JSON: {error}.") from error
    if not isinstance(contract, dict) or not isinstance(contract.get("files"), dict):
        raise ValueError(f"{path} does not describe a model: it has no object called files.")
    version = contract.get("schema_version", SCHEMA_VERSION)
    if version != SCHEMA_VERSION:
        raise ValueError(f"{path} has schema_version {version}; this program reads {SCHEMA_VERSION}.")
    return contract


def decide(probabilities, classes, positive_class: str | None, threshold: float | None) -> str:
    """The class that a model names.

    Args:
        probabilities: (classes,), in the order of `classes`.
        classes: class names.
        positive_class, threshold: of `NAME.json`: from the threshold on it is the positive class, below it
            the most probable of the others. None: the most probable class.
    """
    ranked = sorted(zip(probabilities, classes, strict=True), key=lambda pair: -pair[0])
    if positive_class is None or threshold is None:
        return ranked[0][1]
    if probabilities[list(classes).index(positive_class)] >= threshold:
        return positive_class
    return next(name for _, name in ranked if name != positive_class)


def sha256(path: str | os.PathLike) -> str:
    """The digest of a file, in hexadecimal."""
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()
