"""Pooling and concatenation in the int8 file, level by level, against the quantization-aware model."""

import keras
import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter
from eager import answers
from integer_files import run
from keras import layers

from skinkeras import quantization, tflite
from skinkeras.quantization.averages import converting, decide_halves
from skinkeras.tflite.graph import read_graph
from skinkeras.tflite.verify import float_islands, int8_share

SIZE = 8


def convolution(x, name="convolution", size=3):
    return layers.Conv2D(6, size, padding="same", name=name)(x)


def random_images(count=32):
    return np.random.default_rng(0).integers(0, 256, (count, SIZE, SIZE, 3)).astype("float32")


def quantized_network(body):
    keras.utils.set_random_seed(0)
    image = keras.Input((SIZE, SIZE, 3))
    model = quantization.quantize(keras.Model(image, body(layers.Rescaling(1 / 127.5, -1)(image))))
    quantization.calibrate(model, [random_images()])
    quantization.round_biases(model)
    return model


def levels_apart(model):
    """(images, ...) by how many levels of the file's output the model is off; the names of its operations."""
    data = tflite.convert(model, "int8")
    graph = read_graph(data)
    assert (float_islands(graph), int8_share(graph)) == ((), 1)
    interpreter = Interpreter(model_content=data)
    interpreter.allocate_tensors()
    operations = interpreter._get_ops_details()
    last = next(operation for operation in operations[::-1] if operation["op_name"] == "DEQUANTIZE")
    step, _ = interpreter._get_tensor_details(last["inputs"][0], 0)["quantization"]
    images = random_images()
    apart = np.abs(run(data, images) - answers(model, images)) / step
    return apart, [operation["op_name"] for operation in operations]


def behind(*pools):
    def body(x):
        x = convolution(x)
        for pool in pools:
            x = pool(x)
        return x

    return body


def sum_of_pools(x):
    x = convolution(x)
    pools = [layers.AveragePooling2D(3, 1, "same")(part) for part in (x, convolution(x, "other", 1))]
    return layers.Add()(pools)


def relu_twice(x):
    x = convolution(x)
    return layers.Add()([convolution(layers.ReLU()(x), "left", 1), convolution(layers.ReLU()(x), "right")])


def joined(layer):
    return lambda x: layer([convolution(x, "left", 1), convolution(x, "right")])


EXACT = {
    "average of 2 x 2": behind(layers.AveragePooling2D(2)),
    "average of 3 x 3": behind(layers.AveragePooling2D(3, 1)),
    "average without the padding": behind(layers.AveragePooling2D(3, 2, "same")),
    "average of 5 x 5 without the padding": behind(layers.AveragePooling2D(5, 1, "same")),
    "every second pixel": behind(layers.AveragePooling2D(1, 2)),
    "average of averages": behind(layers.AveragePooling2D(2), layers.AveragePooling2D(2)),
    "average of probabilities": behind(layers.Activation("sigmoid"), layers.AveragePooling2D(2)),
    "average of pixels": lambda x: convolution(layers.AveragePooling2D(2)(x)),
    "average of padded and cropped": behind(
        layers.ReLU(),
        layers.ZeroPadding2D(((0, 1), (0, 1))),
        layers.Cropping2D(1),
        layers.AveragePooling2D(2),
    ),
    "convolution of averages": behind(layers.AveragePooling2D(2), layers.Conv2D(6, 1)),
    "sum of averages": sum_of_pools,
    "maximum": behind(layers.MaxPooling2D(3, 1, "same")),
    "average of all": behind(layers.GlobalAveragePooling2D()),
    "average of all, kept as an image": behind(layers.GlobalAveragePooling2D(keepdims=True)),
    "concatenated": joined(layers.Concatenate()),
    "concatenated activations": lambda x: layers.Concatenate()(
        [layers.Activation("gelu")(convolution(x)), convolution(x, "right")]
    ),
    "one ReLU in two places": relu_twice,
}


@pytest.mark.parametrize("body", EXACT.values(), ids=EXACT)
def test_the_file_and_the_model_agree_in_every_level(body):
    apart, operations = levels_apart(quantized_network(body))
    # A value whose float lies within rounding errors of a half may still go the other way.
    assert np.mean(apart > 0.01) < 1e-3
    assert operations.count("QUANTIZE") == 1  # of the input: no other value changes its scale


@pytest.mark.parametrize("join", [layers.Maximum, layers.Minimum, layers.Concatenate])
def test_what_only_a_join_reads_is_rounded_once(join):
    model = quantized_network(joined(join()))
    rounded = {layer.name for layer in model.layers if isinstance(layer, quantization.FakeQuantize)}
    assert rounded == {f"{model.layers[-1].name.removesuffix('_quantized')}_quantized"}
    apart, _ = levels_apart(model)
    assert np.mean(apart > 0.01) < 1e-3


def pooled_for_two(x):
    pooled = layers.MaxPooling2D(3, 1, "same")(convolution(x))
    both = layers.Concatenate()([pooled, convolution(pooled, "other", 1)])
    return layers.Add()([layers.Conv2D(12, 1)(pooled), both])


def test_what_a_convolution_reads_too_keeps_levels_of_its_own():
    """The file would otherwise round the maxima to the levels of the concatenation for both readers."""
    apart, operations = levels_apart(quantized_network(pooled_for_two))
    assert operations.count("QUANTIZE") == 2
    assert apart.max() < 1.01
    assert np.mean(apart > 0.01) < 0.05  # XNNPACK changes a scale with a factor of 8 bits, which is not exact


def test_halves_are_decided_away_from_the_integer_0():
    # Levels of a range of -3..252: the integer 0 is the 128th level, 125.
    values = np.array([-2.5, 0.5, 124.5, 125.0, 125.5, 200.5, 7.0], "float32")
    moved = np.asarray(decide_halves(values, -3.0, 252.0))
    np.testing.assert_array_equal(np.sign(moved - values), [-1, -1, -1, 0, 1, 1, -1])
    np.testing.assert_allclose(moved, values, atol=1e-3)
    with converting():
        np.testing.assert_array_equal(decide_halves(values, -3.0, 252.0), values)
    np.testing.assert_array_equal(decide_halves(np.zeros(2, "float32"), 0.0, 0.0), [0, 0])


def test_averages_do_not_move_the_range_in_training():
    model = quantized_network(behind(layers.AveragePooling2D(2)))
    plain = quantized_network(behind(layers.Cropping2D(1)))
    ranges = []
    for network in (model, plain):
        for _ in range(5):
            network(random_images(), training=True)
        ranges.append(network.get_layer("convolution_quantized").get_weights())
    np.testing.assert_array_equal(*ranges)


def test_a_model_with_averages_is_saved_and_trained(tmp_path):
    model, images = quantized_network(sum_of_pools), random_images()
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(answers(loaded, images), answers(model, images))
    loaded.compile("sgd", "mse", run_eagerly=True, jit_compile=False)
    before = loaded.get_layer("convolution").get_weights()[0]
    loaded.train_on_batch(images, np.ones((len(images), SIZE, SIZE, 6), "float32"))
    assert (loaded.get_layer("convolution").get_weights()[0] != before).mean() > 0.9
    noise = quantization.layer_noise(float_network(), model, [images[:2]])
    assert {error.layer for error in noise} >= {"convolution", "other"}


def float_network():
    keras.utils.set_random_seed(0)
    image = keras.Input((SIZE, SIZE, 3))
    return keras.Model(image, sum_of_pools(layers.Rescaling(1 / 127.5, -1)(image)))
