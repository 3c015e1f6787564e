"""What happens to dermoscopy images in practice, imitated: other light, blur, noise, other framing, hair, gel.

A new disturbance is a row of `CORRUPTIONS`. The idea is that of ImageNet-C (Hendrycks & Dietterich 2019) and of
MedMNIST-C (Di Salvo et al. 2024, *MedMNIST-C: Comprehensive benchmark and improved classifier robustness by
simulating realistic image corruptions*); the disturbances are defined here. Those of light act on linear light,
not on sRGB levels; those of optics and framing are shares of the image's side, to mean the same at every size.
"""

import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import cv2
import numpy as np

from skinkeras.evaluation import artefacts


@dataclass(frozen=True)
class Corruption:
    """One row of `CORRUPTIONS`.

    Attributes:
        title: what happens, in words, with a place for the severity.
        severities: from mild to severe.
        disturb: function (image (size, size, 3) uint8, severity, random generator) -> image of the same shape and
            type; it leaves its argument unchanged.
        why: where the disturbance comes from in practice.
        source: a paper that measured it or a formula that it follows; "" where there is none.
    """

    title: str
    severities: tuple
    disturb: Callable
    why: str
    source: str = ""

    def title_of(self, severity: float | None) -> str:
        """The title with a severity."""
        return self.title.format(severity)


def corrupt(images: np.ndarray, name: str, severity: float | None, numbers: Iterable[int]) -> np.ndarray:
    """Disturbs images. The same image number, name and severity always give the same image.

    What is random of a disturbance, such as the direction of a motion, is the same for all its severities.

    Args:
        images: (n, size, size, 3) uint8, RGB.
        name: a row of `CORRUPTIONS`.
        severity: one of the row's, or another number of the same meaning; None for a row without severities.
        numbers: n whole numbers of 0 or more, which seed what is random of each image.

    Returns:
        A new array of the same shape, uint8.

    Raises:
        ValueError: the images have another shape or type, or there is no such disturbance.

    Example:
        >>> images = np.full((1, 8, 8, 3), 100, np.uint8)
        >>> int(corrupt(images, "brighter", 1.0, [0])[0, 0, 0, 0])  # twice the light
        138
    """
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[1] != images.shape[2]:
        raise ValueError(
            "Images must be square and uint8, of shape (n, size, size, 3). "
            f"Received: {images.dtype} of shape {images.shape}."
        )
    if name not in CORRUPTIONS:
        raise ValueError(f"There is no disturbance {name}: choose among {', '.join(CORRUPTIONS)}.")
    disturb, result = CORRUPTIONS[name].disturb, np.empty_like(images)
    for row, (image, number) in enumerate(zip(images, numbers, strict=True)):
        rng = np.random.default_rng((int(number), zlib.crc32(name.encode())))
        result[row] = disturb(image, severity, rng)
    return result


def _linear() -> np.ndarray:
    """The light of each of the 256 sRGB levels, 0..1 (IEC 61966-2-1)."""
    level = np.arange(256) / 255
    return np.where(level <= 0.04045, level / 12.92, ((level + 0.055) / 1.055) ** 2.4)


def _in_light(image: np.ndarray, gains: np.ndarray | float) -> np.ndarray:
    """The image in so many times the light, of each channel; too much light saturates."""
    light = np.minimum(_linear()[:, None] * np.broadcast_to(gains, 3), 1.0)
    levels = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    return cv2.LUT(image, np.rint(255 * levels).astype(np.uint8)[None])


def daylight_gains(kelvin: float) -> np.ndarray:
    """How much red, green and blue daylight of a colour temperature has, relative to that of sRGB's white.

    The chromaticity of daylight is that of CIE 15:2004, eq. 3.3 to 3.5; its luminance is kept.

    Args:
        kelvin: correlated colour temperature, 4,000 to 25,000.

    Returns:
        (3,) float64; about 1 each at 6,504 K.

    Example:
        >>> daylight_gains(5003).round(2).tolist()  # D50, warmer: more red and less blue
        [1.18, 0.98, 0.72]
    """
    terms = (1e9 / kelvin**3, 1e6 / kelvin**2, 1e3 / kelvin, 1)
    factors = (-4.6070, 2.9678, 0.09911, 0.244063) if kelvin <= 7000 else (-2.0064, 1.9018, 0.24748, 0.237040)
    x = np.dot(factors, terms)
    y = -3 * x**2 + 2.870 * x - 0.275
    # From XYZ to linear sRGB (IEC 61966-2-1).
    matrix = [[3.2406, -1.5372, -0.4986], [-0.9689, 1.8758, 0.0415], [0.0557, -0.2040, 1.0570]]
    return np.asarray(matrix) @ (x / y, 1, (1 - x - y) / y)


def _contrast(image, share, rng):
    """Every level moved towards the image's mean colour."""
    mean = image.mean(axis=(0, 1))
    return np.rint(mean + share * (image - mean)).astype(np.uint8)


def _offsets(reach: float) -> tuple[np.ndarray, np.ndarray]:
    """The places (y, x) of a square kernel that reaches so many pixels from its centre."""
    half = int(np.ceil(reach))
    return np.mgrid[-half : half + 1, -half : half + 1]


def _filtered(image: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    return cv2.filter2D(image, -1, kernel / kernel.sum(), borderType=cv2.BORDER_REFLECT)


def _defocus(image, share, rng):
    """Every point becomes a disc."""
    radius = share * len(image)
    y, x = _offsets(radius)
    return _filtered(image, np.clip(radius + 0.5 - np.hypot(y, x), 0, 1))


def _motion(image, share, rng):
    """Every point becomes a line, of any direction."""
    half, angle = share * len(image) / 2, rng.uniform(0, np.pi)
    y, x = _offsets(half)
    along, across = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
    line = np.clip(half + 0.5 - np.abs(along), 0, 1) * np.clip(1 - np.abs(across), 0, 1)
    return _filtered(image, line)


def _noise(image, deviation, rng):
    noisy = image + deviation * rng.standard_normal(image.shape, np.float32)
    return np.clip(np.rint(noisy), 0, 255).astype(np.uint8)


def _jpeg(image, quality, rng):
    """Saved as a JPEG file and read again; OpenCV has blue first."""
    file = cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, int(quality)])[1]
    return cv2.imdecode(file, cv2.IMREAD_COLOR)[..., ::-1]


def _nearer(image, zoom, rng):
    """The centre of the image, enlarged. It has no more detail than before, which a nearer camera would have."""
    centre, size = (len(image) - 1) / 2, len(image)
    matrix = np.array([[zoom, 0, centre * (1 - zoom)], [0, zoom, centre * (1 - zoom)]])
    return cv2.warpAffine(image, matrix, (size, size), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)


def _farther(image, zoom, rng):
    """The image made smaller; what would be around it is its own mirror image."""
    size = len(image)
    inner = max(1, round(size * zoom))
    small = cv2.resize(image, (inner, inner), interpolation=cv2.INTER_AREA)
    before = (size - inner) // 2
    after = size - inner - before
    return cv2.copyMakeBorder(small, before, after, before, after, cv2.BORDER_REFLECT)


def _shifted(image, share, rng):
    """Moved by whole pixels in any direction; what would come into view is a mirror image."""
    angle, size = rng.uniform(0, 2 * np.pi), len(image)
    dx, dy = np.rint(share * size * np.array([np.cos(angle), np.sin(angle)]))
    matrix = np.array([[1, 0, dx], [0, 1, dy]])
    return cv2.warpAffine(image, matrix, (size, size), flags=cv2.INTER_NEAREST, borderMode=cv2.BORDER_REFLECT)


_HENDRYCKS = "Hendrycks & Dietterich 2019, Benchmarking neural network robustness to common corruptions"
_MARON = "Maron et al. 2021, A benchmark for neural network robustness in skin cancer classification"
_YOUNG = (
    "Young et al. 2021, Stress testing reveals gaps in clinic readiness of image-based diagnostic AI models"
)
_KATSCH = (
    "Katsch, Rinner & Tschandl 2022, Comparison of convolutional neural network architectures for robustness against "
    "common artefacts in dermatoscopic images"
)
_EXPOSURE = "The camera chooses the exposure; the dermatoscope's battery runs low."
_WHITE = "Cameras and dermatoscopes differ in their light and white balance."
_DISTANCE = "Dermatoscopes and phones magnify differently, and lesions are cropped differently."

#: Name -> `Corruption`.
CORRUPTIONS = {
    "brighter": Corruption(
        "brighter light, +{:g} EV",
        (0.3, 0.7),
        lambda image, stops, rng: _in_light(image, 2.0**stops),
        _EXPOSURE,
        _HENDRYCKS,
    ),
    "darker": Corruption(
        "darker light, -{:g} EV",
        (0.7, 1.5),
        lambda image, stops, rng: _in_light(image, 2.0**-stops),
        _EXPOSURE,
        _HENDRYCKS,
    ),
    "warmer": Corruption(
        "warmer light, {:,} K",
        (5500, 4500),
        lambda image, kelvin, rng: _in_light(image, daylight_gains(kelvin)),
        _WHITE,
        "CIE 15:2004, daylight",
    ),
    "cooler": Corruption(
        "cooler light, {:,} K",
        (8000, 12000),
        lambda image, kelvin, rng: _in_light(image, daylight_gains(kelvin)),
        _WHITE,
        "CIE 15:2004, daylight",
    ),
    "low_contrast": Corruption(
        "lower contrast, times {:g}",
        (0.75, 0.5),
        _contrast,
        "Light is reflected by the skin's surface; the lens is dirty.",
        _HENDRYCKS,
    ),
    "defocus": Corruption(
        "out of focus (radius {:.2%} of the side)",
        (0.0075, 0.015),
        _defocus,
        "The camera focuses on the glass or on hair.",
        _HENDRYCKS,
    ),
    "motion": Corruption(
        "motion blur of {:.0%} of the side",
        (0.02, 0.05),
        _motion,
        "The hand or the patient moves.",
        _HENDRYCKS,
    ),
    "noise": Corruption(
        "sensor noise (standard deviation {:g} of 255)",
        (5, 10),
        _noise,
        "There is little light, and the sensor is small.",
        _HENDRYCKS,
    ),
    "jpeg": Corruption(
        "JPEG of quality {:g}",
        (50, 20),
        _jpeg,
        "Archives and messengers compress images.",
        _MARON,
    ),
    "nearer": Corruption("nearer, {:g} times the size", (1.25, 2.0), _nearer, _DISTANCE, _YOUNG),
    "farther": Corruption(
        "farther, {:g} times the size (mirrored edges)", (0.8, 0.67), _farther, _DISTANCE, _YOUNG
    ),
    "shifted": Corruption(
        "framing shifted by {:.0%} of the side (mirrored edges)",
        (0.1, 0.2),
        _shifted,
        "The lesion is not in the middle.",
    ),
    "mirrored": Corruption(
        "mirrored left to right",
        (None,),
        lambda image, _, rng: image[:, ::-1],
        "A mirror image of a lesion has the same diagnosis; some cameras mirror.",
        _MARON,
    ),
    "turned": Corruption(
        "turned by {:g} degrees",
        (90, 180),
        lambda image, degrees, rng: np.rot90(image, degrees // 90),
        "The dermatoscope has no upper side.",
        _YOUNG,
    ),
    "hair": Corruption("{:g} hairs", (8, 24), artefacts.hair, "Lesions are rarely shaved.", _KATSCH),
    "bubbles": Corruption(
        "{:g} bubbles in the gel",
        (4, 12),
        artefacts.bubbles,
        "Immersion fluid holds bubbles, which reflect the light.",
        _KATSCH,
    ),
    "dark_corners": Corruption(
        "dark corners (circle of radius {:.0%} of the side)",
        (0.6, 0.5),
        artefacts.dark_corners,
        "The field of view of a dermatoscope is round.",
        _KATSCH,
    ),
}
