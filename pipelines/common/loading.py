"""From the name of a data set to decoded images with labels and a split."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pipelines.common.console import progress_bar, say
from pipelines.common.groups import DataOptions
from skinkeras import cleaning, datasets, inputs
from skinkeras.files import replacing
from skinkeras.inputs.subsets import SplitImages
from skinkeras.locks import remove_leftovers

# How many synthetic images the demonstration has.
_SYNTHETIC_IMAGES = 800


@dataclass(frozen=True)
class ImageLoader:
    """Reads, splits and decodes the images that a run asks for; writes nothing but the cache.

    Attributes:
        options: which images, and how they are split.
        image_size: pixels.
        cache_dir: where decoded and synthetic images are kept.
        data_seed: of the split, the variants and the synthetic images.
        positive: classes that count as malignant; where it is empty, every class stands for itself.
        policy: the `inputs.Oversampling` of the training images.
        plan: the `cleaning.CleaningPlan` that the training images must suit, or None.
    """

    options: DataOptions
    image_size: int
    cache_dir: Path
    data_seed: int
    positive: tuple = ()
    policy: inputs.Oversampling = inputs.OVERSAMPLING["none"]
    plan: cleaning.CleaningPlan | None = None

    def manifest(self):
        """The manifest of the images that are asked for.

        Raises:
            ValueError, FileNotFoundError: the data is not there or not what it should be.
        """
        options, dataset = self.options, self.options.dataset
        manifest = self._read()
        if self.positive:
            try:
                self._positives(manifest)
            except ValueError as error:
                raise ValueError(f"{error} Say with --positive which count as malignant.") from error
        if dataset.known_duplicates and options.drops_known_duplicates:
            manifest, dropped = dataset.known_duplicates(manifest, options.data_dir)
            say(f"  {dropped} known duplicates left out")
        for sentence in (*manifest.notes, *manifest.warnings()):
            say(f"  {sentence}")
        unknown = manifest.table[["lesion_id", "patient_id"]].isna().all(axis=None)
        if unknown and options.split_by == "grouped" and not dataset.synthetic:
            say(
                "  Each image counts as a lesion of its own. Where several show one lesion or patient, name "
                "them in a table (--data manifest, columns lesion_id and patient_id), or the test is too easy."
            )
        if options.max_images is not None:
            manifest = manifest.limit(options.max_images, self.data_seed)
        return manifest if dataset.synthetic else self._grouped(manifest)

    def _grouped(self, manifest):
        """The manifest in which copies of an image count as one group."""
        if not self.options.skip_bad_images:
            datasets.check_images(manifest)
        if self.options.split_by != "grouped":
            return manifest
        with progress_bar("Looking for duplicates") as progress:
            pairs = datasets.find_duplicates(manifest, progress=progress)
        grouped = datasets.group_duplicates(manifest, pairs, near=self.options.near_duplicates == "group")
        for note in grouped.notes[len(manifest.notes) :]:
            say(f"  {note}")
        return grouped

    def _positives(self, manifest):
        """The names of the positive classes as the manifest spells them."""
        return datasets.check_positive(self.positive, manifest.classes)

    def _read(self):
        if self.options.dataset.synthetic:
            place = self.cache_dir / f"synthetic-{_SYNTHETIC_IMAGES}-{self.data_seed}"
            return datasets.synthetic(_SYNTHETIC_IMAGES, self.data_seed, place, structures=not self.positive)
        return self.options.dataset.read(self.options.data_dir, **self.options.reader_options)

    def load(self, split_file, manifest=None, split_seed=None):
        """The decoded images with their split.

        Args:
            split_file: the split of an earlier part of the run, if it is there.
            manifest: from `manifest`, if it has been read already.
            split_seed: of the split; by default `data_seed`.

        Returns:
            `SplitImages`. Where `positive` names classes, a data set of two classes becomes one of benign and
            malignant.

        Raises:
            ValueError, FileNotFoundError: something about the data is wrong; the sentence says what and where.
        """
        manifest = self.manifest() if manifest is None else manifest
        if split_file.exists():
            assignment = _recorded_split(manifest, split_file)
        else:
            seed = self.data_seed if split_seed is None else split_seed
            assignment = datasets.split(manifest, self.options.split_by, seed)
        manifest, positives = self._with_positives(manifest)
        labels = np.asarray(datasets.BINARY_CLASSES)[np.isin(manifest.labels, positives).astype(int)]

        def variants_of(rows):
            ids = manifest.table["image_id"].to_numpy()[rows]
            return inputs.variant_table(ids, labels[rows], self.policy, self.data_seed)

        if self.plan:  # before the images are decoded, which can take long
            planned = variants_of(np.flatnonzero(assignment == "train"))["label"].value_counts()
            self.plan.removals(int(planned["benign"]), int(planned["malignant"]))
        images, bad = self._decode(manifest)
        used = np.where(np.isin(np.arange(len(manifest)), bad), "", assignment)
        datasets.check_split(manifest, used)
        train = np.flatnonzero(used == "train")
        variants = inputs.VariantImages(images, train, variants_of(train), self.policy.steps)
        kept = np.ones(len(variants), bool)
        data = SplitImages(manifest, assignment, used, positives, images, variants, kept)
        groups = len(set(manifest.groups()))
        say(f"  {self.options.dataset.title}: {len(manifest)} images in {groups} groups")
        print_counts(data)
        return data

    def _with_positives(self, manifest):
        if not self.positive:
            return manifest, ()
        if len(manifest.classes) == 2:
            # Whatever the two are called, and sorted: benign comes first from here on.
            return manifest.binary(self._positives(manifest)), (1,)
        return manifest, tuple(manifest.classes.index(name) for name in self._positives(manifest))

    def _decode(self, manifest):
        """All images of the manifest, decoded, and the row numbers of those that cannot be read."""
        paths, skip_bad = manifest.table["image"].tolist(), self.options.skip_bad_images
        remove_leftovers(self.cache_dir, subfolders=False)
        with progress_bar("Decoding images") as progress:
            images, problems = inputs.decode_all(
                paths,
                self.image_size,
                self.cache_dir,
                skip_bad=skip_bad,
                progress=progress,
                on_wait=lambda: say("  Another process is decoding these images: waiting for it."),
            )
        for path, problem in problems.items():
            say(f"  left out: {path}: {problem}")
        return images, [row for row, path in enumerate(paths) if str(Path(path)) in problems]


def _recorded_split(manifest, file):
    try:
        return datasets.load_split(manifest, file)
    except ValueError as error:
        raise ValueError(
            f"{error} Restore the images of the run; or, if the file is damaged, delete it and resume: the same "
            "seed gives the same split."
        ) from error


def print_counts(data):
    """How many images of each class every subset has."""
    for subset, counts in data.counts().items():
        say(f"  {subset}: " + ", ".join(f"{count} {name}" for name, count in counts.items()))


def record_data(data, run):
    """Writes `split.csv` and `duplicates.csv` of a run or repeat, unless an earlier part of it did."""
    split_file, duplicates_file = run.file("split.csv"), run.file("duplicates.csv")
    if not split_file.exists():
        datasets.save_split(data.manifest, data.assignment, split_file)
    if duplicates_file.exists():
        return
    pairs = datasets.find_duplicates(data.manifest, data.assignment)
    across = pairs[pairs["split_1"] != pairs["split_2"]]
    with replacing(duplicates_file) as temporary:
        pairs.to_csv(temporary, index=False)
    say(
        f"  duplicates: {len(pairs)} pairs look alike ({int(pairs['exact'].sum())} are the same file), "
        f"{len(across)} of them in different subsets: see {duplicates_file}"
    )


def materialise(data, folder):
    """Writes the training images as they are shown, every variant, into a folder."""
    with progress_bar("Writing variants") as progress:
        inputs.materialise(data.variants, folder, progress)
