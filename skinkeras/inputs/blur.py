"""The paper's radial blur (Gilal et al. 2023), which a cheap clip-on lens gives."""

import functools
import math
import threading
from typing import NamedTuple

import cv2
import numpy as np
import tensorflow as tf

from skinkeras.inputs.catalog import MAX_RHO

# A zoom whose window would be so many times longer than the quadrant is a warp instead.
_LONGEST = 4


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

    The recursion is computed as it is written, interpolation by interpolation, but each quadrant by itself and
    without coordinate maps: see `_Zoom`. Along a side of an even number of pixels the zooms have exactly the
    factors 1 + rho and 1 - rho; along an odd one every pixel is displaced by up to rho / 2 pixels more or less,
    which cancels over the image. Runs eagerly and inside tf.data, on the CPU; it has no gradient.

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

    Example:
        >>> stripes = np.tile(np.float32([0, 200]), (64, 32))[..., None]
        >>> blurred = radial_blur(stripes, 0.02)[32, :, 0]
        >>> bool(np.ptp(blurred[31:33]) > 150 > np.ptp(blurred[:8]))   # the centre stays sharp
        True
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
    image = np.ascontiguousarray(image, np.uint8 if image.dtype == np.uint8 else np.float32)
    height, width, channels = image.shape
    rows, columns = -(-height // 2), -(-width // 2)  # of a quadrant, the middle of an odd side included
    shape = (rows, columns, channels)
    blur = _QuadrantBlur(shape, image.dtype, target.dtype, _for_quadrants(rho, height, width), steps)
    result = _scratch("result", (2, 2, *shape), target.dtype)
    for below, vertical in enumerate((slice(0, rows), slice(height - rows, height))):
        for right, horizontal in enumerate((slice(0, columns), slice(width - columns, width))):
            blur(image[vertical, horizontal], _FLIPS[below, right], result[below, right])
    _join(result, target)


# What turns a quadrant (below, right) so that the centre of the image is its first corner, as OpenCV counts.
_FLIPS = {(0, 0): -1, (0, 1): 0, (1, 0): 1, (1, 1): None}


def _for_quadrants(rho, height, width):
    """The strengths that displace the pixels of quadrants as far, on average, as rho those of the image."""
    # The zoom is about an edge of a pixel; in an odd side the centre is the middle of one, and a pixel at distance
    # r from it is displaced by (r + 1/2) rho. Of images whose detail is spread evenly, (n - 1) / (n + 1/2) displaces
    # as far in the mean square; lesions have theirs nearer to the centre.
    across, down = ((n - 1) / (n + 1) if n % 2 else 1 for n in (width, height))
    return Rho(rho[0] * across, rho[1] * across, rho[2] * down, rho[3] * down)


def _join(quadrants, target):
    """Writes quadrants (2, 2, rows, columns, channels) into the image; where they overlap, their mean."""
    height, width = target.shape[:2]
    rows, columns = quadrants.shape[2:4]
    if height % 2:
        _share(quadrants[0, :, -1], quadrants[1, :, 0])
    if width % 2:
        _share(quadrants[:, 0, :, -1], quadrants[:, 1, :, 0])
    target[:rows, :columns], target[:rows, width - columns :] = quadrants[0]
    target[height - rows :, :columns], target[height - rows :, width - columns :] = quadrants[1]


def _share(one, other):
    mean = (one.astype(np.float32) + other) / 2
    one[:] = other[:] = mean if one.dtype == np.float32 else np.rint(mean)


class _QuadrantBlur:
    """Blurs quadrants of one shape and dtype, turned so that the image's centre is their first corner."""

    def __init__(self, shape, source, target, rho, steps):
        # Each step adds two images; they are divided once, at the end. 8-bit images are held in 16 bits, in the
        # end as 256ths of a grey level: half the memory of floats, and faster.
        in_16_bits = source == np.uint8 and steps <= 8
        self._dtype, self._unit = (np.uint16, 1 / 256) if in_16_bits else (np.float32, 0.5**steps)
        self._steps, (rows, columns, channels) = steps, shape
        factors = (
            (1 + rho.vertical_expand, 1 + rho.horizontal_expand),
            (1 - rho.vertical_shrink, 1 - rho.horizontal_shrink),
        )
        windows = [_windows(rows, columns, *each) for each in factors]
        longest = np.max([read for read, _ in windows], axis=0).tolist()
        below, right = max(0, longest[0] - rows), max(0, longest[1] - columns)
        self._edges = (0, below, 0, right)
        self._whole = _scratch("whole", (rows + below, columns + right, channels), self._dtype)
        self._inside = self._whole[:rows, :columns]
        self._zooms = [
            _Zoom(self._whole, shape, _scratch(name, (*made, channels), self._dtype), each, read)
            for name, each, (read, made) in zip(("expand", "shrink"), factors, windows, strict=True)
        ]
        self._turned, self._blurred = _scratch("turned", shape, source), _scratch("blurred", shape, target)

    def __call__(self, quadrant, flip, target):
        """Writes the blurred quadrant to `target`; `flip` is OpenCV's code of how it is turned, or None."""
        turned = quadrant if flip is None else cv2.flip(quadrant, flip, dst=self._turned)
        scale = self._dtype(0.5**self._steps / self._unit)
        np.multiply(turned.reshape(self._inside.shape), scale, out=self._inside)
        expand, shrink = self._zooms
        for _ in range(self._steps):
            if any(self._edges):
                # OpenCV does not copy the inside when source and target are the same memory.
                cv2.copyMakeBorder(self._inside, *self._edges, cv2.BORDER_REPLICATE, dst=self._whole)
            cv2.add(expand(), shrink(), dst=self._inside)
        blurred = target if flip is None else self._blurred
        if blurred.dtype == np.uint8:
            cv2.convertScaleAbs(self._inside, dst=blurred, alpha=self._unit)
        else:
            np.multiply(self._inside, np.float32(self._unit), out=blurred)
        if flip is not None:
            cv2.flip(blurred, flip, dst=target)


class _Zoom:
    """Zooms what is in an array: output x shows input factor * (x + 1/2) - 1/2, by rows and by columns.

    That is what a plain resize does when it is told the scale and not the size of its result, and OpenCV resizes
    several times faster than it remaps. The first half pixel of a factor below 1 lies in the next quadrant: it gets
    the value of the first pixel. Where the window and its result have the same size, OpenCV would copy instead:
    then the zoom is a warp.

    Args:
        whole: the quadrant, with its edges repeated behind it.
        shape: (rows, columns, channels) of the quadrant.
        made: the array for the resize's result, of which the quadrant's rows and columns are returned.
        factors: (down, across).
        window: (rows, columns) that are resized.
    """

    def __init__(self, whole, shape, made, factors, window):
        down, across = factors
        self._window, self._made = whole[: window[0], : window[1]], made
        self._result = made[: shape[0], : shape[1]]
        self._scale = {"fx": 1 / across, "fy": 1 / down, "interpolation": cv2.INTER_LINEAR}
        self._matrix = None
        if made.shape[:2] == window and factors != (1, 1):
            # From the middle of a pixel of the result to a place in the window.
            self._matrix = np.array([[across, 0, (across - 1) / 2], [0, down, (down - 1) / 2]])

    def __call__(self):
        if self._matrix is None:
            cv2.resize(self._window, None, dst=self._made, **self._scale)
        else:
            size, flags = self._made.shape[1::-1], cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
            border = {"borderMode": cv2.BORDER_REPLICATE}
            cv2.warpAffine(self._window, self._matrix, size, dst=self._made, flags=flags, **border)
        return self._result


@functools.lru_cache(maxsize=4096)
def _windows(rows, columns, down, across):
    """Sizes ((rows, columns) read, (rows, columns) made) of a resize by these factors.

    Where the size does not change, OpenCV copies and does not look at the scale: the window is made longer until
    it does, unless it would be so long that a warp is faster.
    """
    read = [_least_window(rows, down), _least_window(columns, across)]
    made = [_made(read[0], down), _made(read[1], across)]
    if read == made and not down == across == 1:
        axis = 0 if abs(down - 1) > abs(across - 1) else 1
        n, factor = ((rows, down), (columns, across))[axis]
        longer = next((k for k in range(n, _LONGEST * n) if k > read[axis] and _made(k, factor) != k), None)
        if longer:
            read[axis], made[axis] = longer, _made(longer, factor)
    return tuple(read), tuple(made)


def _least_window(n, factor):
    """How many pixels a zoom to n pixels reads."""
    read = math.floor((n - 0.5) * factor - 0.5) + 2
    while _made(read, factor) < n:
        read += 1
    return read


def _made(read, factor):
    """How many pixels OpenCV makes of so many: rounded to even, as Python does."""
    return round(read * (1 / factor))


_arrays = threading.local()


def _scratch(name, shape, dtype):
    """This thread's array of that name, contents undefined: allocating memory takes as long as resizing."""
    size = math.prod(shape) * np.dtype(dtype).itemsize
    kept = vars(_arrays).get(name)
    if kept is None or kept.size < size:
        kept = vars(_arrays)[name] = np.empty(size, np.uint8)
    return kept[:size].view(dtype).reshape(shape)
