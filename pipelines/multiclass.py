"""Which diagnosis: from pictures to a verified integer model of all classes, flat or level by level.

python -m pipelines.multiclass
python -m pipelines.multiclass --quick --weighting ohem --data ham10000 --data-dir DIR
"""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

import keras
import numpy as np
import yaml

from pipelines.common import export, multiclass_results, results
from pipelines.common.console import refuse_invalid_input, run, section
from pipelines.common.data import SOURCES, Data, chosen_images, load_data, record_data
from pipelines.common.run_folder import RunFolder
from pipelines.common.settings import TrainingSettings, check_least, check_model, check_training, filled
from pipelines.common.training import (
    Phase,
    check_device,
    freeze,
    quantization_aware,
    set_up_keras,
    train_phase,
    unfreeze,
)
from skinkeras import callbacks, datasets, inputs, losses, models
from skinkeras.files import write_text
from skinkeras.memory import free_memory
from skinkeras.models.architectures import architecture

# Each backbone with a dense classifier, with CBAM in front of it, and with an LSTM that goes down the tree.
_FORMS = ("{}", "{}_cbam", "hierarchical_{}")
MODELS = tuple(form.format(backbone) for backbone in models.ARCHITECTURES for form in _FORMS)

# Barata & Santiago 2021, section 4.2; and what two cores can do in minutes, from pretrained weights.
_PAPER = {
    "model": "vgg16_cbam",
    "image_size": 299,
    "batch_size": 20,
    "optimizer": "adam",
    "colour_constancy": "yes",
    "head_epochs": 0,
    "qat_epochs": 2,
}
_QUICK = {
    "model": "efficientnet_lite0_cbam",
    "image_size": 128,
    "batch_size": 32,
    "optimizer": "one_cycle",
    "colour_constancy": "no",
    "head_epochs": 1,
    "epochs": 4,
    "qat_epochs": 1,
}
_PAPER_EPOCHS = {"flat": 150, "hierarchical": 250}
_RATES = {
    "paper": {"adam": 1e-5, "sgd": 1e-4, "one_cycle": 1e-4},
    # At 5e-4 the large weights of rare classes (cb, es) make a flat model name one class for ever.
    "quick": {"adam": 1e-4, "sgd": 1e-3, "one_cycle": 2e-4},
}


@dataclass(frozen=True)
class Settings(TrainingSettings):
    """Settings of the job over several classes. None stands for what `resolved` puts there: the paper's."""

    EARLIER: ClassVar = {"head_epochs": 0}  # what a run did that has no record of it

    quick: bool = False
    """What two cores can do in minutes, where nothing else is said: EfficientNet-Lite0 with CBAM at 128
    pixels, batches of 32, one epoch of the classifier alone and 4 of all layers, one-cycle, no colour
    constancy. Drawn pictures are always learned so, at 96 pixels."""
    model: Literal[MODELS] | None = None
    """A backbone with a dense classifier, BACKBONE_cbam with attention in front of it, or
    hierarchical_BACKBONE, which diagnoses level by level; by default the paper's flat vgg16_cbam."""
    base_loss: Literal["ce", "focal"] = "ce"
    """Cross-entropy (Barata & Santiago 2021, eq. 5) or focal loss (eq. 6)."""
    focal_delta: float | None = None
    """The exponent of the focal loss; by default 2."""
    weighting: Literal["none", "cb", "es", "spl", "ohem", "ohem_per_class", "la"] = "none"
    """How samples are weighted: by class balance (eq. 7), by effective number (eq. 8), self-paced (eq. 9), or
    hard examples first (eq. 9), in each batch or in each class of it. la: no weights, but logits adjusted by
    the classes' frequencies (Menon et al. 2021), for flat models."""
    raw_weights: bool = False
    """Class weights of eq. 7 and 8 as printed, and not of mean 1: with SGD that is another learning rate."""
    optimizer: Literal["adam", "sgd", "one_cycle"] | None = None
    """Adam, or SGD with Nesterov's momentum, at a constant rate that is divided by 10 at a half and at three
    quarters of the epochs; or Adam on a one-cycle schedule. By default adam, with --quick one_cycle."""
    learning_rate: float | None = None
    """The first one, or one_cycle's highest; by default 1e-5 (adam), 1e-4 (sgd, one_cycle); with --quick 1e-4
    (adam), 1e-3 (sgd), 2e-4 (one_cycle)."""
    image_size: int | None = None
    """Pixels, height and width; by default 299, with --quick 128."""
    batch_size: int | None = None
    """Images in a training step; by default 20, with --quick 32."""
    epochs: int | None = None
    """Epochs of all layers; by default 150, or 250 for a hierarchical model; with --quick 4."""
    head_epochs: int | None = None
    """Epochs, before those, of what is behind the backbone alone; by default 0, with --quick 1."""
    qat_epochs: int | None = None
    """Epochs of quantization-aware fine-tuning; by default 2, with --quick 1."""
    qat_learning_rate: float | None = None
    """The highest of fine-tuning's one-cycle schedule, which is Adam's; by default a tenth of training's
    rate, or behind sgd of the rate that adam has by default."""
    colour_constancy: Literal["yes", "no"] | None = None
    """Take the light's colour out of the pictures (Shades of Gray), inside the model; by default "yes", with
    --quick "no"."""
    units: int | None = None
    """Size of the LSTM's state in a hierarchical model; by default 256."""
    taxonomy: Path | None = None
    """A YAML file {node: [children]} that the classes hang on; by default that of the data set."""
    splits: int = 2
    """How many splits to train and measure on; results are averaged, and the first one's model ships."""
    export: bool = True
    """Go on to integers and .tflite files; without, the run ends with the float models' evaluation."""
    out: Path = Path("runs/multiclass")
    """The run's folder."""


@dataclass(frozen=True)
class Split:
    """One division of the images into training, validation and test, and what is made of it.

    Attributes:
        number: from 1.
        folder: `RunFolder`, inside the run's.
        data: `Data`.
        taxonomy: the tree that the classes hang on, or None.
    """

    number: int
    folder: RunFolder
    data: Data
    taxonomy: datasets.Taxonomy | None


def main(settings):
    """Trains a classifier of all diagnoses and exports it as verified, benchmarked .tflite files."""
    with refuse_invalid_input():
        settings = resolved(settings)
        folder = RunFolder(settings.out)
        folder.check(settings, settings.resume)
        if folder.is_complete:
            return multiclass_results.print_results(folder)
        check_device(settings)
        splits = begin(settings, folder)
    for split in splits:
        position = f"split {split.number} of {settings.splits}"
        section(f"Training {settings.model} at {settings.image_size} pixels, {position}")
        trained_model(settings, split)
    files = {}
    if settings.export:
        section("Quantization-aware fine-tuning")
        fine_tuned_model(settings, splits[0])
        section("Export, verification, benchmark")
        files = export.export(folder, *load_fresh(splits[0]), splits[0].data, about(settings))
    section("Evaluation on the test images")
    found = [evaluated(split, files if split is splits[0] else {}) for split in splits]
    for split in splits:
        split.folder.complete()  # its models are saved: resuming needs no more
    multiclass_results.write(folder, settings, about(settings).name, splits, found, files)
    folder.complete()
    multiclass_results.print_results(folder)


def evaluated(split, files):
    """What the split's models and files say of its test images. The models are let go again."""
    return multiclass_results.evaluate(split, results.variants(*load_fresh(split), files))


def resolved(settings):
    """The settings with every None replaced, checked.

    Raises:
        ValueError: a value out of its range, or weights that are not to be had.
    """
    drawn = settings.data == "synthetic"
    quick = settings.quick or drawn
    defaults = {**(_QUICK if quick else _PAPER), **({"image_size": 96} if drawn else {})}
    model = settings.model or defaults["model"]
    check_used(settings, model)
    optimizer = settings.optimizer or defaults["optimizer"]
    rates = _RATES["quick" if quick else "paper"]
    rate = settings.learning_rate or rates[optimizer]
    defaults = {
        "epochs": _PAPER_EPOCHS["hierarchical" if is_hierarchical(model) else "flat"],
        "learning_rate": rate,
        "qat_learning_rate": (rates["adam"] if optimizer == "sgd" else rate) / 10,
        "units": 256,
        "focal_delta": 2.0,
        **defaults,
    }
    unused = {name for name, (is_used, _) in optional(settings, model).items() if not is_used}
    settings = filled(settings, **{name: value for name, value in defaults.items() if name not in unused})
    check_training(settings)
    least = {"epochs": 1, "head_epochs": 0, "qat_epochs": 1, "focal_delta": 0, "units": 1, "splits": 1}
    check_least(settings, **{name: number for name, number in least.items() if name not in unused})
    if settings.export and not 0 < settings.qat_learning_rate < 1:
        raise ValueError(
            f"--qat-learning-rate must be between 0 and 1. Received: {settings.qat_learning_rate}"
        )
    check_model(settings, backbone_of(model))
    if settings.export and is_hierarchical(model) and architecture(backbone_of(model)).family == "b":
        raise ValueError(
            f"{model} cannot be exported: integers of it crash LiteRT. Choose EfficientNet-Lite or VGG16 "
            "behind hierarchical_, or --no-export."
        )
    if settings.weighting == "la" and is_hierarchical(model):
        raise ValueError(
            f"--weighting la is for flat models, and {model} diagnoses level by level: choose "
            f"{backbone_of(model)} or {backbone_of(model)}_cbam, or another --weighting."
        )
    if settings.taxonomy:
        datasets.Taxonomy(
            _read_taxonomy(settings.taxonomy)
        )  # says what is wrong, before pictures are decoded
    return settings


def optional(settings, model):
    """{setting: (whether this run looks at it, what it needs)}."""
    return {
        "units": (is_hierarchical(model), "a hierarchical --model"),
        "focal_delta": (settings.base_loss == "focal", "--base-loss focal"),
        "raw_weights": (settings.weighting in ("cb", "es"), "--weighting cb or es"),
        "qat_epochs": (settings.export, "--export"),
        "qat_learning_rate": (settings.export, "--export"),
    }


def check_used(settings, model):
    """Raises ValueError if a setting was given that nothing in this run looks at."""
    for name, (is_used, needs) in optional(settings, model).items():
        if getattr(settings, name) and not is_used:
            flag = "--" + name.replace("_", "-")
            raise ValueError(f"{flag} needs {needs}: without, nothing looks at it.")


def is_hierarchical(model):
    """Whether a name of `MODELS` is of a model that diagnoses level by level."""
    return model.startswith("hierarchical_")


def backbone_of(model):
    """The name of `models.ARCHITECTURES` in a name of `MODELS`."""
    return model.removeprefix("hierarchical_").removesuffix("_cbam")


def begin(settings, folder):
    """Reads and checks all that the job needs; only when nothing is wrong does the folder become a run.

    Returns:
        A `Split` for each of the settings' splits.

    Raises:
        ValueError, OSError: something about the settings or the data is wrong.
    """
    set_up_keras(settings.seed, settings.deterministic)
    manifest = chosen_images(settings)
    taxonomy = taxonomy_of(settings, manifest.classes)  # before the pictures are decoded, which can take long
    splits = []
    for number in range(1, settings.splits + 1):
        split_folder = RunFolder(folder.file(f"split_{number}"))
        data = _load(settings, manifest, number, split_folder)
        splits.append(Split(number, split_folder, data, taxonomy))
    tree = folder.file("taxonomy.yaml")
    children = taxonomy.get_config()["children"] if taxonomy else None
    if tree.exists() and yaml.safe_load(tree.read_text("utf-8")) != children:
        raise ValueError(f"{folder.path} holds a run with another taxonomy, {tree}: choose another --out.")
    folder.begin(settings)
    if children:
        write_text(tree, yaml.safe_dump(children, sort_keys=False))
    for split in splits:
        record_data(settings, split.data, split.folder)
    return splits


def _load(settings, manifest, number, folder):
    section(f"Data, split {number} of {settings.splits}")
    seed, policy = split_seed(settings.data_seed, number), inputs.OVERSAMPLING["none"]
    return load_data(settings, folder.file("split.csv"), policy, split_seed=seed, manifest=manifest)


def split_seed(data_seed, number):
    """The seed of split `number`, from 1; the first one's is `data_seed`.

    With plain sums the second split of one seed and the first of the next would have the same test images.
    """
    return data_seed if number == 1 else int(np.random.SeedSequence([data_seed, number]).generate_state(1)[0])


def taxonomy_of(settings, classes):
    """The tree that the classes hang on, in the classes' order; None if there is none and none is needed.

    Raises:
        ValueError: a hierarchical model without a taxonomy, a file that holds none, or a class that is not
            a leaf of it.
    """
    if settings.taxonomy:
        children = _read_taxonomy(settings.taxonomy)
    elif SOURCES[settings.data].taxonomy:
        children = SOURCES[settings.data].taxonomy.children
    elif is_hierarchical(settings.model):
        raise ValueError(
            f"--model {settings.model} needs a tree of the classes, and --data {settings.data} comes without "
            "one: write it into a YAML file, {node: [children]}, and give --taxonomy FILE."
        )
    else:
        return None
    return datasets.Taxonomy(children, classes)


def _read_taxonomy(path):
    try:
        return yaml.safe_load(path.read_text("utf-8"))
    except FileNotFoundError as error:
        raise ValueError(f"There is no file {path}: check --taxonomy.") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is not a YAML file of a taxonomy, {{node: [children]}}: {error}") from error


def new_model(settings, split):
    """The model before training, with the classes of the split's data."""
    classes = split.data.manifest.classes
    name, size, weights = backbone_of(settings.model), settings.image_size, settings.weights
    light = settings.colour_constancy == "yes"
    if is_hierarchical(settings.model):
        return models.create_hierarchical(
            name, split.taxonomy, size, weights, settings.units, colour_constancy=light
        )
    cbam = settings.model.endswith("_cbam")
    # The paper's dropout, in front of flat classifiers as in hierarchical ones.
    return models.create(name, len(classes), size, weights, 0.5, cbam, light)


def trained_model(settings, split):
    """Trains the split's float model, unless `model.keras` is there."""
    path = split.folder.file("model.keras")
    if path.exists():
        return
    free_memory()
    keras.utils.set_random_seed(settings.seed)
    model = new_model(settings, split)
    loss, movers = build_loss(settings, split)
    learner = models.level_model(model, split.taxonomy) if is_hierarchical(settings.model) else model
    batch_size, run = settings.batch_size, split.folder
    if settings.head_epochs:
        freeze(model)
        # Not moved: a curriculum's age counts the epochs of all layers.
        head = _phase(settings, "head", settings.head_epochs, 3)
        train_phase(learner, head, split.data, loss, batch_size, run, classifier=model)
    unfreeze(model, settings.weights)
    phase = _phase(settings, "all", settings.epochs, 1)
    train_phase(learner, phase, split.data, loss, batch_size, run, movers, classifier=model)
    run.save_model(model, path)


def _phase(settings, name, epochs, number):
    rate, optimizer, augmentation = settings.learning_rate, settings.optimizer, settings.augmentation
    return Phase(name, epochs, rate, settings.seed + number, optimizer, augmentation)


def fine_tuned_model(settings, split):
    """Fine-tunes the split's model for integers, unless `model_qat.keras` is there."""
    path = split.folder.file("model_qat.keras")
    if path.exists():
        return
    model, _ = load_fresh(split)
    loss, _ = build_loss(settings, split)
    if isinstance(loss, losses.Curriculum):
        loss.age.assign(settings.epochs)  # the curriculum is over: every sample counts
    rate, augmentation = settings.qat_learning_rate, settings.augmentation
    phase = Phase("qat", settings.qat_epochs, rate, settings.seed + 2, augmentation=augmentation)
    taxonomy = split.taxonomy if is_hierarchical(settings.model) else None
    quantized = quantization_aware(
        model, phase, split.data, loss, settings.batch_size, split.folder, taxonomy=taxonomy
    )
    split.folder.save_model(quantized, path)


def load_fresh(split):
    """The split's float and quantization-aware model as saved (None where there is none yet), after the
    memory of whatever was trained before has been given back."""
    free_memory()
    paths = (split.folder.file("model.keras"), split.folder.file("model_qat.keras"))
    return [keras.models.load_model(path, compile=False) if path.exists() else None for path in paths]


def build_loss(settings, split):
    """The loss, and the callbacks that move it."""
    if settings.base_loss == "ce":
        loss = keras.losses.CategoricalCrossentropy()
    else:
        # The paper's focal loss has no alpha, for which Keras' default is 0.25.
        loss = keras.losses.CategoricalFocalCrossentropy(alpha=1.0, gamma=settings.focal_delta)
    if is_hierarchical(settings.model):
        loss = losses.HierarchicalCrossentropy(split.taxonomy, loss)
    if settings.weighting == "none":
        return loss, []
    counts = split.data.part("train").one_hot.sum(axis=0)
    if settings.weighting == "la":
        return losses.LogitAdjusted(loss, counts), []
    if settings.weighting in ("cb", "es"):
        weights_of = {"cb": losses.class_balanced_weights, "es": losses.effective_number_weights}
        weights = weights_of[settings.weighting](counts, normalize=not settings.raw_weights)
        return losses.ClassWeighted(loss, weights), []
    order = "easiest" if settings.weighting == "spl" else "hardest"
    per_class = settings.weighting == "ohem_per_class"
    loss = losses.Curriculum(loss, order, settings.epochs, per_class)
    return loss, [callbacks.CurriculumAge(loss)]


def about(settings):
    """What the exported files are called and say about themselves."""
    return export.model_info(settings, "diagnosis", "A diagnosis from a dermoscopy picture.")


if __name__ == "__main__":
    run(main, Settings)
