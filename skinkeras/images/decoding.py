"""An image file as every model sees it, in training and in use alike. Light to import: no TensorFlow.

Pillow decodes, because OpenCV fills the missing part of a truncated JPEG with grey and reports success.
"""

import os
import re
import stat
import warnings
from contextlib import nullcontext
from functools import lru_cache
from io import BytesIO
from threading import Lock

import cv2
import numpy as np
from PIL import ExifTags, Image, UnidentifiedImageError

from skinkeras.images import image_files
from skinkeras.images.colours import ToneRangeError, check_16_bits, has_16_bits, srgb_image
from skinkeras.images.embedded_profiles import HdrError, unreported_profile
from skinkeras.images.geometries import DEFAULT_GEOMETRY, GEOMETRIES
from skinkeras.images.jpeg_checks import count_scans, is_damaged

# Every format that is read, by Pillow's name, with its endings. Of several images in a file the first is read.
FORMATS = {
    "JPEG": (".jpg", ".jpeg", ".jfif", ".jpe", ".mpo"),
    "PNG": (".png", ".apng"),
    "TIFF": (".tif", ".tiff"),
    "BMP": (".bmp", ".dib"),
    "WEBP": (".webp",),
    "GIF": (".gif",),
    "JPEG2000": (".jp2", ".j2k", ".jpf", ".jpx", ".j2c", ".jpc"),
    "AVIF": (".avif", ".avifs"),
    "HEIF": (".heic", ".heif", ".hif", ".heics", ".heifs"),
}
IMAGE_ENDINGS = tuple(ending for endings in FORMATS.values() for ending in endings)

# Every backbone halves its input five times: an image below 32 pixels has less to show than one cell of the result.
MIN_SIDE = 32
# A JPEG is decoded at a fraction of its size; of all other images every pixel is in memory, in 6 to 20 bytes.
MAX_JPEG_PIXELS = 178_000_000  # just below Pillow's own limit
MAX_PIXELS = 2**26
MAX_FILE_BYTES = 2**29
# Scans times pixels; the slowest takes about 8 s. Encoders write 15 scans at most.
_MAX_SCANNED_PIXELS = 1_000_000_000
# Threads decode one image above this at a time, so that memory does not grow with their number.
_LARGE = 2**24
_one_large_image = Lock()

# Pillow warns of large images, which are bounded above, and of broken metadata, without a file's name.
warnings.filterwarnings("ignore", module=r"PIL\.")


class ImageError(ValueError):
    """An image that cannot be read, or an array that is not an image. One sentence.

    Attributes:
        problem: the sentence without the file and the full stop.
    """

    def __init__(self, problem, path=None):
        self.problem = problem
        super().__init__(f"{problem}." if path is None else f"{os.fspath(path)}: {problem}.")


def decode(path, size, geometry=DEFAULT_GEOMETRY):
    """Reads an image file as a model sees it: a square of `size` pixels, by default cropped.

    JPEGs much larger than needed are decoded at 1/2, 1/4 or 1/8 of their size (DCT scaling), never
    below `size`. Shrinking averages areas, enlarging is bicubic. The orientation that the camera noted (EXIF)
    is applied; colours and transparency are treated as in `skinkeras.images.colours.srgb_image`.

    Args:
        path: an image in one of `FORMATS`, whatever its ending says; a path into an HDF5 file (`file.hdf5/name`)
            is an image, too.
        size: pixels, height and width of the result.
        geometry: "crop", "squash" or "pad", see `resize_to_square`.

    Returns:
        (size, size, 3) uint8, sRGB.

    Raises:
        ImageError: the path leads to no image file, or the image is damaged, too small (see `check_side`) or too
            large to be decoded.
        ValueError: there is no such geometry.

    Example:
        >>> decode("photo.heic", 224).shape
        (224, 224, 3)
    """
    return decode_with_shape(path, size, geometry)[0]


def decode_with_shape(path, size, geometry=DEFAULT_GEOMETRY):
    """As `decode`, with the shape of the stored image.

    Returns:
        (size, size, 3) uint8; (height, width) of all pixels in the file, before the orientation is applied.
    """
    check_geometry(geometry)
    try:
        with _opened(path) as file, Image.open(file, formats=_formats(file)) as image:
            shape = (image.height, image.width)
            check_side(*shape, size)
            is_jpeg = image.format in ("JPEG", "MPO")
            # A progressive JPEG is in memory with all its pixels, too.
            reducible = is_jpeg and not image.info.get("progressive")
            _check_pixels(image, MAX_JPEG_PIXELS if reducible else MAX_PIXELS)
            large = not reducible and image.width * image.height > _LARGE
            with _one_large_image if large else nullcontext():
                if is_jpeg:
                    _check_jpeg(image, file)
                    # Twice the wanted size leaves enough pixels for the averaging below to be clean.
                    image.draft("RGB", (2 * size, 2 * size))
                return resize_to_square(rgb_pixels(image), size, geometry), shape
    except Exception as error:  # a broken file can raise anything inside a decoder
        raise ImageError(_problem(error, path), path) from error


def _opened(path):
    """The image's bytes as a file object. What is not a file is never opened: a pipe would wait for ever."""
    if image_files.hdf5_entry(path):
        return BytesIO(image_files.read_bytes(path))
    status = os.stat(path)
    if stat.S_ISDIR(status.st_mode):
        raise ImageError("it is a folder, not an image")
    if not stat.S_ISREG(status.st_mode):
        raise ImageError("it is a pipe, a socket or a device, not an image file")
    if not status.st_size:
        raise ImageError("it is empty")
    if status.st_size > MAX_FILE_BYTES:
        raise ImageError(f"it has {status.st_size:,} bytes, more than {MAX_FILE_BYTES:,}: save it smaller")
    return open(path, "rb")


def _formats(file):
    """The formats that the file may have, by Pillow's names."""
    start = file.read(12)
    file.seek(0)
    if start[4:8] == b"ftyp":
        _register_heif()
        return tuple(FORMATS)
    return tuple(name for name in FORMATS if name != "HEIF")


@lru_cache(1)
def _register_heif():
    import pillow_heif

    pillow_heif.register_heif_opener(thumbnails=False, depth_images=False, aux_images=False)


def _check_pixels(image, most):
    if image.width * image.height > most:
        raise ImageError(
            f"it has {image.width:,} x {image.height:,} pixels, and {most / 1e6:.0f} million can be decoded: save "
            "it smaller"
        )


def check_side(height, width, size):
    """Refuses an image that shows too little to be classified.

    Args:
        height, width: of the image, in pixels.
        size: of the model's input; an image that fills it is never too small.

    Raises:
        ImageError: the shorter side is below `MIN_SIDE`.
    """
    least = min(MIN_SIDE, size)
    if min(height, width) < least:
        raise ImageError(
            f"it has {width:,} x {height:,} pixels, and the shorter side needs {least}: use a larger image"
        )


def _check_jpeg(image, file):
    file.seek(0)
    data = file.read()
    if count_scans(data) * image.width * image.height > _MAX_SCANNED_PIXELS:
        raise ImageError("it is coded in too many passes to be decoded: save it anew")
    if is_damaged(data, image.mode):
        raise ImageError("data inside it is damaged")


def _problem(error, path):
    """What is wrong with an image, in words."""
    if isinstance(error, ImageError):
        return error.problem
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return "it is a link to nowhere" if os.path.islink(path) else "no such file"
    if isinstance(error, ToneRangeError | HdrError):
        return str(error)
    if isinstance(error, UnidentifiedImageError):
        if _starts_like_tiff(path):
            return "it is a TIFF of a kind that is not read, or damaged: save it with 8 or 16 bits a channel"
        return f"it is not an image in a format that is read ({', '.join(FORMATS)})"
    if isinstance(error, Image.DecompressionBombError):
        return "it has more pixels than can be decoded: save it smaller"
    if isinstance(error, MemoryError):
        return "there is too little memory to decode it"
    if isinstance(error, OSError) and error.filename is not None:
        return error.strerror.lower()
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    reason = " ".join(re.sub(r"\(.*?\)", "", reason).split()).rstrip(".")[:100]
    return f"it is damaged ({reason or type(error).__name__})"


def _starts_like_tiff(path):
    try:
        with _opened(path) as file:
            return file.read(4) in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
    except OSError:
        return False


def rgb_pixels(image):
    """The pixels of a PIL image, upright and in sRGB (`skinkeras.images.colours.srgb_image`).

    Returns:
        (height, width, 3) uint8.

    Raises:
        ToneRangeError: levels whose range is unknown.
        HdrError: its tones are made for a brighter screen.
    """
    wide, profile = has_16_bits(image), unreported_profile(image)
    image.load()
    if wide:
        check_16_bits(image)
    orientation = _orientation(image)
    image = srgb_image(image, profile or image.info.get("icc_profile"))
    pixels = np.empty((image.height, image.width, 3), np.uint8)
    # In strips, because Pillow makes two more copies of what it hands over.
    for top in range(0, image.height, 256):
        bottom = min(top + 256, image.height)
        pixels[top:bottom] = np.asarray(image.crop((0, top, image.width, bottom)))
    return np.ascontiguousarray(_UPRIGHT.get(orientation, lambda stored: stored)(pixels))


# EXIF 2.3, tag 0x0112: what makes the stored pixels upright.
_UPRIGHT = {
    2: lambda stored: stored[:, ::-1],
    3: lambda stored: stored[::-1, ::-1],
    4: lambda stored: stored[::-1],
    5: lambda stored: stored.swapaxes(0, 1),
    6: lambda stored: np.rot90(stored, -1),
    7: lambda stored: stored[::-1, ::-1].swapaxes(0, 1),
    8: np.rot90,
}


def _orientation(image):
    try:
        return image.getexif().get(ExifTags.Base.Orientation)
    except Exception:  # a broken EXIF block can raise anything; viewers show the pixels as they are stored
        return None


def check_geometry(geometry):
    """Raises ValueError unless `geometry` is one of `GEOMETRIES`."""
    if geometry not in GEOMETRIES:
        raise ValueError(f"The geometry must be one of {', '.join(GEOMETRIES)}. Received: {geometry!r}.")


def resize_to_square(pixels, size, geometry=DEFAULT_GEOMETRY):
    """An image as a square of `size` pixels.

    Along a side that shrinks, areas are averaged; along one that grows, interpolation is bicubic.

    Args:
        pixels: (height, width, 3) uint8.
        size: pixels, height and width of the result.
        geometry: what is resized. "crop": the largest centred square. "squash": the whole image, whatever its shape,
            as Gilal et al. 2023 and Barata & Santiago 2021 do. "pad": the whole image, centred on a black square of
            its longer side.

    Returns:
        (size, size, 3) uint8.

    Raises:
        ImageError: an image too long to be padded.
        ValueError: there is no such geometry.

    Example:
        >>> resize_to_square(np.full((2, 4, 3), 200, np.uint8), 2, "pad")[:, 0, 0]
        array([100, 100], dtype=uint8)
    """
    check_geometry(geometry)
    if geometry == "crop":
        pixels = _centred_square(pixels)
    elif geometry == "pad":
        pixels = _padded(pixels)
    height, width = pixels.shape[:2]
    if height == width == size:
        return pixels
    if min(height, width) < size < max(height, width):  # one side shrinks, and the other grows
        pixels = cv2.resize(pixels, (min(width, size), min(height, size)), interpolation=cv2.INTER_AREA)
    shrinks = min(pixels.shape[:2]) >= size
    return cv2.resize(pixels, (size, size), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC)


def _centred_square(pixels):
    height, width = pixels.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    return pixels[top : top + side, left : left + side]


def _padded(pixels):
    height, width = pixels.shape[:2]
    side = max(height, width)
    if side * side > MAX_JPEG_PIXELS:
        raise ImageError(
            f"it has {width:,} x {height:,} pixels, too long to be padded to a square: crop it, or save it smaller"
        )
    square = np.zeros((side, side, 3), np.uint8)
    top, left = (side - height) // 2, (side - width) // 2
    square[top : top + height, left : left + width] = pixels
    return square
