"""An image of any kind as the square that a model takes. Light to import: no TensorFlow."""

import os

import numpy as np
from PIL import Image

from skinkeras.images.decoding import ImageError, check_side, decode, resize_to_square, rgb_pixels
from skinkeras.images.geometries import DEFAULT_GEOMETRY

ImageInput = str | os.PathLike | np.ndarray | Image.Image


def prepare_image(image: ImageInput, size: int, geometry: str = DEFAULT_GEOMETRY) -> np.ndarray:
    """An image as a model sees it: what training does to each, `skinkeras.images.decoding.decode`.

    Args:
        image: path, PIL image, or array (height, width, 3) of sRGB 0..255, integers or floats; floats
            are rounded to whole pixel values first. A file is decoded as in training, a large JPEG at a
            fraction of its size; the same image as pixels can differ from it by a level or two. A PIL
            image's colour profile and orientation are applied like a file's.
        size: height and width of the result in pixels.
        geometry: "crop", "squash" or "pad", see `skinkeras.images.decoding.resize_to_square`.

    Returns:
        (size, size, 3) uint8, sRGB.

    Raises:
        ImageError: one sentence that says what is wrong with the image.
        ValueError: there is no such geometry.

    Example:
        >>> prepare_image(np.full((40, 60, 3), 200, np.uint8), 32).shape
        (32, 32, 3)
    """
    if isinstance(image, str | os.PathLike):
        return decode(image, size, geometry)
    pixels = _pil_pixels(image) if isinstance(image, Image.Image) else _whole_pixels(image)
    check_side(*pixels.shape[:2], size)
    return resize_to_square(pixels, size, geometry)


def is_one_image(images) -> bool:
    """Whether `images` is one image, and not several: an array of three axes is one.

    So are what `prepare_image` refuses, an array of two axes and the bytes of a file.
    """
    one = isinstance(images, str | os.PathLike | Image.Image | bytes)
    return one or getattr(images, "ndim", 4) in (2, 3)


def _pil_pixels(image: Image.Image) -> np.ndarray:
    try:
        return rgb_pixels(image)
    except (ValueError, OSError, SyntaxError) as error:  # what Pillow raises when it decodes at last
        raise ImageError(f"the image cannot be decoded: {error}".rstrip(".")) from error


def _whole_pixels(pixels: np.ndarray) -> np.ndarray:
    """The array as uint8, if it is an image."""
    if isinstance(pixels, bytes):
        raise ImageError("the bytes of a file are not an image yet: use PIL.Image.open(io.BytesIO(data))")
    pixels = np.asarray(pixels)
    if pixels.ndim != 3 or pixels.shape[2] != 3 or not pixels.size or pixels.dtype.kind not in "uif":
        raise ImageError(
            f"an image must be (height, width, 3) numbers. Received: {pixels.shape} of {pixels.dtype}"
        )
    if not (pixels.min() >= 0 and pixels.max() <= 255):  # so that NaN fails
        raise ImageError(f"pixels must be 0..255. Received: {pixels.min()} to {pixels.max()}")
    if pixels.dtype.kind == "f" and 0 < pixels.max() <= 1:
        raise ImageError("pixels must be 0..255, and these are 0..1: multiply them by 255")
    return np.rint(pixels).astype(np.uint8)
