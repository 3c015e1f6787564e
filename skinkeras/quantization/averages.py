"""Rounding of averages as TensorFlow Lite's integers round them.

AVERAGE_POOL_2D has no scale of its own: it adds up the integers of its input, -128..127, divides by their number and
rounds halves away from 0 (tensorflow/lite/kernels/internal/reference/integer_ops/pooling.h). Fake quantization rounds
halves up, and a sum of floats may miss a half in its last bit. A quarter of all averages of 2 x 2 values are halves.
"""

import contextlib
import contextvars

import tensorflow as tf

# Far more than the error of a sum of floats, and less than the distance to the next half of any average of up to 1000
# values.
_NUDGE = 2.0**-11
_CONVERTING = contextvars.ContextVar("converting", default=False)


@contextlib.contextmanager
def converting():
    """Within it, models are traced for TensorFlow Lite's converter, whose operations round halves by themselves."""
    token = _CONVERTING.set(True)
    try:
        yield
    finally:
        _CONVERTING.reset(token)


def decide_halves(averages, low, high):
    """Moves values off the middle between two levels, to the side to which the integer operation rounds them.

    Args:
        averages: float32 tensor, of values at the levels of the range.
        low: the low end of a range of 256 levels, float or float32 tensor of shape ().
        high: its high end.

    Returns:
        Tensor like `averages`, each value up to a 2048th of a level further from the level of the integer 0;
        `averages` itself within `converting`.

    Example:
        >>> decide_halves([-1.5, 1.0, 1.5], -128.0, 127.0).numpy().tolist()
        [-1.50048828125, 1.00048828125, 1.50048828125]
    """
    if _CONVERTING.get():
        return averages
    averages = tf.convert_to_tensor(averages)
    step = (high - low) / 255
    below_zero = tf.floor(tf.math.divide_no_nan(-low, step) + 0.5)  # levels
    middle = (128 - below_zero) * step
    return averages + _NUDGE * step * tf.sign(averages - middle)
