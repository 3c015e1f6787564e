"""Melanoma or benign: from pictures to a verified integer model.

python -m pipelines.binary --gamma 10
python -m pipelines.binary --gamma 10 --data ham10000 --data-dir DIR
"""

import dataclasses
import gc
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import keras

import skinkeras
from pipelines.common import export, report
from pipelines.common.console import at_the_door, run, section
from pipelines.common.data import SOURCES, load_data, record_data
from pipelines.common.run_folder import RunFolder
from pipelines.common.training import (
    Phase,
    quantization_aware,
    set_up_keras,
    train_phase,
)
from skinkeras import callbacks, datasets, layers, losses, models, tflite
from skinkeras.files import write_json


@dataclass(frozen=True)
class Settings:
    """Settings of the binary job. None stands for what `resolved` puts there."""

    gamma: float = 1.0
    """Cost of missing a malignant image against that of a false alarm (Gilal et al. 2023, eq. 7)."""
    data: Literal[tuple(SOURCES)] = "synthetic"
    """Which data set; "synthetic" draws its own pictures, for a demonstration without data."""
    data_dir: Path | None = None
    """The folder that holds the data set."""
    positive: tuple[str, ...] = ()
    """Classes that count as malignant; by default those of the data set (melanoma)."""
    learn: Literal["diagnosis", "binary"] = "diagnosis"
    """Learn every class of the data set and add up those that are malignant, or learn two classes."""
    split: Literal["grouped", "paper"] = "grouped"
    """Keep lesions and patients together, or split by image as Gilal et al. 2023 did (which leaks)."""
    limit: int | None = None
    """Use only about this many images, for a quick look."""
    skip_bad_images: bool = False
    """Leave out pictures that cannot be read, instead of stopping."""
    keep_known_duplicates: bool = False
    """Keep both pictures of the published ISIC 2020 duplicate pairs, as --split paper always does."""
    model: Literal[tuple(models.VARIANTS)] = "efficientnet_lite0"
    """The architecture."""
    weights: str = "imagenet"
    """What training starts from: "imagenet", "none", or a file."""
    image_size: int | None = None
    """Pixels, height and width; by default the model's own (96 for synthetic pictures)."""
    loss: Literal["recall", "crossentropy", "inverse_frequency", "focal"] = "recall"
    """Recall (eq. 6, 7), plain (eq. 2), inverse-frequency (eq. 4) or focal cross-entropy, delta 2 (eq. 5)."""
    recall_update: Literal["batch", "epoch"] = "batch"
    """When the recall loss's miss rates move: a moving average after each batch, or once an epoch."""
    epochs: int | None = None
    """Epochs of all layers; by default 10 (4 for synthetic pictures)."""
    head_epochs: int = 1
    """Epochs of the classifier alone, before those."""
    qat_epochs: int | None = None
    """Epochs of quantization-aware fine-tuning; by default 2 (1 for synthetic pictures)."""
    batch_size: int = 32
    """Images in a training step."""
    learning_rate: float = 5e-4
    """The highest of the one-cycle schedule; fine-tuning for integers goes up to a tenth of it. The paper has
    1e-3 at batches of 128; this is that for batches of 32, by the square root of their ratio."""
    seed: int = 0
    """Of the split, the order of the pictures, the augmentation and the first weights."""
    deterministic: bool = True
    """The same command gives the same weights on the same machine."""
    out: Path = Path("runs/binary")
    """The run's folder."""
    resume: bool = False
    """Go on with the run in that folder."""
    cache_dir: Path | None = None
    """Where decoded pictures are kept for the next run; by default `.cache` beside the run's folder."""


def main(settings):
    """Trains a melanoma classifier and exports it as verified, benchmarked .tflite files."""
    with at_the_door():
        settings = resolved(settings)
        folder = RunFolder(settings.out)
        folder.check(settings, settings.resume)
        if folder.is_complete:
            return report.print_results(folder)
        set_up_keras(settings.seed, settings.deterministic)
        section("Data")
        data = load_data(settings, folder.file("split.csv"))
        folder.begin(settings)
        record_data(data, folder)
    section(f"Training {settings.model} at {settings.image_size} pixels")
    model = trained_model(settings, data, folder)
    section("Quantization-aware fine-tuning")
    quantized = fine_tuned_model(settings, model, data, folder)
    section("Export, verification, benchmark")
    name = export_name(settings)
    files = export.export(folder, name, model, quantized, data, about(settings, name))
    section("Evaluation on the test images")
    report.write(folder, settings, name, data, files, model, quantized)
    folder.complete()
    report.print_results(folder)


def resolved(settings):
    """The settings with every None replaced, checked.

    Raises:
        ValueError: a value out of its range, or weights that are not to be had.
    """
    drawn = settings.data == "synthetic"
    defaults = {
        "image_size": 96 if drawn else models.variant(settings.model).input_size,
        "epochs": 4 if drawn else 10,
        "qat_epochs": 1 if drawn else 2,
        "cache_dir": settings.out.parent / ".cache",
    }
    missing = {name: value for name, value in defaults.items() if getattr(settings, name) is None}
    settings = dataclasses.replace(
        settings, **missing, positive=settings.positive or SOURCES[settings.data].positive
    )
    for name, least in (("epochs", 1), ("head_epochs", 0), ("qat_epochs", 1), ("batch_size", 1), ("seed", 0)):
        if getattr(settings, name) < least:
            raise ValueError(
                f"--{name.replace('_', '-')} must be at least {least}. Received: {getattr(settings, name)}"
            )
    if not 0 < settings.learning_rate < 1:
        raise ValueError(f"--learning-rate must be between 0 and 1. Received: {settings.learning_rate}")
    losses.RecallCrossentropy(gamma=settings.gamma)  # says what is wrong with a wrong gamma
    models.check_input_size(settings.model, settings.image_size)
    models.check_available(settings.model, settings.weights)
    return settings


def trained_model(settings, data, folder):
    """The float model with two outputs, from `model.keras` if it is there, else trained."""
    path = folder.file("model.keras")
    if not path.exists():
        keras.utils.set_random_seed(settings.seed)
        classes = len(data.manifest.classes)
        with at_the_door():  # a weights file can turn out to be of another model
            model = models.create(settings.model, classes, settings.image_size, settings.weights)
        loss, movers = build_loss(settings, data)
        train = lambda phase: train_phase(model, phase, data, loss, settings.batch_size, folder, movers)  # noqa: E731
        if settings.head_epochs:
            set_trainable(model, lambda layer: False)
            train(Phase("head", settings.head_epochs, settings.learning_rate, settings.seed + 1))
        # Statistics of a small, uniform set of pictures in place of ImageNet's make a network that answers
        # to noise and sharpness: docs/how_a_run_works.md has the figures.
        pretrained = settings.weights not in (None, "none")
        set_trainable(model, lambda layer: not (pretrained and is_batch_normalization(layer)))
        train(Phase("all", settings.epochs, settings.learning_rate, settings.seed + 2))
        write_json(folder.state / "loss.json", keras.losses.serialize(loss))
        folder.save_model(binary_model(model, data), path)
    # Read back even if it has just been trained: a resumed run must go on from the same thing.
    return load_fresh(path)


def fine_tuned_model(settings, model, data, folder):
    """The quantization-aware model, from `model_qat.keras` if it is there, else fine-tuned."""
    path = folder.file("model_qat.keras")
    if not path.exists():
        loss, movers = build_loss(settings, data, json.loads((folder.state / "loss.json").read_text()))
        phase = Phase("qat", settings.qat_epochs, settings.learning_rate / 10, settings.seed + 3)
        quantized = quantization_aware(model, phase, data, loss, settings.batch_size, folder, movers)
        folder.save_model(quantized, path)
    return load_fresh(path)


def load_fresh(path):
    """The saved model, after the memory of whatever was trained before it has been given back."""
    keras.backend.clear_session()
    gc.collect()
    return keras.models.load_model(path, compile=False)


def set_trainable(model, chosen):
    """Makes those layers in front of the classifier trainable for which `chosen(layer)` is true."""
    for layer in models.backbone_layers(model):
        layer.trainable = chosen(layer)


def is_batch_normalization(layer):
    """Whether the layer carries batch statistics (frozen, it uses them and leaves them as they are)."""
    return isinstance(layer, keras.layers.BatchNormalization)


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
        # The paper's delta; its focal loss has no alpha, for which Keras' default is 0.25.
        return keras.losses.CategoricalFocalCrossentropy(alpha=1.0, gamma=2.0), []
    if settings.loss == "inverse_frequency":
        return losses.InverseFrequencyCrossentropy(data.part("train").one_hot.sum(axis=0)), []
    if saved:
        loss = keras.losses.deserialize(saved)
    elif len(data.groups) == 2:
        loss = losses.RecallCrossentropy(gamma=settings.gamma)
    else:
        loss = losses.DiagnosisRecallCrossentropy(data.groups, settings.gamma)
    return loss, [callbacks.RecallTerms(loss, settings.recall_update, class_names=datasets.BINARY_CLASSES)]


def export_name(settings):
    """What the exported files are called."""
    kind = "demo_synthetic" if settings.data == "synthetic" else "melanoma"
    return f"{kind}_{settings.model}_{settings.image_size}"


def about(settings, name):
    """What the exported files say about themselves."""
    source = SOURCES[settings.data]
    return tflite.ModelInfo(
        name=name,
        description=f"Melanoma or benign from a dermoscopy picture. Trained on {source.title}. "
        "Not a medical device.",
        author="skinkeras",
        version=skinkeras.__version__,
        licence=source.licence,
    )


if __name__ == "__main__":
    run(main, Settings)
