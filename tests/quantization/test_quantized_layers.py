import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from skinkeras import quantization
from skinkeras.layers import MergeClasses
from skinkeras.quantization.layers import range_around_zero
from skinkeras.quantization.recipe import PROBABILITY, TANH
from skinkeras.quantization.tfmot import quantizers


def rounded(low, high, *values):
    return quantization.FixedFakeQuantize(low, high)(np.array(values, np.float32)).numpy().tolist()


def test_pixels_are_their_own_levels():
    assert rounded(0, 255, -5, 0, 3.4, 3.6, 255, 300) == [0, 0, 3, 4, 255, 255]


def test_fixed_ranges_have_the_scales_of_the_specification():
    assert rounded(*PROBABILITY, 0.5, 0.501, 1.0) == [0.5, 0.5, 255 / 256]
    assert rounded(*TANH, -1.0, 0.0, 0.51, 1.0) == [-1.0, 0.0, 65 / 128, 127 / 128]


def test_the_range_of_minus_one_to_one_has_127_steps_to_each_side():
    assert range_around_zero(-1, 1) == pytest.approx((-1, 128 / 127))
    assert rounded(*range_around_zero(-1, 1), -1, 0, 1) == pytest.approx([-1, 0, 1])


def test_the_moving_average_moves_by_a_thousandth_while_training_and_not_at_inference():
    layer = quantization.FakeQuantize()
    batch = np.array([-2.0, 10.0], np.float32)
    layer(batch, training=False)
    assert [float(value) for value in layer.get_weights()] == [-6, 6]
    layer(batch, training=True)
    assert layer.get_weights() == pytest.approx([-6 + 0.004, 6 + 0.004])


def built(layer, shape, kernel):
    layer.build(shape)
    layer.kernel.assign(np.reshape(kernel, layer.kernel.shape))
    return layer.quantized_kernel(training=True).numpy().ravel()


def test_a_dense_kernel_has_one_scale():
    # The largest weight, 1.27, is 127 steps of 0.01.
    kernel = built(quantization.QuantizedDense(1), (None, 3), [1.27, -0.503, 0.004])
    assert kernel == pytest.approx([1.27, -0.50, 0.0], abs=1e-6)


@pytest.mark.parametrize(
    "layer",
    [quantization.QuantizedConv2D(2, 1), quantization.QuantizedDepthwiseConv2D(1, depth_multiplier=2)],
)
def test_convolutions_have_a_scale_for_each_output_channel(layer):
    # 1 x 1, two outputs, scales 0.01 and 0.1: of the second inputs 0.504 is 50.4 steps and 5.04 steps.
    channels = {"QuantizedConv2D": 2, "QuantizedDepthwiseConv2D": 1}[type(layer).__name__]
    values = [1.27, 12.7, 0.504, 0.504] if channels == 2 else [1.27, 12.7]
    kernel = built(layer, (None, 4, 4, channels), values)
    assert kernel == pytest.approx([1.27, 12.7, 0.50, 0.5] if channels == 2 else values, abs=1e-5)
    ranges = [weight for weight in layer.get_weights() if weight.shape == (2,)]
    np.testing.assert_allclose(ranges[-1], [1.27, 12.7], rtol=1e-6)


def test_zeros_and_ones_of_merged_classes_are_exact():
    merge = MergeClasses((0, 1, 0, 1))
    probabilities = np.array([[0.1, 0.2, 0.3, 0.4]], np.float32)
    merge.build((None, 4))
    quantized = quantization.QuantizedMergeClasses((0, 1, 0, 1))
    quantized.build((None, 4))
    np.testing.assert_array_equal(quantized.quantized_kernel(training=True), merge.kernel)
    np.testing.assert_allclose(quantized(probabilities), [[0.4, 0.6]], rtol=1e-6)
    assert not quantized.trainable_weights


def test_gradients_pass_inside_the_range_and_stop_outside():
    layer = quantization.FixedFakeQuantize(0, 1)
    values = tf.constant([0.3, 2.0])
    with tf.GradientTape() as tape:
        tape.watch(values)
        total = tf.reduce_sum(layer(values))
    assert tape.gradient(total, values).numpy().tolist() == [1, 0]


@pytest.mark.parametrize("low, high, scale", [(-1, 1, 0.5), (0, 6, 1.0), (-2, 1, 30.0)])
def test_a_training_step_is_the_moving_average_over_inputs_limited_to_the_double_range(low, high, scale):
    values = tf.random.stateless_normal((8, 5, 5, 3), (1, 2)) * scale
    layer = quantization.FakeQuantize()
    layer.build(values.shape)
    layer.set_weights([np.float32(low), np.float32(high)])
    # The quantizer of tensorflow-model-optimization itself, on a copy of the inputs.
    theirs = quantizers().MovingAverageQuantizer(8, per_axis=False, symmetric=False, narrow_range=False)
    variables = {"min_var": tf.Variable(float(low)), "max_var": tf.Variable(float(high))}
    most = 2.0 * max(-low, high)

    def outputs_and_gradient(call):
        with tf.GradientTape() as tape:
            tape.watch(values)
            outputs = call()
            total = tf.reduce_sum(tf.square(outputs))
        return outputs, tape.gradient(total, values)

    ours = outputs_and_gradient(lambda: layer(values, training=True))
    expected = outputs_and_gradient(
        lambda: theirs(tf.clip_by_value(values, -most, most), True, weights=variables)
    )
    for value, expectation in zip(ours, expected, strict=True):
        np.testing.assert_array_equal(value, expectation)
    assert layer.get_weights() == [variable.numpy() for variable in variables.values()]


def test_other_packages_still_see_keras_3():
    assert tf.keras.version().startswith("3.")
    assert isinstance(layers.Dense(1), keras.Layer)
