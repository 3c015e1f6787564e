"""Biases as the 32-bit integers of the file, and channels that have nothing but a bias."""

import keras
import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter
from keras import layers

from skinkeras import quantization, tflite

SIZE = 16


@pytest.fixture(scope="module")
def pictures():
    return np.random.default_rng(0).integers(0, 256, (64, SIZE, SIZE, 3)).astype("float32")


@pytest.fixture(scope="module")
def quantized(pictures):
    """Three convolutions with biases, and padding and pooling between them; some channels of the first have
    no kernel to speak of."""
    keras.utils.set_random_seed(0)
    image = keras.Input((SIZE, SIZE, 3), name="image")
    x = layers.ZeroPadding2D()(layers.Rescaling(1 / 127.5, -1)(image))
    x = layers.Conv2D(8, 3, activation="relu6", name="first")(x)
    x = layers.DepthwiseConv2D(3, name="second")(layers.MaxPooling2D()(x))
    x = layers.GlobalAveragePooling2D()(layers.Conv2D(8, 1, name="third")(x))
    model = keras.Model(image, layers.Softmax()(layers.Dense(3, name="logits")(x)))
    random = np.random.default_rng(1)
    for name in ("first", "second", "third", "logits"):
        kernel, bias = model.get_layer(name).get_weights()
        kernel, bias = random.normal(0, 1, kernel.shape), random.normal(0, 1, bias.shape)
        if name == "first":
            kernel[..., :2], bias[:2] = kernel[..., :2] * 1e-9, (-3, 2)
        model.get_layer(name).set_weights([kernel, bias])
    model = quantization.quantize(model)
    quantization.calibrate(model, [pictures])
    quantization.round_biases(model)
    return model


@pytest.fixture(scope="module")
def interpreter(quantized):
    made = Interpreter(
        model_content=tflite.convert(quantized, "int8"), experimental_preserve_all_tensors=True
    )
    made.allocate_tensors()
    return made


def test_the_file_has_the_biases_of_the_model(quantized, interpreter):
    held = []
    for tensor in interpreter.get_tensor_details():
        if tensor["dtype"] == np.int32 and tensor["quantization_parameters"]["scales"].size:
            values = interpreter.get_tensor(tensor["index"])
            held.append(values * tensor["quantization_parameters"]["scales"])
    for name in ("first", "second", "third", "logits"):
        bias = np.asarray(quantized.get_layer(name).bias)
        same = [values for values in held if values.shape == bias.shape]
        assert min(np.abs(values - bias).max() for values in same) < 1e-6, name


def test_a_second_time_changes_nothing(quantized):
    before = quantized.get_weights()
    quantization.round_biases(quantized)
    assert all(np.array_equal(a, b) for a, b in zip(before, quantized.get_weights(), strict=True))


def test_a_channel_of_nothing_but_its_bias_is_its_bias_in_the_file(interpreter, pictures):
    """Without a least range of the kernel the file's channel wanders: its bias is beyond 32 bits."""
    first = next(
        tensor
        for tensor in interpreter.get_tensor_details()
        if tensor["dtype"] == np.int8 and tuple(tensor["shape"]) == (1, SIZE, SIZE, 8)
    )
    scale, zero = first["quantization"]
    for picture in pictures[:4]:
        interpreter.set_tensor(interpreter.get_input_details()[0]["index"], picture[None])
        interpreter.invoke()
        values = (interpreter.get_tensor(first["index"]).astype("float32") - zero) * scale
        assert np.all(values[..., 0] == 0)
        assert values[..., 1] == pytest.approx(2, abs=scale / 2 + 1e-6)


def test_model_and_file_agree_to_the_level(quantized, interpreter, pictures):
    ours = quantized.predict(pictures, verbose=0)
    theirs = []
    for picture in pictures:
        interpreter.set_tensor(interpreter.get_input_details()[0]["index"], picture[None])
        interpreter.invoke()
        theirs.append(interpreter.get_tensor(interpreter.get_output_details()[0]["index"])[0])
    assert (np.abs(ours - theirs) < 0.5 / 256).mean() > 0.95


def test_a_channel_of_zeros_stays_one(pictures):
    kernel = np.random.default_rng(0).normal(0, 0.1, (3, 3, 3, 4)).astype("float32")
    kernel[..., 1] = 0
    bias = np.float32([0.1, 0, 0.2, 0.3])
    image = keras.Input((SIZE, SIZE, 3), name="image")
    convolution = layers.Conv2D(4, 3, name="convolution")
    x = layers.GlobalAveragePooling2D()(convolution(layers.Rescaling(1 / 255)(image)))
    model = keras.Model(image, layers.Dense(2, name="logits")(x))
    convolution.set_weights([kernel, bias])
    model = quantization.quantize(model)
    quantization.calibrate(model, [pictures])
    quantization.round_biases(model)
    rounded = np.asarray(model.get_layer("convolution").bias)
    assert rounded == pytest.approx(bias, abs=1e-4) and rounded[1] == 0
    assert np.isfinite(model.predict(pictures, verbose=0)).all()


def test_a_layer_that_is_called_on_two_scales_keeps_its_bias(pictures):
    image = keras.Input((SIZE, SIZE, 3), name="image")
    x = layers.Rescaling(1 / 255)(image)
    shared = layers.Dense(2, name="shared", bias_initializer=keras.initializers.Constant(0.1234567))
    narrow = layers.Dense(3, name="narrow", kernel_initializer=keras.initializers.Constant(0.01))
    both = layers.Add()(
        [shared(layers.GlobalMaxPooling2D()(x)), shared(narrow(layers.GlobalMaxPooling2D()(x)))]
    )
    model = quantization.quantize(keras.Model(image, both))
    quantization.calibrate(model, [pictures])
    before = np.asarray(model.get_layer("shared").bias)
    quantization.round_biases(model)
    np.testing.assert_array_equal(model.get_layer("shared").bias, before)
