"""Synthetic images that look like dermoscopy: for trying things out where there is no data."""

import hashlib
import io
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pandas as pd

from skinkeras.datasets.manifest import Manifest
from skinkeras.datasets.taxonomy import BINARY_CLASSES, SYNTHETIC_TAXONOMY
from skinkeras.files.locks import exclusive, remove_leftovers
from skinkeras.files.writing import write_bytes, write_text

WIDTH, HEIGHT = 320, 240
# Raise it when the drawing changes, so that folders of earlier versions are not used for it.
_VERSION = 2
_MARK = "# drawn, not photographed"  # the first words of every `labels.csv` that is written here
_LEAST = 20
_QUALITY = 92
_TWICE = 0.15  # of the images are a lesion's second one
_MALIGNANT = 0.3
_STRUCTURES = SYNTHETIC_TAXONOMY.children["benign"]
_STRUCTURE_SHARES = (0.4, 0.25, 0.15, 0.2)

# RGB, 0..255.
_SKINS = ((231, 190, 178), (222, 170, 160), (212, 160, 130), (190, 134, 104), (228, 160, 165), (150, 104, 80))
_SKIN_SHARES = (0.3, 0.25, 0.18, 0.1, 0.12, 0.05)
_BROWNS = np.float32([(150, 96, 66), (112, 66, 42), (172, 118, 84), (88, 52, 38), (186, 120, 96)])
_BLUE_GREY, _RED, _WHITE, _BLACK = (98, 108, 136), (178, 62, 60), (216, 198, 192), (38, 28, 30)
_ALARMING = np.float32([_BLUE_GREY, _RED, _WHITE, _BLACK])
_HAIR, _BUBBLE = np.float32((52, 36, 30)), (245, 240, 240)

# The lesion is drawn on a square of its own, and then turned and placed on the skin.
_SQUARE = HEIGHT
_Y, _X = np.indices((_SQUARE, _SQUARE), dtype=np.float32) - np.float32(_SQUARE / 2)
_ROWS, _COLUMNS = np.indices((HEIGHT, WIDTH), dtype=np.float32)
# 0 in the image's middle, 1 in its corners.
_FROM_CENTRE = np.hypot(_COLUMNS - WIDTH / 2, _ROWS - HEIGHT / 2) / np.float32(np.hypot(WIDTH, HEIGHT) / 2)


@dataclass(frozen=True)
class Lesion:
    """A lesion, whatever the angle and the light.

    Attributes:
        malignant: bool.
        asymmetry, irregularity, variety: each 0..1, of the outline, of its border and of the colours;
            malignant lesions tend to have more, benign ones less, and the two overlap.
        structure: the pattern on it: a pigment network, globules, streaks, or nothing ("plain").
        seed: of all further details.
    """

    malignant: bool
    asymmetry: float
    irregularity: float
    variety: float
    structure: str
    seed: tuple


def synthetic(n, seed, directory, *, structures=False):
    """Generates images that look like dermoscopy, with labels that a model can learn but not fully.

    Lesions have a random outline on textured skin, brown to alarming colours, a pigment network, globules or
    streaks, and some images hairs, gel bubbles and dark corners. Malignant ones, about 30 %, tend to be
    more asymmetric, more irregular at the border and more varied in colour. About 17 % of the lesions are
    imaged twice. Nothing measured on these images says anything about skin.

    Args:
        n: how many images, at least 20.
        seed: int >= 0; image number i depends on (seed, i) alone.
        directory: folder for 320 x 240 JPEG files and `labels.csv`. One that holds the whole set already is
            used as it is; an incomplete one is generated anew.
        structures: whether benign images are of several classes, by the pattern on the lesion.

    Returns:
        `Manifest` with source "synthetic" and the classes benign and malignant, or with `structures` those of
        `SYNTHETIC_TAXONOMY`.

    Raises:
        ValueError: `n` or `seed` is too small, or the folder holds labels of other images.
        OSError: the folder cannot be written.
    """
    if n < _LEAST:
        raise ValueError(f"A synthetic data set needs at least {_LEAST} images. Received: n={n}")
    if seed < 0:
        raise ValueError(f"The seed of a synthetic data set must be >= 0. Received: seed={seed}")
    directory = Path(directory)
    text = _labels_csv(n, seed)
    table = pd.read_csv(io.StringIO(text), comment="#", dtype=str)
    paths = [directory / f"{image_id}.jpg" for image_id in table["image_id"]]
    _refuse_other_labels(directory / "labels.csv")
    if not _is_complete(directory / "labels.csv", text, paths):
        with exclusive(directory / "labels.csv"):
            if not _is_complete(
                directory / "labels.csv", text, paths
            ):  # another process may have done it meanwhile
                _draw_all(seed, paths, text)
    table = table.assign(image=[str(path) for path in paths], source="synthetic")
    classes = BINARY_CLASSES
    if structures:
        classes = SYNTHETIC_TAXONOMY.classes
        table["label"] = table["label"].where(table["label"] == "malignant", table["structure"])
    return Manifest(table, classes, origin=f"synthetic data in {directory}")


def _draw_all(seed, paths, text):
    """Draws the images, and then writes their `labels.csv`."""
    labels = paths[0].with_name("labels.csv")
    remove_leftovers(labels.parent, subfolders=False)
    # First of all, so that a run killed on the way leaves no table that vouches for a mixture.
    labels.unlink(missing_ok=True)
    for index, path in enumerate(paths):
        pixels = cv2.cvtColor(draw(seed, index), cv2.COLOR_RGB2BGR)
        write_bytes(path, cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])[1].tobytes())
    write_text(labels, text)


def _labels_csv(n, seed):
    key = hashlib.sha256(f"{n},{seed},{_VERSION}".encode()).hexdigest()[:16]
    rows = []
    for index in range(n):
        number = lesion_index(seed, index)
        shown = lesion(seed, number)
        label = BINARY_CLASSES[shown.malignant]
        rows.append(f"synthetic_{index:06d},{label},{shown.structure},lesion_{number:06d}")
    return f"{_MARK}; {key}\nimage_id,label,structure,lesion_id\n" + "\n".join(rows) + "\n"


def _refuse_other_labels(labels):
    if labels.is_file() and not labels.read_bytes().startswith(_MARK.encode()):
        raise ValueError(f"{labels} is not of synthetic images and would be lost: choose another folder.")


def _is_complete(labels, text, paths):
    return labels.is_file() and labels.read_text("utf-8") == text and all(path.is_file() for path in paths)


def lesion_index(seed, index):
    """The number of the lesion that image `index` shows: its own, or that of the image before."""

    def again(i):
        return i > 0 and np.random.default_rng([seed, i, 2]).random() < _TWICE / (1 - _TWICE)

    # Never a third time: an image repeats the one before only if that one is new.
    return index - 1 if again(index) and not again(index - 1) else index


def lesion(seed, index):
    """Lesion number `index` of the set `seed`."""
    random = np.random.default_rng([seed, index, 3])  # a 0 there would give the stream of [seed, index]
    malignant = bool(random.random() < _MALIGNANT)
    # How bad it looks, a number that the three signs share, and each has its own share of chance besides.
    latent = random.normal(1.0 if malignant else -1.0, 0.6)
    signs = 1 / (1 + np.exp(-1.6 * (latent + random.normal(0, 0.55, 3))))
    structure = str(random.choice(_STRUCTURES, p=_STRUCTURE_SHARES))
    return Lesion(malignant, *signs.tolist(), structure, seed=(seed, index, 1))


def draw(seed, index):
    """(240, 320, 3) uint8 RGB: image `index` of the set `seed`."""
    shown = lesion(seed, lesion_index(seed, index))
    # What belongs to the lesion comes from `detail`, the same in its second image; the rest from `random`.
    detail, random = np.random.default_rng(shown.seed), np.random.default_rng([seed, index])
    tone = detail.normal(_SKINS[detail.choice(len(_SKINS), p=_SKIN_SHARES)], 7)
    image = _skin(random, tone)
    pigment, cover = _place(random, *_lesion(shown, detail, tone))
    image += (pigment - image) * _to_rgb(cover)
    image = _camera(random, image)
    return np.clip(image, 0, 255).astype(np.uint8)


def _noise(random, scale, height=_SQUARE, width=_SQUARE):
    """(height, width) float32: smooth noise of mean 0 and about unit variance, `scale` pixels coarse."""
    grid = random.standard_normal((height // scale + 3, width // scale + 3), dtype=np.float32)
    return cv2.resize(1.5 * grid, (width, height), interpolation=cv2.INTER_CUBIC)


def _to_rgb(layer):
    # NumPy's broadcasting of (height, width, 1) over three colours takes several times as long.
    return cv2.merge([layer] * 3)


def _sigmoid(values):
    return 0.5 + 0.5 * np.tanh(0.5 * values)


def _skin(random, tone):
    size = (HEIGHT, WIDTH)
    light = np.float32(random.normal(1, 0.06)) + np.float32(0.03) * _noise(random, 120, *size)
    texture = 3 * _noise(random, 24, *size) + 2.5 * _noise(random, 5, *size) + 1.5 * _noise(random, 2, *size)
    redness = 3 * _noise(random, 16, *size)
    red, green, blue = (light * value + texture for value in tone.astype(np.float32))
    return cv2.merge([red + np.float32(0.6) * redness, green - redness, blue - np.float32(0.6) * redness])


def _lesion(shown, detail, tone):
    """Colours (square, square, 3) and how far they cover the skin (square, square), 0..1, as float32."""
    radius = np.float32(detail.uniform(32, 66))
    edge, angle = _outline(shown, detail, radius)
    x, y = _X / radius, _Y / radius
    pigment = _colours(shown, detail, x, y, np.clip(tone.mean() / 205, 0.55, 1.05))
    pigment *= _to_rgb(_structures(shown.structure, detail, x, y, edge / radius, angle))
    blur = np.float32(detail.uniform(1.5, 6 - 3 * shown.irregularity))
    density = np.float32(detail.uniform(0.6, 0.95)) + np.float32(0.16) * _noise(detail, 12)
    return pigment, _sigmoid(edge / blur) * np.clip(density, 0, 1)


def _outline(shown, detail, radius):
    """(square, square) float32 each: distance from the border in pixels, positive inside, and the angle."""
    stretch = np.float32(detail.uniform(1, 1.35) ** 0.5)
    x, y = _X / stretch, _Y * stretch
    turn = np.linspace(0, 2 * np.pi, 1024)
    wave = np.zeros_like(turn)
    for k in range(1, 16):
        # Low orders bend the whole outline, high orders notch its border.
        size = 0.2 * shown.asymmetry / k**0.5 if k <= 3 else 0.14 * shown.irregularity / k**0.5
        wave += (size + 0.02 / k) * detail.normal() * np.cos(k * turn + detail.uniform(0, 2 * np.pi))
    border = (radius * np.exp(np.clip(wave, -0.7, 0.35))).astype(np.float32)
    r, angle = cv2.cartToPolar(x, y)
    return border[(angle * np.float32(1023 / (2 * np.pi))).astype(np.int32)] - r, angle


def _colours(shown, detail, x, y, darkness):
    """(square, square, 3) float32: two browns, and patches of alarming colours as the variety asks."""
    inner, outer = _BROWNS[detail.permutation(len(_BROWNS))[:2]] * np.float32(darkness)
    blend = _sigmoid(6 * (cv2.magnitude(x, y) - 0.55 + 0.25 * _noise(detail, 24)))
    pigment = cv2.merge([a + (b - a) * blend for a, b in zip(inner, outer, strict=True)])
    for colour in _ALARMING[detail.permutation(len(_ALARMING))][: detail.binomial(4, shown.variety**1.5)]:
        way, off, size = detail.uniform((0, 0.15, 0.25), (2 * np.pi, 0.7, 0.5)).astype(np.float32)
        far = cv2.magnitude(x - off * np.cos(way), y - off * np.sin(way)) / size
        patch = np.float32(0.85) * _sigmoid(5 * (1 - far + 0.3 * _noise(detail, 16)))
        pigment += (colour - pigment) * _to_rgb(patch)
    return pigment


def _structures(kind, detail, x, y, edge, angle):
    """(square, square) float32 factor of brightness: that of the structure called `kind`."""
    factor = 1 + np.float32(0.05) * _noise(detail, 4)
    if kind == "network":
        cells, bend = np.float32(detail.uniform(20, 30)), np.float32(0.06) * _noise(detail, 16)
        lines = np.maximum(np.cos(cells * (x + bend)), np.cos(cells * (y - bend)))
        factor -= np.float32(0.22) * lines * np.clip(1.3 - 1.2 * edge, 0.2, 1)
    elif kind == "globules":
        factor -= np.float32(0.4) * _sigmoid(8 * (_noise(detail, 7) - np.float32(1.3)))
    elif kind == "streaks":
        rays = np.cos(int(detail.integers(20, 36)) * angle + np.float32(1.5) * _noise(detail, 30))
        factor -= np.float32(0.25) * rays * np.clip(1 - 3 * np.abs(edge - np.float32(0.1)), 0, 1)
    return factor


def _place(random, pigment, cover):
    """The lesion's colours and cover on the whole image, as this angle, distance and aim show them."""
    centre = (_SQUARE / 2, _SQUARE / 2)
    place = cv2.getRotationMatrix2D(centre, random.uniform(0, 360), random.uniform(0.85, 1.15))
    middle = np.array((WIDTH, HEIGHT)) / 2 - centre
    place[:, 2] += middle + random.normal(0, 0.05, 2) * (WIDTH, HEIGHT)
    return [cv2.warpAffine(layer, place, (WIDTH, HEIGHT)) for layer in (pigment, cover)]


def _camera(random, image):
    """Hairs, gel bubbles, dark corners, white balance, and the sensor's noise."""
    if random.random() < 0.35:
        image += (_HAIR - image) * _to_rgb(_hairs(random))
    if random.random() < 0.25:
        for _ in range(random.integers(3, 15)):
            centre = tuple(int(v) for v in random.uniform((0, 0), (WIDTH, HEIGHT)))
            cv2.circle(image, centre, int(random.integers(2, 7)), _BUBBLE, 1, cv2.LINE_AA)
    if random.random() < 0.3:
        start, steep = random.uniform(0.7, 0.95), random.uniform(1, 4)
        image *= _to_rgb(1 - np.clip((_FROM_CENTRE - np.float32(start)) * np.float32(steep), 0, 0.95))
    image *= random.normal(1, 0.03, 3).astype(np.float32)
    image += _to_rgb(2 * random.standard_normal((HEIGHT, WIDTH), dtype=np.float32))
    return image


def _hairs(random):
    """(240, 320) float32: how far curved hairs cover the image, 0..1."""
    layer = np.zeros((HEIGHT, WIDTH), np.uint8)
    for _ in range(random.integers(2, 12)):
        start = random.uniform((0, 0), (WIDTH, HEIGHT))
        along = np.linspace(0, random.uniform(60, 260), 24)
        turn = random.uniform(0, 2 * np.pi) + random.normal(0, 0.5) * along / 200
        points = start + np.stack([along * np.cos(turn), along * np.sin(turn)], 1)
        # OpenCV takes fixed-point coordinates: 3 bits behind the point.
        thickness = int(random.integers(1, 3))
        cv2.polylines(layer, [np.round(points * 8).astype(np.int32)], False, 255, thickness, cv2.LINE_AA, 3)
    return layer * np.float32(0.85 / 255)
