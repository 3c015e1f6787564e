"""The radial blur of Gilal et al. 2023: what a clip-on magnifier does away from its centre."""

import math

import keras
import numpy as np
from keras import ops

MAX_RHO = 0.2


def radial_blur(image, rho, steps=5):
    """Blurs a picture more and more towards its borders, as a cheap lens does.

    Gilal et al. 2023, eq. 1: each of `steps` iterations averages the picture zoomed by 1 + rho and by
    1 - rho about its centre. The two zooms commute, so that all iterations together are

        I_n(x) = 2^-n * sum over k of  C(n, k) * I_0(c + (1 + rho)^k * (1 - rho)^(n - k) * (x - c)),

    n + 1 zooms of the original: one interpolation where the iterated form has n. The centre c is the
    middle of the pixel grid, ((height - 1) / 2, (width - 1) / 2); outside the picture its border pixels
    are repeated. Runs eagerly and inside tf.data.

    Args:
        image: (..., height, width, channels) float or uint8; any number of leading dimensions.
        rho: float in [0, 0.2), or a tensor of the leading dimensions' shape: one for every picture.
            The paper draws it uniformly from [0.005, 0.02].
        steps: int >= 1, the iterations.

    Returns:
        float32 of the same shape and range.

    Raises:
        ValueError: rho (given as a number) or steps outside its range.
    """
    if isinstance(rho, int | float | np.number) and not 0 <= rho < MAX_RHO:
        raise ValueError(f"rho must be in [0, {MAX_RHO}). Received: rho={rho}")
    if steps < 1:
        raise ValueError(f"steps must be at least 1. Received: steps={steps}")
    image = ops.cast(image, "float32")
    shape = ops.shape(image)
    height, width, channels = shape[-3:]
    flat = ops.reshape(image, (-1, height, width, channels))
    rho = ops.cast(rho, "float32")
    rho = ops.reshape(rho if len(rho.shape) else ops.broadcast_to(rho, shape[:-3]), (-1,))

    blurred = ops.zeros_like(flat)
    for k in range(steps + 1):
        zoom = (1 + rho) ** k * (1 - rho) ** (steps - k)
        blurred += math.comb(steps, k) / 2**steps * _zoom(flat, zoom, height, width)
    return ops.reshape(blurred, shape)


def _zoom(images, factor, height, width):
    """Output pixel x shows input position c + factor * (x - c): a factor above 1 shrinks the picture."""
    shift_x = (1 - factor) * (ops.cast(width, "float32") - 1) / 2
    shift_y = (1 - factor) * (ops.cast(height, "float32") - 1) / 2
    zero = ops.zeros_like(factor)
    transform = ops.stack([factor, zero, shift_x, zero, factor, shift_y, zero, zero], axis=-1)
    return keras.ops.image.affine_transform(
        images, transform, interpolation="bilinear", fill_mode="nearest", data_format="channels_last"
    )
