"""From the name of a data set to decoded images with labels and a split."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from pipelines.common.console import progress_bar, say
from pipelines.common.groups import DataOptions
from skinkeras import cleaning, datasets, inputs
from skinkeras.datasets.file_search import name_some
from skinkeras.files.writing import replacing
from skinkeras.images import image_files
from skinkeras.images.geometries import DEFAULT_GEOMETRY
from skinkeras.inputs.subsets import SplitImages

# How many synthetic images the demonstration has.
_SYNTHETIC_IMAGES = 800
# Of all images, or of the paper's training images, where no split is given.
_VALIDATION = 0.1


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
        geometry: what of an image is resized, one of `GEOMETRIES`.
    """

    options: DataOptions
    image_size: int
    cache_dir: Path
    data_seed: int
    positive: tuple = ()
    policy: inputs.Oversampling = inputs.OVERSAMPLING["none"]
    plan: cleaning.CleaningPlan | None = None
    geometry: str = DEFAULT_GEOMETRY

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
            if dropped:
                say(f"  {dropped} known duplicates left out")
        for sentence in (*manifest.notes, *manifest.warnings(given=self._split_method(manifest) == "given")):
            say(f"  {sentence}")
        self._check_given_split(manifest)
        unknown = manifest.table[["lesion_id", "patient_id"]].isna().all(axis=None)
        if unknown and self._split_method(manifest) == "grouped" and not dataset.synthetic:
            say(
                "  Each image counts as a lesion of its own. Where several show one lesion or patient, name "
                "them in a table (--data manifest, columns lesion_id and patient_id), or the test is too easy."
            )
        if options.max_images is not None:
            manifest = manifest.limit(options.max_images, self.data_seed)
        return manifest if dataset.synthetic else self._grouped(manifest)

    def _grouped(self, manifest):
        """The manifest in which copies of an image count as one group."""
        if not self.options.skip_bad_images or len(datasets.missing_images(manifest)) == len(manifest):
            datasets.check_images(manifest)
        method = self._split_method(manifest)
        with progress_bar("Looking for duplicates") as progress:
            pairs = datasets.find_duplicates(manifest, cache_dir=self.cache_dir, progress=progress)
        if method != "paper":  # which takes the images as they are published
            datasets.check_labels_of_copies(manifest, pairs)
        if method != "grouped":
            return manifest
        grouped = datasets.group_duplicates(manifest, pairs, near=self.options.near_duplicates == "group")
        for note in grouped.notes[len(manifest.notes) :]:
            say(f"  {note}")
        return grouped

    def _split_method(self, manifest):
        return datasets.split_method(manifest, self.options.split_by)

    def _check_given_split(self, manifest):
        """Says that a given split is used. Raises ValueError if it contradicts --validation, or if there is none."""
        given, options = manifest.given_split, self.options
        if self._split_method(manifest) != "given":
            return
        if given is None:
            raise ValueError(
                f"{manifest.origin} gives no split: leave out --split-by, or write train, validation or test into a "
                "column split."
            )
        validation = int((given == "validation").sum()) if "test" in given else 0
        if validation and options.validation is not None:
            raise ValueError(
                f"--validation contradicts the split of {manifest.origin}, which has {validation:,} validation "
                "images: leave it out, or use --split-by grouped."
            )
        asked = "" if options.split_by else " (--split-by grouped makes another one)"
        say(f"  The split that the data gives is used{asked}.")
        if "test" not in given:
            say("  It has no test images: its validation images are the test images.")
        if not validation and options.validation is None:
            say("  It has no validation images: --validation 0.1 takes a tenth of its training images.")

    def _split(self, manifest, seed):
        """(n,) the subset of every image."""
        validation, method = self.options.validation, self._split_method(manifest)
        if validation is None:
            validation = 0 if method == "given" else _VALIDATION
        return datasets.split(manifest, method, seed, validation=validation)

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
            assignment = self._split(manifest, seed)
        manifest, positives = self._with_positives(manifest)
        labels = np.asarray(datasets.BINARY_CLASSES)[np.isin(manifest.labels, positives).astype(int)]

        def variants_of(rows):
            ids = manifest.table["image_id"].to_numpy()[rows]
            return inputs.variant_table(ids, labels[rows], self.policy, self.data_seed)

        if self.plan:  # before the images are decoded, which can take long
            planned = variants_of(np.flatnonzero(assignment == "train"))["label"].value_counts()
            self.plan.removals(int(planned["benign"]), int(planned["malignant"]))
        images, left_out = self._decode(manifest)
        used = np.where(np.isin(np.arange(len(manifest)), left_out.index), "", assignment)
        datasets.check_split(manifest, used)
        train = np.flatnonzero(used == "train")
        variants = inputs.VariantImages(images, train, variants_of(train), self.policy.steps)
        kept = np.ones(len(variants), bool)
        # From the cache, unless the images are synthetic.
        pairs = datasets.find_duplicates(manifest, assignment, cache_dir=self.cache_dir)
        data = SplitImages(manifest, assignment, used, positives, images, variants, kept, pairs, left_out)
        groups = len(set(manifest.groups()[used != ""]))
        say(f"  {self.options.dataset.title}: {int((used != '').sum())} images in {groups} groups")
        self._warn_of_crop(images, np.flatnonzero(used != ""))
        print_counts(data)
        return data

    def _warn_of_crop(self, images, rows):
        cut = images.count_cut(rows) if self.geometry == "crop" else None
        if cut:
            say(
                f"  The crop drops more than a quarter of {cut:,} of {len(rows):,} images: --geometry squash or pad "
                "keeps them whole."
            )

    def _with_positives(self, manifest):
        if not self.positive:
            return manifest, ()
        if len(manifest.classes) == 2:
            # Whatever the two are called, and sorted: benign comes first from here on.
            return manifest.binary(self._positives(manifest)), (1,)
        return manifest, tuple(manifest.classes.index(name) for name in self._positives(manifest))

    def _decode(self, manifest):
        """All images of the manifest, decoded, and a table of those that are left out, see `SplitImages`."""
        paths, skip_bad = manifest.table["image"].tolist(), self.options.skip_bad_images
        with progress_bar("Decoding images") as progress:
            images, problems = inputs.decode_all(
                paths,
                self.image_size,
                self.cache_dir,
                geometry=self.geometry,
                skip_bad=skip_bad,
                progress=progress,
                on_wait=lambda: say("  Another process is decoding these images: waiting for it."),
            )
        left_out = manifest.table[["image_id", "image"]].assign(
            problem=[problems.get(str(Path(path))) for path in paths]
        )
        left_out = left_out[left_out["problem"].notna()]
        for sentence in _left_out_sentences(left_out):
            say(f"  {sentence}")
        return images, left_out


def _left_out_sentences(left_out):
    """How many images are missing and how many cannot be read, with ten names of each."""
    there = np.array([image_files.exists(path) for path in left_out["image"]], bool)
    missing, unreadable = left_out[~there], left_out[there]
    if len(missing):
        yield f"Missing and left out, {len(missing):,} of the images: {name_some(missing['image_id'])}"
    if len(unreadable):
        names = unreadable["image_id"] + " (" + unreadable["problem"] + ")"
        yield f"Unreadable and left out, {len(unreadable):,} of the images: {name_some(names)}"


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
        named = ", ".join(f"{count} {name}" for name, count in counts.items())
        say(f"  {subset}: {named if any(counts.values()) else 'none'}")


def record_data(data, run):
    """Writes `split.csv`, `duplicates.csv` and, where images are left out, `left_out.csv` of a run or repeat, unless
    an earlier part of it did."""
    split_file, duplicates_file = run.file("split.csv"), run.file("duplicates.csv")
    if not split_file.exists():
        datasets.save_split(data.manifest, data.assignment, split_file)
    left_out_file = run.file("left_out.csv")
    if len(data.left_out) and not left_out_file.exists():
        with replacing(left_out_file) as temporary:
            data.left_out.to_csv(temporary, index=False)
        say(f"  the images that are left out: see {left_out_file}")
    images_file = run.file("images.csv")
    if not images_file.exists():
        _record_images(data, images_file)
    if duplicates_file.exists():
        return
    pairs = data.duplicates
    across = pairs[pairs["split_1"] != pairs["split_2"]]
    with replacing(duplicates_file) as temporary:
        pairs.to_csv(temporary, index=False)
    say(
        f"  duplicates: {len(pairs)} pairs look alike ({int(pairs['exact'].sum())} are the same file), "
        f"{len(across)} of them in different subsets: see {duplicates_file}"
    )


def _record_images(data, file):
    """Writes which images the run uses and for what, so that a later evaluation can leave them out."""
    table = data.manifest.table
    with progress_bar("Noting the images") as progress:
        digests = []
        for path in table["image"]:
            digests.append(image_files.digest(path))
            progress(len(digests), len(table))
    content = {"image_id": table["image_id"], "subset": data.used, "digest": digests}
    with replacing(file) as temporary:
        pd.DataFrame(content).to_csv(temporary, index=False)


def materialise(data, folder):
    """Writes the training images as they are shown, every variant, into a folder."""
    with progress_bar("Writing variants") as progress:
        inputs.materialise(data.variants, folder, progress)
