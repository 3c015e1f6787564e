"""Runs of the released version, which wrote no record: it is put together from what they did write."""

import importlib
import re

from pipelines.common import options, records
from pipelines.common.run_folder import check_links, recorded_run
from skinkeras import losses, reports
from skinkeras.datasets import BINARY_CLASSES
from skinkeras.files.reading import read_text
from skinkeras.files.reading_json import read_json

# What the released version wrote about a file into its NAME.json alone.
_OF_CONTRACT = ("golden", "phones")


def record_of(run):
    """The record of a complete run: its `record.json`, or one made of the files of the released version.

    Args:
        run: `RunFolder`.

    Raises:
        ValueError: the folder holds no complete run; the sentence names what is missing. Or `check_links` refuses it.
    """
    path = run.file("record.json")
    if run.state.exists() or not (path.is_file() or run.is_complete):
        raise ValueError(f"{run.path} holds no complete run: finish it first (--resume).")
    check_links(run.path)
    if path.is_file():
        return reports.read_record(path)
    try:
        return _converted(run)
    except (OSError, KeyError, TypeError, AttributeError, ValueError) as error:
        reason = f"it lacks {error}" if isinstance(error, KeyError) else str(error).removesuffix(".")
        raise ValueError(
            f"{run.path} has no record.json, and is no run of the released version ({reason}): restore record.json "
            "from a copy."
        ) from error


def is_released(run):
    """Whether the `metrics.json` of a run is that of the released version, and its `predictions.csv` as well."""
    try:
        metrics = read_json(run.file("metrics.json"))
    except (FileNotFoundError, ValueError):  # to be rendered again
        return False
    return isinstance(metrics, dict) and "repeats" not in metrics


def _converted(run):
    recorded = recorded_run(run.path)
    job = importlib.import_module(f"pipelines.{recorded.job}")
    settings, task = recorded.settings, job.task_class()
    metrics = read_json(run.file("metrics.json"))
    card = read_text(run.file("card.md"))
    info = records.model_info(task, settings.data, settings.model)
    contracts = list(run.export.glob("*.json"))
    contract = read_json(contracts[0]) if contracts else {"files": {}}
    binary = task.positive_class is not None
    classes = list(BINARY_CLASSES) if binary else metrics["classes"]
    titles = settings.data.dataset.class_titles
    # Nothing was calibrated then, and there was one way to choose a threshold.
    groups = [
        group for group in job.card_groups(settings) if group not in (settings.data, settings.decisions)
    ]
    record = {
        "schema_version": 1,
        "job": recorded.job,
        "name": info.name,
        "synthetic": metrics["synthetic"],
        "task": records.task_facts(task, settings.data, classes),
        "command": options.command(recorded.job, settings),
        "settings": options.plain(
            {
                name: value
                for name, value in options.flatten(settings).items()
                if name not in vars(settings.decisions)
            }
        ),
        "versions": recorded.versions,
        "git_revision": recorded.git_revision,
        "host": metrics["host"],
        "model": {
            "architecture": settings.model.model,
            "initial_weights": settings.model.weights,
            "input_size": settings.model.image_size,
            "classes": classes,
            "class_titles": {name: titles[name] for name in classes if name in titles},
            **records.malignancy(settings.data, classes),
        },
        "data": _data(settings.data, card, binary),
        "training": {
            "facts": {label: value for group in groups for label, value in group.facts().items()},
            "limits": list(losses.probability_limits(settings.loss.loss, settings.loss.weighting)),
            "seconds": {},
        },
        "operating_point": _operating_point(metrics) if binary else None,
        "repeats": _binary_repeats(metrics) if binary else _repeats(metrics),
        "mean": metrics["mean"]["float"] if not binary and len(metrics["splits"]) > 1 else None,
        "verified_on": "test",
        "files": {
            kind: file
            | {key: contract["files"][kind][key] for key in _OF_CONTRACT if key in contract["files"][kind]}
            for kind, file in metrics["files"].items()
        },
        "refused": {},
        "peak_memory_mb": metrics.get("peak_memory_mb"),
    }
    reports.check_record(record, str(run.path))
    return record


def _data(data, card, binary):
    grouped = re.search(r"No (lesion|patient|lesion or patient) has images in two splits", card)
    ungrouped = re.search(r"Of ([\d,]+) images neither lesion nor patient", card)
    dataset = data.dataset
    return {
        "name": data.data,
        "title": dataset.title,
        "licence": dataset.licence,
        "grouped_by": grouped[1] if grouped else None,
        "ungrouped": int(ungrouped[1].replace(",", "")) if ungrouped else 0,
        "limits": list(dataset.limits + (dataset.binary_limits if binary else ())),
    }


def _operating_point(metrics):
    chooser = re.search(r"by the (\w+) model", metrics["threshold_chosen_on"])
    return {
        "class": BINARY_CLASSES[1],
        "threshold": metrics["threshold"],
        "criterion": "balanced accuracy",
        "chosen_on": "validation",
        "chosen_by": chooser[1] if chooser else "float",
    }


def _binary_repeats(metrics):
    forms = {
        name: {"metrics": entry["at_threshold"], "metrics_at_half": entry["at_0.5"]}
        for name, entry in metrics["test"].items()
    }
    return [{"images": metrics["images"], "forms": forms}]


def _repeats(metrics):
    repeats = []
    for split in metrics["splits"]:
        forms = {name: {"metrics": entry} for name, entry in split["test"].items()}
        for name, levels in split["levels"].items():
            forms[name]["levels"] = levels
        repeats.append({"images": split["images"], "forms": forms})
    return repeats
