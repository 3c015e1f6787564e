"""From the name of a data set to decoded pictures with labels and a split."""

from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from pipelines.common.console import console, progress_bar
from skinkeras import datasets, inputs
from skinkeras.files import replacing

SPLITS = ("train", "validation", "test")


@dataclass(frozen=True)
class Source:
    """What a result has to say about where its images came from.

    Attributes:
        title: the data set's name.
        licence: of the images.
        positive: the classes that count as malignant, unless the user names others.
        synthetic: whether the pictures are drawn.
        taxonomy: the tree that its classes hang on, where there is one.
        titles: {class: its name in full}, where the class is an abbreviation.
    """

    title: str
    licence: str
    positive: tuple = ("malignant",)
    synthetic: bool = False
    taxonomy: datasets.Taxonomy | None = None
    titles: dict = field(default_factory=dict)

    @property
    def note(self):
        """What every figure made from it says at its foot."""
        return "SYNTHETIC drawings: says nothing about real lesions" if self.synthetic else self.title


_ISIC_LICENCE = "CC BY-NC 4.0"
SOURCES = {
    "synthetic": Source(
        "synthetic drawings", "none needed", synthetic=True, taxonomy=datasets.SYNTHETIC_TAXONOMY
    ),
    "ham10000": Source(
        "HAM10000 (Tschandl et al., Sci Data 2018, doi:10.1038/sdata.2018.161)",
        _ISIC_LICENCE,
        ("mel",),
        taxonomy=datasets.ISIC2018_TAXONOMY,
        titles=datasets.HAM10000,
    ),
    "isic2018": Source(
        "ISIC 2018 task 3",
        _ISIC_LICENCE,
        ("mel",),
        taxonomy=datasets.ISIC2018_TAXONOMY,
        titles=datasets.HAM10000,
    ),
    "isic2019": Source("ISIC 2019", _ISIC_LICENCE, ("mel",)),
    "isic2020": Source("ISIC 2020", _ISIC_LICENCE),
    "isic_merge": Source("ISIC 2020 and the melanomas of ISIC 2019 (Gilal et al. 2023)", _ISIC_LICENCE),
    "folder": Source("pictures in a folder", "unknown: that of the pictures"),
    "manifest": Source("pictures in a table", "unknown: that of the pictures"),
}

# How many drawings the demonstration has.
_SYNTHETIC_PICTURES = 800


def read_manifest(name, data_dir, seed, folder, structures=False):
    """The manifest of the data set called `name`.

    Args:
        name: a key of `SOURCES`.
        data_dir: where the user has it; None only for the synthetic set.
        seed: of the synthetic set.
        folder: where the synthetic set is drawn.
        structures: whether the synthetic set is to have more than two classes.

    Raises:
        ValueError, FileNotFoundError: the data is not there or not what it should be.
    """
    if name == "synthetic":
        if data_dir is not None:
            raise ValueError(
                "--data-dir was given without --data: say which data set it holds (--data folder, ...)."
            )
        return datasets.synthetic(
            _SYNTHETIC_PICTURES, seed, folder / f"synthetic-{_SYNTHETIC_PICTURES}-{seed}", structures
        )
    if data_dir is None:
        raise ValueError(f"--data {name} needs --data-dir, the folder that holds it.")
    if not Path(data_dir).is_dir():
        raise FileNotFoundError(f"There is no folder {data_dir}: check --data-dir.")
    return datasets.READERS[name](Path(data_dir))


@dataclass(frozen=True)
class Part:
    """One part of the split, in the manifest's order.

    Attributes:
        pictures: `DecodedImages` or `VariantImages`, what `rows` are rows of.
        rows: (n,) int, where the pictures of this part are in `pictures`.
        one_hot: (n, classes) float32.
        malignant: (n,) int, 1 where the label is a positive class.
        table: (n rows) what the manifest says of them.
        groups: (n,) int, equal for pictures that share a lesion or a patient.
    """

    pictures: object
    rows: np.ndarray
    one_hot: np.ndarray
    malignant: np.ndarray
    table: object
    groups: np.ndarray

    def dataset(self, batch_size):
        """Batches in the order of `rows`, neither shuffled nor augmented, once."""
        return inputs.evaluation_dataset(self.pictures, self.rows, self.one_hot, batch_size)


@dataclass(frozen=True)
class Data:
    """Images, what they show, and which part of the split each belongs to.

    Attributes:
        manifest: `Manifest` of the classes that are learned.
        assignment: (n,) str, the part of the split of each row.
        used: the same, with "" for the rows whose pictures cannot be read.
        positives: indices of the classes that count as malignant; empty where every class is for itself.
        pictures: `DecodedImages`, row by row those of the manifest.
        variants: `VariantImages` of the training images, as the oversampling shows them.
        kept: (number of variants,) bool, those that cleaning has left.
    """

    manifest: datasets.Manifest
    assignment: np.ndarray
    used: np.ndarray
    positives: tuple
    pictures: inputs.DecodedImages
    variants: inputs.VariantImages
    kept: np.ndarray

    @cached_property
    def groups(self):
        """(classes,) int: 1 for the positive classes, else 0; what `MergeClasses` adds up."""
        return tuple(int(number in self.positives) for number in range(len(self.manifest.classes)))

    @property
    def shown_classes(self):
        """What a model that ships tells apart: benign and malignant, or without positives all classes."""
        return datasets.BINARY_CLASSES if self.positives else self.manifest.classes

    def part(self, name):
        """The `Part` called `name`: train (its variants that are left), validation or test."""
        images = np.flatnonzero(self.used == name)
        if name == "train":
            pictures, rows = self.variants, np.flatnonzero(self.kept)
            images = images[self.variants.table["picture"].to_numpy()[rows]]
        else:
            pictures, rows = self.pictures, images
        labels = self.manifest.labels[images]
        return Part(
            pictures,
            rows,
            np.eye(len(self.manifest.classes), dtype=np.float32)[labels],
            np.asarray(self.groups)[labels],
            self.manifest.table.iloc[images],
            self.manifest.groups()[images],
        )

    def binary(self):
        """The same images with the classes benign and malignant."""
        if len(self.manifest.classes) == 2:
            return self
        names = [self.manifest.classes[number] for number in self.positives]
        return replace(self, manifest=self.manifest.binary(names), positives=(1,))

    def counts(self):
        """{part: {class: n}}, of the classes benign and malignant where there are positives; variants of a
        training picture count singly."""
        totals = {}
        for name in SPLITS:
            part = self.part(name)
            of_classes = part.one_hot.sum(axis=0).astype(int).tolist()
            if self.positives:
                malignant = int(part.malignant.sum())
                totals[name] = {"benign": sum(of_classes) - malignant, "malignant": malignant}
            else:
                totals[name] = dict(zip(self.manifest.classes, of_classes, strict=True))
        return totals


def load_data(settings, split_file, policy, plan=None, split_seed=None, manifest=None):
    """Reads, splits and decodes the images that the settings ask for; writes nothing but the cache.

    Args:
        settings: the job's settings, resolved. Where `positive` names classes, they count as malignant, and
            a data set of two classes becomes one of benign and malignant; where it is empty, not.
        split_file: the split of an earlier part of the run, if it is there.
        policy: the `Oversampling` of the training images.
        plan: the `CleaningPlan` that the training images must suit, or None.
        split_seed: of the split; by default the settings' `data_seed`.
        manifest: from `chosen_images`, if it has been read already.

    Raises:
        ValueError, FileNotFoundError: something about the data is wrong; the sentence says what and where.
    """
    if manifest is None:
        manifest = chosen_images(settings)
    if split_file.exists():
        assignment = datasets.load_split(manifest, split_file)
    else:
        seed = settings.data_seed if split_seed is None else split_seed
        assignment = datasets.split(manifest, settings.split, seed)
    if not settings.positive:
        positives = ()
    elif len(manifest.classes) == 2:
        # Whatever the two are called, and sorted: benign comes first from here on.
        manifest, positives = manifest.binary(settings.positive), (1,)
    else:
        positives = tuple(manifest.classes.index(name) for name in settings.positive)
    labels = np.asarray(datasets.BINARY_CLASSES)[np.isin(manifest.labels, positives).astype(int)]

    def variants_of(rows):
        return inputs.variant_table(
            manifest.table["image_id"].to_numpy()[rows], labels[rows], policy, settings.data_seed
        )

    if plan:  # before the pictures are decoded, which can take long
        planned = variants_of(np.flatnonzero(assignment == "train"))["label"].value_counts()
        plan.removals(int(planned["benign"]), int(planned["malignant"]))
    pictures, bad = decode_pictures(
        manifest, settings.image_size, settings.cache_dir, settings.skip_bad_images
    )
    used = np.where(np.isin(np.arange(len(manifest)), bad), "", assignment)
    datasets.check_split(manifest, used)
    train = np.flatnonzero(used == "train")
    variants = inputs.VariantImages(pictures, train, variants_of(train), policy.steps)
    data = Data(manifest, assignment, used, positives, pictures, variants, np.ones(len(variants), bool))
    console.print(
        f"  {SOURCES[settings.data].title}: {len(manifest)} images in {len(set(manifest.groups()))} groups"
    )
    print_counts(data)
    return data


def print_counts(data):
    """How many pictures of each class every part has."""
    for part, counts in data.counts().items():
        console.print(f"  {part}: " + ", ".join(f"{count} {name}" for name, count in counts.items()))


def record_data(settings, data, run):
    """Writes `split.csv`, `duplicates.csv` and `--materialise`, unless an earlier part of the run did."""
    if getattr(settings, "materialise", None):
        with progress_bar("Writing variants") as progress:
            inputs.materialise(data.variants, settings.materialise, progress)
    split_file, duplicates_file = run.file("split.csv"), run.file("duplicates.csv")
    if not split_file.exists():
        datasets.save_split(data.manifest, data.assignment, split_file)
    if duplicates_file.exists():
        return
    pairs = datasets.find_duplicates(data.manifest, data.assignment)
    across = pairs[pairs["split_1"] != pairs["split_2"]]
    with replacing(duplicates_file) as temporary:
        pairs.to_csv(temporary, index=False)
    console.print(
        f"  duplicates: {len(pairs)} pairs look alike ({int(pairs['exact'].sum())} are the same file), "
        f"{len(across)} of them in different parts of the split: see {duplicates_file}"
    )


def chosen_images(settings):
    """The manifest of the images that the settings ask for.

    Raises:
        ValueError, FileNotFoundError: the data is not there or not what it should be.
    """
    manifest = read_manifest(
        settings.data,
        settings.data_dir,
        settings.data_seed,
        settings.cache_dir,
        structures=not settings.positive,
    )
    if settings.positive:
        try:
            datasets.check_positive(settings.positive, manifest.classes)
        except ValueError as error:
            raise ValueError(f"{error} Say with --positive which count as malignant.") from error
    if settings.data in ("isic2020", "isic_merge") and not (
        settings.keep_known_duplicates or settings.split == "paper"
    ):
        manifest, dropped = datasets.drop_known_duplicates(manifest, settings.data_dir)
        console.print(f"  {dropped} known duplicates left out")
    unknown = manifest.table[["lesion_id", "patient_id"]].isna().all(axis=None)
    if unknown and settings.split == "grouped" and not SOURCES[settings.data].synthetic:
        console.print(
            "  Each picture counts as a lesion of its own. Where several show one lesion or patient, name "
            "them in a table (--data manifest, columns lesion_id and patient_id), or the test is too easy."
        )
    return manifest if settings.limit is None else manifest.limit(settings.limit, settings.data_seed)


def decode_pictures(manifest, size, folder, skip_bad):
    """All pictures of the manifest, decoded, and the row numbers of those that cannot be read.

    Raises:
        BadImagesError: some cannot be read and `skip_bad` is off.
    """
    paths = manifest.table["image"].tolist()
    with progress_bar("Decoding pictures") as progress:
        pictures, problems = inputs.decode_all(paths, size, folder, skip_bad, progress=progress)
    for path, problem in problems.items():
        console.print(f"  left out: {path}: {problem}")
    return pictures, [row for row, path in enumerate(paths) if str(Path(path)) in problems]
