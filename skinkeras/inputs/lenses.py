"""What else a cheap lens does to an image: coloured fringes, barrel distortion, and darker corners."""

import cv2
import numpy as np

from skinkeras.inputs.catalog import LENS_EFFECTS

# Stored values are about the light to the power of 1 / 2.2.
_GAMMA = 2.2


def chromatic_aberration(image, strength):
    """Zooms red by 1 + strength and blue by 1 - strength about the centre, which gives coloured fringes.

    Gilal et al. 2023 name it as future work. A simple lens focuses the colours at different magnifications,
    so the fringes grow from the centre outwards.

    Args:
        image: (height, width, 3) float or uint8 array, RGB.
        strength: float in (-0.2, 0.2); about 0.002 to 0.01 looks like a clip-on lens.

    Returns:
        float32 array of the same shape and range.

    Raises:
        ValueError: strength outside its range.

    Example:
        >>> edge = np.zeros((9, 9, 3), "float32")
        >>> edge[:, 7:] = 200
        >>> chromatic_aberration(edge, 0.1)[4, 6].round()   # red is drawn outwards, and blue inwards
        array([40.,  0.,  0.], dtype=float32)
    """
    _check("aberration", strength, least=-LENS_EFFECTS["aberration"].limit)
    planes = [np.array(plane, np.float32, order="C") for plane in np.moveaxis(image, -1, 0)]
    y, x = _from_centre(image)
    for plane, factor in ((planes[0], 1 + strength), (planes[2], 1 - strength)):
        plane[:] = _sampled(plane, y * factor, x * factor)
    return np.stack(planes, axis=-1)


def barrel_distortion(image, strength):
    """Enlarges the middle of an image and compresses its borders; the corners stay where they are.

    A pixel at distance r from the centre, 1 at the corners, shows what is at r (1 + k r^2) / (1 + k), k being the
    strength, with bilinear interpolation. That is the radial term of Brown 1966, Decentering Distortion of Lenses,
    scaled so that nothing beyond the image is needed. A lens with its stop in front of it distorts like a barrel;
    one with its stop behind, like a pincushion (a negative strength, which repeats the border's pixels).

    Args:
        image: (height, width, channels) float or uint8 array.
        strength: float in (-0.5, 0.5), the k above.

    Returns:
        float32 array of the same shape and range.

    Raises:
        ValueError: strength outside its range.

    Example:
        >>> ramp = np.tile(np.arange(-50.0, 51)[:, None, None], (1, 101, 1))
        >>> barrel_distortion(ramp, 0.25)[::25, 50, 0]   # halfway to the border: 25 (1 + 0.25 / 8) / 1.25
        array([-45.   , -20.625,   0.   ,  20.625,  45.   ], dtype=float32)
    """
    _check("barrel", strength, least=-LENS_EFFECTS["barrel"].limit)
    y, x = _from_centre(image)
    factor = (1 + strength * _squared_radius(image)) / (1 + strength)
    return _sampled(np.asarray(image, np.float32), y * factor, x * factor)


def vignette(image, strength):
    """Darkens an image towards its corners, as a lens does that is narrower than its field of view.

    The light at distance r from the centre, 1 at the corners, is multiplied by 1 - strength * r^2, the first term of
    the usual even polynomial; the stored values are the light to the power of 1 / 2.2.

    Args:
        image: (height, width, channels) float or uint8 array, in 0..255 or any other range from 0.
        strength: float in [0, 1): the share of light that is lost in the corners.

    Returns:
        float32 array of the same shape and range.

    Raises:
        ValueError: strength outside its range.

    Example:
        >>> vignette(np.full((3, 3, 1), 100.0), 0.5)[:, 0, 0].round(1)   # 100 * 0.5 ** (1 / 2.2) in the corner
        array([73. , 87.7, 73. ], dtype=float32)
    """
    _check("vignette", strength, least=0, inclusive=True)
    gain = (1 - strength * _squared_radius(image)) ** (1 / _GAMMA)
    return np.asarray(image, np.float32) * gain[..., None].astype(np.float32)


def _check(effect, strength, least, *, inclusive=False):
    limit = LENS_EFFECTS[effect].limit
    if not (least < strength < limit or (inclusive and strength == least)):
        bracket = "[" if inclusive else "("
        raise ValueError(f"strength must be in {bracket}{least}, {limit}). Received: strength={strength}")


def _from_centre(image):
    """(height, 1) and (1, width): each row's and column's distance from the middle of the pixel grid."""
    height, width = image.shape[:2]
    return np.arange(height)[:, None] - (height - 1) / 2, np.arange(width)[None, :] - (width - 1) / 2


def _squared_radius(image):
    """(height, width): each pixel's squared distance from the centre, 1 at the corners."""
    y, x = _from_centre(image)
    squared = y**2 + x**2
    return squared / max(squared[0, 0], 1e-9)  # of a single pixel, 0


def _sampled(image, y, x):
    """The image at places y and x from its centre; outside, its border's pixels."""
    height, width = image.shape[:2]
    shape = np.broadcast_shapes(y.shape, x.shape)
    maps = (np.broadcast_to(x + (width - 1) / 2, shape), np.broadcast_to(y + (height - 1) / 2, shape))
    maps = [np.ascontiguousarray(each, np.float32) for each in maps]
    sampled = cv2.remap(image, *maps, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return sampled.reshape(image.shape)
