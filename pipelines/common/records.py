"""What a run's record says beside its results: where it came from, on which images, how it was trained."""

import resource
import sys
from dataclasses import dataclass

import numpy as np
import pandas as pd
import rich.table
from rich.markup import escape

import skinkeras
from pipelines.common import options, run_folder
from pipelines.common.console import console
from skinkeras import tflite

# What is averaged over repeats.
_AVERAGED = ("accuracy", "balanced_accuracy", "mean_precision", "mean_f1", "macro_auc")
_AVERAGED_BY_CLASS = ("recall", "precision", "f1")


@dataclass(frozen=True)
class RunFacts:
    """What is known of a run before it has any results.

    Attributes:
        request: `options.Request`.
        info: `tflite.ModelInfo`, what the exported files are called and say about themselves.
        data: `groups.DataOptions`.
        model: `groups.ModelOptions`.
        training: {setting in words: value}, for the card.
    """

    request: options.Request
    info: tflite.ModelInfo
    data: object
    model: object
    training: dict


def model_info(task, data, model):
    """What the exported files of a run are called and say about themselves.

    Args:
        task: `training.Task`, or the class of it.
        data, model: groups of the run's settings, resolved.
    """
    dataset = data.dataset
    prefix = "demo_synthetic" if dataset.synthetic else task.file_prefix
    return tflite.ModelInfo(
        name=f"{prefix}_{model.model}_{model.image_size}",
        description=f"{task.file_description} Trained on {dataset.title}. Not a medical device.",
        author="skinkeras",
        version=skinkeras.__version__,
        licence=dataset.licence,
    )


def facts_of(request, task, data, model, groups):
    """The `RunFacts` of a run.

    Args:
        request: `options.Request`.
        task: `training.Task`.
        data, model: groups of the run's settings, resolved.
        groups: those that the card's table of settings shows, in order.
    """
    training = {label: value for group in groups for label, value in group.facts().items()}
    return RunFacts(request, model_info(task, data, model), data, model, training)


def new_record(facts, task, evaluations, files=None, refused=None):
    """The record of a run, as a dict that `reports.write_record` takes.

    Args:
        facts: `RunFacts`.
        task: `training.Task`.
        evaluations: a `line.Evaluation` for each repeat.
        files: {kind: `export.ExportedFile`}.
        refused: {kind: {"file", "reason"}}.
    """
    first = evaluations[0]
    data, titles = first.repeat.data, facts.data.dataset.class_titles
    return {
        "schema_version": 1,
        "job": facts.request.job,
        "name": facts.info.name,
        "synthetic": facts.data.dataset.synthetic,
        "task": {
            "name": task.name,
            "description": task.description(first.classes),
            "positive_class": task.positive_class,
        },
        "command": facts.request.command,
        "settings": options.plain(facts.request.values),
        "versions": run_folder.versions(),
        "git_revision": run_folder.git_revision(),
        "host": run_folder.host(),
        "model": {
            "architecture": facts.model.model,
            "initial_weights": facts.model.weights,
            "input_size": facts.model.image_size,
            "classes": list(first.classes),
            "class_titles": {name: titles[name] for name in first.classes if name in titles},
        },
        "data": data_facts(facts.data, data),
        "training": {
            "facts": {**facts.training, "learned classes": ", ".join(data.manifest.classes)},
            "limits": list(task.probability_limits),
            "seconds": _seconds([evaluation.repeat.folder for evaluation in evaluations]),
        },
        "operating_point": first.operating_point,
        "repeats": [{"images": e.repeat.data.counts(), "forms": e.results} for e in evaluations],
        "mean": _mean([e.results["float"]["metrics"] for e in evaluations]) if len(evaluations) > 1 else None,
        "verified_on": "validation",
        "files": {kind: file.facts() for kind, file in (files or {}).items()},
        "refused": refused or {},
        "peak_memory_mb": _peak_memory_mb(),
    }


def data_facts(options_of_data, data):
    """What a record says of the images; `data` is `SplitImages`."""
    dataset = options_of_data.dataset
    limits = dataset.limits + (dataset.binary_limits if data.positives else ())
    named = data.manifest.table[["lesion_id", "patient_id"]].notna()
    grouping = [column.removesuffix("_id") for column in named if named[column].any()]
    grouped = options_of_data.split_by == "grouped"  # of a split that is given, nothing is known
    return {
        "name": options_of_data.data,
        "title": dataset.title,
        "licence": dataset.licence,
        "grouped_by": (" or ".join(grouping) or None) if grouped else None,
        "ungrouped": int((~named.any(axis=1)).sum()),
        "limits": list(limits),
    }


def _mean(metrics):
    """The metrics of the float models, averaged over the repeats."""
    scores = {key: float(np.mean([m[key] for m in metrics])) for key in _AVERAGED if key in metrics[0]}
    per_class = {
        name: {
            key: float(np.mean([m["per_class"][name][key] for m in metrics])) for key in _AVERAGED_BY_CLASS
        }
        for name in metrics[0].get("per_class", {})
    }
    return {**scores, "per_class": per_class}


def _seconds(folders):
    """{phase: seconds of all repeats}, from their `history.csv`."""
    tables = [pd.read_csv(folder.file("history.csv")) for folder in folders]
    seconds = pd.concat(tables).groupby("phase", sort=False)["seconds"].sum()
    return {phase: round(float(value), 1) for phase, value in seconds.items()}


def _peak_memory_mb():
    per_mb = 1e6 if sys.platform == "darwin" else 1e3  # bytes there, kibibytes on Linux
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / per_mb)


def print_table(title, columns, rows):
    """Prints the last table of a run: a form of the model a row."""
    table = rich.table.Table(title=escape(title), title_justify="left")
    for column in columns:
        # Broken here, so that a log of 110 characters has room for a value and its interval on one line.
        heading = column.replace(" recall", "\nrecall")
        table.add_column(heading, justify="left" if column == "model" else "right", no_wrap=True)
    for row in rows:
        table.add_row(*map(escape, row))
    console.print()
    console.print(table)
