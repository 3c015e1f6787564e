"""A record with all that is measured since there are sources and ages, and an evaluation of its model elsewhere."""

import json

import numpy as np
import pandas as pd
from sample_records import LABELS, SCORES, THRESHOLD, binary_record

from skinkeras import evaluation
from skinkeras.files.writing import json_text

TABLE = pd.DataFrame(
    {
        "image_id": [f"i{number}" for number in range(10)],
        "acquisition": ["vienna", "rosendahl"] * 5,
        "age": [25, 45, 65, 75, 35, None, 55, 60, 80, 20],
        "sex": ["female"] * 6 + ["male"] * 4,
        "skin_tone": ["II"] * 9 + [None],
        "confirmed_by": ["histopathology"] * 6 + ["follow-up"] * 4,
    }
)


def detailed_record():
    """The binary sample record with strata, slices and baselines of its int8 form."""
    record = binary_record()
    repeat = record["repeats"][0]
    point = {"threshold": THRESHOLD}
    evidence = evaluation.binary_evidence(LABELS, SCORES, point, TABLE)
    repeat["forms"]["int8"] = {**repeat["forms"]["int8"], "strata": evidence["strata"]}
    details = evaluation.binary_details(LABELS, SCORES, THRESHOLD, TABLE)
    baseline = {
        "name": "dark corners",
        "roc_auc": 0.625,
        "roc_auc_interval": [0.5, 0.75],
        "within_source_auc": 0.5,
        "within_source_auc_interval": None,
    }
    repeat["details"] = {"of": "int8", **details, "baselines": [baseline]}
    return json.loads(json_text(record))


def external_evaluation(data="Graz, 2025"):
    """What `pipelines.evaluate` would write of the binary sample model, as read from JSON."""
    labels, scores = np.array(LABELS), np.array(SCORES)
    form = {
        "metrics": evaluation.binary_metrics(labels, scores, THRESHOLD, bootstrap=50),
        "metrics_at_half": evaluation.binary_metrics(labels, scores, bootstrap=50),
        "operating_point": {"class": "malignant", "threshold": THRESHOLD, "chosen_on": "validation"},
        "calibration": evaluation.calibration_metrics(labels, scores),
        **evaluation.binary_evidence(labels, scores, {"threshold": THRESHOLD}, TABLE),
    }
    details = evaluation.binary_details(labels, scores, THRESHOLD, TABLE)
    found = {
        "data": data,
        "licence": "CC BY 4.0",
        "images": {"benign": 6, "malignant": 4},
        "diagnoses": {"nevus": 6, "melanoma": 4},
        "left_out": {"unreadable": 1},
        "training_images": "left out",
        "model": "melanoma_lite0",
        "date": "2026-11-28",
        "command": "python -m pipelines.evaluate melanoma_lite0_int8.tflite --data folder --data-dir DIR",
        "forms": {"int8": form},
        "details": {"of": "int8", **details},
    }
    return json.loads(json_text(found))
