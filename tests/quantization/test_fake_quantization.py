import functools
import re

import keras
import numpy as np
import pytest
import tensorflow as tf
from graph_operations import matching, training_operations
from small_efficientnet import build, pictures

from skinkeras import models, quantization
from skinkeras.quantization.fake_quantization import fake_quantize
from skinkeras.quantization.layers import activations, kernels


def tensorflows_own(inputs, low, high, *, num_bits=8, narrow_range=False, name=None):
    """What `fake_quantize` replaces, with TensorFlow's gradient."""
    if isinstance(low, float):
        operation = tf.quantization.fake_quant_with_min_max_args
    elif low.shape.rank:
        operation = tf.quantization.fake_quant_with_min_max_vars_per_channel
    else:
        operation = tf.quantization.fake_quant_with_min_max_vars
    return operation(inputs, low, high, num_bits=num_bits, narrow_range=narrow_range)


def bits(function, values, upstream, low, high):
    """Outputs and gradient as integers, so that -0 is not 0 and NaN is itself."""
    with tf.GradientTape() as tape:
        tape.watch(values)
        outputs = function(values, low, high)
    gradient = tape.gradient(outputs, values, upstream)
    return tf.bitcast(outputs, tf.int32), tf.bitcast(gradient, tf.int32)


def around(ends):
    """The ends of the levels, and the two floats on each side of both."""
    ends = np.asarray(ends, np.float32)
    steps = [ends]
    for to in (np.float32(np.inf), np.float32(-np.inf)):
        near = np.nextafter(ends, to)
        steps += [near, np.nextafter(near, to)]
    return np.stack(steps)


def compare(low, high, num_bits, narrow_range):
    settings = {"num_bits": num_bits, "narrow_range": narrow_range}
    ours = functools.partial(fake_quantize, **settings)
    theirs = functools.partial(tensorflows_own, **settings)
    rng = np.random.default_rng(0)
    channels = np.shape(low) if not isinstance(low, float) else ()
    reach = 1.3 * np.maximum(np.abs(low), np.abs(high))
    ends = theirs(np.broadcast_to(np.float32(3e38), (2, *channels)) * _signs(channels), low, high)
    values = np.concatenate(
        [
            rng.uniform(-1, 1, (200, *channels)) * reach,
            *around(ends),
            *around(np.stack([low, high])),
            np.broadcast_to(0.0, (1, *channels)),
            *(np.broadcast_to(special, (1, *channels)) for special in (np.inf, -np.inf, np.nan, -0.0)),
        ]
    ).astype(np.float32)
    upstream = rng.normal(size=values.shape).astype(np.float32)
    upstream[::50] = np.inf
    values, upstream = tf.constant(values), tf.constant(upstream)
    expected = bits(theirs, values, upstream, low, high)
    traced = tf.function(functools.partial(bits, ours, low=low, high=high), autograph=False)
    for found in (bits(ours, values, upstream, low, high), traced(values, upstream)):
        for ours_bits, their_bits in zip(found, expected, strict=True):
            np.testing.assert_array_equal(ours_bits, their_bits)


def _signs(channels):
    return np.float32([-1, 1]).reshape(2, *(1 for _ in channels))


# Ranges whose ends are moved by up to half a level either way, by none, that lie on one side of 0, and an empty one.
RANGES = [
    (-1, 1),
    (0, 6),
    (-6, 0),
    (0, 0),
    (-0.3, 7.77),
    (-127, 128),
    (-0.05, 25.45),
    (-12.75, 12.75),
    (1, 3),
]


@pytest.mark.parametrize("num_bits, narrow_range", [(8, False), (8, True), (4, False), (16, True)])
@pytest.mark.parametrize("low, high", RANGES)
def test_one_range_rounds_and_passes_gradients_bit_for_bit_as_tensorflow_does(
    low, high, num_bits, narrow_range
):
    compare(tf.Variable(np.float32(low)), tf.Variable(np.float32(high)), num_bits, narrow_range)
    if low < high:
        compare(float(low), float(high), num_bits, narrow_range)


@pytest.mark.parametrize("narrow_range", [False, True])
def test_ranges_of_channels_round_and_pass_gradients_bit_for_bit_as_tensorflow_does(narrow_range):
    rng = np.random.default_rng(1)
    scale = 10 ** rng.uniform(-6, 6, 30)
    low, high = -np.abs(rng.normal(size=30)) * scale, np.abs(rng.normal(size=30)) * scale
    high[:10] = -low[:10]  # as kernels have them
    low[10], high[11], low[12], high[12] = 0, 0, 0, 0
    compare(tf.Variable(np.float32(low)), tf.Variable(np.float32(high)), 8, narrow_range)


def test_gradients_pass_between_the_levels_not_between_the_ends_of_the_range():
    # Steps of 0.1 from -0.24 to 25.26: 0 is 2.4 steps above the low end, so the levels are -0.2 to 25.3.
    values = tf.constant([-0.22, -0.19, 0.0, 25.28, 25.31])
    with tf.GradientTape() as tape:
        tape.watch(values)
        outputs = fake_quantize(values, -0.24, 25.26)
    np.testing.assert_allclose(outputs, [-0.2, -0.2, 0, 25.3, 25.3], rtol=1e-5)
    assert tape.gradient(outputs, values).numpy().tolist() == [0, 1, 1, 1, 0]


def test_the_range_gets_no_gradient():
    low, high = tf.Variable(-1.0), tf.Variable(1.0)
    with tf.GradientTape() as tape:
        outputs = fake_quantize(tf.constant([-2.0, 0.5, 2.0]), low, high)
    assert tape.gradient(outputs, [low, high]) == [None, None]


def quantized(name="efficientnet_tiny", size=32, **more):
    keras.utils.set_random_seed(0)
    if name == "small b":
        model, size = build("b"), 64
    else:
        model = models.create(name, 2, input_size=size, weights="none")
    model = quantization.quantize(model, **more)
    if more:
        quantization.calibrate(model, [pictures(8, seed=0)[0]])
    model.compile(keras.optimizers.Adam(1e-2), "categorical_crossentropy", jit_compile=False)
    return model


@pytest.mark.long
def test_fine_tuning_ends_with_the_weights_that_tensorflows_gradient_leads_to(monkeypatch):
    images, labels = pictures(32, seed=0)
    images = images[:, ::2, ::2]

    def weights():
        model = quantized()
        before = model.get_weights()
        model.fit(images, labels, batch_size=16, shuffle=False, verbose=0)
        return before, model.get_weights()

    before, ours = weights()
    for module in (activations, kernels):
        monkeypatch.setattr(module, "fake_quantize", tensorflows_own)
    _, theirs = weights()
    assert sum(not np.array_equal(*pair) for pair in zip(before, ours, strict=True)) > len(ours) / 2
    for our_weight, their_weight in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(our_weight, their_weight)


GRADIENTS = re.compile("FakeQuant.*Gradient")


@pytest.mark.parametrize(
    "name, more",
    [
        ("efficientnet_tiny", {}),
        pytest.param("small b", {"scale_channels": True}, marks=pytest.mark.long),
        pytest.param("vgg16_cbam", {}, marks=pytest.mark.long),
    ],
)
def test_no_gradient_of_tensorflows_rounding_is_in_the_training_step(name, more):
    operations = training_operations(quantized(name, **more))
    assert {"FakeQuantWithMinMaxVars", "FakeQuantWithMinMaxVarsPerChannel"} <= operations
    assert not matching(GRADIENTS, operations)


def test_they_are_found_where_they_are(monkeypatch):
    for module in (activations, kernels):
        monkeypatch.setattr(module, "fake_quantize", tensorflows_own)
    assert matching(GRADIENTS, training_operations(quantized())) == [
        "FakeQuantWithMinMaxArgsGradient",
        "FakeQuantWithMinMaxVarsGradient",
        "FakeQuantWithMinMaxVarsPerChannelGradient",
    ]
