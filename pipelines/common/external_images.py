"""Somebody's labelled images for a model that exists: labels in the model's classes, without images it has seen."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pipelines.common.console import progress_bar, say
from pipelines.common.groups import ExternalDataOptions
from pipelines.common.loading import ImageLoader
from skinkeras import inputs
from skinkeras.images import image_files
from skinkeras.inputs.subsets import Subset

_NAMED = 10  # classes or images that a message names
# Their ids are the names of one's own files: somebody else's image of the same name is another one.
_OWN_IMAGES = ("folder", "manifest", "synthetic")


@dataclass(frozen=True)
class ExternalImages:
    """Labelled images that a model is measured on.

    Attributes:
        subset: the `Subset`; its classes are those of the model.
        diagnoses: (n,) the labels as the data set has them.
        facts: what a record says of the images, as `external` of `record.schema.json` has it.
    """

    subset: Subset
    diagnoses: np.ndarray
    facts: dict


def load(options: ExternalDataOptions, model, cache_dir, others=()):
    """Reads, maps and decodes the images for a `MeasuredModel`.

    Args:
        options: `ExternalDataOptions`.
        model: `MeasuredModel`.
        cache_dir: where decoded images are kept.
        others: further models, whose training images are left out, too.

    Returns:
        `ExternalImages`.

    Raises:
        ValueError, FileNotFoundError: the data is not there, or does not fit the model; one sentence.
    """
    loader = ImageLoader(options.data_options, model.image_size, cache_dir, 0, geometry=model.geometry)
    manifest = loader.manifest()
    if options.subset is not None:
        manifest = _given_subset(manifest, options.subset)
    found = manifest.table["label"].to_numpy(str)
    labels = map_labels(manifest, model, options)
    used, unknown = _used(manifest, labels, (model, *others), options)
    left_out = {"unmapped": int((labels < 0).sum()), "used in training": int(np.sum(used & (labels >= 0)))}
    included = bool(options.include_training and left_out["used in training"])
    if left_out["used in training"]:
        verb = "included all the same" if included else "left out"
        say(
            f"  {left_out['used in training']:,} images used to train the model or to choose its threshold: {verb}"
        )
        if included:
            left_out["used in training"] = 0
    if unknown:
        say(
            f"  Which images {unknown} was trained on is not recorded: whether some of these are among them "
            "cannot be checked."
        )
    rows = np.flatnonzero((labels >= 0) & ~(used & (not options.include_training)))
    if not len(rows):
        raise ValueError(_nothing_left(manifest, left_out))
    chosen = manifest.select(rows)
    images, bad = decode(chosen, model, cache_dir, skip_bad=options.skip_bad_images)
    readable = np.setdiff1d(np.arange(len(chosen)), bad)
    left_out["unreadable"] = len(bad)
    labels, found = labels[rows][readable], found[rows][readable]
    _check_classes(labels, model)
    positive = model.positive_class is not None
    subset = Subset(
        images,
        readable,
        np.eye(len(model.classes), dtype=np.float32)[labels],
        labels if positive else np.zeros(len(labels), int),
        chosen.table.iloc[readable],
        chosen.groups()[readable],
        (1,) if positive else (),
    )
    facts = {
        "data": options.dataset.title,
        # Of one's own images, the title is the same whichever they are.
        "trained_on": None if options.data in _OWN_IMAGES else model.data,
        "licence": options.dataset.licence,
        "images": {name: int(np.sum(labels == number)) for number, name in enumerate(model.classes)},
        "diagnoses": {name: int(count) for name, count in Counter(found.tolist()).most_common()},
        "left_out": {reason: count for reason, count in left_out.items() if count},
        "training_images": "included" if included else "unknown" if unknown else "left out",
    }
    return ExternalImages(subset, found, facts)


def decode(manifest, model, cache_dir, *, skip_bad):
    """(`DecodedImages` of a manifest as a model takes them, row numbers of those that cannot be read)."""
    paths = manifest.table["image"].tolist()
    with progress_bar("Decoding images") as progress:
        images, problems = inputs.decode_all(
            paths, model.image_size, cache_dir, geometry=model.geometry, skip_bad=skip_bad, progress=progress
        )
    if problems:
        named = [f"  {path}: {problem}" for path, problem in list(problems.items())[:_NAMED]]
        more = [f"  and {len(problems) - _NAMED:,} more"] if len(problems) > _NAMED else []
        say("\n".join([f"  {len(problems):,} images cannot be read and are left out:", *named, *more]))
    return images, [row for row, path in enumerate(paths) if str(Path(path)) in problems]


def _given_subset(manifest, name):
    given = manifest.given_split
    if given is None:
        raise ValueError(f"--subset {name}: {manifest.origin} gives no split. Leave --subset out.")
    if not (given == name).any():
        raise ValueError(f"--subset {name}: the split of {manifest.origin} has no such images.")
    return manifest.select(given == name)


def map_labels(manifest, model, options):
    """(n,) int: the model's class of each image; -1 where `--map` leaves its label out.

    A label is one of the model's classes if `--map` says so, or else its name or title does. For a model with a
    positive class, other labels are that class if they are among `--positive` (by default the data set's), and the
    other class if not.

    Raises:
        ValueError: labels that are not mapped, or a `--map` of something that is not there; one sentence.
    """
    spelt = {name.casefold(): name for name in manifest.classes}
    unknown = [theirs for theirs in options.mapping if theirs.casefold() not in spelt]
    if unknown:
        raise ValueError(
            f"--map {unknown[0]}=...: {unknown[0]!r} is not a class of this data: {', '.join(manifest.classes)}."
        )
    ours = {name.casefold(): number for number, name in enumerate(model.classes)}
    titles = {title.casefold(): ours[name.casefold()] for name, title in model.class_titles.items()}
    targets = {}
    for theirs, wanted in options.mapping.items():
        if wanted and wanted.casefold() not in ours:
            raise ValueError(
                f"--map {theirs}={wanted}: {wanted!r} is not a class of {model.name}: {', '.join(model.classes)}."
            )
        targets[spelt[theirs.casefold()]] = ours[wanted.casefold()] if wanted else -1
    for name in manifest.classes:
        by_name = ours.get(name.casefold(), titles.get(name.casefold()))
        targets.setdefault(name, by_name)
    if model.positive_class is not None:
        targets |= _by_malignancy(manifest, targets, options)
    missing = [name for name in manifest.classes if targets[name] is None]
    if missing:
        counts = manifest.counts()
        named = ", ".join(f"{name} ({counts[name]:,} images)" for name in missing[:_NAMED])
        more = f" and {len(missing) - _NAMED} more" if len(missing) > _NAMED else ""
        raise ValueError(
            f"{model.name} has no class for {named}{more}: pass --map {missing[0]}=CLASS with one of "
            f"{', '.join(model.classes)}, or --map {missing[0]}= to leave these images out."
        )
    return np.array([targets[name] for name in manifest.table["label"]], int)


def _by_malignancy(manifest, targets, options):
    """{class: 0 or 1} of the classes that neither `--map` nor their names settle, by those that are positive."""
    open_ = [name for name in manifest.classes if targets[name] is None]
    if not open_:
        return {}
    positive = {name.casefold() for name in options.positive or options.dataset.positive}
    if not positive & {name.casefold() for name in manifest.classes}:
        raise ValueError(
            f"Which of {', '.join(manifest.classes)} are malignant is not known: name them with --positive or --map."
        )
    return {name: int(name.casefold() in positive) for name in open_}


def _used(manifest, labels, models, options):
    """(n,) bool, whether an image was used in training any of the models; and the names of those that do not say.

    An image was used if a file of the same bytes was; or if one of its id was, unless ids mean nothing: that is so
    where the data set is another one, or one's own images, and the bytes are known to be others.
    """
    used, namesakes = np.zeros((2, len(manifest)), bool)
    known = [model.used for model in models if model.used is not None]
    unknown = ", ".join(dict.fromkeys(model.name for model in models if model.used is None))
    digests = [None] * len(manifest)
    if any(one.digests for one in known):
        with progress_bar("Comparing with the training images") as progress:
            for row, path in enumerate(manifest.table["image"]):
                digests[row] = image_files.digest(path) if labels[row] >= 0 else None
                progress(row + 1, len(manifest))
    ids = manifest.table["image_id"].to_numpy(str)
    for model in (one for one in models if one.used is not None):
        by_content = np.array([model.used.has_content(digest) for digest in digests], bool)
        by_id = np.array([model.used.has_id(image_id) for image_id in ids], bool)
        if options.data in _OWN_IMAGES or options.dataset.title != model.data:
            others = by_id & np.array([model.used.is_same_name_only(image_id) for image_id in ids], bool)
            by_id &= ~others
            namesakes |= others
        used |= by_content | by_id
    if count := int(np.sum(namesakes & ~used & (labels >= 0))):
        say(
            f"  {count:,} images have the id of a training image and another content: they count as other images. "
            "If they are the training images, saved again, these figures are too optimistic."
        )
    return used, unknown


def _nothing_left(manifest, left_out):
    reasons = ", ".join(f"{count:,} {reason}" for reason, count in left_out.items() if count)
    return (
        f"None of the {len(manifest):,} images is left to measure on ({reasons}): use other images, or "
        "--include-training to measure on what the model has seen."
    )


def _check_classes(labels, model):
    present = np.unique(labels)
    if len(present) < 2:
        only = model.classes[present[0]]
        raise ValueError(
            f"All {len(labels):,} images are {only}: a model is measured on images of two classes or more. Add "
            "images of another class, or name them with --positive or --map."
        )
    absent = [name for number, name in enumerate(model.classes) if number not in present]
    if absent:
        say(f"  No image is {', '.join(absent)}: the means are over the other classes.")
