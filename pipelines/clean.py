"""Cleaning alone: which training images are left after the rounds.

python -m pipelines.clean --data ham10000 --data-dir DIR --clean merge-scaled
"""

import dataclasses
from dataclasses import dataclass
from pathlib import Path

from pipelines.binary import load_images
from pipelines.common import checks, options
from pipelines.common.console import refuse_invalid_input, run, say, section
from pipelines.common.groups import (
    BinaryDataOptions,
    CleaningOptions,
    FolderOptions,
    OversamplingOptions,
    RankingModelOptions,
    RankingOptions,
)
from pipelines.common.run_folder import RunFolder
from pipelines.common.startup import start_keras
from skinkeras import models


@dataclass(frozen=True)
class Settings:
    """Settings of the cleaning job. A None is filled by `resolved`."""

    data: BinaryDataOptions = BinaryDataOptions()
    oversampling: OversamplingOptions = OversamplingOptions()
    cleaning: CleaningOptions = CleaningOptions(clean="merge-scaled")
    model: RankingModelOptions = RankingModelOptions()
    training: RankingOptions = RankingOptions()
    output: FolderOptions = FolderOptions(out=Path("runs/clean"))


def main(settings):
    """Removes the benign training images of highest loss, in rounds, and leaves a cleaned manifest."""
    with refuse_invalid_input():
        settings = resolved(settings)
    with RunFolder(settings.output.out).locked() as folder:
        with refuse_invalid_input():
            request = options.request_of("clean", settings)
            folder.check(request, resume=settings.output.resume)
            start_keras(settings.training.seed, deterministic=settings.training.deterministic)
            from pipelines.common import cleaning_rounds, loading

            checks.check_weights_file(settings.cleaning.clean_model, settings.model)
            section("Data")
            data, cleaner = load_images(settings, folder)
            cleaning_rounds.check_materialised(data, settings.oversampling.materialise)
            folder.begin(request)
            cleaning_rounds.materialise(data, settings.oversampling.materialise)
            loading.record_data(data, folder)
        data = cleaner.clean(data)
        cleaning_rounds.write_cleaned(data, folder)
        folder.complete()
        cleaner.warn_of_lost_classes(data)
        say(f"\nRounds:   {cleaner.rounds.folder / 'report.md'}")
        say(f"Variants: {folder.file('cleaned_variants.csv')}")
        say(f"Manifest: {folder.file('cleaned_manifest.csv')}, split: cleaned_split.csv")


def resolved(settings):
    """The settings with every None filled that has a default, checked as far as that takes no data.

    Raises:
        ValueError: values that contradict each other, no cleaning, or weights that are unavailable.
    """
    if settings.cleaning.plan is None:
        raise ValueError("--clean none leaves nothing to do: name a preset, or --clean custom.")
    settings = with_defaults(settings)
    checks.check_data(settings.data)
    for name in {settings.model.model, settings.cleaning.clean_model}:
        checks.check_architecture(name, settings.model)
    return settings


def with_defaults(settings):
    """The settings with every None filled that has a default."""
    synthetic = settings.data.dataset.synthetic
    name = settings.model.model or "efficientnet_lite0"
    values = {
        **checks.shared_defaults(settings.training, settings.output),
        "model": name,
        "clean_model": name,
        "image_size": 96 if synthetic else models.architecture(name).input_size,
        "batch_size": 32,
        "learning_rate": 5e-4,
    }
    settings = options.filled(settings, values)
    positive = settings.data.positive or settings.data.dataset.positive
    return dataclasses.replace(settings, data=dataclasses.replace(settings.data, positive=positive))


if __name__ == "__main__":
    run(main, Settings)
