"""The data sets as data: how each is read, and what results have to say about it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from skinkeras.datasets.targets import MELANOMA_ONLY, Target
from skinkeras.datasets.taxonomy import (
    DERM7PT,
    DERM7PT_TAXONOMY,
    HAM10000,
    ISIC2018_TAXONOMY,
    ISIC2019_TAXONOMY,
    ISIC2019_TITLES,
    PAD_UFES_TAXONOMY,
    PAD_UFES_TITLES,
    SYNTHETIC_TAXONOMY,
    Taxonomy,
)
from skinkeras.lazy import LazyFunction


@dataclass(frozen=True)
class Dataset:
    """One row of `DATASETS`.

    Attributes:
        title: the name in print, with its source.
        licence: of the images.
        read: from the folder that holds the data to its `Manifest`; raises ValueError or FileNotFoundError
            with a sentence that names the file and line.
        layout: what that folder holds, in one line.
        limits: sentences on what is known to be wrong with the data, or what is unknown.
        binary_limits: further ones, if its classes are merged into benign and malignant.
        positive: the classes that count as malignant unless others are named.
        taxonomy: the tree whose leaves are its classes, or None.
        class_titles: {class: its name in full} where the class is an abbreviation.
        target: what `positive` means, where the names of the classes do not say it.
        known_duplicates: from (manifest, folder) to (manifest without the second image of each published
            pair, number left out); None where no list is published.
        overlaps: data sets of this table that have images of this one: a model trained on one must not be
            tested on the other.
        options: names of further arguments of `read`, each of which has a flag.
        synthetic: whether a program made the images.
    """

    title: str
    licence: str
    read: Callable
    layout: str
    limits: tuple[str, ...]
    binary_limits: tuple[str, ...] = ()
    positive: tuple[str, ...] = ("malignant",)
    taxonomy: Taxonomy | None = None
    class_titles: Mapping[str, str] = field(default_factory=dict)
    target: Target | None = None
    known_duplicates: Callable | None = None
    overlaps: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    synthetic: bool = False

    @property
    def note(self):
        """The line at the foot of each figure that is made from the data."""
        return "SYNTHETIC images: says nothing about real lesions" if self.synthetic else self.title


def _read_synthetic(root, n=800, seed=0, *, structures=False):
    """`synthetic` with the folder first, as the other readers have it."""
    from skinkeras.datasets.synthetic_images import synthetic

    return synthetic(n, seed, root, structures=structures)


_ISIC_LICENCE = "CC BY-NC 4.0"
_NO_LICENCE = "unknown: that of the images"
_drop_known_duplicates = LazyFunction("skinkeras.datasets.readers.isic:drop_duplicates_if_listed")

_HAM10000_LIMITS = (
    "The acquisition source predicts the diagnosis: 3,954 of the 10,015 images come from one device "
    "(vidir_molemax), with 24 of the 1,113 melanomas; 94 % of its images were confirmed by follow-up only. The "
    "name of the source alone, without the image, reaches a ROC AUC of 0.73 for melanoma, so a figure over all "
    "sources is too high: read it beside those within a source and of histologically confirmed images.",
    "Trivial cues separate melanoma from the rest: over all 10,015 images the size of the JPEG file alone "
    "reaches a ROC AUC of 0.67 and dark corners 0.62. Part of what any model learns may be such cues.",
    "HAM10000 comes from two clinics (Vienna, Austria and Queensland, Australia) and shows almost only light "
    "skin. Nothing here says how the model does on dark skin, on children, on mucosa or nails.",
    "53 % of the images (41 % of the lesions) were confirmed by histopathology, the others by follow-up, "
    "consensus or confocal microscopy; the labels are not free of error.",
)
_MELANOMA_ONLY = (
    '"Benign" means every diagnosis but melanoma, and so includes {} and actinic keratosis, which need '
    "treatment."
)
_HAM10000_BINARY_LIMITS = (_MELANOMA_ONLY.format("basal cell carcinoma"),)

_ISIC2019_LIMITS = (
    "ISIC 2019 joins three collections: BCN20000 (Barcelona), HAM10000 (Vienna and Queensland) and the MSK "
    "archive. They differ in their cameras, image sizes and shares of diagnoses, so a model can recognise the "
    "collection in place of the disease.",
    "2,074 files are called _downsampled; they were resized otherwise than the rest and show only melanomas, "
    "nevi and benign keratoses, so part of what a model learns may be the resizing.",
    "The lesion is not known for 2,084 of the 25,331 images, so that two images of one lesion can be in "
    "training and test at once. All of HAM10000 is in it: a model trained on one must not be tested on the "
    "other.",
    "Almost all images show light skin. Not every diagnosis was confirmed by histopathology.",
)
_ISIC2020_LIMITS = (
    "The 584 malignant images (1.8 %) were confirmed by histopathology, the benign ones by histopathology, "
    'follow-up or expert agreement; 82 % of all images have the diagnosis "unknown" and count as benign.',
    "There are 2 to 115 images of each of the 2,056 patients, and 425 pairs of images are published as "
    "duplicates; others may remain.",
    "Almost all images show light skin. The clinics, on three continents, differ in their cameras and in how "
    "common melanoma is among their images.",
)

DATASETS = {
    "synthetic": Dataset(
        "synthetic images",
        "none needed",
        _read_synthetic,
        "nothing, no folder needed: 800 images are generated",
        (
            "All images are generated by a program. The figures say that the software works, and nothing about "
            "skin.",
        ),
        taxonomy=SYNTHETIC_TAXONOMY,
        synthetic=True,
    ),
    "ham10000": Dataset(
        "HAM10000 (Tschandl et al., Sci Data 2018, doi:10.1038/sdata.2018.161)",
        _ISIC_LICENCE,
        LazyFunction("skinkeras.datasets.readers.ham10000:ham10000"),
        "`HAM10000_metadata` (comma- or tab-separated) or `labels.csv`, with the columns `image_id`, `lesion_id` "
        "and `dx`; the images in any folders",
        _HAM10000_LIMITS,
        _HAM10000_BINARY_LIMITS,
        positive=("mel",),
        taxonomy=ISIC2018_TAXONOMY,
        class_titles=HAM10000,
        overlaps=("isic2018", "isic2019", "isic_archive", "isic_merge"),
    ),
    "isic2018": Dataset(
        "ISIC 2018 task 3",
        _ISIC_LICENCE,
        LazyFunction("skinkeras.datasets.readers.isic:isic2018"),
        "the files of the challenge, with its lesion groupings; the images in any folders",
        # Its training images are HAM10000's.
        _HAM10000_LIMITS,
        _HAM10000_BINARY_LIMITS,
        positive=("mel",),
        taxonomy=ISIC2018_TAXONOMY,
        class_titles=HAM10000,
        overlaps=("ham10000", "isic2019", "isic_archive", "isic_merge"),
    ),
    "isic2019": Dataset(
        "ISIC 2019 (BCN20000, HAM10000 and MSK)",
        _ISIC_LICENCE,
        LazyFunction("skinkeras.datasets.readers.isic:isic2019"),
        "the files of the challenge, with its metadata; the images in any folders",
        _ISIC2019_LIMITS,
        (_MELANOMA_ONLY.format("basal cell and squamous cell carcinoma"),),
        positive=("mel",),
        taxonomy=ISIC2019_TAXONOMY,
        class_titles=ISIC2019_TITLES,
        overlaps=("bcn20000", "ham10000", "isic2018", "isic_archive", "isic_merge"),
    ),
    "isic2020": Dataset(
        "ISIC 2020 (SIIM-ISIC; Rotemberg et al., Sci Data 2021, doi:10.1038/s41597-021-00815-z)",
        _ISIC_LICENCE,
        LazyFunction("skinkeras.datasets.readers.isic:isic2020"),
        "the files of the challenge with its list of duplicates, or Kaggle's `train.csv`; the images in any "
        "folders",
        _ISIC2020_LIMITS,
        ('"Malignant" means melanoma: other cancers were not looked for.',),
        target=MELANOMA_ONLY,
        known_duplicates=_drop_known_duplicates,
        overlaps=("isic_archive", "isic_merge"),
    ),
    "isic_merge": Dataset(
        "ISIC 2020 and the melanomas of ISIC 2019 (Gilal et al. 2023)",
        _ISIC_LICENCE,
        LazyFunction("skinkeras.datasets.readers.isic:isic_merge"),
        "the files of ISIC 2019 and 2020 side by side: the paper's 32,542 benign and 5,106 malignant images",
        (
            "All benign images come from ISIC 2020 and most melanomas from ISIC 2019, so a model can recognise "
            "the source in place of the disease; a figure over both sources is too high.",
            *_ISIC2020_LIMITS,
            *_ISIC2019_LIMITS[1:3],
        ),
        ('"Malignant" means melanoma: other cancers were not looked for.',),
        target=MELANOMA_ONLY,
        known_duplicates=_drop_known_duplicates,
        overlaps=("bcn20000", "ham10000", "isic2018", "isic2019", "isic2020", "isic_archive"),
    ),
    "isic_archive": Dataset(
        "the ISIC Archive (isic-archive.com)",
        "that of each image, in the table's column copyright_license: CC0, CC BY or CC BY-NC 4.0",
        LazyFunction("skinkeras.datasets.readers.isic_archive:isic_archive"),
        "what `isic image download` or the archive's web page hands out: `metadata.csv` and the images",
        (
            "The archive joins the collections of many clinics, which differ in their cameras and in their shares "
            "of diagnoses, so a model can recognise the collection in place of the disease: read the figures "
            "within one attribution.",
            "Not every diagnosis was confirmed by histopathology, and where the lesion or the patient of an image "
            "is not known, images of one can be in training and test at once.",
            "Almost all images show light skin. Which images are in a download depends on its date and its "
            "search, so that two downloads are two data sets.",
        ),
        ('"Benign" includes indeterminate lesions, such as actinic keratosis, unless they are named.',),
        positive=("Malignant",),
        overlaps=("bcn20000", "ham10000", "isic2018", "isic2019", "isic2020", "isic2024", "isic_merge"),
        options=("level", "label_column", "all_image_types"),
    ),
    "isic2024": Dataset(
        "ISIC 2024 (SLICE-3D; Kurtansky et al., Sci Data 2024, doi:10.1038/s41597-024-03743-w)",
        _ISIC_LICENCE,
        LazyFunction("skinkeras.datasets.readers.isic2024:isic2024"),
        "Kaggle's `train-metadata.csv` and `train-image.hdf5` or `train-image/`",
        (
            "The images are no dermoscopy: they are tiles of 15 mm from photographs of the whole body, at the "
            "resolution of a phone's close-up. A model of them says nothing about dermoscopic images.",
            "393 of the 401,059 images (0.1 %) are malignant, of 1,042 patients. Only lesions that a doctor had "
            "biopsied were confirmed by histopathology; the others count as benign because nobody did.",
            "The clinics, on three continents, differ in how common cancer is among their images. Almost all "
            "patients have light skin.",
        ),
        overlaps=("isic_archive",),
    ),
    "bcn20000": Dataset(
        "BCN20000 (Hernández-Pérez et al., Sci Data 2024, doi:10.1038/s41597-024-03387-w)",
        _ISIC_LICENCE,
        LazyFunction("skinkeras.datasets.readers.bcn20000:bcn20000"),
        "`bcn_20k_train.csv` and the images",
        (
            "All images come from one hospital (Clínic, Barcelona), taken from 2010 to 2016, and show almost only "
            "light skin. They were chosen to be hard: nails, mucosa, lesions larger than the image.",
            "About 12,000 of its images are in ISIC 2019 under other names: a model trained on one must not be "
            "tested on the other.",
            "The labels of the challenge's test images are not published, so that they are left out.",
        ),
        (_MELANOMA_ONLY.format("basal cell and squamous cell carcinoma"),),
        positive=("mel",),
        taxonomy=ISIC2019_TAXONOMY,
        class_titles=ISIC2019_TITLES,
        overlaps=("isic2019", "isic_archive", "isic_merge"),
    ),
    "pad_ufes": Dataset(
        "PAD-UFES-20 (Pacheco et al., Data in Brief 2020, doi:10.1016/j.dib.2020.106221)",
        "CC BY 4.0",
        LazyFunction("skinkeras.datasets.readers.pad_ufes:pad_ufes"),
        "`metadata.csv` and the images in `imgs_part_1/` to `imgs_part_3/`",
        (
            "The images are no dermoscopy: they are photographs by smartphones, of many sizes and in any light.",
            "52 of the 2,298 images show a melanoma: figures for it are little more than anecdotes.",
            "All images come from one programme in Espírito Santo, Brazil, many of whose patients are of Pomeranian, "
            "German or Italian descent. All cancers were confirmed by a biopsy, of the other lesions only some: "
            "whether there was one predicts the label.",
        ),
        (
            '"Malignant" means basal cell carcinoma, squamous cell carcinoma (with Bowen\'s disease) and melanoma.',
        ),
        positive=("bcc", "mel", "scc"),
        taxonomy=PAD_UFES_TAXONOMY,
        class_titles=PAD_UFES_TITLES,
    ),
    "derm7pt": Dataset(
        "derm7pt (Kawahara et al., IEEE JBHI 2018, doi:10.1109/JBHI.2018.2824327)",
        "for research only: the terms of derm.cs.sfu.ca",
        LazyFunction("skinkeras.datasets.readers.derm7pt:derm7pt"),
        "the folder `release_v0`: `meta/meta.csv`, `images/`, and the lists of its split",
        (
            "1,011 cases of a teaching atlas, chosen for what they show: neither the shares of the diagnoses nor "
            "their difficulty are those of a clinic.",
            "252 cases are melanomas, and 42 basal cell carcinomas; the patients are not named, so that two "
            "cases of one can be in training and test at once.",
            "Almost all images show light skin; many have a dark frame.",
        ),
        ('"Benign" means every diagnosis but melanoma, and so includes basal cell carcinoma.',),
        positive=("mel",),
        taxonomy=DERM7PT_TAXONOMY,
        class_titles=DERM7PT,
        options=("clinical",),
    ),
    "folder": Dataset(
        "images in a folder",
        _NO_LICENCE,
        LazyFunction("skinkeras.datasets.readers.folder:image_folder"),
        "one folder of images for each class, such as `benign/` and `malignant/`, or these in `train/`, `val/` "
        "and `test/`; each image counts as a lesion of its own",
        (
            "Where the images come from, which skin they show and how their labels were confirmed is not known "
            "here.",
            "Lesions and patients are not known: if several images show one lesion or patient, some of them are "
            "in training and others in the test, and the figures are too high.",
        ),
    ),
    "manifest": Dataset(
        "images in a table",
        _NO_LICENCE,
        LazyFunction("skinkeras.datasets.readers.folder:manifest_csv"),
        "`manifest.csv` with the columns `image` (path) and `label`, and where known `image_id`, `lesion_id`, "
        "`patient_id` (images that share one are never divided between training and test) and `split`",
        (
            "Where the images come from, which skin they show and how their labels were confirmed is not known "
            "here.",
            "Images that share a lesion or a patient without a lesion_id or patient_id that says so can be in "
            "training and test at once; the figures are then too high.",
        ),
    ),
}
