"""Manifest -> tf.data: decoding once, shuffling, augmentation, oversampling, blur, colour constancy."""

from skinkeras.decoding import decode, resize_to_square
from skinkeras.inputs.augmentation import AUGMENTATIONS, Augmentation, StrongAugmentation
from skinkeras.inputs.blur import Rho, chromatic_aberration, radial_blur
from skinkeras.inputs.colour_constancy import shades_of_gray
from skinkeras.inputs.datasets import evaluation_dataset, steps_per_epoch, training_dataset
from skinkeras.inputs.decoded_images import BadImagesError, DecodedImages, decode_all
from skinkeras.inputs.oversampling import (
    OVERSAMPLING,
    ImageVariant,
    Oversampling,
    VariantImages,
    check_materialised,
    materialise,
    variant_table,
)

__all__ = [
    "AUGMENTATIONS",
    "OVERSAMPLING",
    "Augmentation",
    "BadImagesError",
    "DecodedImages",
    "ImageVariant",
    "Oversampling",
    "Rho",
    "StrongAugmentation",
    "VariantImages",
    "check_materialised",
    "chromatic_aberration",
    "decode",
    "decode_all",
    "evaluation_dataset",
    "materialise",
    "radial_blur",
    "resize_to_square",
    "shades_of_gray",
    "steps_per_epoch",
    "training_dataset",
    "variant_table",
]
