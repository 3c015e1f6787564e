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
    without coordinate maps: see `_zoom`. Along a side of an even number of pixels the zooms have exactly the
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
    places = [
        (vertical, horizontal)
        for vertical in (slice(0, rows), slice(height - rows, height))
        for horizontal in (slice(0, columns), slice(width - columns, width))
    ]
    turned = _scratch("turned", (4, rows, columns, channels), image.dtype)
    for place, flip, quadrant in zip(places, _FLIPS, turned, strict=True):
        _turn(image[place], flip, quadrant)
    blurred = _blurred_quadrants(turned, target.dtype, _for_quadrants(rho, height, width), steps)
    _share_middle(blurred.reshape(2, 2, *blurred.shape[1:]), height, width)
    for place, flip, quadrant in zip(places, _FLIPS, blurred, strict=True):
        _turn(quadrant[:rows, :columns], flip, target[place])


# What turns the quadrants so that the centre of the image is their first corner, and back, as OpenCV counts.
_FLIPS = (-1, 0, 1, None)


def _turn(quadrant, flip, target):
    if flip is None:
        target[:] = quadrant
    else:
        cv2.flip(quadrant, flip, target)


def _for_quadrants(rho, height, width):
    """The strengths that displace the pixels of quadrants as far, on average, as rho those of the image."""
    # The zoom is about an edge of a pixel; in an odd side the centre is the middle of one, and a pixel at distance
    # r from it is displaced by (r + 1/2) rho. Of images whose detail is spread evenly, (n - 1) / (n + 1/2) displaces
    # as far in the mean square; lesions have theirs nearer to the centre.
    across, down = ((n - 1) / (n + 1) if n % 2 else 1 for n in (width, height))
    return Rho(rho[0] * across, rho[1] * across, rho[2] * down, rho[3] * down)


def _share_middle(turned, height, width):
    """Gives quadrants (2, 2, rows, columns, channels) their mean where they overlap, in the middle of an odd side."""
    if height % 2:
        _share(turned[0, :, 0], turned[1, :, 0])
    if width % 2:
        _share(turned[:, 0, :, 0], turned[:, 1, :, 0])


def _share(one, other):
    mean = (one.astype(np.float32) + other) / 2
    one[:] = other[:] = mean if one.dtype == np.float32 else np.rint(mean)


def _blurred_quadrants(turned, dtype, rho, steps):
    """Blurs quadrants (4, rows, columns, channels), turned so that the image's centre is their first corner.

    Returns an array of which only these rows and columns mean anything.
    """
    # Each step adds two images; they are divided once, at the end. 8-bit images are held in 16 bits, in the
    # end as 256ths of a grey level: half the memory of floats, and faster.
    in_16_bits = turned.dtype == np.uint8 and steps <= 8
    held, unit = (np.uint16, 1 / 256) if in_16_bits else (np.float32, 0.5**steps)
    _, rows, columns, channels = turned.shape
    expand = (1 + rho.vertical_expand, 1 + rho.horizontal_expand)
    shrink = (1 - rho.vertical_shrink, 1 - rho.horizontal_shrink)
    windows = [_windows(rows, columns, *factors) for factors in (expand, shrink)]
    longest = [max(rows, *(read[0] for read, _ in windows)), max(columns, *(read[1] for read, _ in windows))]
    whole = _scratch("whole", (4, *longest, channels), held)
    np.multiply(turned, held(0.5**steps / unit), out=whole[:, :rows, :columns])
    zoomed = [
        _scratch(name, (*made, channels), held)
        for name, (_, made) in zip(("expanded", "shrunk"), windows, strict=True)
    ]
    for each in whole:
        inside = each[:rows, :columns]
        # OpenCV does not copy the inside when source and target are the same memory.
        border = (0, longest[0] - rows, 0, longest[1] - columns, cv2.BORDER_REPLICATE)
        calls = [functools.partial(cv2.copyMakeBorder, inside, *border, each)] if any(border[:4]) else []
        calls += [
            _zoom(each[: read[0], : read[1]], made, factors)
            for made, factors, (read, _) in zip(zoomed, (expand, shrink), windows, strict=True)
        ]
        calls.append(functools.partial(cv2.add, *(made[:rows, :columns] for made in zoomed), inside))
        for call in calls * steps:
            call()
    blurred = _scratch("blurred", whole.shape, dtype)
    if dtype == np.uint8:
        # As two-dimensional arrays, of which OpenCV makes no copies.
        cv2.convertScaleAbs(whole.reshape(4 * longest[0], -1), blurred.reshape(4 * longest[0], -1), unit)
    else:
        np.multiply(whole[:, :rows, :columns], np.float32(unit), out=blurred[:, :rows, :columns])
    return blurred


def _zoom(window, made, factors):
    """A function that zooms a window into `made`: output x shows input factor * (x + 1/2) - 1/2, by rows and columns.

    That is what a plain resize does when it is told the scale and not the size of its result, and OpenCV resizes
    several times faster than it remaps. The first half pixel of a factor below 1 lies in the next quadrant: it gets
    the value of the first pixel. Where the window and its result have the same size, OpenCV would copy instead:
    then the zoom is a warp.

    Args:
        window: what is resized of a quadrant with its edges repeated behind it.
        made: the array for the resize's result, of which the quadrant's rows and columns are used.
        factors: (down, across).
    """
    down, across = factors
    if made.shape == window.shape and factors != (1, 1):
        # From the middle of a pixel of the result to a place in the window.
        matrix = np.array([[across, 0, (across - 1) / 2], [0, down, (down - 1) / 2]])
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        size = made.shape[1::-1]
        return functools.partial(cv2.warpAffine, window, matrix, size, made, flags, cv2.BORDER_REPLICATE)
    return functools.partial(cv2.resize, window, None, made, 1 / across, 1 / down, cv2.INTER_LINEAR)


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
