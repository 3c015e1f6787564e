"""Golden predictions: what a file answers to four images that any language can draw byte for byte.

An app that draws the same images at the model's size and gets the same probabilities passes pixels
in the right order, type and range, and runs the file correctly. Every step is on whole numbers (`//` divides
without rest, never of a negative number), so that Kotlin and JavaScript make the same bytes. Products grow to
3 * 10^12 at 380 pixels: a `Long` in Kotlin, a plain number in JavaScript.

With `size` pixels on a side, row `y`, column `x` (both from 0) and `last = size - 1`:

ramp: red `x * 255 // last`, green `y * 255 // last`, blue `(x + y) * 255 // (2 * last)`.

round, irregular, crossed: a background colour; on it, one after the other, ellipses (cx, cy, rx, ry) in hundredths of
the side, each of a colour where `((100 x - cx size) ry)^2 + ((100 y - cy size) rx)^2 <= (rx ry size)^2`; at
last a grain of `noise // 16 - 8` on every byte, row by row, red, green, blue. The noise is a linear
congruential generator: the state starts at 1; for each byte it is `(1664525 state + 1013904223) mod 2^32`
(Numerical Recipes, 3rd edition, 7.1), and the noise is its uppermost byte, `state // 2^24`.
"""

import hashlib
import os

import numpy as np

from skinkeras.tflite.runtime import Classifier

GOLDEN_TOLERANCE = 0.01
"""Largest difference of a probability: two and a half of the 256 levels of int8. It differs by less under
other kernels; pixels in another order or range differ by more."""

ADDED_GOLDEN_IMAGES = frozenset({"crossed"})
"""Golden images that releases from before they existed do not have."""

# Name -> background, and (cx, cy, rx, ry, colour) of the ellipses.
_DRAWN = {
    "round": ((208, 150, 140), ((50, 50, 20, 17, (96, 60, 48)), (52, 47, 9, 8, (60, 36, 40)))),
    "irregular": (
        (230, 180, 170),
        (
            (40, 65, 20, 10, (40, 28, 30)),
            (60, 55, 20, 30, (40, 28, 30)),
            (40, 35, 15, 15, (40, 28, 30)),
            (55, 60, 10, 25, (60, 36, 40)),
        ),
    ),
    # Found by a search for an image of which the released melanoma model is unsure, and which it answers otherwise
    # with blue first or with rows for columns: where a probability is 0 or 1, faults do not show.
    "crossed": (
        (194, 169, 166),
        (
            (53, 51, 23, 10, (170, 110, 90)),
            (54, 36, 9, 35, (40, 28, 30)),
            (50, 41, 35, 7, (30, 20, 20)),
            (61, 50, 35, 7, (170, 110, 90)),
            (54, 64, 3, 35, (110, 110, 130)),
        ),
    ),
}


def golden_images(size: int) -> dict[str, np.ndarray]:
    """The golden images, {name: (size, size, 3) uint8 RGB}, as the module's docstring defines them."""
    y, x = np.mgrid[:size, :size].astype(np.int64)
    last = size - 1
    ramp = np.stack([x * 255 // last, y * 255 // last, (x + y) * 255 // (2 * last)], axis=-1)
    grain = _noise(3 * size * size).reshape(size, size, 3) // 16 - 8
    pictures = {"ramp": ramp}
    for name, (background, ellipses) in _DRAWN.items():
        pixels = np.full((size, size, 3), background)
        for cx, cy, rx, ry, colour in ellipses:
            across, down = (100 * x - cx * size) * ry, (100 * y - cy * size) * rx
            pixels[across**2 + down**2 <= (rx * ry * size) ** 2] = colour
        pictures[name] = pixels + grain
    return {name: pixels.astype(np.uint8) for name, pixels in pictures.items()}


def golden(path: str | os.PathLike) -> dict:
    """What a file answers to the golden images, as `files.KIND.golden` of its json holds it.

    Args:
        path: .tflite file with embedded labels and a square input.

    Returns:
        `tolerance`, and `pictures`: of each the name, the sha256 of its bytes (row by row, red, green, blue)
        and the probabilities.

    Raises:
        FileNotFoundError, ValueError: as `Classifier`.
    """
    classifier = Classifier(path)
    pictures = golden_images(classifier.input_size[0])
    answers = classifier.classify(pictures.values())
    return {
        "tolerance": GOLDEN_TOLERANCE,
        "pictures": [
            {
                "name": name,
                "sha256": hashlib.sha256(pixels.tobytes()).hexdigest(),
                "probabilities": [float(value) for value in probabilities],
            }
            for (name, pixels), probabilities in zip(pictures.items(), answers, strict=True)
        ],
    }


def _noise(count: int) -> np.ndarray:
    state, values = 1, np.empty(count, np.int64)
    for index in range(count):
        state = (1664525 * state + 1013904223) % 2**32
        values[index] = state >> 24
    return values
