"""What a run found out: metrics, predictions, figures, the card and the last table on the console."""

import dataclasses
import json
import resource
import shlex
import sys

import pandas as pd
import rich.table

from pipelines.common import run_folder
from pipelines.common.console import console
from pipelines.common.data import SOURCES
from skinkeras import datasets, evaluation, tflite
from skinkeras.evaluation import plots
from skinkeras.files import replacing, write_json, write_text

_BATCH = 64


@dataclasses.dataclass(frozen=True)
class Variant:
    """One form of the model: float, QAT, or a .tflite file.

    Attributes:
        name: for tables and figures.
        predict: (n, size, size, 3) float32 -> (n, 2) probabilities.
        file: its `ExportedFile`, if it is one.
    """

    name: str
    predict: object
    file: object = None


def write(run, settings, name, data, files, model, quantized):
    """Evaluates every form of the model on the same test images and writes all that the run reports.

    Args:
        run: `RunFolder`.
        settings: the job's settings, resolved.
        name: of the exported files.
        data: `pipelines.common.data.Data`.
        files: {kind: `ExportedFile`}; empty without export.
        model, quantized: the float and the quantization-aware Keras model (None without export).
    """
    variants = [
        Variant("float", model.predict_on_batch),
        *([Variant("QAT", quantized.predict_on_batch)] if quantized else []),
        *(Variant(kind, tflite.Classifier(file.path).predict, file) for kind, file in files.items()),
    ]
    scores = {v.name: _malignant_probability(v, data, "test") for v in variants}
    # The model whose validation predictions choose the operating threshold: the one that ships as integers.
    chooser = variants[1 if quantized else 0]
    validation = data.part("validation")
    threshold = evaluation.choose_threshold(
        validation.malignant, _malignant_probability(chooser, data, "validation")[:, 1]
    )
    test = data.part("test")
    lesions = test.groups
    at_half, at_chosen = (
        {v: evaluation.binary_metrics(test.malignant, scores[v][:, 1], limit, groups=lesions) for v in scores}
        for limit in (0.5, threshold)
    )
    facts = _model_facts(settings, name, data, variants, threshold, at_half, at_chosen)
    _write_metrics(run, data, files, facts, chooser.name)
    _write_predictions(run, test, scores, threshold)
    _draw(run, data, scores, at_chosen, SOURCES[settings.data])
    if files:
        _write_release_notes(run, name, settings, files, facts)
        write_text(run.export / f"{name}.card.md", evaluation.model_card(facts))
    write_text(run.file("card.md"), evaluation.model_card(facts))


def _malignant_probability(variant, data, part):
    dataset = data.part(part).dataset(_BATCH)
    return pd.concat([pd.DataFrame(variant.predict(images.numpy())) for images, _ in dataset]).to_numpy()


def _model_facts(settings, name, data, variants, threshold, at_half, at_chosen):
    source = SOURCES[settings.data]
    data_facts = evaluation.DataFacts(
        name=settings.data,
        source=source.title,
        licence=source.licence,
        counts=data.counts(),
        grouped_by="lesion and patient" if settings.split == "grouped" else None,
        limits=evaluation.KNOWN_LIMITS.get(settings.data, ()),
        synthetic=source.synthetic,
    )
    return evaluation.ModelFacts(
        name=name,
        architecture=f"{settings.model}, initial weights: {settings.weights}",
        classes=datasets.BINARY_CLASSES,
        input_size=settings.image_size,
        threshold=threshold,
        data=data_facts,
        variants=tuple(_variant_facts(v, at_half, at_chosen) for v in variants),
        training=_training_facts(settings, data),
        command=_command(settings),
        versions=run_folder.versions(),
        latency_host=run_folder.host(),
    )


def _variant_facts(variant, at_half, at_chosen):
    file = variant.file
    return evaluation.VariantFacts(
        name=variant.name,
        file=file.path.name if file else None,
        at_half=at_half[variant.name],
        at_chosen=at_chosen[variant.name],
        size_bytes=file.size_bytes if file else None,
        latency_ms={latency.threads: latency.median_ms for latency in file.latency} if file else {},
        agreement=file.report.agreement if file else None,
        largest_difference=file.report.max_difference if file else None,
    )


def _training_facts(settings, data):
    return {
        "loss": settings.loss,
        "gamma": settings.gamma if settings.loss == "recall" else "not used by this loss",
        "miss rates move": f"after each {settings.recall_update}"
        if settings.loss == "recall"
        else "not used",
        **({"focal delta": settings.focal_delta} if settings.loss == "focal" else {}),
        "oversampling": settings.oversample,
        "cleaning": _cleaning(settings),
        "learned classes": ", ".join(data.manifest.classes),
        "counted as malignant": ", ".join(settings.positive),
        "epochs": f"{settings.head_epochs} classifier, {settings.epochs} all layers"
        + (f", {settings.qat_epochs} quantization-aware" if settings.export else ""),
        "highest learning rate": settings.learning_rate,
        "batch size": settings.batch_size,
        "seed": settings.seed,
    }


def _cleaning(settings):
    if settings.clean == "none":
        return "none"
    how = f"out of {settings.clean_folds} folds" if settings.clean_folds else "by one model"
    rounds = "" if settings.clean_rounds is None else f", {settings.clean_rounds} rounds"
    return f"{settings.clean}{rounds}, ranked {how}"


def _command(settings):
    """The command that makes the same run again, with paths of this machine left out."""
    parts = ["python", "-m", "pipelines.binary"]
    for field in dataclasses.fields(settings):
        value = getattr(settings, field.name)
        if field.name in ("resume", "cache_dir", "out", "clean_dir", "materialise") or value in (
            field.default,
            None,
        ):
            continue
        flag = "--" + field.name.replace("_", "-")
        if field.name == "data_dir":
            parts += [flag, "DIR"]
        elif isinstance(value, bool):
            parts.append(flag if value else flag.replace("--", "--no-", 1))
        elif isinstance(value, tuple):
            parts += [flag, *map(str, value)]
        else:
            parts += [flag, str(value)]
    return shlex.join(parts)


def _write_metrics(run, data, files, facts, chooser):
    write_json(
        run.file("metrics.json"),
        {
            "synthetic": facts.data.synthetic,
            "threshold": facts.threshold,
            "threshold_chosen_on": f"validation, by the {chooser} model, for balanced accuracy",
            "images": data.counts(),
            "test": {v.name: {"at_0.5": v.at_half, "at_threshold": v.at_chosen} for v in facts.variants},
            "files": {kind: file.facts() for kind, file in files.items()},
            "peak_memory_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / _maxrss_per_mb()),
            "host": facts.latency_host,
        },
    )


def _maxrss_per_mb():
    return 1e6 if sys.platform == "darwin" else 1e3  # bytes there, kibibytes on Linux


def _write_predictions(run, test, scores, threshold):
    table = pd.DataFrame(
        {"image_id": test.table["image_id"].to_numpy(), "group": test.groups, "malignant": test.malignant}
    )
    for name, probabilities in scores.items():
        table[f"probability_{name}"] = probabilities[:, 1]
        table[f"predicted_{name}"] = (probabilities[:, 1] >= threshold).astype(int)
    with replacing(run.file("predictions.csv")) as temporary:
        table.to_csv(temporary, index=False)


def _draw(run, data, scores, metrics, source):
    test = data.part("test")
    note = source.note
    shown = [name for name in ("int8", "float") if name in scores]
    main = shown[0]
    plots.roc(
        {name: (test.malignant, scores[name][:, 1]) for name in shown},
        run.figures / "roc.png",
        {name: metrics[name] for name in shown},
        note,
    )
    best = metrics[main]
    plots.confusion_matrix(
        best.confusion_matrix,
        datasets.BINARY_CLASSES,
        run.figures / "confusion_matrix.png",
        f"{main}, threshold {best.threshold:.3f}",
        note,
    )
    plots.training_curves(pd.read_csv(run.file("history.csv")), run.figures / "training.png", note)
    plots.worst_misses(
        test.table["image"].tolist(),
        test.malignant,
        scores[main][:, 1],
        best.threshold,
        run.figures / "worst_misses.png",
        note=note,
    )


def _write_release_notes(run, name, settings, files, facts):
    """`<name>.json`: the contract that an app reads."""
    source = SOURCES[settings.data]
    at_chosen = {v.name: v.at_chosen for v in facts.variants}
    write_json(
        run.export / f"{name}.json",
        {
            "name": name,
            "task": "melanoma or benign, dermoscopy",
            "not_a_medical_device": True,
            "synthetic": source.synthetic,
            "input": {
                "name": "image",
                "shape": [1, settings.image_size, settings.image_size, 3],
                "dtype": "float32",
                "colour": "RGB",
                "range": [0, 255],
                "crop": "the largest centred square, resized to the input size (area averaging)",
                "normalisation": "inside the model",
            },
            "output": {"name": "probabilities", "shape": [1, 2], "dtype": "float32", "meaning": "softmax"},
            "classes": datasets.BINARY_CLASSES,
            "positive_class": datasets.BINARY_CLASSES[1],
            "threshold": facts.threshold,
            "files": {
                kind: {
                    "file": file.path.name,
                    "sha256": file.sha256,
                    "size_bytes": file.size_bytes,
                    "test": at_chosen[kind],
                    "median_ms": {str(latency.threads): latency.median_ms for latency in file.latency},
                }
                for kind, file in files.items()
            },
            "data": {"name": facts.data.source, "licence": facts.data.licence, "images": facts.data.counts},
            "versions": facts.versions,
            "command": facts.command,
        },
    )


def print_results(run):
    """The last lines of a run: float, QAT and files side by side, and where everything is."""
    metrics = json.loads(run.file("metrics.json").read_text())
    title = f"Test images, threshold {metrics['threshold']:.3f}"
    table = rich.table.Table(
        title=f"SYNTHETIC. {title}" if metrics["synthetic"] else title, title_justify="left"
    )
    for column in (
        "model",
        "AUC [95 %]",
        "malignant recall",
        "benign recall",
        "size",
        "1 thread",
        "2 threads",
    ):
        table.add_column(column, justify="left" if column == "model" else "right")
    for name, result in metrics["test"].items():
        at, file = result["at_threshold"], metrics["files"].get(name)
        low, high = at["roc_auc_interval"]
        size = f"{file['size_bytes'] / 1e6:.1f} MB" if file else ""
        latency = [f"{timing['median_ms']:.1f} ms" for timing in file["latency"]] if file else ["", ""]
        table.add_row(
            name,
            f"{at['roc_auc']:.3f} [{low:.3f}, {high:.3f}]",
            f"{at['malignant_recall']:.3f}",
            f"{at['benign_recall']:.3f}",
            size,
            *latency,
        )
    console.print()
    console.print(table)
    if run.export.exists():
        console.print(f"Files to ship: {run.export}")
    console.print(f"Card:          {run.file('card.md')}")
    console.print(f"Figures:       {run.figures}")
