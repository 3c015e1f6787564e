"""Renders `NAME.json`, the contract that an app reads, from a run's record."""

from skinkeras import tflite


def contract_of(record):
    """The contract as a dict; every field is explained in `tflite_models/README.md`.

    Args:
        record: a record that `check_record` accepts, with at least one file.
    """
    model, point, first = record["model"], record["operating_point"], record["repeats"][0]
    size, classes, titles = model["input_size"], model["classes"], model["class_titles"]
    return {
        "schema_version": tflite.SCHEMA_VERSION,
        "name": record["name"],
        "task": record["task"]["description"],
        "not_a_medical_device": True,
        "synthetic": record["synthetic"],
        "input": {
            "name": "image",
            "shape": [1, size, size, 3],
            "dtype": "float32",
            "colour": "RGB",
            "range": [0, 255],
            "crop": "the largest centred square, resized to the input size (area averaging)",
            "normalisation": "inside the model",
        },
        "output": {
            "name": "probabilities",
            "shape": [1, len(classes)],
            "dtype": "float32",
            "meaning": "softmax",
        },
        "classes": classes,
        "class_titles": {name: titles.get(name, name) for name in classes},
        "positive_class": record["task"]["positive_class"],
        "threshold": point["threshold"] if point else None,
        "files": {kind: _file(file, first["forms"][kind]) for kind, file in record["files"].items()},
        "latency_host": record["host"],
        "data": {
            "name": record["data"]["title"],
            "licence": record["data"]["licence"],
            "images": first["images"],
        },
        "versions": record["versions"],
        "command": record["command"],
    }


def _file(file, form):
    entry = {
        "file": file["file"],
        "sha256": file["sha256"],
        "size_bytes": file["size_bytes"],
        "test": form["metrics"],
        "median_ms": {str(timing["threads"]): timing["median_ms"] for timing in file["latency"]},
        "golden": file["golden"],
    }
    if "operating_point" in form:
        entry["threshold"] = form["operating_point"]["threshold"]
    return entry | {name: file[name] for name in ("shipped", "phones") if name in file}
