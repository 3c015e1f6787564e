"""Melanoma or benign: from pictures to a verified integer model.

python -m pipelines.binary --gamma 10
python -m pipelines.binary --gamma 10 --data ham10000 --data-dir DIR
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import keras

from pipelines.common import binary_results, export
from pipelines.common import settings as common_settings
from pipelines.common.cleaning import cleaned
from pipelines.common.console import refuse_invalid_input, run, section
from pipelines.common.job import begin
from pipelines.common.run_folder import RunFolder
from pipelines.common.settings import JobSettings, check_least
from pipelines.common.training import (
    Phase,
    check_device,
    freeze,
    quantization_aware,
    train_phase,
    unfreeze,
)
from skinkeras import callbacks, datasets, layers, losses, models
from skinkeras.files import write_json
from skinkeras.memory import free_memory


@dataclass(frozen=True)
class Settings(JobSettings):
    """Settings of the binary job. None stands for what `resolved` puts there."""

    gamma: float = 1.0
    """Cost of missing a malignant image against that of a false alarm (Gilal et al. 2023, eq. 7)."""
    loss: Literal["recall", "crossentropy", "inverse_frequency", "focal"] = "recall"
    """Recall (eq. 6, 7), plain (eq. 2), inverse-frequency (eq. 4) or focal cross-entropy (eq. 5)."""
    focal_delta: float = 2.0
    """The exponent of the focal loss."""
    recall_update: Literal["batch", "epoch"] = "batch"
    """When the recall loss's miss rates move: a moving average after each batch, or once an epoch."""
    learn: Literal["diagnosis", "binary"] = "diagnosis"
    """Learn every class of the data set and add up those that are malignant, or learn two classes."""
    epochs: int | None = None
    """Epochs of all layers; by default 10 (4 for synthetic pictures)."""
    dropout: float | None = None
    """Rate in front of the classifier; by default the architecture's own (0.2 for Lite0)."""
    head_epochs: int = 1
    """Epochs of the classifier alone, before those."""
    qat_epochs: int | None = None
    """Epochs of quantization-aware fine-tuning; by default 2 (1 for synthetic pictures)."""
    export: bool = True
    """Go on to integers and .tflite files; without, the run ends with the float model's evaluation."""
    out: Path = Path("runs/binary")
    """The run's folder."""


def main(settings):
    """Trains a melanoma classifier and exports it as verified, benchmarked .tflite files."""
    with refuse_invalid_input():
        settings = resolved(settings)
        folder = RunFolder(settings.out)
        folder.check(settings, settings.resume)
        if folder.is_complete:
            return binary_results.print_results(folder)
        check_device(settings)
        data, rounds = begin(settings, folder)
    data = cleaned(settings, data, rounds, folder)
    if settings.learn == "binary":
        data = data.binary()
    section(f"Training {settings.model} at {settings.image_size} pixels")
    model = trained_model(settings, data, folder)
    quantized, files = None, {}
    if settings.export:
        section("Quantization-aware fine-tuning")
        quantized = fine_tuned_model(settings, model, data, folder)
        section("Export, verification, benchmark")
        files = export.export(folder, model, quantized, data, about(settings))
    section("Evaluation on the test images")
    binary_results.write(folder, settings, about(settings).name, data, files, model, quantized)
    folder.complete()
    binary_results.print_results(folder)


def resolved(settings):
    """The settings with every None replaced, checked.

    Raises:
        ValueError: a value out of its range, or weights that are not to be had.
    """
    drawn = settings.data == "synthetic"
    settings = common_settings.resolved(settings, epochs=4 if drawn else 10, qat_epochs=1 if drawn else 2)
    check_least(settings, epochs=1, head_epochs=0, qat_epochs=1, focal_delta=0)
    if settings.dropout is not None and not 0 <= settings.dropout < 1:
        raise ValueError(f"--dropout must be at least 0 and below 1. Received: {settings.dropout}")
    _check_loss(settings)
    losses.RecallCrossentropy(gamma=settings.gamma)  # says what is wrong with a wrong gamma
    return settings


def _check_loss(settings):
    """Raises ValueError if a parameter was given of a loss that was not chosen."""
    for name, loss in (("gamma", "recall"), ("focal_delta", "focal")):
        if settings.loss != loss and getattr(settings, name) != getattr(Settings, name):
            flag = "--" + name.replace("_", "-")
            raise ValueError(f"{flag} needs --loss {loss}: with --loss {settings.loss} nothing looks at it.")


def trained_model(settings, data, folder):
    """The float model with two outputs, from `model.keras` if it is there, else trained."""
    path = folder.file("model.keras")
    if not path.exists():
        _train(settings, data, folder, path)
    # Read back even if it has just been trained: a resumed run must go on from the same thing.
    return load_fresh(path)


def _train(settings, data, folder, path):
    keras.utils.set_random_seed(settings.seed)
    classes = len(data.manifest.classes)
    size, weights = settings.image_size, settings.weights
    model = models.create(settings.model, classes, size, weights, settings.dropout)
    loss, movers = build_loss(settings, data)
    train = lambda phase: train_phase(model, phase, data, loss, settings.batch_size, folder, movers)  # noqa: E731
    if settings.head_epochs:
        freeze(model)
        train(_phase(settings, "head", settings.head_epochs, settings.learning_rate, 1))
    unfreeze(model, settings.weights)
    train(_phase(settings, "all", settings.epochs, settings.learning_rate, 2))
    write_json(folder.state / "loss.json", keras.losses.serialize(loss))
    folder.save_model(binary_model(model, data), path)


def _phase(settings, name, epochs, max_lr, number):
    return Phase(name, epochs, max_lr, settings.seed + number, augmentation=settings.augmentation)


def fine_tuned_model(settings, model, data, folder):
    """The quantization-aware model, from `model_qat.keras` if it is there, else fine-tuned."""
    path = folder.file("model_qat.keras")
    if not path.exists():
        _fine_tune(settings, model, data, folder, path)
    return load_fresh(path)


def _fine_tune(settings, model, data, folder, path):
    loss, movers = build_loss(settings, data, json.loads((folder.state / "loss.json").read_text()))
    phase = _phase(settings, "qat", settings.qat_epochs, settings.learning_rate / 10, 3)
    quantized = quantization_aware(model, phase, data, loss, settings.batch_size, folder, movers)
    folder.save_model(quantized, path)


def load_fresh(path):
    """The saved model, after the memory of whatever was trained before it has been given back."""
    free_memory()
    return keras.models.load_model(path, compile=False)


def binary_model(model, data):
    """The model with the outputs benign and malignant, where it learned finer classes."""
    if len(data.manifest.classes) == 2:
        return model
    merged = layers.MergeClasses(data.groups, name="merge")(model.output)
    return keras.Model(model.input, merged, name=model.name)


def build_loss(settings, data, saved=None):
    """The loss, as new or as `saved`, and the callbacks that move it."""
    if settings.loss == "crossentropy":
        return keras.losses.CategoricalCrossentropy(), []
    if settings.loss == "focal":
        # The paper's focal loss has no alpha, for which Keras' default is 0.25.
        return keras.losses.CategoricalFocalCrossentropy(alpha=1.0, gamma=settings.focal_delta), []
    if settings.loss == "inverse_frequency":
        return losses.InverseFrequencyCrossentropy(data.part("train").one_hot.sum(axis=0)), []
    if saved:
        loss = keras.losses.deserialize(saved)
    elif len(data.groups) == 2:
        loss = losses.RecallCrossentropy(gamma=settings.gamma)
    else:
        loss = losses.DiagnosisRecallCrossentropy(data.groups, settings.gamma)
    return loss, [callbacks.RecallTerms(loss, settings.recall_update, class_names=datasets.BINARY_CLASSES)]


def about(settings):
    """What the exported files are called and say about themselves."""
    return export.model_info(settings, "melanoma", "Melanoma or benign from a dermoscopy picture.")


if __name__ == "__main__":
    run(main, Settings)
