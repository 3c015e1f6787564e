"""Shades of Gray: taking the colour of the light out of an image (Finlayson & Trezzi 2004)."""

import math

import numpy as np
from keras import ops

from skinkeras.inputs.catalog import MAX_GAMMA

# Above this the powers of dark pixels leave the range of float32.
_MAX_P = 12

# A channel of the illuminant that is (nearly) zero would need an infinite gain.
_LEAST_ILLUMINANT = 1e-3

# Replaces a zero in a denominator where the quotient is not used.
_TINY = 1e-30


def shades_of_gray(image, p=6, sigma=0.0, black=20.0, saturated=250.0, gamma=1.0):
    """Divides each colour channel by its share of the light, so that the light becomes grey.

    The illuminant of channel c is the Minkowski norm e_c = (mean |I_c|^p)^(1/p) over the image (Finlayson &
    Trezzi 2004, Shades of Gray and Colour Constancy). p = 1 is grey world, a large p comes close to max-RGB;
    6 is what they found best and what Barata et al. 2014 use on dermoscopy. The image is divided by
    sqrt(3) e / |e|: equal channels then stay as they are, and the image about as bright. Values are
    taken as they are stored, or, with a gamma, as the light (I_c / 255)^gamma, which is what an illuminant
    multiplies; many implementations of Barata et al. use 2.2. What is returned has that gamma again.

    Two kinds of pixels carry no information about the light. They are left out of the mean, but corrected like
    the others: saturated ones, which have lost their colour, and nearly black ones, such as the corners around a
    round field of view. An image without any other pixel is returned as it is, and a channel that is black
    in all of them stays black.

    The same operations run everywhere: on arrays, eagerly, inside tf.data, and, as the layer
    `skinkeras.layers.ShadesOfGray`, inside a model.

    Args:
        image: (..., height, width, 3) RGB, uint8 or float in 0..255, array or tensor; any number of leading
            dimensions, each image having its own illuminant.
        p: float in 1..12.
        sigma: float >= 0, pixels: the image from which the illuminant is estimated (not the one that is
            corrected) is first smoothed with a Gaussian of this standard deviation, over the pixels that
            count; 0 for no smoothing.
        black: float in 0..255: pixels whose brightest channel is no brighter do not count.
        saturated: float above `black`: pixels whose brightest channel is at least this bright do not count.
            JPEG and resizing leave a saturated spot a few levels below 255. Above 255 every bright pixel
            counts.
        gamma: float in 1..3, the exponent that turns stored values into light; 1 leaves them as they are.

    Returns:
        float32 in 0..255, of the same shape: a tensor if `image` is one, else an array.

    Raises:
        ValueError: p, sigma, black, saturated or gamma outside its range, or an image without three channels.

    Example:
        >>> greenish = np.full((4, 4, 3), (100, 200, 100), "uint8")
        >>> shades_of_gray(greenish)[0, 0].round(2)   # 100 * sqrt(2), three times
        array([141.42, 141.42, 141.42], dtype=float32)
    """
    check_shades_of_gray(p, sigma, black, saturated, gamma)
    if len(image.shape) < 3 or image.shape[-1] != 3:
        raise ValueError(
            f"shades_of_gray needs an image of shape (..., height, width, 3). Received: {tuple(image.shape)}"
        )
    pixels = ops.cast(image, "float32")
    brightest = ops.max(pixels, axis=-1, keepdims=True)
    counts = ops.cast(ops.logical_and(brightest > black, brightest < saturated), "float32")
    seen = pixels / 255  # so that powers neither overflow nor underflow
    if gamma != 1:
        seen = ops.power(seen, gamma)
    if sigma:
        seen = _smooth(seen, counts, sigma)
    # Over all pixels, with zero for those that do not count: the number of pixels cancels in the division
    # below.
    mean = ops.mean(ops.power(seen * counts, p), axis=(-3, -2), keepdims=True)
    illuminant = ops.power(mean, 1 / p)
    length = ops.sqrt(ops.sum(ops.square(illuminant), axis=-1, keepdims=True))
    relative = math.sqrt(3) * illuminant / ops.maximum(length, _TINY)
    gains = ops.where(length > 0, 1 / ops.maximum(relative, _LEAST_ILLUMINANT), 1.0)
    if gamma != 1:  # light times a gain is a stored value times this
        gains = ops.power(gains, 1 / gamma)
    corrected = ops.clip(pixels * gains, 0, 255)
    return corrected if ops.is_tensor(image) else np.asarray(corrected)


def check_shades_of_gray(p, sigma, black, saturated, gamma=1.0):
    """Raises ValueError if a setting of `shades_of_gray` is outside its range."""
    if not 1 <= p <= _MAX_P:  # also true of NaN
        raise ValueError(f"p must be in 1..{_MAX_P}. Received: p={p}")
    if not 0 <= sigma < math.inf:
        raise ValueError(f"sigma must be a finite number of pixels >= 0. Received: sigma={sigma}")
    if not 0 <= black <= 255 or not black < saturated:
        raise ValueError(
            f"black must be in 0..255 and saturated above it. Received: black={black}, saturated={saturated}"
        )
    if not 1 <= gamma <= MAX_GAMMA:
        raise ValueError(f"gamma must be in 1..{MAX_GAMMA}. Received: gamma={gamma}")


def _smooth(pixels, counts, sigma):
    """Gaussian mean over the surrounding pixels that count; pixels outside the image do not."""
    reach = math.ceil(3 * sigma)
    bell = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    sums = ops.concatenate([pixels * counts, counts], axis=-1)
    shape = ops.shape(sums)
    sums = ops.reshape(sums, (-1, *shape[-3:]))
    for kernel in (bell[:, None], bell[None, :]):
        kernel = np.repeat(kernel[:, :, None, None], 4, axis=2).astype("float32")
        sums = ops.depthwise_conv(sums, kernel, padding="same", data_format="channels_last")
    sums = ops.reshape(sums, shape)
    return sums[..., :3] / ops.maximum(sums[..., 3:], _TINY)
