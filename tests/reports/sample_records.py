"""Small valid records, one of each task, whose results are computed from a few made-up probabilities."""

import json

import pandas as pd

from skinkeras import evaluation
from skinkeras.datasets import DATASETS
from skinkeras.files.writing import json_text

LABELS = [1, 1, 1, 1, 0, 0, 0, 0, 0, 0]
SCORES = [0.9, 0.7, 0.5, 0.2, 0.8, 0.6, 0.4, 0.3, 0.2, 0.1]
THRESHOLD = 0.447265625
CLASSES = ["mel", "nv", "vasc"]
# Three malignant and three benign images of clinic A, the others of B; 4 of 10 are not confirmed.
TABLE = pd.DataFrame(
    {
        "acquisition": list("AAABAAABBB"),
        "confirmed_by": ["histopathology"] * 6 + ["follow-up"] * 4,
        "sex": ["female"] * 10,
    }
)
DIAGNOSES = ["mel"] * 4 + ["nv"] * 4 + ["bcc"] * 2
POINT = {
    "class": "malignant",
    "threshold": THRESHOLD,
    "criterion": "highest balanced accuracy",
    "chosen_on": "validation",
    "others": {"balanced_accuracy": THRESHOLD, "sensitivity_95": 0.15},
    "not_sure": [0.25, 0.65],
}
_TARGET = {"classes": ["mel"], "title": "melanoma", "not_looked_for": ["basal cell carcinoma"]}
CONFIDENT, UNSURE = [[0.1, 0.8, 0.1], [0.7, 0.2, 0.1], [0.1, 0.2, 0.7]], [[0.5, 0.5, 0.0]]


def binary_record():
    """A record with the forms float, QAT and int8, the last of them exported."""
    form = {
        "metrics": evaluation.binary_metrics(LABELS, SCORES, THRESHOLD, bootstrap=50),
        "metrics_at_half": evaluation.binary_metrics(LABELS, SCORES, bootstrap=50),
    }
    record = {
        **_common("binary", "melanoma_lite0", ["benign", "malignant"]),
        "operating_point": {
            "class": "malignant",
            "threshold": THRESHOLD,
            "criterion": "balanced accuracy",
            "chosen_on": "validation",
            "chosen_by": "QAT",
        },
        "repeats": [
            {
                "images": {
                    "train": {"benign": 4234, "malignant": 541},
                    "validation": {"benign": 9, "malignant": 5},
                    "test": {"benign": 6, "malignant": 4},
                },
                "forms": dict.fromkeys(("float", "QAT", "int8"), form),
            }
        ],
        "files": {"int8": _file("melanoma_lite0")},
    }
    record["data"]["limits"] += DATASETS["ham10000"].binary_limits
    return json.loads(json_text(record))


def evidence_record():
    """The `binary_record` with everything that is measured beyond pooled metrics."""
    record = binary_record()
    evidence = evaluation.binary_evidence(LABELS, SCORES, POINT, TABLE)
    details = {
        "of": "int8",
        **evaluation.binary_details(LABELS, SCORES, THRESHOLD, TABLE, None, DIAGNOSES),
        "baselines": [{"name": "source", "roc_auc": 0.625, "roc_auc_interval": [0.25, 0.875]}],
    }
    figures = evaluation.calibration_metrics(LABELS, SCORES)
    both = {"before": {**figures, "expected_calibration_error": 0.5}, "after": figures}
    calibration = {"temperature": 1.5, "bias": [0.0, 0.25], "validation": both, "test": both}
    repeat = record["repeats"][0]
    repeat["details"] = details
    record["operating_point"] |= {name: POINT[name] for name in ("others", "not_sure")}
    for form in repeat["forms"].values():
        form |= evidence
    repeat["forms"]["QAT"]["calibration"] = calibration
    return json.loads(json_text(record))


def diagnosis_record():
    """A record of two repeats with three classes, nothing exported."""
    return json.loads(
        json_text(
            {
                **_common("diagnosis", "diagnosis_lite0", CLASSES),
                "operating_point": None,
                "repeats": [_repeat([0, 0, 2], CONFIDENT), _repeat([1, 0, 2, 0], CONFIDENT + UNSURE)],
                "mean": {**_mean(), "per_class": {}},
                "files": {},
                "peak_memory_mb": None,
            }
        )
    )


def _repeat(labels, probabilities):
    labels, probabilities = [*labels, 1], [*probabilities, CONFIDENT[0]]
    metrics = evaluation.multiclass_metrics(labels, probabilities, CLASSES, bootstrap=20)
    levels = {
        "level1": {"n": 4, "classes": ["melanocytic", "vascular"], "accuracy": 1, "balanced_accuracy": 0.75}
    }
    counts = {name: labels.count(index) for index, name in enumerate(CLASSES)}
    forms = {"float": {"metrics": metrics, "levels": levels}}
    return {"images": {"train": dict.fromkeys(CLASSES, 30), "test": counts}, "forms": forms}


def _mean():
    """Of the two repeats of `diagnosis_record`, by hand."""
    return {
        "accuracy": 0.775,
        "balanced_accuracy": 5 / 6,
        "mean_precision": 11 / 12,
        "mean_f1": 5 / 6,
        "macro_auc": 67 / 72,
    }


def _common(task, name, classes):
    row = DATASETS["ham10000"]
    return {
        "schema_version": 1,
        "job": "binary" if task == "binary" else "multiclass",
        "name": name,
        "synthetic": False,
        "task": {
            "name": task,
            "description": "melanoma or not, dermoscopy",
            "positive_class": "malignant" if task == "binary" else None,
            **({"target": _TARGET} if task == "binary" else {}),
        },
        "command": "python -m pipelines.binary --gamma 10",
        "settings": {"gamma": 10.0, "seed": 7},
        "versions": {"keras": "3.15.1"},
        "git_revision": "0123456789ab",
        "host": "2 cores, x86-64",
        "model": {
            "architecture": "efficientnet_lite0",
            "initial_weights": "imagenet",
            "input_size": 224,
            "classes": list(classes),
            "class_titles": {one: title for one, title in row.class_titles.items() if one in classes},
        },
        "data": {
            "name": "ham10000",
            "title": row.title,
            "licence": row.licence,
            "grouped_by": "lesion",
            "ungrouped": 0,
            "limits": list(row.limits),
        },
        "training": {
            "facts": {"loss": "recall cross-entropy", "gamma": 10.0, "seed": 7},
            "limits": ["Its probabilities are too high."],
            "seconds": {"head": 2.0, "all": 10.0},
        },
        "mean": None,
        "verified_on": "validation",
        "refused": {},
        "peak_memory_mb": 900,
    }


def _file(name):
    return {
        "file": f"{name}_int8.tflite",
        "size_bytes": 3_821_000,
        "sha256": "0123456789abcdef" * 4,
        "verification": {"images": 14, "agreement": 0.9953, "max_difference": 0.0312},
        "latency": [{"threads": 1, "median_ms": 2.07}, {"threads": 2, "median_ms": 1.13}],
        "golden": {
            "tolerance": 0.01,
            "pictures": [{"name": "ramp", "sha256": "fedcba9876543210" * 4, "probabilities": [0.75, 0.25]}],
        },
    }
