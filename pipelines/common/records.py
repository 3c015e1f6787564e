"""What a run's record says beside its results: where it came from, on which images, how it was trained."""

import resource
import sys
from dataclasses import dataclass

import numpy as np
import pandas as pd

import skinkeras
from pipelines.common import options, run_folder
from skinkeras import datasets, tflite
from skinkeras.images.geometries import DEFAULT_GEOMETRY, GEOMETRIES
from skinkeras.operating_points import OPERATING_POINTS

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
    # Files that crop say nothing of it: their words are part of their digest.
    takes = "" if model.geometry == DEFAULT_GEOMETRY else f" Takes {GEOMETRIES[model.geometry].square}."
    return tflite.ModelInfo(
        name=f"{prefix}_{model.model}_{model.image_size}",
        description=f"{task.file_description} Trained on {dataset.title}.{takes} Not a medical device.",
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
        "task": task_facts(task, facts.data, first.classes),
        "command": facts.request.command,
        "settings": options.plain(facts.request.values),
        "versions": run_folder.versions(),
        "git_revision": run_folder.git_revision(),
        "host": run_folder.host(),
        "model": {
            "architecture": facts.model.model,
            "initial_weights": facts.model.weights,
            "input_size": facts.model.image_size,
            "geometry": facts.model.geometry,
            "classes": list(first.classes),
            "class_titles": {name: titles[name] for name in first.classes if name in titles},
            **malignancy(facts.data, first.classes),
        },
        "data": data_facts(facts.data, data)
        | copies(facts.data, data)
        | cut_images(facts.model.geometry, data),
        "training": {
            "facts": {
                **facts.training,
                "loss": task.loss_title(data),
                **_not_done(facts.training, data, first.calibrations),
                "learned classes": ", ".join(data.manifest.classes),
            },
            "limits": _probability_limits(task, first),
            "seconds": _seconds([evaluation.repeat.folder for evaluation in evaluations]),
        },
        "operating_point": first.operating_point,
        "repeats": [
            {"images": e.repeat.data.counts(), "forms": e.results, "details": e.details()}
            for e in evaluations
        ],
        "mean": _mean([e.results["float"]["metrics"] for e in evaluations]) if len(evaluations) > 1 else None,
        "verified_on": data.compared_on,
        "files": {kind: file.facts() for kind, file in (files or {}).items()},
        "refused": refused or {},
        "peak_memory_mb": _peak_memory_mb(),
    }


def task_facts(task, options_of_data, classes):
    """What a record says of the task: its name, what it tells and, of a binary model, what it looks for.

    Args:
        task: `training.Task`, or the class of it.
        options_of_data: `groups.DataOptions`, resolved.
        classes: names of the outputs.
    """
    target = None
    if task.positive_class is not None:
        target = datasets.target_of(options_of_data.dataset, options_of_data.positive)
    facts = {
        "name": task.name,
        "description": task.description(classes, target),
        "positive_class": task.positive_class,
    }
    if target is None:
        return facts
    words = {name: list(value) if isinstance(value, tuple) else value for name, value in vars(target).items()}
    return facts | {"target": words}


def malignancy(options_of_data, classes):
    """{"malignancy": {class: kind}} of the outputs, or nothing where no class is a diagnosis that is known."""
    known = datasets.malignancy_of(options_of_data.dataset, classes)
    return {"malignancy": known} if known else {}


def _not_done(facts, data, calibrations):
    """What the settings say of calibration and operating point that the images, or the model, did not allow."""
    done = {}
    if not calibrations:
        done["calibration"] = "none" if data.has_validation else "none: no validation images"
    if not data.has_validation:
        done["operating point"] = OPERATING_POINTS["fixed_0.5"].title
    return {name: value for name, value in done.items() if name in facts}


def _probability_limits(task, evaluation):
    """What training did to the probabilities, unless temperature and biases were fitted to take it back.

    The float model of a run that was begun before there was calibration, and resumed, has none.
    """
    trained = {"float", "QAT"} & set(evaluation.results)
    with_bias = {name for name, one in evaluation.calibrations.items() if any(one["bias"])}
    return [] if trained <= with_bias else list(task.probability_limits)


def data_facts(options_of_data, data):
    """What a record says of the images; `data` is `SplitImages`."""
    dataset = options_of_data.dataset
    limits = dataset.limits + (dataset.binary_limits if data.positives else ())
    named = data.manifest.table[["lesion_id", "patient_id"]].notna()
    grouping = [column.removesuffix("_id") for column in named if named[column].any()]
    method = datasets.split_method(data.manifest, options_of_data.split_by)
    grouped = method == "grouped" or (method == "given" and _keeps_groups(data))
    return {
        "name": options_of_data.data,
        "title": dataset.title,
        "licence": dataset.licence,
        "grouped_by": (" or ".join(grouping) or None) if grouped else None,
        "ungrouped": int((~named.any(axis=1)).sum()),
        "limits": list(limits),
    }


def copies(options_of_data, data):
    """What a record says of images that occur twice, here and in other data sets, and of those left out."""
    return {
        "duplicates": datasets.count_duplicates(data.manifest, data.duplicates, data.used),
        "left_out": len(data.left_out),
        "overlaps": list(options_of_data.dataset.overlaps),
    }


def cut_images(geometry, data):
    """What a record says of images of which a crop drops more than a quarter; `data` is `SplitImages`."""
    rows = np.flatnonzero(data.used != "")
    cut = data.images.count_cut(rows) if geometry == "crop" else None
    return {} if cut is None else {"cut": {"images": cut, "of": len(rows)}}


def _keeps_groups(data):
    subsets = pd.Series(data.assignment).groupby(data.manifest.groups()).nunique()
    return bool((subsets == 1).all())


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
