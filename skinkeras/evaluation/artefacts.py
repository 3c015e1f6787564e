"""Hair, bubbles and dark corners, drawn over images: see `corruptions.CORRUPTIONS`.

Each function takes an image (size, size, 3) uint8, a severity and a NumPy generator, and returns a new image.
"""

import cv2
import numpy as np

_SHIFT = 4  # OpenCV takes places in sixteenths of a pixel


def hair(image: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """Dark, slightly curved hairs of one colour, 0.3 to 0.9 % of the side thick; fewer are the first of more."""
    size = len(image)
    opacity = np.zeros((size, size), np.uint8)
    colour = rng.uniform(20, 80) * np.array([1.0, 0.8, 0.7])
    t = np.linspace(0, 1, 24)[:, None]
    for _ in range(int(count)):
        start, bend, end = rng.uniform(-0.1, 1.1, (3, 2)) * size
        bend = 0.75 * (start + end) / 2 + 0.25 * bend
        curve = (1 - t) ** 2 * start + 2 * t * (1 - t) * bend + t**2 * end  # quadratic Bezier
        level, thickness = rng.uniform(120, 220), max(1, round(rng.uniform(0.003, 0.009) * size))
        places = np.rint(curve * 2**_SHIFT).astype(np.int32)
        cv2.polylines(opacity, [places], False, level, thickness, cv2.LINE_AA, _SHIFT)
    share = opacity[..., None] / 255
    return np.rint(image + share * (colour - image)).astype(np.uint8)


def bubbles(image: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """Bubbles with a bright rim and a reflection of the lamp; fewer are the first of more."""
    size = len(image)
    white = np.zeros((size, size), np.uint8)
    for _ in range(int(count)):
        place, radius = rng.uniform(0, 1, 2) * size, rng.uniform(0.02, 0.07) * size
        _circle(white, place, radius, 150, max(1, round(0.15 * radius)))
        _circle(white, place - 0.4 * radius, 0.3 * radius, 255, cv2.FILLED)
    share = cv2.GaussianBlur(white, (0, 0), 0.004 * size)[..., None] / 255
    return np.rint(image + share * (255.0 - image)).astype(np.uint8)


def _circle(canvas: np.ndarray, place: np.ndarray, radius: float, level: int, thickness: int) -> None:
    x, y = np.rint(place * 2**_SHIFT).astype(int).tolist()
    cv2.circle(canvas, (x, y), round(radius * 2**_SHIFT), level, thickness, cv2.LINE_AA, _SHIFT)


def dark_corners(image: np.ndarray, share: float, rng: np.random.Generator) -> np.ndarray:
    """Black outside a circle around the centre, whose radius is that share of the side."""
    size = len(image)
    y, x = np.mgrid[:size, :size] - (size - 1) / 2
    light = np.clip(share * size + 0.5 - np.hypot(y, x), 0, 1)
    return np.rint(image * light[..., None]).astype(np.uint8)
