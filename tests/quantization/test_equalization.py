import functools

import keras
import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter
from eager import answers
from keras import layers

from skinkeras import quantization, tflite
from skinkeras.quantization import FakeQuantizeSwishInput, ScaleChannels
from skinkeras.quantization.equalization import scalable
from skinkeras.quantization.folding import fold_batch_norm
from skinkeras.quantization.graph import consumers
from skinkeras.tflite.graph import read_graph
from skinkeras.tflite.verify import float_islands, int8_share

CHANNELS = 8
# Standard deviations behind the first batch normalization, as EfficientNet's stem has them.
WIDTHS = np.array([0.3, 0.5, 0.8, 1.0, 1.5, 4.0, 12.0, 40.0], np.float32)


@functools.cache
def uneven():
    """Convolution, swish, depthwise convolution, swish, gate, 1 x 1 convolution, and two answers that come from
    the narrow channels."""
    keras.utils.set_random_seed(0)
    rng = np.random.default_rng(0)
    image = layers.Input((16, 16, 3), name="image")
    x = layers.Rescaling(1 / 127.5, -1.0, name="rescale")(image)
    x = layers.Conv2D(CHANNELS, 3, padding="same", name="stem")(x)
    x = layers.ZeroPadding2D(1, name="pad")(layers.Activation("swish", name="stem_swish")(x))
    x = layers.DepthwiseConv2D(3, name="depthwise")(x)
    x = layers.Activation("swish", name="depthwise_swish")(x)
    gate = layers.GlobalAveragePooling2D(keepdims=True, name="squeeze")(x)
    gate = layers.Conv2D(4, 1, activation="swish", name="reduce")(gate)
    gate = layers.Conv2D(CHANNELS, 1, activation="sigmoid", name="expand")(gate)
    x = layers.Multiply(name="excite")([x, gate])
    x = layers.Conv2D(4, 1, name="project")(x)
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    model = keras.Model(image, layers.Dense(2, activation="softmax", name="answer")(x), name="uneven")
    kernel = rng.normal(0, 0.4, (3, 3, 3, CHANNELS)) * WIDTHS
    model.get_layer("stem").set_weights([kernel, rng.normal(0, 0.2, CHANNELS) * WIDTHS])
    depthwise = rng.normal(0, 0.5, (3, 3, CHANNELS, 1)) / WIDTHS[:, None]
    model.get_layer("depthwise").set_weights([depthwise, rng.normal(0, 0.3, CHANNELS)])
    return model


def images(count, seed):
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (count, 4, 4, 3)).repeat(4, axis=1).repeat(4, axis=2)
    return np.clip(coarse + rng.normal(0, 5, coarse.shape), 0, 255).round().astype("float32")


@functools.cache
def calibrated():
    model = quantization.quantize(uneven(), scale_channels=True)
    quantization.calibrate(model, np.split(images(128, seed=1), 4))
    return model


def decibels(model, layer):
    """Signal to noise of the float activations, read behind `layer`'s rounding, at its own scale."""
    batch = images(64, seed=2)
    exact = keras.Model(uneven().input, uneven().get_layer(layer).output)(batch)
    rounded = np.asarray(keras.Model(model.input, model.get_layer(f"{layer}_quantized").output)(batch))
    scales = [scale for scale in model.layers if isinstance(scale, ScaleChannels) and scale.source == layer]
    for scale in scales:
        rounded = rounded * np.asarray(scale.scale)
    noise = np.square(rounded - exact).mean((0, 1, 2))
    return 10 * np.log10(np.square(np.asarray(exact)).mean((0, 1, 2)) / noise)


def answers_of_file(data, batch):
    interpreter = Interpreter(model_content=data)
    interpreter.allocate_tensors()
    found = []
    for one in batch:
        interpreter.set_tensor(interpreter.get_input_details()[0]["index"], one[None])
        interpreter.invoke()
        found.append(interpreter.get_tensor(interpreter.get_output_details()[0]["index"])[0])
    return np.array(found)


def test_narrow_channels_keep_their_signal_and_the_file_its_decisions():
    before = quantization.quantize(uneven())
    quantization.calibrate(before, np.split(images(128, seed=1), 4))
    assert decibels(before, "stem").min() < 20
    assert decibels(calibrated(), "stem").min() > 30

    batch = images(200, seed=2)
    exact = answers(uneven(), batch)[:, 1]
    decisions = exact > np.median(exact)

    def agreement(model):
        found = answers_of_file(tflite.convert(model, "int8"), batch)[:, 1]
        return ((found > np.median(exact)) == decisions).mean()

    assert agreement(before) < 0.85  # 0.5 by chance
    assert agreement(calibrated()) > 0.95


def test_scales_fill_one_range_and_have_a_geometric_mean_of_1():
    for layer in (found for found in calibrated().layers if isinstance(found, ScaleChannels)):
        scale = np.asarray(layer.scale)
        np.testing.assert_allclose(np.exp(np.log(scale).mean()), 1, rtol=1e-5)
        steps = scale / scale.max() * 255
        np.testing.assert_allclose(steps, np.rint(steps), atol=1e-3)  # exact in 8 bits
        assert len(np.unique(scale)) > 2


def test_scaling_alone_changes_no_answer():
    # Without rounding the scaled model is the float model: the noise of all layers together is that of rounding.
    noise = {
        found.layer: found for found in quantization.layer_noise(uneven(), calibrated(), [images(16, seed=3)])
    }
    assert noise["stem"].total > 30
    assert noise["project"].total > 20
    np.testing.assert_allclose(
        answers(calibrated(), images(64, seed=2)), answers(uneven(), images(64, seed=2)), atol=0.03
    )


def test_a_second_calibration_forgets_the_first():
    model = quantization.quantize(uneven(), scale_channels=True)
    for batches in ([images(32, seed=4) / 4], np.split(images(128, seed=1), 4)):
        quantization.calibrate(model, batches)
    for again, once in zip(model.weights, calibrated().weights, strict=True):
        np.testing.assert_allclose(again, once, rtol=0.02, atol=1e-3)


def test_the_file_is_of_integers_and_agrees():
    data = tflite.convert(calibrated(), "int8")
    graph = read_graph(data)
    assert float_islands(graph) == ()
    assert int8_share(graph) == 1
    batch = images(200, seed=2)
    np.testing.assert_allclose(answers_of_file(data, batch), answers(calibrated(), batch), atol=0.03)


def test_saved_and_loaded_is_bit_identical(tmp_path):
    calibrated().save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(answers(loaded, images(8, 2)), answers(calibrated(), images(8, 2)))
    assert loaded.get_layer("stem_quantized").lowest == calibrated().get_layer("stem_quantized").lowest


def test_what_swish_turns_into_0_does_not_widen_the_range():
    model = keras.Sequential([layers.Input((1,)), FakeQuantizeSwishInput()])
    values = np.linspace(-50, 10, 256, dtype="float32")[:, None]
    quantization.calibrate(model, [values])
    for _ in range(3):
        model(values, training=True)
    low, high = map(float, model.layers[-1].get_weights())
    assert low == pytest.approx(-6.5, abs=0.1)
    assert high == pytest.approx(10, abs=0.1)


def test_scales_pass_padding_and_end_at_the_depthwise_kernel():
    folded = fold_batch_norm(uneven())
    assert scalable(folded, consumers(folded), "stem_swish") == ("stem", ["depthwise"])
    assert scalable(folded, consumers(folded), "depthwise_swish") is None  # a 1 x 1 convolution reads it


@pytest.mark.parametrize("reader", ["dense", "sum", "output"])
def test_a_swish_that_another_layer_reads_is_left_alone(reader):
    image = layers.Input((4, 4, 3), name="image")
    x = layers.Conv2D(3, 1, name="conv")(layers.Rescaling(1 / 255)(image))
    x = layers.Activation("swish", name="swish")(x)
    y = layers.Conv2D(3, 1)(x)
    outputs = {
        "dense": lambda: layers.Dense(2)(layers.Flatten()(x)),
        "sum": lambda: layers.Add()([x, y]),
        "output": lambda: [x, y],
    }[reader]()
    model = keras.Model(image, outputs)
    assert scalable(model, consumers(model), "swish") is None
