"""What every job reports in the same way: forms of the model, what they say, facts for card and contract."""

import dataclasses
import resource
import shlex
import sys

import numpy as np
import rich.table

from pipelines.common import run_folder
from pipelines.common.console import console
from pipelines.common.data import SOURCES
from skinkeras import evaluation, tflite
from skinkeras.files import write_json

_BATCH = 64
# In a command that makes the same run again, paths of this machine are left out, or stand under another name.
_LEFT_OUT = ("resume", "cache_dir", "out", "clean_dir", "materialise")
_RENAMED = {"data_dir": "DIR", "weights": "FILE", "taxonomy": "FILE"}


@dataclasses.dataclass(frozen=True)
class ModelForm:
    """One form of the model: float, QAT, or a .tflite file.

    Attributes:
        name: for tables and figures.
        predict: (n, size, size, 3) float32 -> (n, classes) probabilities.
        file: its `ExportedFile`, if it is one.
    """

    name: str
    predict: object
    file: object = None


def variants(model, quantized=None, files=None):
    """The `ModelForm`s of a run, float first.

    Args:
        model, quantized: the float and the quantization-aware Keras model (None without export).
        files: {kind: `ExportedFile`}.
    """
    return [
        ModelForm("float", model.predict_on_batch),
        *([ModelForm("QAT", quantized.predict_on_batch)] if quantized else []),
        *(
            ModelForm(kind, tflite.Classifier(file.path).predict, file)
            for kind, file in (files or {}).items()
        ),
    ]


def probabilities(variant, data, part):
    """(n, classes) of the images of one part of the split."""
    dataset = data.part(part).dataset(_BATCH)
    answers = np.concatenate([variant.predict(images.numpy()) for images, _ in dataset])
    return np.minimum(answers, 1.0)  # of several classes added up in float32, a sure one is a little above


def data_facts(settings, data):
    """What a card says of the images."""
    source = SOURCES[settings.data]
    limits = evaluation.KNOWN_LIMITS.get(settings.data, ())
    if data.positives:
        limits += evaluation.BINARY_LIMITS.get(settings.data, ())
    named = data.manifest.table[["lesion_id", "patient_id"]].notna()
    grouping = [column.removesuffix("_id") for column in named if named[column].any()]
    return evaluation.DataFacts(
        name=settings.data,
        source=source.title,
        licence=source.licence,
        counts=data.counts(),
        grouped_by=(" or ".join(grouping) or None) if settings.split == "grouped" else None,
        ungrouped=int((~named.any(axis=1)).sum()),
        limits=limits,
        synthetic=source.synthetic,
    )


def file_facts(variant):
    """The fields of `evaluation.VariantFacts` that a file has, whatever was measured of its answers."""
    file = variant.file
    if file is None:
        return {"name": variant.name}
    return {
        "name": variant.name,
        "file": file.path.name,
        "size_bytes": file.size_bytes,
        "latency_ms": {latency.threads: latency.median_ms for latency in file.latency},
        "agreement": file.report.agreement,
        "largest_difference": file.report.max_difference,
    }


def command(job, settings):
    """The command that makes the same run again, with paths of this machine left out.

    Args:
        job: the job's module, such as "pipelines.binary".
        settings: its settings, resolved.
    """
    parts = ["python", "-m", job]
    for field in dataclasses.fields(settings):
        value = getattr(settings, field.name)
        if field.name in _LEFT_OUT or value in (field.default, None):
            continue
        flag = "--" + field.name.replace("_", "-")
        if field.name in _RENAMED and value not in ("imagenet", "none"):
            parts += [flag, _RENAMED[field.name]]
        elif isinstance(value, bool):
            parts.append(flag if value else flag.replace("--", "--no-", 1))
        elif isinstance(value, tuple):
            parts += [flag, *map(str, value)]
        else:
            parts += [flag, str(value)]
    return shlex.join(parts)


def machine_facts():
    """What `metrics.json` says of the machine and of the process's memory."""
    per_mb = 1e6 if sys.platform == "darwin" else 1e3  # bytes there, kibibytes on Linux
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / per_mb
    return {"peak_memory_mb": round(peak), "host": run_folder.host()}


def write_contract(run, facts, files, task, positive_class, tests, titles):
    """`<name>.json`: the contract that an app reads.

    Args:
        run: `RunFolder`.
        facts: `evaluation.ModelFacts`.
        files: {kind: `ExportedFile`}.
        task: in words.
        positive_class: the class that the threshold is for; None without a threshold.
        tests: {kind: metrics of the file on the test images}.
        titles: {class: its name in full}.
    """
    size = facts.input_size
    contract = {
        "schema_version": tflite.SCHEMA_VERSION,
        "name": facts.name,
        "task": task,
        "not_a_medical_device": True,
        "synthetic": facts.data.synthetic,
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
            "shape": [1, len(facts.classes)],
            "dtype": "float32",
            "meaning": "softmax",
        },
        "classes": facts.classes,
        "class_titles": {name: titles.get(name, name) for name in facts.classes},
        "positive_class": positive_class,
        "threshold": facts.threshold,
        "files": {
            kind: {
                "file": file.path.name,
                "sha256": file.sha256,
                "size_bytes": file.size_bytes,
                "test": tests[kind],
                "median_ms": {str(latency.threads): latency.median_ms for latency in file.latency},
                "golden": tflite.golden(file.path),
            }
            for kind, file in files.items()
        },
        "latency_host": facts.latency_host,
        "data": {"name": facts.data.source, "licence": facts.data.licence, "images": facts.data.counts},
        "versions": facts.versions,
        "command": facts.command,
    }
    write_json(run.export / f"{facts.name}.json", contract)


def results_table(title, columns, rows, synthetic):
    """Prints the last table of a run: a model a row."""
    table = rich.table.Table(title=f"SYNTHETIC. {title}" if synthetic else title, title_justify="left")
    for column in columns:
        table.add_column(column, justify="left" if column == "model" else "right")
    for row in rows:
        table.add_row(*row)
    console.print()
    console.print(table)


def file_cells(file):
    """Size and latencies of a file, from `metrics.json`, for `results_table`; empty for what is no file."""
    if not file:
        return ["", "", ""]
    return [
        f"{file['size_bytes'] / 1e6:.1f} MB",
        *(f"{timing['median_ms']:.1f} ms" for timing in file["latency"]),
    ]


def print_paths(run):
    """Where everything is."""
    if run.export.exists():
        console.print(f"Files to ship: {run.export}")
    console.print(f"Card:          {run.file('card.md')}")
    console.print(f"Figures:       {run.figures}")
