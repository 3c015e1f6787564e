"""A picture as every model sees it, in training and in use alike. Light to import: no TensorFlow.

Pillow decodes, because OpenCV fills the missing part of a cut-off JPEG with grey and reports success.
"""

import cv2
import numpy as np
from PIL import Image, ImageOps

PICTURE_ENDINGS = (".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp")


def images_below(folder):
    """The picture files in a folder and all below it, by their endings, sorted; hidden ones are passed over.

    Pillow's own list of endings has formats that it only writes or only recognises (.pdf, .h5).
    """
    return sorted(
        path for path in folder.rglob("*") if _is_picture(path.relative_to(folder)) and path.is_file()
    )


def _is_picture(path):
    hidden = any(part.startswith(".") for part in path.parts)
    return not hidden and path.suffix.lower() in PICTURE_ENDINGS


def decode(path, size):
    """Reads a picture as a model sees it: the largest centred square, resized to `size`.

    JPEGs much larger than needed are decoded at 1/2, 1/4 or 1/8 of their size (DCT scaling), never
    below `size`. Shrinking averages areas, enlarging is bicubic. The camera's orientation mark (EXIF)
    is obeyed.

    Args:
        path: the picture; any format that Pillow reads.
        size: pixels, height and width of the result.

    Returns:
        (size, size, 3) uint8, RGB.

    Raises:
        OSError: the file is missing, is not a picture or is cut off.
    """
    with Image.open(path) as picture:
        # Twice the wanted size leaves enough pixels for the averaging below to be clean.
        picture.draft("RGB", (2 * size, 2 * size))
        return resize_to_square(rgb_pixels(picture), size)


def rgb_pixels(picture):
    """The pixels of a PIL image, upright: (height, width, 3) uint8.

    Raises:
        OSError: grey levels of 32 bits beyond 255, of which nobody knows what is white.
    """
    if picture.mode.startswith("I;16"):
        # Pillow itself would cut everything above 255 off. The byte order is the array's.
        picture = Image.fromarray((np.asarray(ImageOps.exif_transpose(picture)) >> 8).astype(np.uint8))
    elif picture.mode == "I" and picture.getextrema()[1] > 255:
        raise OSError("its grey levels have 32 bits: save it with 8 or 16")
    return np.asarray(ImageOps.exif_transpose(picture).convert("RGB"))


def resize_to_square(pixels, size):
    """The largest centred square of a (height, width, 3) uint8 picture, resized to (size, size, 3)."""
    height, width = pixels.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    square = pixels[top : top + side, left : left + side]
    interpolation = cv2.INTER_AREA if side > size else cv2.INTER_CUBIC
    return cv2.resize(square, (size, size), interpolation=interpolation) if side != size else square
