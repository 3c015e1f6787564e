"""Writes the golden vectors that hold the Kotlin code of the Android app to the Python code of training.

    python apps/android/golden.py

`core/src/test/resources/golden.json` then has frames as a camera delivers them (turned, mirrored, with
padding and odd strides) with the pixels that `skinkeras.inputs` makes of them, probabilities with the label
that belongs to them, and pictures with their brightness and blur. The Kotlin tests read it; a Python test
holds it current.
"""

import base64
import sys
import zlib
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageOps

sys.path.insert(0, str(Path(__file__).parents[2]))  # the package need not be installed

from skinkeras.decoding import resize_to_square
from skinkeras.files import write_json

FILE = Path(__file__).parent / "core" / "src" / "test" / "resources" / "golden.json"

# Name: stored width, height; bytes of padding behind a row; bytes a pixel; EXIF orientation; input size.
FRAMES = {
    "upright": (41, 29, 12, 4, 1, 13),
    "turned 90, odd stride": (43, 30, 3, 4, 6, 11),
    "turned 180, odd stride": (30, 43, 7, 4, 3, 11),
    "turned 270, high": (29, 42, 5, 4, 8, 12),
    "turned 90, five bytes a pixel": (27, 20, 1, 5, 6, 7),
    "mirrored": (24, 17, 0, 4, 2, 9),
    "mirrored, turned 180": (17, 24, 2, 4, 4, 9),
    "mirrored, turned 270": (24, 17, 3, 4, 5, 9),
    "mirrored, turned 90": (17, 24, 1, 4, 7, 9),
    "blocks of 2 x 2": (39, 26, 2, 4, 6, 13),
    "blocks of 3 x 3": (39, 50, 9, 4, 8, 13),
    "blocks of 4 x 4": (60, 52, 0, 4, 1, 13),
    "as large as the input": (19, 13, 1, 4, 6, 13),
    "hardly larger than the input": (18, 14, 0, 4, 1, 13),
    "enlarged": (9, 7, 3, 4, 6, 16),
    "enlarged from a pixel": (2, 1, 0, 4, 1, 5),
    "a camera's frame": (640, 480, 64, 4, 6, 28),
}

BINARY = {"classes": ["benign", "malignant"], "positive_class": "malignant", "threshold": 0.423828125}
# 0.7 lies between two float32 numbers: the comparison must be made as NumPy makes it.
AWKWARD = {"classes": ["benign", "malignant"], "positive_class": "malignant", "threshold": 0.7}
SEVEN = {
    "classes": ["akiec", "bcc", "bkl", "df", "mel", "nv", "vasc"],
    "positive_class": None,
    "threshold": None,
}
ANSWERS = [
    (BINARY, [0.9, 0.1]),
    (BINARY, [0.57, 0.43]),
    (BINARY, [0.576171875, 0.423828125]),
    (BINARY, [0.57617193, 0.42382807]),
    (AWKWARD, [0.3, 0.7]),
    (AWKWARD, [0.31, 0.69]),
    (SEVEN, [0.02, 0.03, 0.15, 0.0, 0.35, 0.4, 0.05]),
    (SEVEN, [0.4, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1]),
]


def texture(height: int, width: int) -> np.ndarray:
    """(height, width, 3) uint8: slopes, edges, black and white patches; repeats, so that it packs well."""
    y, x, channel = np.ogrid[:height, :width, :3]
    y, x = y % 8, x % 64
    waves = (x * x + 29 * y * y + 7 * x * y + 85 * channel) // 3 % 256
    patches = (x // 5 + y // 4) % 7
    return np.select([patches == 0, patches == 3], [0, 255], waves).astype(np.uint8)


def frame_case(name: str) -> dict:
    width, height, padding, pixel_stride, orientation, size = FRAMES[name]
    stored = texture(height, width)
    picture = Image.fromarray(stored)
    picture.getexif()[0x0112] = orientation
    pixels = resize_to_square(np.asarray(ImageOps.exif_transpose(picture)), size)
    row_stride = width * pixel_stride + padding
    data = np.full((height, row_stride), 0xA5, np.uint8)
    for channel in range(3):
        data[:, channel : width * pixel_stride : pixel_stride] = stored[:, :, channel]
    return {
        "name": name,
        "width": width,
        "height": height,
        "row_stride": row_stride,
        "pixel_stride": pixel_stride,
        "exif_orientation": orientation,
        "size": size,
        # Cameras leave the padding of the last row out.
        "frame_zlib_base64": packed(data.tobytes()[: data.size - padding]),
        "pixels_zlib_base64": packed(pixels.tobytes()),
    }


def answer_case(contract: dict, probabilities: list[float]) -> dict:
    probabilities = np.array(probabilities, np.float32)
    classes, threshold = contract["classes"], contract["threshold"]
    if threshold is None:
        label = classes[int(probabilities.argmax())]
    else:
        label = classes[int(probabilities[1] >= threshold)]
    return {**contract, "probabilities": [float(value) for value in probabilities], "label": label}


def quality(picture: np.ndarray) -> dict:
    """Brightness, clipped share and blur of a (size, size, 3) uint8 picture, as `PictureQuality` in Kotlin.

    Blur: along each axis, how much of the energy of the differences between neighbours is left after
    averaging three pixels; the larger of both axes. Inner pixels only.
    """
    size = len(picture)
    luma = picture.astype(np.float32) @ np.array([0.299, 0.587, 0.114], np.float32)
    centre = slice(size // 4, size - size // 4)
    blurs = []
    for axis in (0, 1):
        averaged = cv2.blur(luma, (1, 3) if axis == 0 else (3, 1))
        inner = (slice(1, -1), slice(None)) if axis == 0 else (slice(None), slice(1, -1))
        before = np.square(np.diff(luma, axis=axis)[inner]).sum()
        after = np.square(np.diff(averaged, axis=axis)[inner]).sum()
        blurs.append(after / before if before > 0 else 1.0)
    return {
        "brightness": float(luma[centre, centre].mean()),
        "clipped": float((picture[centre, centre].min(axis=2) >= 250).mean()),
        "blur": float(max(blurs)),
    }


# Limits of `PictureQuality`: pictures beyond them are not shown to the model.
LIMITS = {"darkest": 45, "brightest": 220, "most_clipped": 0.1, "most_blur": 0.75}


def issue(measured: dict) -> str | None:
    """Why a picture is refused; None if it is not."""
    if measured["brightness"] < LIMITS["darkest"]:
        return "TOO_DARK"
    if measured["brightness"] > LIMITS["brightest"] or measured["clipped"] > LIMITS["most_clipped"]:
        return "TOO_BRIGHT"
    return "BLURRED" if measured["blur"] > LIMITS["most_blur"] else None


def quality_cases() -> list[dict]:
    edges = texture(24, 24) // 2 + 60
    pictures = {
        "sharp": edges,
        "blurred": cv2.GaussianBlur(edges, (0, 0), 1.5),
        "dark": edges // 6,
        "glare": np.where(texture(24, 24) == 255, 255, edges).astype(np.uint8),
        "bright": np.uint8(200) + edges // 8 * 2,
        "even grey": np.full((24, 24, 3), 128, np.uint8),
    }
    cases = []
    for name, picture in pictures.items():
        measured = quality(picture)
        pixels = packed(picture.tobytes())
        cases.append({"name": name, "pixels_zlib_base64": pixels, **measured, "issue": issue(measured)})
    return cases


def packed(data: bytes) -> str:
    return base64.b64encode(zlib.compress(data, 9)).decode()


def unpacked(text: str) -> bytes:
    return zlib.decompress(base64.b64decode(text))


def golden() -> dict:
    """Everything the file holds."""
    return {
        "frames": [frame_case(name) for name in FRAMES],
        "answers": [answer_case(*answer) for answer in ANSWERS],
        "quality_limits": LIMITS,
        "quality": quality_cases(),
    }


if __name__ == "__main__":
    write_json(FILE, golden())
    print(f"{FILE}: {FILE.stat().st_size} bytes")
