"""Images of any kind -> what a model takes, as one object that Keras and tf.data can call."""

import os
from collections.abc import Iterable
from numbers import Integral
from typing import Any, Self

import keras
import numpy as np
import tensorflow as tf

from skinkeras.images.decoding import check_geometry
from skinkeras.images.geometries import DEFAULT_GEOMETRY
from skinkeras.images.preparation import ImageInput, is_one_image, prepare_image
from skinkeras.models.preset_table import find_preset


@keras.saving.register_keras_serializable("skinkeras")
class Preprocessor:
    """Prepares images as a model was trained on them: `skinkeras.images.preparation.prepare_image` for each.

    A file is decoded, turned upright as its EXIF says, brought from its colour profile to sRGB, cropped, squashed or
    padded to a square, and resized. The result has the pixel values 0..255: normalisation is inside the models.

    Args:
        image_size: int >= 1, height and width of the result in pixels.
        geometry: `"crop"`, `"squash"` or `"pad"`, see `skinkeras.images.decoding.resize_to_square`.

    Call:
        x: one image or several: paths, PIL images, arrays (height, width, 3) of sRGB 0..255; several of one size may
            be an array or tensor (n, height, width, 3). In `tf.data.Dataset.map` the path of one image or its
            pixels, or a batch of either.
        y, sample_weight: passed on as they are; None: left out.

    Returns (call):
        (image_size, image_size, 3) float32 for one image, (n, image_size, image_size, 3) for several; with y a tuple
        (x, y), with a sample weight (x, y, sample_weight).

    Raises:
        ValueError: there is no such geometry, or image_size is not a positive whole number.
        ImageError: (call) an image cannot be read; one sentence with the file's name.

    Example:
        >>> preprocessor = Preprocessor(image_size=64)
        >>> preprocessor(np.full((450, 600, 3), 200, "uint8")).shape
        (64, 64, 3)
        >>> files = tf.data.Dataset.from_tensor_slices((["a.jpg", "b.jpg"], [0, 1]))
        >>> files.map(preprocessor).batch(2).element_spec[0].shape
        TensorShape([None, 64, 64, 3])
    """

    def __init__(self, image_size: int, geometry: str = DEFAULT_GEOMETRY):
        check_geometry(geometry)
        if not isinstance(image_size, Integral) or image_size < 1:
            raise ValueError(f"image_size must be at least 1, and a whole number. Received: {image_size!r}")
        self.image_size, self.geometry = int(image_size), geometry

    @classmethod
    def from_preset(cls, preset: str | os.PathLike) -> Self:
        """The preprocessor of a released model.

        Args:
            preset: a key of `presets()`, or the path of a `NAME.json`.

        Raises:
            ValueError: there is no such preset.

        Example:
            >>> Preprocessor.from_preset("melanoma_efficientnet_lite0_224").get_config()
            {'image_size': 224, 'geometry': 'crop'}
        """
        row = find_preset(preset)
        return cls(row.input_size, row.geometry)

    def __call__(self, x: ImageInput | Iterable[ImageInput] | tf.Tensor, y=None, sample_weight=None):
        if tf.is_tensor(x) and not tf.executing_eagerly():
            images = self._tensor(x)
        elif is_one_image(x):
            images = self._pixels(x)
        else:
            images = self._batch(x)
        if y is None and sample_weight is None:
            return images
        return (images, y) if sample_weight is None else (images, y, sample_weight)

    def get_config(self) -> dict[str, Any]:
        return {"image_size": self.image_size, "geometry": self.geometry}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        return cls(**config)

    @property
    def _square(self) -> tuple[int, int, int]:
        return (self.image_size, self.image_size, 3)

    def _pixels(self, image: ImageInput) -> np.ndarray:
        return prepare_image(image, self.image_size, self.geometry).astype(np.float32)

    def _batch(self, images: Iterable[ImageInput]) -> np.ndarray:
        prepared = [self._pixels(image) for image in images]
        return np.stack(prepared) if prepared else np.empty((0, *self._square), np.float32)

    def _tensor(self, x: tf.Tensor) -> tf.Tensor:
        several = x.shape.rank in (1, 4)

        def pixels(value):
            images = (
                os.fsdecode(image) if isinstance(image, bytes) else image
                for image in (value if several else [value])
            )
            return self._batch(images) if several else self._pixels(next(images))

        prepared = tf.numpy_function(pixels, [x], tf.float32, stateful=False)
        return tf.ensure_shape(prepared, (None, *self._square) if several else self._square)
