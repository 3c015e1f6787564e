"""Cleaning alone: which training pictures are left after the rounds.

python -m pipelines.clean --data ham10000 --data-dir DIR --clean merge-scaled
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pipelines.common import settings as common_settings
from pipelines.common.cleaning import cleaned
from pipelines.common.console import console, refuse_invalid_input, run
from pipelines.common.job import begin
from pipelines.common.run_folder import RunFolder
from pipelines.common.settings import JobSettings
from skinkeras import datasets
from skinkeras.files import replacing


@dataclass(frozen=True)
class Settings(JobSettings):
    """Settings of the cleaning job. None stands for what `resolved` puts there."""

    clean: JobSettings.__dataclass_fields__["clean"].type = "merge-scaled"
    """Which cleaning: see above."""
    out: Path = Path("runs/clean")
    """The run's folder."""


def main(settings):
    """Removes the benign training pictures of highest loss, in rounds, and leaves a cleaned manifest."""
    with refuse_invalid_input():
        settings = resolved(settings)
        folder = RunFolder(settings.out)
        folder.check(settings, settings.resume)
        data, rounds = begin(settings, folder)
    data = cleaned(settings, data, rounds, folder)
    write_cleaned(data, folder)
    folder.complete()
    console.print(f"\nRounds:   {rounds.folder / 'report.md'}")
    console.print(f"Variants: {folder.file('cleaned_variants.csv')}")
    console.print(f"Manifest: {folder.file('cleaned_manifest.csv')}, split: cleaned_split.csv")


def resolved(settings):
    """The settings with every None replaced, checked.

    Raises:
        ValueError: a value out of its range, or no cleaning.
    """
    if settings.clean == "none":
        raise ValueError("--clean none leaves nothing to do: name a preset, or --clean custom.")
    return common_settings.resolved(settings)


def write_cleaned(data, folder):
    """Writes what is left: the training variants; all images but those removed whole, and their split."""
    train = data.part("train")
    variants = data.variants.table.iloc[train.rows][["image_id", "variant", "label"]]
    left = set(variants["image_id"])
    kept = np.isin(data.used, ("validation", "test")) | data.manifest.table["image_id"].isin(left).to_numpy()
    manifest = data.manifest.select(kept)
    manifest.to_csv(folder.file("cleaned_manifest.csv"))
    datasets.save_split(manifest, data.assignment[kept], folder.file("cleaned_split.csv"))
    with replacing(folder.file("cleaned_variants.csv")) as temporary:  # last: it says that all is there
        variants.to_csv(temporary, index=False)


if __name__ == "__main__":
    run(main, Settings)
