"""The groups that say which images."""

import dataclasses
from dataclasses import dataclass
from typing import Annotated, Literal

from tyro.conf import arg

from pipelines.common.groups.fields import Count, Name, Number, Place, choice
from pipelines.common.options import Options
from skinkeras import datasets


@dataclass(frozen=True)
class ImageOptions(Options):
    """Which images."""

    data: Literal[tuple(datasets.DATASETS)] = "synthetic"
    """Data set; "synthetic" generates its own images, for a demonstration without data."""
    data_dir: Place = None
    """Folder that holds the data set."""
    max_images: Count = None
    """Use only about this many images, for a quick look."""
    skip_bad_images: bool = False
    """Leave out images that cannot be read, instead of stopping."""
    keep_known_duplicates: bool = False
    """Keep both images of the published ISIC 2020 duplicate pairs, as --split-by paper always does."""
    level: Count = None
    """How fine the classes are, 1 (the default) to 5, of --data isic_archive."""
    label_column: Name = None
    """The column that holds the classes instead of a level, of --data isic_archive."""
    all_image_types: bool = False
    """Read clinical and other images of --data isic_archive too, not only dermoscopic ones."""
    clinical: bool = False
    """Read the clinical images of --data derm7pt instead of the dermoscopic ones."""

    def check(self):
        self.at_least(max_images=1)
        if self.level is not None and not 1 <= self.level <= 5:
            raise ValueError(f"--level must be 1 to 5. Received: {self.level}")

    @property
    def reader_options(self):
        """{further argument of the reader: value} of those that were given."""
        names = dict.fromkeys(name for row in datasets.DATASETS.values() for name in row.options)
        return {name: getattr(self, name) for name in names if getattr(self, name) not in (None, False)}

    @property
    def dataset(self):
        """The data set's row of `datasets.DATASETS`."""
        return datasets.DATASETS[self.data]

    @property
    def drops_known_duplicates(self):
        """Whether the second image of each published duplicate pair is left out."""
        return not self.keep_known_duplicates


@dataclass(frozen=True)
class DataOptions(ImageOptions):
    """Which images, and how they are split."""

    split_by: choice("grouped", "paper", "given") = None
    """By default as the data gives it, else grouped by lesion and patient; paper: by image, as Gilal et al. 2023."""
    validation: Number = None
    """Share of validation images; by default 0.1, or those that the data gives. 0: none, and a threshold of 0.5."""
    near_duplicates: Literal["group", "list"] = "group"
    """Keep images that are copies of each other in one subset, or only list them in duplicates.csv."""

    def check(self):
        super().check()
        self.between("validation", 0, 0.5)

    @property
    def drops_known_duplicates(self):
        """Whether the second image of each published duplicate pair is left out."""
        return super().drops_known_duplicates and self.split_by != "paper"


@dataclass(frozen=True)
class BinaryDataOptions(DataOptions):
    """Which images, how they are split, and what counts as malignant."""

    positive: Annotated[tuple[str, ...], arg(metavar="CLASS...", help_behavior_hint="")] = ()
    """Classes that count as malignant; by default those of the data set (melanoma)."""

    def facts(self):
        """{setting in words: value}, for the card."""
        return {"counted as malignant": ", ".join(self.positive)}


@dataclass(frozen=True)
class DiagnosisDataOptions(DataOptions):
    """Which images, how often they are split, and the tree of their classes."""

    taxonomy: Place = None
    """YAML file {node: [children]} with the tree of the classes; by default that of the data set."""
    repeats: int = 2
    """Number of splits to train and measure on (1 if given); results are averaged, the first one's model ships."""

    def check(self):
        super().check()
        self.at_least(repeats=1)


@dataclass(frozen=True)
class ExternalDataOptions(ImageOptions):
    """Which labelled images a model is measured on."""

    data: Literal[tuple(datasets.DATASETS)] = "folder"
    """How the images are read: a folder for each class, a manifest, or a data set."""
    positive: Annotated[tuple[str, ...], arg(metavar="CLASS...", help_behavior_hint="")] = ()
    """Classes that count as malignant; by default those of the data set (melanoma)."""
    map: Annotated[tuple[str, ...], arg(metavar="THEIRS=OURS...", help_behavior_hint="")] = ()
    """The model's class for a label of the data that it does not have; THEIRS= leaves those images out."""
    subset: choice("train", "validation", "test") = None
    """Measure on this part of the split that the data gives; by default on all images."""
    include_training: bool = False
    """Also measure on images that were used to train the model or to choose its threshold."""

    def check(self):
        super().check()
        _ = self.mapping

    @property
    def mapping(self):
        """{label of the data: class of the model, or ""}."""
        pairs = {}
        for word in self.map:
            theirs, equals, ours = word.partition("=")
            if not equals or not theirs or theirs in pairs:
                raise ValueError(f"--map takes LABEL=CLASS, each label once. Received: {word!r}")
            pairs[theirs] = ours
        return pairs

    @property
    def data_options(self):
        """The `DataOptions` that read the same images."""
        shared = {field.name: getattr(self, field.name) for field in dataclasses.fields(ImageOptions)}
        return DataOptions(**shared, split_by="grouped")
