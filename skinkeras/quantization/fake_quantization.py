"""Rounding to the levels of a range, with a gradient for the values alone.

The gradients of TensorFlow's operations, `FakeQuantWithMinMaxVarsGradient` and
`FakeQuantWithMinMaxVarsPerChannelGradient`, also add up what reaches the two ends of the range. On a GPU the order of
these sums is left open: after `tf.config.experimental.enable_op_determinism()`, both raise `UnimplementedError`
(tensorflow/core/kernels/fake_quant_ops.cc). Here ranges are measured and never trained, so nothing needs the sums,
and without them the gradient is a product of two tensors, which has no order.
"""

import tensorflow as tf


def fake_quantize(inputs, low, high, *, num_bits=8, narrow_range=False, name="fake_quantize"):
    """Rounds to the levels of the range low..high, shifted by less than one level so that 0 is one of them.

    Values and gradient are those of TensorFlow's operations, bit for bit: the gradient passes where the input lies
    within the shifted range, both ends included, and is 0 elsewhere; it passes everywhere where the range is empty
    (0..0). The range gets no gradient.

    Args:
        inputs: float32 tensor; (..., channels) for one range per channel.
        low: float <= 0, or float32 tensor or variable of shape () or (channels,).
        high: as `low`, >= 0.
        num_bits: int, 2 to 16; 2^num_bits levels.
        narrow_range: True leaves out the lowest level.
        name: of the operation in graphs, which exported files also show.

    Returns:
        Tensor like `inputs`.

    Example:
        >>> fake_quantize([-1.0, 0.2, 0.6, 300.0], 0.0, 255.0).numpy().tolist()
        [0.0, 0.0, 1.0, 255.0]
    """
    if isinstance(low, float):
        operation = tf.quantization.fake_quant_with_min_max_args
    else:
        low, high = tf.stop_gradient(low), tf.stop_gradient(high)
        if low.shape.rank:
            operation = tf.quantization.fake_quant_with_min_max_vars_per_channel
        else:
            operation = tf.quantization.fake_quant_with_min_max_vars

    def to_levels(values):
        return operation(values, low, high, num_bits=num_bits, narrow_range=narrow_range)

    @tf.custom_gradient
    def rounded(values):
        def gradient(upstream):
            # The operation says itself where its levels end. Computed anew, the ends would differ in the last bit
            # where a compiler replaces a division by a product.
            infinite = tf.fill(tf.shape(low), float("inf"))
            lowest, highest = tf.unstack(to_levels(tf.stack([-infinite, infinite])))
            inside = (values >= lowest) & (values <= highest) | ((low == 0.0) & (high == 0.0))
            # A product, as there: an infinite gradient outside of the range becomes NaN.
            return upstream * tf.cast(inside, upstream.dtype)

        return to_levels(values), gradient

    with tf.name_scope(name):
        return rounded(tf.convert_to_tensor(inputs))
