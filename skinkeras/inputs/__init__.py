"""Manifest -> tf.data: decoding once, deterministic shuffling and augmentation, radial blur."""

from skinkeras.inputs.augmentation import Augmentation
from skinkeras.inputs.blur import radial_blur
from skinkeras.inputs.datasets import evaluation_dataset, steps_per_epoch, training_dataset
from skinkeras.inputs.pictures import BadImagesError, Pictures, decode, decode_all, resize_to_square

__all__ = [
    "Augmentation",
    "BadImagesError",
    "Pictures",
    "decode",
    "decode_all",
    "evaluation_dataset",
    "radial_blur",
    "resize_to_square",
    "steps_per_epoch",
    "training_dataset",
]
