"""What a run over several classes found out, split by split and on average."""

import dataclasses
import json

import numpy as np
import pandas as pd

from pipelines.common import results, run_folder
from pipelines.common.data import SOURCES
from skinkeras import datasets, evaluation
from skinkeras.evaluation import markdown, plots
from skinkeras.files import replacing, write_json, write_text

# What is averaged over splits: field of `MulticlassMetrics` -> heading.
SCORES = {
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy",
    "mean_precision": "mean precision",
    "mean_f1": "mean F1",
    "macro_auc": "mean AUC",
}

# In the words of the papers.
_WEIGHTINGS = {
    "none": "none",
    "cb": "class balance",
    "es": "effective number of samples",
    "spl": "self-paced, easiest samples first",
    "ohem": "online hard example mining",
    "ohem_per_class": "online hard example mining in each class",
    "la": "none; logits adjusted by how common the classes are (Menon et al. 2021)",
}
_EQUALLY_COMMON = (
    "Trained as if every class were equally common: a probability is no estimate of how often an image like "
    "this one has the diagnosis, and rare diagnoses are named more often than they occur.",
)


@dataclasses.dataclass(frozen=True)
class SplitResults:
    """What the models of one split say about its test images.

    Attributes:
        forms: for each form of the model what `results.file_facts` says; the models themselves are let go.
        scores: {name of the variant: (n, classes) probabilities}.
        metrics: {name of the variant: `evaluation.MulticlassMetrics`}.
        levels: {name of the variant: {"level1": metrics of its nodes, ...}}; empty without a taxonomy.
    """

    forms: list
    scores: dict
    metrics: dict
    levels: dict


def evaluate(split, variants):
    """Measures every form of a split's model on the split's test images, and writes its predictions.

    Args:
        split: `pipelines.multiclass.Split`.
        variants: list of `results.ModelForm`.
    """
    test, classes = split.data.part("test"), split.data.manifest.classes
    labels = test.one_hot.argmax(axis=1)
    scores = {v.name: results.probabilities(v, split.data, "test") for v in variants}
    metrics = {
        name: evaluation.multiclass_metrics(labels, values, classes, test.groups)
        for name, values in scores.items()
    }
    levels = {}
    if split.taxonomy:
        levels = {
            name: evaluation.level_metrics(labels, values, split.taxonomy, test.groups)
            for name, values in scores.items()
        }
    _write_predictions(split, test, scores)
    return SplitResults([results.file_facts(v) for v in variants], scores, metrics, levels)


def _write_predictions(split, test, scores):
    """`predictions.csv`, and in the format of the ISIC challenge where the classes are its own."""
    classes, ids = split.data.manifest.classes, test.table["image_id"].to_numpy()
    columns = {
        "image_id": ids,
        "image": test.table["image"].to_numpy(),
        "group": test.groups,
        "label": test.table["label"].to_numpy(),
    }
    for name, values in scores.items():
        columns |= {f"{name}_{label}": values[:, number] for number, label in enumerate(classes)}
    with replacing(split.folder.file("predictions.csv")) as temporary:
        pd.DataFrame(columns).to_csv(temporary, index=False)
    if sorted(classes) == sorted(datasets.HAM10000):
        for name, values in scores.items():
            path = split.folder.file(f"isic_submission_{name}.csv")
            evaluation.isic_submission(path, ids, values, classes)


def write(run, settings, name, splits, found, files):
    """Writes all that the run reports.

    Args:
        run: `RunFolder`.
        settings: the job's settings, resolved.
        name: of the exported files.
        splits: list of `pipelines.multiclass.Split`.
        found: the `SplitResults` of each.
        files: {kind: `ExportedFile`}, of the first split; empty without export.
    """
    first, source = splits[0], SOURCES[settings.data]
    mean = _mean(found)
    facts = evaluation.ModelFacts(
        name=name,
        architecture=f"{settings.model}, initial weights: {settings.weights}",
        classes=first.data.manifest.classes,
        input_size=settings.image_size,
        threshold=None,
        data=results.data_facts(settings, first.data),
        variants=tuple(
            evaluation.VariantFacts(**form, multiclass=found[0].metrics[form["name"]])
            for form in found[0].forms
        ),
        training=_training_facts(settings, first.data),
        command=results.command("pipelines.multiclass", settings),
        versions=run_folder.versions(),
        latency_host=run_folder.host(),
        titles={name: source.titles[name] for name in first.data.manifest.classes if name in source.titles},
        averages="\n\n".join(filter(None, [_averages(found, mean), _levels(found[0])])),
        limits=_EQUALLY_COMMON if settings.weighting in ("cb", "es", "la") else (),
    )
    write_json(
        run.file("metrics.json"),
        {
            "synthetic": source.synthetic,
            "classes": first.data.manifest.classes,
            "mean": {"float": mean},
            "splits": [
                {"images": split.data.counts(), "test": result.metrics, "levels": result.levels}
                for split, result in zip(splits, found, strict=True)
            ],
            "files": {kind: file.facts() for kind, file in files.items()},
            **results.machine_facts(),
        },
    )
    _draw(run, first, found[0], source.note)
    card = evaluation.model_card(facts)
    if files:
        count = len(facts.classes)
        task = f"which of {count} diagnoses, dermoscopy"
        tests = {kind: found[0].metrics[kind] for kind in files}
        results.write_contract(run, facts, files, task, None, tests, facts.titles)
        write_text(run.export / f"{name}.card.md", card)
    write_text(run.file("card.md"), card)


def _mean(found):
    """The float models' scores, averaged over the splits."""
    metrics = [result.metrics["float"] for result in found]
    scores = {score: float(np.mean([getattr(m, score) for m in metrics])) for score in SCORES}
    per_class = {
        name: {
            key: float(np.mean([m.per_class[name][key] for m in metrics]))
            for key in ("recall", "precision", "f1")
        }
        for name in metrics[0].per_class
    }
    return {**scores, "per_class": per_class}


def _averages(found, mean):
    if len(found) == 1:
        return ""
    rows = [
        [f"split {number}", *(f"{getattr(result.metrics['float'], score):.3f}" for score in SCORES)]
        for number, result in enumerate(found, 1)
    ]
    rows.append(["mean", *(f"{mean[score]:.3f}" for score in SCORES)])
    text = (
        f"The float models of {len(found)} splits, each on its own test images; the files are of the first:"
    )
    return f"{text}\n\n{markdown.table(['split', *SCORES.values()], rows)}"


def _levels(result):
    """Accuracy level by level of the tree, of the variant that ships."""
    if not result.levels:
        return ""
    shipped = list(result.levels)[-1]
    rows = [
        [
            level.removeprefix("level"),
            str(m.n),
            ", ".join(m.classes),
            f"{m.accuracy:.3f}",
            f"{m.balanced_accuracy:.3f}",
        ]
        for level, m in result.levels[shipped].items()
    ]
    header = ["level", "test images", "nodes", "accuracy", "balanced accuracy"]
    return f"Level by level, {shipped}, on the images whose diagnosis has the level:\n\n" + markdown.table(
        header, rows
    )


def _training_facts(settings, data):
    focal = f", delta {settings.focal_delta:g}" if settings.base_loss == "focal" else ""
    return {
        "base loss": settings.base_loss + focal,
        "weighting": _WEIGHTINGS[settings.weighting] + (", as printed" if settings.raw_weights else ""),
        **_schedule(settings),
        "classes": ", ".join(data.manifest.classes),
        "augmentation": settings.augmentation,
        "colour constancy": "Shades of Gray, inside the model"
        if settings.colour_constancy == "yes"
        else "none",
        "epochs": f"{settings.head_epochs} classifier, {settings.epochs} all layers",
        **({"size of the LSTM": settings.units} if settings.units else {}),
        **_fine_tuning(settings),
        "batch size": settings.batch_size,
        "seed": settings.seed,
    }


def _schedule(settings):
    if settings.optimizer == "one_cycle":
        return {"optimizer": "adam", "learning rate": f"one-cycle up to {settings.learning_rate:g}"}
    rate = f"{settings.learning_rate:g}, divided by 10 at a half and at 3/4 of the epochs"
    return {"optimizer": settings.optimizer, "learning rate": rate}


def _fine_tuning(settings):
    if not settings.export:
        return {}
    rate = f"one-cycle up to {settings.qat_learning_rate:g}"
    return {"quantization-aware": f"{settings.qat_epochs} epochs, {rate}"}


def _draw(run, split, result, note):
    shown = "int8" if "int8" in result.metrics else "float"
    metrics = result.metrics[shown]
    ties = f"; {metrics.n_undecided} images with two classes equally probable are left out"
    plots.confusion_matrix(
        metrics.confusion_matrix,
        split.data.manifest.classes,
        run.figures / "confusion_matrix.png",
        f"{shown}, balanced accuracy {metrics.balanced_accuracy:.3f}",
        note + (ties if metrics.n_undecided else ""),
    )
    history = pd.read_csv(split.folder.file("history.csv"))
    plots.training_curves(history, run.figures / "training.png", note)


def print_results(run):
    """The last lines of a run: every form of the first split's model, and the average over the splits."""
    metrics = json.loads(run.file("metrics.json").read_text())
    columns = ("model", "balanced accuracy [95 %]", "accuracy", "mean F1", "size", "1 thread", "2 threads")
    rows = []
    for name, m in metrics["splits"][0]["test"].items():
        low, high = m["balanced_accuracy_interval"]
        rows.append(
            [
                name,
                f"{m['balanced_accuracy']:.3f} [{low:.3f}, {high:.3f}]",
                f"{m['accuracy']:.3f}",
                f"{m['mean_f1']:.3f}",
                *results.file_cells(metrics["files"].get(name)),
            ]
        )
    if len(metrics["splits"]) > 1:
        mean = metrics["mean"]["float"]
        scores = [f"{mean[score]:.3f}" for score in ("balanced_accuracy", "accuracy", "mean_f1")]
        rows.append([f"float, mean of {len(metrics['splits'])} splits", *scores, "", "", ""])
    results.results_table("Test images of the first split", columns, rows, metrics["synthetic"])
    results.print_paths(run)
