"""Images with their labels and their subset of the split, as training and evaluation read them."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from skinkeras import datasets
from skinkeras.inputs.datasets import evaluation_dataset
from skinkeras.inputs.decoded_images import DecodedImages
from skinkeras.inputs.oversampling import VariantImages

SUBSETS = ("train", "validation", "test")
# Training images that stand in where there are no validation images.
_COMPARED_IMAGES = 1000


@dataclass(frozen=True)
class Subset:
    """The training, validation or test images, in the manifest's order.

    Attributes:
        images: `DecodedImages` or `VariantImages` that `rows` refers to.
        rows: (n,) int, where the images of this subset are in `images`.
        one_hot: (n, classes) float32.
        malignant: (n,) int, 1 where the label is a positive class.
        table: their n rows of the manifest's table.
        groups: (n,) int, equal for images that share a lesion or a patient.
        positives: indices of the classes that count as malignant.
    """

    images: object
    rows: np.ndarray
    one_hot: np.ndarray
    malignant: np.ndarray
    table: object
    groups: np.ndarray
    positives: tuple = ()

    @property
    def labels(self):
        """(n,) int, the index of each image's class."""
        return self.one_hot.argmax(axis=1)

    def dataset(self, batch_size):
        """Batches in the order of `rows`, neither shuffled nor augmented, once."""
        return evaluation_dataset(self.images, self.rows, self.one_hot, batch_size)


@dataclass(frozen=True)
class SplitImages:
    """Decoded images with their manifest, and the subset of the split that each belongs to.

    Attributes:
        manifest: `Manifest` of the classes that are learned.
        assignment: (n,) str, the subset of each row.
        used: the same, with "" for the rows whose images cannot be read.
        positives: indices of the classes that count as malignant; empty where every class stands for itself.
        images: `DecodedImages`, in the order of the manifest.
        variants: `VariantImages`, the oversampled training images.
        kept: (number of variants,) bool, True for those that remain after cleaning.
        duplicates: the pairs of `datasets.find_duplicates`.
        left_out: `pandas.DataFrame` with image_id, image and problem of the images that are not used; its index are
            their rows.
    """

    manifest: object
    assignment: np.ndarray
    used: np.ndarray
    positives: tuple
    images: DecodedImages
    variants: VariantImages
    kept: np.ndarray
    duplicates: object
    left_out: object

    @cached_property
    def class_groups(self):
        """(classes,) int: 1 for the positive classes, else 0; the groups of `MergeClasses`."""
        return tuple(int(number in self.positives) for number in range(len(self.manifest.classes)))

    @property
    def output_classes(self):
        """The classes of a model that ships: benign and malignant, or without positives all classes."""
        return datasets.BINARY_CLASSES if self.positives else self.manifest.classes

    @property
    def has_validation(self):
        """Whether there are validation images."""
        return bool((self.used == "validation").any())

    @property
    def compared_on(self):
        """The subset that `compared` is of: `"validation"`, or `"train"` where that is empty."""
        return "validation" if self.has_validation else "train"

    def compared(self):
        """The `Subset` on which models and files are compared: the validation images, or where there are none,
        1,000 training images."""
        return self.subset("validation") if self.has_validation else self.training_sample(_COMPARED_IMAGES)

    def training_sample(self, count):
        """The `Subset` of at most `count` training images, always the same ones of a split.

        They are the images themselves, whatever variants there are of them and whatever cleaning has removed.
        """
        rows = np.flatnonzero(self.used == "train")
        chosen = np.random.default_rng(0).permutation(rows)[:count]
        return self._subset(self.images, np.sort(chosen), np.sort(chosen))

    def subset(self, name):
        """The `Subset` called `name`: train (the remaining variants), validation or test."""
        rows_of_images = np.flatnonzero(self.used == name)
        if name == "train":
            rows = np.flatnonzero(self.kept)
            rows_of_images = rows_of_images[self.variants.table["picture"].to_numpy()[rows]]
            return self._subset(self.variants, rows, rows_of_images)
        return self._subset(self.images, rows_of_images, rows_of_images)

    def _subset(self, images, rows, rows_of_images):
        labels = self.manifest.labels[rows_of_images]
        return Subset(
            images,
            rows,
            np.eye(len(self.manifest.classes), dtype=np.float32)[labels],
            np.asarray(self.class_groups)[labels],
            self.manifest.table.iloc[rows_of_images],
            self.manifest.groups()[rows_of_images],
            self.positives,
        )

    def binary(self):
        """The same images with the classes benign and malignant."""
        if len(self.manifest.classes) == 2:
            return self
        names = [self.manifest.classes[number] for number in self.positives]
        return replace(self, manifest=self.manifest.binary(names), positives=(1,))

    def counts(self):
        """{subset: {class: n}}, of the classes benign and malignant where there are positives; each variant of
        a training image counts."""
        totals = {}
        for name in SUBSETS:
            subset = self.subset(name)
            of_classes = subset.one_hot.sum(axis=0).astype(int).tolist()
            if self.positives:
                malignant = int(subset.malignant.sum())
                totals[name] = {"benign": sum(of_classes) - malignant, "malignant": malignant}
            else:
                totals[name] = dict(zip(self.manifest.classes, of_classes, strict=True))
        return totals
