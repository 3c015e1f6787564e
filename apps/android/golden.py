"""Writes the golden vectors that hold the Kotlin code of the Android app to the Python code of training.

    python apps/android/golden.py

`core/src/test/resources/golden.json` then has frames as a camera delivers them (turned, mirrored, with
padding and odd strides) with the pixels that `skinkeras.inputs` makes of them, probabilities with the label
that belongs to them, sentences about answers, and pictures with their brightness and blur. The Kotlin tests read
it, and so does a test of the web page; a Python test holds it current.
"""

import base64
import json
import sys
import zlib
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageOps

sys.path.insert(0, str(Path(__file__).parents[2]))  # the package need not be installed

from skinkeras.files.writing import write_json
from skinkeras.images.decoding import resize_to_square
from skinkeras.tflite import wording

FILE = Path(__file__).parent / "core" / "src" / "test" / "resources" / "golden.json"

# Name: stored width, height; bytes of padding behind a row; bytes a pixel; EXIF orientation; input size; geometry,
# unless it is cropped.
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
    "squashed": (41, 29, 12, 4, 1, 13, "squash"),
    "squashed, turned 90": (43, 30, 3, 4, 6, 11, "squash"),
    "squashed, mirrored, turned 270": (24, 37, 3, 4, 5, 9, "squash"),
    "squashed, blocks of 2 x 3": (26, 39, 2, 4, 1, 13, "squash"),
    "squashed, one side as it is": (13, 30, 2, 4, 1, 13, "squash"),
    "squashed, one side enlarged": (40, 9, 3, 4, 8, 16, "squash"),
    "squashed, both enlarged": (9, 5, 3, 4, 6, 16, "squash"),
    "padded": (41, 29, 12, 4, 1, 13, "pad"),
    "padded, turned 90": (43, 30, 3, 4, 6, 11, "pad"),
    "padded, mirrored, turned 90": (17, 42, 1, 4, 7, 9, "pad"),
    "padded, blocks of 3 x 3": (39, 20, 9, 4, 8, 13, "pad"),
    "padded to the size of the input": (13, 8, 1, 4, 6, 13, "pad"),
    "padded, a strip": (60, 1, 1, 4, 1, 9, "pad"),
    "padded, enlarged": (9, 6, 3, 4, 6, 16, "pad"),
    "a squashed camera's frame": (640, 480, 64, 4, 6, 28, "squash"),
    "a padded camera's frame": (640, 480, 64, 4, 6, 28, "pad"),
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


def described(name: str, classes: list[str], tests: dict, **more) -> dict:
    """A contract as small as the app's reader allows; `tests` has the test results of each kind of file."""
    files = {
        kind: {"file": f"{name}_{kind}.tflite", "sha256": "0" * 64, "size_bytes": 1, **entry}
        for kind, entry in tests.items()
    }
    image = {"name": "image", "shape": [1, 32, 32, 3], "dtype": "float32", "colour": "RGB", "range": [0, 255]}
    return {
        "schema_version": 1,
        "name": name,
        "task": "task",
        "not_a_medical_device": True,
        "input": image,
        "output": {"name": "probabilities", "shape": [1, len(classes)], "dtype": "float32"},
        "classes": classes,
        "positive_class": None,
        "threshold": None,
        "files": files,
        **more,
    }


_BINS = [{"low": 0, "high": 0.05, "n": 1766, "share": 0.004}, {"low": 0.8, "high": 1, "n": 68, "share": 1.0}]
_TWO = ["benign", "malignant"]
MELANOMA = described(
    "melanoma",
    _TWO,
    {
        "int8": {"test": {"n": 1363, "miss_rate": 0.2078, "false_alarm_rate": 0.252, "reliability": _BINS}},
        "float16": {"threshold": 0.7, "test": {"miss_rate": 0.0, "false_alarm_rate": 0.996}},
    },
    positive_class="malignant",
    threshold=0.150390625,
    target={"classes": ["mel"], "title": "melanoma", "not_looked_for": ["basal cell carcinoma"]},
)
# A file that offers other thresholds, is not sure of some scores, and was measured within clinics.
CHOICES = described(
    "choices",
    _TWO,
    {
        "int8": {
            "threshold": 0.181640625,
            "operating_points": {
                "balanced_accuracy": 0.181640625,
                "sensitivity_95": 0.052734375,
                "specificity_97.5": 0.61,
                "cost_20": 0.04,
                "fixed_0.5": 0.5,
                "later_rule": 0.7,
            },
            "not_sure": [0.076171875, 0.232421875],
            "test": {
                "n": 2004,
                "miss_rate": 0.2646,
                "false_alarm_rate": 0.1359,
                "operating_points": {
                    "sensitivity_95": {"miss_rate": 0.0583, "false_alarm_rate": 0.35},
                    "cost_20": {"miss_rate": 0.0, "false_alarm_rate": 0.41},
                },
                "reliability": _BINS,
            },
            "strata": {"within_source": {"n": 2004, "malignant_recall": 0.7227, "benign_recall": 0.7794}},
        }
    },
    positive_class="malignant",
    threshold=0.181640625,
    target={"classes": ["mel"], "title": "melanoma", "not_looked_for": ["basal cell carcinoma"]},
)
# What an app finds that knows neither target nor results.
UNNAMED = described("unnamed", _TWO, {"int8": {}}, positive_class="malignant", threshold=0.004)
DIAGNOSIS = described(
    "diagnosis",
    SEVEN["classes"],
    {
        "int8": {
            "test": {
                "n": 900,
                "balanced_accuracy": 0.678,
                "per_class": {"df": {"recall": 0.4375}, "mel": {"recall": 0.6}, "nv": {"recall": None}},
                "reliability": _BINS,
            }
        }
    },
    class_titles={"bcc": "basal cell carcinoma", "akiec": "actinic keratosis", "nv": "melanocytic nevus"},
    malignancy={"akiec": "premalignant", "bcc": "malignant", "nv": "benign"},
)
SAID = [
    (
        MELANOMA,
        "int8",
        [[1.0, 0.0], [0.996, 0.004], [0.851, 0.149], [0.8496, 0.1504], [0.38, 0.62], [0.0, 1.0]],
    ),
    (MELANOMA, "float16", [[0.3, 0.7], [0.31, 0.69], [0.3004, 0.6996], [0.004, 0.996]]),
    (
        CHOICES,
        "int8",
        [[1 - p, p] for p in (0.0001, 0.05, 0.076171875, 0.18, 0.2, 0.232421875, 0.9)],
    ),
    (CHOICES, "int8", [[0.95, 0.05], [0.8, 0.2]], "sensitivity_95"),
    (CHOICES, "int8", [[0.961, 0.039], [0.96, 0.04]], "cost_20"),
    (CHOICES, "int8", [[0.5, 0.5]], "later_rule"),
    (UNNAMED, "int8", [[1.0, 0.0], [0.997, 0.003], [0.9959, 0.0041], [0.5, 0.5]]),
    (
        DIAGNOSIS,
        "int8",
        [
            [0.02, 0.03, 0.02, 0.01, 0.1, 0.81, 0.01],
            [0.02, 0.9, 0.02, 0.01, 0.01, 0.03, 0.01],
            [0.6, 0.1, 0.1, 0.05, 0.05, 0.05, 0.05],
            [0.4, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1],
            [0.0, 0.0, 0.0, 0.0, 0.5, 0.5, 0.0],
            [0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0],
        ],
    ),
]


def texture(height: int, width: int) -> np.ndarray:
    """(height, width, 3) uint8: slopes, edges, black and white patches; repeats, so that it packs well."""
    y, x, channel = np.ogrid[:height, :width, :3]
    y, x = y % 8, x % 64
    waves = (x * x + 29 * y * y + 7 * x * y + 85 * channel) // 3 % 256
    patches = (x // 5 + y // 4) % 7
    return np.select([patches == 0, patches == 3], [0, 255], waves).astype(np.uint8)


def frame_case(name: str) -> dict:
    width, height, padding, pixel_stride, orientation, size, geometry = (*FRAMES[name], "crop")[:7]
    stored = texture(height, width)
    picture = Image.fromarray(stored)
    picture.getexif()[0x0112] = orientation
    pixels = resize_to_square(np.asarray(ImageOps.exif_transpose(picture)), size, geometry)
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
        "geometry": geometry,
        # Cameras leave the padding of the last row out.
        "frame_zlib_base64": packed(data.tobytes()[: data.size - padding]),
        "pixels_zlib_base64": packed(pixels.tobytes()),
    }


def answer_case(contract: dict, probabilities: list[float]) -> dict:
    probabilities = np.array(probabilities, np.float32)
    classes, threshold = contract["classes"], contract["threshold"]
    named = probabilities.argmax() if threshold is None else probabilities[1] >= threshold
    return {
        **contract,
        "probabilities": [float(value) for value in probabilities],
        "label": classes[int(named)],
    }


def wording_case(
    contract: dict, kind: str, answers: list[list[float]], operating_point: str | None = None
) -> dict:
    """What `skinkeras.tflite.wording` makes of answers in float32; the contract as text, for the app's own reader."""
    rows = []
    for probabilities in answers:
        said = wording.answer(contract, kind, np.array(probabilities, np.float32), operating_point)
        rows.append(
            {"probabilities": probabilities, "verdict": said.verdict, "explanation": said.explanation}
        )
    titles = wording.operating_points(contract, kind)
    return {
        "contract": json.dumps(contract),
        "kind": kind,
        "operating_point": operating_point,
        "operating_points": [{"name": name, "title": title} for name, title in titles.items()],
        "limits": wording.limits(contract, kind, operating_point),
        "answers": rows,
    }


def quality(picture: np.ndarray) -> dict:
    """Brightness, clipped share and blur of a (height, width, 3) uint8 picture, as `PictureQuality` in Kotlin.

    Blur: along each axis, how much of the energy of the differences between neighbours is left after
    averaging three pixels; the larger of both axes. Inner pixels only.
    """
    height, width = picture.shape[:2]
    luma = picture.astype(np.float32) @ np.array([0.299, 0.587, 0.114], np.float32)
    centre = slice(height // 4, height - height // 4), slice(width // 4, width - width // 4)
    blurs = []
    for axis in (0, 1):
        averaged = cv2.blur(luma, (1, 3) if axis == 0 else (3, 1))
        inner = (slice(1, -1), slice(None)) if axis == 0 else (slice(None), slice(1, -1))
        before = np.square(np.diff(luma, axis=axis)[inner]).sum()
        after = np.square(np.diff(averaged, axis=axis)[inner]).sum()
        blurs.append(after / before if before > 0 else 1.0)
    return {
        "brightness": float(luma[centre].mean()),
        "clipped": float((picture[centre].min(axis=2) >= 250).mean()),
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
    return [*cases, padded_case(pictures["blurred"][:10])]


def padded_case(picture: np.ndarray) -> dict:
    """A picture padded with black, whose sharp edges do not count."""
    height, size = picture.shape[:2]
    top = (size - height) // 2
    padded = np.zeros((size, size, 3), np.uint8)
    padded[top : top + height] = picture
    measured = quality(picture)
    return {
        "name": "padded",
        "pixels_zlib_base64": packed(padded.tobytes()),
        "rows": [top, top + height],
        **measured,
        "issue": issue(measured),
    }


def packed(data: bytes) -> str:
    return base64.b64encode(zlib.compress(data, 9)).decode()


def unpacked(text: str) -> bytes:
    return zlib.decompress(base64.b64decode(text))


def golden() -> dict:
    """Everything the file holds."""
    return {
        "frames": [frame_case(name) for name in FRAMES],
        "answers": [answer_case(*answer) for answer in ANSWERS],
        "wording": [wording_case(*case) for case in SAID],
        "quality_limits": LIMITS,
        "quality": quality_cases(),
    }


if __name__ == "__main__":
    write_json(FILE, golden())
    print(f"{FILE}: {FILE.stat().st_size} bytes")
