"""Says what a folder of images is, before anything is trained on it, and writes a contact sheet.

python -m pipelines.data DIR
python -m pipelines.data DIR --data ham10000
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from tyro.conf import Positional, arg

from pipelines.common.console import progress_bar, refuse_invalid_input, run, say
from skinkeras.datasets.catalog import DATASETS

_MOST_SPLIT = 100_000  # images; a split by groups of more takes too long for a first look
_SHEETS = (".png", ".jpg", ".jpeg", ".webp")
_NAMES = tuple(name for name, row in DATASETS.items() if not row.synthetic)


@dataclass(frozen=True)
class Settings:
    """Settings of the look."""

    folder: Positional[Path]
    """The folder."""
    data: Annotated[Literal[_NAMES] | None, arg(help_behavior_hint="")] = None
    """How to read it; by default every reader is tried, and the first that takes it is used."""
    out: Path = Path("contact_sheet.png")
    """Where the contact sheet goes."""
    max_images: Annotated[int | None, arg(metavar="INT", help_behavior_hint="")] = None
    """Open only about this many images, for sizes, faults and duplicates."""
    level: int = 1
    """How fine the classes are, 1 to 5 (isic_archive)."""
    label_column: Annotated[str | None, arg(metavar="NAME", help_behavior_hint="")] = None
    """The column that holds the classes, instead of a level (isic_archive)."""
    all_image_types: bool = False
    """Read clinical and other images too, not only dermoscopic ones (isic_archive)."""
    clinical: bool = False
    """Read the clinical images instead of the dermoscopic ones (derm7pt)."""


def main(settings):
    """Prints what a folder is: reader, classes, groups, sizes, metadata, duplicates, and what would be skipped."""
    with refuse_invalid_input():
        check_settings(settings)
        from skinkeras.datasets import file_search, image_index, inspection

        name, manifest, others, refusals = read(settings)
        missing = image_index.missing_images(manifest)
        there = manifest.table[~manifest.table["image_id"].isin(missing)]
        if there.empty:
            image_index.check_images(manifest)
        opened = some_rows(manifest, there.index.to_numpy(), settings.max_images)
    row = DATASETS[name]
    say(f"{settings.folder}: --data {name}, {row.title}")
    if others:
        say(f"  also read by: --data {', '.join(others)}")
    for other, why in refusals.items() if name == "folder" else ():
        say(f"  not read by --data {other}: {why}")
    for sentence in (*manifest.notes, *manifest.warnings()):
        say(f"  {sentence}")
    say(f"  {len(manifest):,} images: {counts(manifest.counts())}")
    say(f"  {groups(manifest)}")
    if known := known_metadata(manifest):
        say(f"  known of the images: {counts(known)}")
    with progress_bar("Opening images") as progress:
        check = inspection.check_files(opened, progress)
    sizes = [f"{width} x {height} ({count:,})" for (width, height), count in check.sizes.most_common()]
    say(f"  sizes, of {sum(check.sizes.values()):,} images opened: {file_search.name_some(sizes, 5)}")
    say(f"  duplicates: {duplicates(opened)}")
    say(f"  would be skipped: {skipped(missing, check.unreadable)}")
    if name != "folder" and (unused := inspection.unused_images(manifest)):  # whose reader counts them itself
        say(f"  images that the table does not name: {len(unused):,}: {file_search.name_some(unused)}")
    shown = inspection.contact_sheet(manifest, settings.out)
    some = (
        f" (the {len(shown)} largest of {len(manifest.classes)} classes)"
        if len(shown) < len(manifest.classes)
        else ""
    )
    say(f"Contact sheet: {settings.out}{some}")


def check_settings(settings):
    """Raises ValueError if a flag is out of range, or belongs to another reader."""
    if not settings.folder.is_dir():
        from skinkeras.datasets.file_search import check_folder  # with OpenCV

        check_folder(settings.folder)
    if settings.out.is_dir() or settings.out.suffix.lower() not in _SHEETS:
        what = "is a folder" if settings.out.is_dir() else f"ends in none of {', '.join(_SHEETS)}"
        raise ValueError(f"--out {settings.out} {what}: name an image file, such as contact_sheet.png.")
    if settings.max_images is not None and settings.max_images < 1:
        raise ValueError(f"--max-images must be at least 1. Received: {settings.max_images}")
    for name in reader_options(settings):
        owners = [data for data, row in DATASETS.items() if name in row.options]
        if settings.data not in owners:
            raise ValueError(f"--{name.replace('_', '-')} belongs to --data {' or '.join(owners)}.")


def reader_options(settings):
    """{argument of a reader: value} of those that were given."""
    names = dict.fromkeys(name for row in DATASETS.values() for name in row.options)
    given = {name: getattr(settings, name) for name in names}
    return {name: value for name, value in given.items() if value != getattr(Settings, name)}


def read(settings):
    """(name of the reader, its manifest, names of further readers that take the folder, {others: why not})."""
    from skinkeras.datasets import inspection

    if settings.data:
        manifest = DATASETS[settings.data].read(settings.folder, **reader_options(settings))
        return settings.data, manifest, [], {}
    manifests, refusals = inspection.recognise(settings.folder)
    name, *others = manifests
    return name, manifests[name], others, refusals


def some_rows(manifest, rows, most):
    """The manifest of at most `most` of the rows, chosen at random."""
    import numpy as np

    if most is not None and most < len(rows):
        rows = np.sort(np.random.default_rng(0).choice(rows, most, replace=False))
    return manifest.select(rows)


def counts(numbers):
    """`6,705 nv, 1,113 mel`, at most twenty."""
    from skinkeras.datasets.file_search import name_some

    return name_some([f"{count:,} {name}" for name, count in numbers.items()], 20)


def known_metadata(manifest):
    """{column: number of images of which it is known}."""
    from skinkeras.datasets.metadata import known_counts

    return known_counts(manifest.table)


def groups(manifest):
    """A line on lesions, patients and the given split."""
    import numpy as np

    from skinkeras import datasets

    sizes = np.bincount(manifest.groups())
    ids = [
        f"{manifest.table[column].nunique():,} {word}"
        if manifest.table[column].notna().any()
        else f"no {word}"
        for column, word in (("lesion_id", "lesions"), ("patient_id", "patients"))
    ]
    line = (
        f"{len(sizes):,} groups of related images ({', '.join(ids)} named); the largest has {sizes.max():,}"
    )
    if manifest.given_split is not None:
        names, numbers = np.unique(manifest.given_split, return_counts=True)
        line += f"; a split is given: {counts(dict(zip(names, numbers, strict=True)))}"
    if manifest.given_split is not None or len(manifest) <= _MOST_SPLIT:
        try:
            datasets.split(manifest)
        except ValueError as error:
            line += f". Training refuses this: {error}"
    return line


def duplicates(manifest):
    """A line on the images that are copies of each other."""
    from skinkeras import datasets

    with progress_bar("Comparing images") as progress:
        pairs = datasets.find_duplicates(manifest, progress=progress)
    word = "pair" if len(pairs) == 1 else "pairs"
    line = (
        f"{len(pairs):,} {word} ({int(pairs['exact'].sum()):,} of the same file), "
        f"{int((~pairs['same_group']).sum()):,} of them of different groups"
    )
    try:
        datasets.group_duplicates(manifest, pairs)
    except ValueError as error:
        line += f". Training refuses this: {error}"
    return line


def skipped(missing, unreadable):
    """A line on the images that are not there or cannot be read."""
    from skinkeras.datasets.file_search import name_some

    parts = []
    if missing:
        parts.append(f"{len(missing):,} missing: {name_some(missing)}")
    if unreadable:
        names = [f"{image_id} ({problem})" for image_id, problem in unreadable.items()]
        parts.append(f"{len(names):,} unreadable: {name_some(names)}")
    return "; ".join(parts) or "nothing"


if __name__ == "__main__":
    run(main, Settings)
