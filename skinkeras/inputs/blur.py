"""The effects of a cheap clip-on lens: radial blur (Gilal et al. 2023) and chromatic aberration."""

import functools
import math
import threading
from typing import NamedTuple

import cv2
import numpy as np
import tensorflow as tf

from skinkeras.inputs.catalog import MAX_RHO

# The largest error of a zoom at the border of the image, in pixels and as a share of the displacement there;
# in the centre a zoom is exact.
_TOLERANCE, _RELATIVE_TOLERANCE = 0.25, 0.25


class Rho(NamedTuple):
    """The four strengths of a radial blur; the paper has one value for all of them.

    "Expand" is the map h_e of the paper, which shows the image smaller, "shrink" is h_s.
    """

    horizontal_expand: float
    horizontal_shrink: float
    vertical_expand: float
    vertical_shrink: float


def radial_blur(image, rho, steps=5, dtype="float32"):
    """Blurs an image more and more towards its borders, as a cheap lens does.

    Gilal et al. 2023, eq. 1: each of `steps` iterations averages the image zoomed by 1 + rho and by
    1 - rho about its centre, with bilinear interpolation. The centre is the middle of the pixel grid,
    ((height - 1) / 2, (width - 1) / 2); outside the image its border pixels are repeated.

    The recursion is computed as it is written, interpolation by interpolation, but without coordinate maps:
    see `_Zoom`. Windows of whole pixels allow only some factors: 1 + rho and 1 - rho are matched to within a
    quarter of rho, and of a pixel at the border, and exceeded on average by 5 to 10 % of rho. Runs eagerly
    and inside tf.data, on the CPU; it has no gradient.

    Args:
        image: (..., height, width, channels) float or uint8, array or tensor; any number of leading
            dimensions.
        rho: float in [0, 0.2), or floats of the leading dimensions' shape: one for every image. The paper
            takes it uniformly from [0.005, 0.02]. A `Rho` has one such value for each direction.
        steps: int >= 1, the iterations.
        dtype: "float32", or "uint8" for the nearest whole grey level in 0..255, which is faster.

    Returns:
        The blurred images, of the same shape and range: a tensor if `image` is one, else an array.

    Raises:
        ValueError: rho, steps or dtype outside its range (tf.errors.InvalidArgumentError inside tf.data).
    """
    if steps < 1:
        raise ValueError(f"steps must be at least 1. Received: steps={steps}")
    if dtype not in ("float32", "uint8"):
        raise ValueError(f'dtype must be "float32" or "uint8". Received: dtype={dtype!r}')
    blur = functools.partial(_blur_all, steps=steps, dtype=dtype)
    rho = rho if isinstance(rho, Rho) else Rho(rho, rho, rho, rho)
    if not any(tf.is_tensor(value) for value in (image, *rho)):
        return blur(np.asarray(image), *rho)
    if tf.executing_eagerly():
        return tf.constant(blur(np.asarray(image), *map(np.asarray, rho)))
    blurred = tf.numpy_function(blur, [image, *rho], dtype)
    return tf.ensure_shape(blurred, image.shape)


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
    """
    if not -MAX_RHO < strength < MAX_RHO:
        raise ValueError(f"strength must be in (-{MAX_RHO}, {MAX_RHO}). Received: strength={strength}")
    red, green, blue = (np.array(plane, np.float32, order="C") for plane in np.moveaxis(image, -1, 0))
    for plane, factor in ((red, 1 + strength), (blue, 1 - strength)):
        zoom = _Zoom("fringe", plane.shape, np.float32, factor, factor)
        bordered = _Bordered(plane.shape, np.float32, zoom.border)
        bordered.inside[:] = plane
        bordered.repeat_edges()
        plane[:] = zoom(bordered)
    return np.stack([red, green, blue], axis=-1)


def check_rho(rho):
    """Raises ValueError if a blur's strength, or any of an array of them, is not in [0, 0.2)."""
    rho = np.asarray(rho)
    wrong = ~((rho >= 0) & (rho < MAX_RHO))  # also true of NaN
    if wrong.any():
        raise ValueError(f"rho must be in [0, {MAX_RHO}). Received: rho={np.ravel(rho[wrong])[0]}")


def _blur_all(images, *rho, steps, dtype):
    check_rho(rho)
    shape = images.shape
    flat = images.reshape(-1, *shape[-3:])
    each = np.stack([np.broadcast_to(value, shape[:-3]).reshape(-1) for value in rho], axis=-1)
    blurred = np.empty(flat.shape, dtype)
    for n, image in enumerate(flat):
        blur_into(blurred[n], image, Rho(*each[n].tolist()), steps)
    return blurred.reshape(shape)


def blur_into(target, image, rho, steps):
    """Writes the blurred `image` to `target`, which may be the same array; see `radial_blur`."""
    sums, unit = _summed_zooms(image, *rho, steps)
    if target.dtype == np.uint8:
        cv2.convertScaleAbs(sums, dst=target, alpha=unit)
    else:
        np.multiply(sums, np.float32(unit), out=target)


def _summed_zooms(image, horizontal_expand, horizontal_shrink, vertical_expand, vertical_shrink, steps):
    """The blurred image, as multiples of the number that is returned with it; valid until the next call."""
    # Each step adds two images; they are divided once, at the end. 8-bit images are held in 16 bits, in the
    # end as 256ths of a grey level: half the memory of floats, and faster.
    sums, unit = (np.uint16, 1 / 256) if image.dtype == np.uint8 and steps <= 8 else (np.float32, 0.5**steps)
    expand = _Zoom("expand", image.shape, sums, 1 + horizontal_expand, 1 + vertical_expand)
    shrink = _Zoom("shrink", image.shape, sums, 1 - horizontal_shrink, 1 - vertical_shrink)
    current = _Bordered(image.shape, sums, np.maximum(expand.border, shrink.border))
    np.multiply(image, sums(0.5**steps / unit), out=current.inside)
    for _ in range(steps):
        current.repeat_edges()
        cv2.add(expand(current), shrink(current), dst=current.inside)
    return current.inside, unit


class _Bordered:
    """An image with so many rows and columns around it; repeating its edges there is all the copying."""

    def __init__(self, shape, dtype, border):
        self._border = rows, columns = [int(n) for n in border]
        height, width, *channels = shape
        whole = (height + 2 * rows, width + 2 * columns, *channels)
        self.whole = _scratch("bordered", whole, dtype)
        self.inside = _middle(self.whole, height, width)

    def repeat_edges(self):
        rows, columns = self._border
        if rows or columns:
            # OpenCV does not copy the inside when source and target are the same memory.
            edges = (rows, rows, columns, columns)
            cv2.copyMakeBorder(self.inside, *edges, cv2.BORDER_REPLICATE, dst=self.whole)


class _Zoom:
    """Zooms images of one shape and dtype: output x shows input c + factor * (x - c), where c is the centre.

    A zoom about the centre is a plain resize from a centred window to a centred window whose sizes have the
    factor as their ratio; OpenCV resizes several times faster than it remaps. Small images have no such
    windows and are remapped. The result of a call is valid until the next call of a zoom with the same
    name in the same thread.

    Attributes:
        border: (rows, columns) by which the window extends beyond the image on each side.
    """

    def __init__(self, name, shape, dtype, horizontal, vertical):
        height, width, *channels = shape
        windows = _windows(width, horizontal), _windows(height, vertical)
        self._maps, self.border = None, (0, 0)
        if None in windows:
            self._maps = _maps(shape, horizontal, vertical)
            self._target = self._result = _scratch(name, shape, dtype)
            return
        (from_x, to_x), (from_y, to_y) = windows
        self.border = max(0, (from_y - height) // 2), max(0, (from_x - width) // 2)
        self._window = from_y, from_x
        self._target = _scratch(name, (to_y, to_x, *channels), dtype)
        self._result = _middle(self._target, height, width)

    def __call__(self, bordered):
        if self._maps:
            border = {"borderMode": cv2.BORDER_REPLICATE}
            cv2.remap(bordered.inside, *self._maps, cv2.INTER_LINEAR, dst=self._target, **border)
        else:
            window, size = _middle(bordered.whole, *self._window), self._target.shape[1::-1]
            cv2.resize(window, size, dst=self._target, interpolation=cv2.INTER_LINEAR)
        return self._result


def _maps(shape, horizontal, vertical):
    y, x = (
        (length - 1) / 2 + factor * (np.arange(length) - (length - 1) / 2)
        for length, factor in zip(shape, (vertical, horizontal), strict=False)
    )
    return np.meshgrid(x.astype(np.float32), y.astype(np.float32))


def _middle(image, height, width):
    """The centred window of this size."""
    y, x = (image.shape[0] - height) // 2, (image.shape[1] - width) // 2
    return image[y : y + height, x : x + width]


_arrays = threading.local()


def _scratch(name, shape, dtype):
    """This thread's array of that name, contents undefined: allocating memory takes as long as resizing."""
    size = math.prod(shape) * np.dtype(dtype).itemsize
    kept = vars(_arrays).get(name)
    if kept is None or kept.size < size:
        kept = vars(_arrays)[name] = np.empty(size, np.uint8)
    return kept[:size].view(dtype).reshape(shape)


@functools.lru_cache(maxsize=4096)
def _windows(length, factor):
    """Sizes (from, to) of two centred windows, to >= length, with from / to = factor; None if there are none.

    Also None if the windows would be so large that remapping is faster.
    """
    to = np.arange(length, 1.35 * length, 2).astype(int)  # the same parity keeps the centre
    start = length + 2 * np.rint((factor * to - length) / 2).astype(int)
    error = np.abs(start / to - factor) * length / 2
    good = error <= min(_TOLERANCE, _RELATIVE_TOLERANCE * abs(factor - 1) * length / 2)
    return (int(start[good][0]), int(to[good][0])) if good.any() else None
