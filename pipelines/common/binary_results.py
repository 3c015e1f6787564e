"""What a binary run found out: metrics, predictions, figures, the card and the last table on the console."""

import json

import pandas as pd

from pipelines.common import results, run_folder
from pipelines.common.console import console
from pipelines.common.data import SOURCES
from skinkeras import datasets, evaluation
from skinkeras.evaluation import plots
from skinkeras.files import replacing, write_json, write_text

# How much an image counts in training, by each loss that does not count all alike.
_COUNTED = {
    "recall": "the more, the more of its class are missed and the more a miss costs",
    "inverse_frequency": "the more, the rarer its class is",
    "focal": "the more, the less likely its class seems",
}


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
    variants = results.variants(model, quantized, files)
    scores = {v.name: results.probabilities(v, data, "test") for v in variants}
    # The model whose validation predictions choose the operating threshold: the one that ships as integers.
    chooser = variants[1 if quantized else 0]
    validation = data.part("validation")
    threshold = evaluation.choose_threshold(
        validation.malignant, results.probabilities(chooser, data, "validation")[:, 1]
    )
    warn_of_threshold(threshold)
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
        results.write_contract(
            run,
            facts,
            files,
            "melanoma or benign, dermoscopy",
            datasets.BINARY_CLASSES[1],
            {v.name: v.at_chosen for v in facts.variants},
            {},
        )
        write_text(run.export / f"{name}.card.md", evaluation.model_card(facts))
    write_text(run.file("card.md"), evaluation.model_card(facts))


def warn_of_threshold(threshold):
    """Says so where the chosen threshold calls every picture malignant."""
    if threshold == 0:
        console.print(
            "  No threshold is better on the validation images than calling everything malignant: the model "
            "tells nothing apart. It is not fit to ship, and no release takes it.",
            style="bold red",
        )


def _model_facts(settings, name, data, variants, threshold, at_half, at_chosen):
    return evaluation.ModelFacts(
        name=name,
        architecture=f"{settings.model}, initial weights: {settings.weights}",
        classes=datasets.BINARY_CLASSES,
        input_size=settings.image_size,
        threshold=threshold,
        data=results.data_facts(settings, data),
        variants=tuple(_variant_facts(v, at_half, at_chosen) for v in variants),
        training=_training_facts(settings, data),
        command=results.command("pipelines.binary", settings),
        versions=run_folder.versions(),
        latency_host=run_folder.host(),
        limits=limits(settings),
    )


def limits(settings):
    """What a card says against the model for the loss that it was trained with."""
    if settings.loss not in _COUNTED:
        return ()
    return (
        f"In training an image counts {_COUNTED[settings.loss]}: a probability is no estimate of how often "
        "an image like this one is malignant. The results say how often it was.",
    )


def _variant_facts(variant, at_half, at_chosen):
    return evaluation.VariantFacts(
        **results.file_facts(variant), at_half=at_half[variant.name], at_chosen=at_chosen[variant.name]
    )


def _training_facts(settings, data):
    return {
        "loss": settings.loss,
        "gamma": settings.gamma if settings.loss == "recall" else "not used by this loss",
        "miss rates move": f"after each {settings.recall_update}"
        if settings.loss == "recall"
        else "not used",
        **({"focal delta": settings.focal_delta} if settings.loss == "focal" else {}),
        "augmentation": settings.augmentation,
        "oversampling": settings.oversample,
        "cleaning": _cleaning(settings),
        "learned classes": ", ".join(data.manifest.classes),
        "counted as malignant": ", ".join(settings.positive),
        "epochs": f"{settings.head_epochs} classifier, {settings.epochs} all layers"
        + (f", {settings.qat_epochs} quantization-aware" if settings.export else ""),
        "highest learning rate": settings.learning_rate,
        "batch size": settings.batch_size,
        **({} if settings.dropout is None else {"dropout": settings.dropout}),
        "seed": settings.seed,
    }


def _cleaning(settings):
    if settings.clean == "none":
        return "none"
    how = f"out of {settings.clean_folds} folds" if settings.clean_folds else "by one model"
    rounds = "" if settings.clean_rounds is None else f", {settings.clean_rounds} rounds"
    return f"{settings.clean}{rounds}, ranked {how}"


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
            **results.machine_facts(),
        },
    )


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


def print_results(run):
    """The last lines of a run: float, QAT and files side by side, and where everything is."""
    metrics = json.loads(run.file("metrics.json").read_text())
    columns = ("model", "AUC [95 %]", "malignant recall", "benign recall", "size", "1 thread", "2 threads")
    rows = []
    for name, result in metrics["test"].items():
        at = result["at_threshold"]
        low, high = at["roc_auc_interval"]
        rows.append(
            [
                name,
                f"{at['roc_auc']:.3f} [{low:.3f}, {high:.3f}]",
                f"{at['malignant_recall']:.3f}",
                f"{at['benign_recall']:.3f}",
                *results.file_cells(metrics["files"].get(name)),
            ]
        )
    title = f"Test images, threshold {metrics['threshold']:.3f}"
    results.results_table(title, columns, rows, metrics["synthetic"])
    results.print_paths(run)
