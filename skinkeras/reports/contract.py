"""Renders `NAME.json`, the contract that an app reads, from a run's record."""

from skinkeras import tflite
from skinkeras.images.geometries import DEFAULT_GEOMETRY, GEOMETRIES


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
            **_geometry(model),
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
        **({"malignancy": model["malignancy"]} if model.get("malignancy") else {}),
        "positive_class": record["task"]["positive_class"],
        **({"target": record["task"]["target"]} if "target" in record["task"] else {}),
        "threshold": point["threshold"] if point else None,
        "files": {kind: _file(kind, file, first["forms"][kind]) for kind, file in record["files"].items()},
        "latency_host": record["host"],
        "data": {
            "name": record["data"]["title"],
            "licence": record["data"]["licence"],
            "images": first["images"],
        },
        "versions": record["versions"],
        "command": record["command"],
    }


def _geometry(model):
    """What is resized; records of earlier versions name none, and their contracts stay as they are."""
    crop = {"crop": GEOMETRIES[model.get("geometry", DEFAULT_GEOMETRY)].contract}
    return crop | {"geometry": model["geometry"]} if "geometry" in model else crop


def _file(kind, file, form):
    entry = {
        "file": file["file"],
        "sha256": file["sha256"],
        "size_bytes": file["size_bytes"],
        "test": form["metrics"] | _points_test(form),
        "median_ms": {str(timing["threads"]): timing["median_ms"] for timing in file["latency"]},
        "golden": file["golden"],
    }
    share = (file["verification"] or {}).get("int8_share", 1)
    if kind == "int8" and share < 1:
        entry["int8_share"] = share
    if "strata" in form:
        entry["strata"] = form["strata"]
    if "operating_point" in form:
        point = form["operating_point"]
        entry["threshold"] = point["threshold"]
        if others := point.get("others"):
            # At 0 everything is malignant: no app should offer that.
            entry["operating_points"] = {name: value for name, value in others.items() if value > 0}
        if "not_sure" in point:
            entry["not_sure"] = point["not_sure"]
    return entry | {name: file[name] for name in ("shipped", "phones") if name in file}


def _points_test(form):
    """What the file reached on the test images at each of its operating points."""
    rows = form.get("operating_points", {})
    rates = {
        name: {"miss_rate": 1 - row["malignant_recall"], "false_alarm_rate": 1 - row["benign_recall"]}
        for name, row in rows.items()
        if row.get("malignant_recall") is not None and row.get("benign_recall") is not None
    }
    return {"operating_points": rates} if rates else {}
