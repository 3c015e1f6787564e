"""The settings that training jobs share: data, model, where to write; oversampling and cleaning."""

import dataclasses
import functools
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import keras

from pipelines.common.data import SOURCES
from skinkeras import cleaning, inputs, models


@dataclass(frozen=True)
class TrainingSettings:
    """What every training job has to be told. None stands for what `resolved` puts there."""

    data: Literal[tuple(SOURCES)] = "synthetic"
    """Which data set; "synthetic" draws its own pictures, for a demonstration without data."""
    data_dir: Path | None = None
    """The folder that holds the data set."""
    split: Literal["grouped", "paper"] = "grouped"
    """Keep lesions and patients together, or split by image as Gilal et al. 2023 did (which leaks)."""
    limit: int | None = None
    """Use only about this many images, for a quick look."""
    skip_bad_images: bool = False
    """Leave out pictures that cannot be read, instead of stopping."""
    keep_known_duplicates: bool = False
    """Keep both pictures of the published ISIC 2020 duplicate pairs, as --split paper always does."""
    model: Literal[tuple(models.ARCHITECTURES)] = "efficientnet_lite0"
    """The architecture."""
    weights: str = "imagenet"
    """What training starts from: "imagenet", "none", or a file."""
    image_size: int | None = None
    """Pixels, height and width; by default the model's own (96 for synthetic pictures)."""
    batch_size: int = 32
    """Images in a training step."""
    learning_rate: float = 5e-4
    """The highest of the one-cycle schedule; fine-tuning for integers goes up to a tenth of it. The paper has
    1e-3 at batches of 128; this is that for batches of 32, by the square root of their ratio."""
    augmentation: Literal[tuple(inputs.AUGMENTATIONS)] = "standard"
    """How far training pictures are turned, cropped and recoloured: "strong" for long trainings. Models that
    only rank pictures for a cleaning always have "standard"."""
    seed: int = 0
    """Of the order of the pictures, the augmentation and the first weights."""
    data_seed: int | None = None
    """Of the split, the variants and the cleaning; by default --seed. Given, runs that differ in --seed alone
    are measured on the same test images."""
    deterministic: bool = True
    """The same command gives the same weights on the same machine."""
    out: Path = Path("runs/job")
    """The run's folder."""
    resume: bool = False
    """Go on with the run in that folder."""
    cache_dir: Path | None = None
    """Where decoded pictures are kept for the next run; by default `.cache` beside the run's folder."""

    # No class counts as malignant, unless the job's own settings have a field of this name.
    positive = ()


@dataclass(frozen=True)
class JobSettings(TrainingSettings):
    """What Gilal et al. 2023 add: classes that count as malignant, oversampling and cleaning."""

    positive: tuple[str, ...] = ()
    """Classes that count as malignant; by default those of the data set (melanoma)."""
    oversample: Literal[tuple(inputs.OVERSAMPLING)] = "none"
    """Show training pictures in several variants: "g23" as Gilal et al. 2023, benign twice and malignant four
    times, turned, flipped and radially blurred; -separate and -aberration vary the blur beyond the paper."""
    rho: tuple[float, float] | None = None
    """The lowest and highest strength of the blur; by default the paper's, 0.005 and 0.02."""
    clean: Literal[("none", *cleaning.PRESETS, "custom")] = "none"
    """Remove the benign training pictures with the highest loss, in rounds: a preset of Gilal et al. 2023,
    the same -scaled to the size of the data, or "custom": what --clean-remove and the others say."""
    clean_rounds: int | None = None
    """Rounds; of a preset, its first ones."""
    clean_remove: float | None = None
    """Benign training pictures that a custom round removes (variants count singly); below 1, a share."""
    clean_until_ratio: float | None = None
    """Stop a custom cleaning at this ratio of malignant to benign pictures."""
    clean_model: Literal[tuple(models.ARCHITECTURES)] | None = None
    """The architecture that ranks; by default --model."""
    clean_epochs: int = 4
    """Epochs of each round's model, which starts from the pretrained weights."""
    clean_folds: int = 0
    """Rank each picture by a model that was not trained on it, with this many models a round; 0: the paper's
    way, one model that was trained on all."""
    clean_dir: Path | None = None
    """Where the rounds are kept, to be used by several runs; by default in the run's folder."""
    materialise: Path | None = None
    """Write the training pictures as they are shown, every variant, into this folder; for looking at only."""


def resolved(settings, **defaults):
    """The settings of one of Gilal's jobs, every None that has a default replaced, checked.

    Args:
        settings: a `JobSettings`.
        **defaults: what a None of the job's own fields becomes.

    Raises:
        ValueError: a value out of its range, or weights that are not to be had.
    """
    settings = filled(
        settings,
        image_size=96 if settings.data == "synthetic" else models.architecture(settings.model).input_size,
        clean_model=settings.model,
        **defaults,
    )
    settings = dataclasses.replace(settings, positive=settings.positive or SOURCES[settings.data].positive)
    check_training(settings)
    check_least(settings, clean_epochs=1)
    if settings.clean_folds == 1 or settings.clean_folds < 0:
        raise ValueError(f"--clean-folds must be 0, or at least 2. Received: {settings.clean_folds}")
    oversampling(settings)
    for model in {settings.model, settings.clean_model} if cleaning_plan(settings) else {settings.model}:
        check_model(settings, model)
    return settings


def filled(settings, **defaults):
    """The settings with each None replaced by what `defaults` has for it, and by what every job has."""
    defaults = {"cache_dir": settings.out.parent / ".cache", "data_seed": settings.seed, **defaults}
    missing = {name: value for name, value in defaults.items() if getattr(settings, name) is None}
    return dataclasses.replace(settings, **missing)


def check_training(settings):
    """Raises ValueError if a number that every training job has is out of its range."""
    check_least(settings, batch_size=1, seed=0, data_seed=0)
    if not 0 < settings.learning_rate < 1:
        raise ValueError(f"--learning-rate must be between 0 and 1. Received: {settings.learning_rate}")


def check_model(settings, name):
    """Raises ValueError if the architecture cannot take the image size, or its weights are not to be had
    or are another architecture's."""
    models.check_input_size(name, settings.image_size)
    models.check_available(name, settings.weights)
    if settings.weights not in ("imagenet", "none"):
        _check_fits(name, settings.image_size, settings.weights)


@functools.cache  # a sweep asks for every run
def _check_fits(name, image_size, weights):
    models.create(name, input_size=image_size, weights=weights)
    keras.backend.clear_session()  # the run's own model is to be called as if this one had never been


def check_least(settings, **least):
    """Raises ValueError if a setting is below the number that is given here under its name."""
    for name, number in least.items():
        if not getattr(settings, name) >= number:  # which no NaN is
            flag = "--" + name.replace("_", "-")
            raise ValueError(f"{flag} must be at least {number}. Received: {getattr(settings, name)}")


def oversampling(settings):
    """The `Oversampling` that the settings ask for.

    Raises:
        ValueError: a rho out of its range, or without oversampling.
    """
    policy = inputs.OVERSAMPLING[settings.oversample]
    if settings.rho is None:
        return policy
    if settings.oversample == "none":
        raise ValueError("--rho needs --oversample: without variants nothing is blurred.")
    return dataclasses.replace(policy, rho=tuple(settings.rho))


def cleaning_plan(settings):
    """The `CleaningPlan` that the settings ask for, or None.

    Raises:
        ValueError: settings that contradict each other or say nothing.
    """
    custom = {"--clean-remove": settings.clean_remove, "--clean-until-ratio": settings.clean_until_ratio}
    if settings.clean == "custom":
        if settings.clean_remove is None:
            raise ValueError("--clean custom needs --clean-remove: how many pictures a round removes.")
        return cleaning.CleaningPlan(
            settings.clean_rounds, settings.clean_remove, until_ratio=settings.clean_until_ratio
        )
    given = [flag for flag, value in custom.items() if value is not None]
    if given:
        raise ValueError(f"{given[0]} goes with --clean custom. Received: --clean {settings.clean}")
    if settings.clean == "none":
        if settings.clean_rounds is not None or settings.clean_dir is not None:
            raise ValueError("--clean-rounds and --clean-dir need --clean: say which cleaning.")
        return None
    plan = cleaning.PRESETS[settings.clean]
    if settings.clean_rounds is None:
        return plan
    if settings.clean_rounds > plan.rounds:
        raise ValueError(
            f"--clean {settings.clean} has {plan.rounds} rounds. Received: {settings.clean_rounds}"
        )
    return plan.first(settings.clean_rounds)
