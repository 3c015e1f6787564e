import functools

import keras
import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter
from eager import answers
from keras import layers, ops

from skinkeras import models, quantization, tflite
from skinkeras.quantization.layers import FakeQuantize
from skinkeras.tflite.graph import read_graph
from skinkeras.tflite.release import _graph_faults
from skinkeras.tflite.verify import float_islands, int8_share

INTEGERS_FROM = "second"
IMAGES = np.random.default_rng(0).integers(0, 256, (32, 16, 16, 3)).astype("float32")


@functools.cache
def network():
    """Two convolutions with swish, the first behind a gate, and three classes."""
    keras.utils.set_random_seed(0)
    image = layers.Input((16, 16, 3), name="image")
    x = layers.Rescaling(1 / 127.5, -1.0, name="rescale")(image)
    x = layers.Conv2D(8, 3, activation="swish", name="first")(x)
    x = layers.ReLU(negative_slope=0.1, max_value=6, name="odd")(
        x
    )  # has no integers, and needs none in front
    gate = layers.GlobalAveragePooling2D(keepdims=True, name="squeeze")(x)
    x = layers.Multiply(name="excite")([x, layers.Conv2D(8, 1, activation="sigmoid", name="gate")(gate)])
    x = layers.Conv2D(8, 3, activation="swish", name=INTEGERS_FROM)(x)
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    return keras.Model(image, layers.Dense(3, activation="softmax", name="answer")(x), name="mixed")


@functools.cache
def mixed():
    model = quantization.quantize(network(), integers_from=INTEGERS_FROM)
    quantization.calibrate(model, [IMAGES])
    quantization.round_biases(model)
    return model


def test_only_what_the_first_integer_layer_depends_on_stays_float():
    assert quantization.float_layers(mixed()) == ("first", "gate")
    assert {layer.name for layer in mixed().layers if "quantized" in layer.name} == {
        "excite_quantized",
        "second_quantized",
        "second_activation_sigmoid_quantized",
        "second_activation_quantized",
        "pool_quantized",
        "answer_quantized",
        "answer_activation_quantized",
    }


def test_the_float_layers_compute_what_they_did():
    front, behind = (
        keras.Model(model.input, model.get_layer("excite").output) for model in (network(), mixed())
    )
    assert answers(behind, IMAGES) == pytest.approx(answers(front, IMAGES), abs=1e-6)


def test_the_file_goes_over_to_integers_once():
    graph = read_graph(tflite.convert(mixed(), "int8"))
    kinds = [(op.name, op.inputs[0].dtype) for op in graph.ops]
    border = kinds.index(("QUANTIZE", "float32"))
    assert {dtype for _, dtype in kinds[: border + 1]} == {"float32"}
    assert {dtype for _, dtype in kinds[border + 1 :]} == {"int8"}
    assert not float_islands(graph)
    # Products: 14 x 14 x 8 x 27 and a gate of 64 in float, 12 x 12 x 8 x 72 and 24 in integers.
    assert int8_share(graph) == pytest.approx((82944 + 24) / (82944 + 24 + 42336 + 64))


@pytest.mark.parametrize(("promised", "faults"), [(0.66, 0), (0.67, 1), (1, 1)])
def test_a_release_takes_as_many_integers_as_the_json_promises(promised, faults):
    graph = read_graph(tflite.convert(mixed(), "int8"))  # 66.2 % are integers
    (image,), (answer,) = graph.inputs, graph.outputs
    contract = {
        name: {"name": tensor.name, "dtype": tensor.dtype, "shape": tensor.shape}
        for name, tensor in (("input", image), ("output", answer))
    }
    assert len(list(_graph_faults(graph, "int8", contract, promised))) == faults


def test_the_file_agrees_with_its_model():
    interpreter = Interpreter(model_content=tflite.convert(mixed(), "int8"))
    interpreter.allocate_tensors()
    source, target = interpreter.get_input_details()[0]["index"], interpreter.get_output_details()[0]["index"]
    ours = answers(mixed(), IMAGES)
    for image, expected in zip(IMAGES, ours, strict=True):
        interpreter.set_tensor(source, image[None])
        interpreter.invoke()
        assert interpreter.get_tensor(target)[0] == pytest.approx(expected, abs=1.5 / 256)


def test_a_saved_model_has_the_same_float_layers(tmp_path):
    mixed().save(tmp_path / "mixed.keras")
    loaded = keras.models.load_model(tmp_path / "mixed.keras")
    assert quantization.float_layers(loaded) == ("first", "gate")
    assert (answers(loaded, IMAGES) == answers(mixed(), IMAGES)).all()


def test_noise_is_measured_where_something_is_rounded():
    noisy = {noise.layer for noise in quantization.layer_noise(network(), mixed(), [IMAGES])}
    assert "excite" in noisy
    assert not noisy & {"rescale", "first", "gate"}


def test_float_layers_are_tolerated_in_its_file_only():
    assert not tflite.tolerances_of("int8", mixed()).integer_only
    integers = quantization.quantize(keras.Sequential([layers.Input((8, 8, 3)), layers.Rescaling(1 / 255)]))
    assert tflite.tolerances_of("int8", integers) == tflite.TOLERANCES["int8"]
    assert tflite.tolerances_of("float32", network()) == tflite.TOLERANCES["float32"]


def test_a_layer_that_is_not_there_is_named():
    with pytest.raises(ValueError, match="'mixed' has no layer 'third' for integers_from"):
        quantization.quantize(network(), integers_from="third")


@pytest.mark.parametrize("name", ["efficientnet_b0", "efficientnet_b2_cbam"])
def test_efficientnet_b_begins_with_floats(name):
    first = models.parse_name(name).integers_from
    layer = models.backbone(name.removesuffix("_cbam"), input_size=32, weights="none").get_layer(first)
    assert layer.input.shape[1:3] == (4, 4)  # behind the stem and three stages, at an eighth of the size


def test_other_architectures_are_integers_throughout():
    assert models.parse_name("efficientnet_lite0").integers_from is None
    assert models.parse_name("vgg16").integers_from is None


@pytest.mark.parametrize(("images_alike", "highest"), [(False, 100 / np.sqrt(2)), (True, 100 / 8)])
def test_one_image_of_large_values_does_not_decide_the_range_where_all_count_alike(images_alike, highest):
    """40,000 images of values from 0 to 10, and one up to 100. A range 0..c rounds 640,016 values with a mean
    squared error of (c / 255)^2 / 12, and cuts 16 (100 - c)^3 / 300 off that one: of 100 / 2^(n/2), 71 is best. As
    shares, the roundings are 40,000 of 33, and what is cut is (1 - c / 100)^3: 12.5 is best."""
    layer = FakeQuantize()
    values = np.linspace(0, 10, 16, dtype="float32")
    batch = ops.convert_to_tensor(np.stack([values] * 40_000 + [values * 10]))
    layer.build(batch.shape)
    layer.measure_extremes()
    layer(batch)
    layer.compare_ranges(images_alike=images_alike)
    layer(batch)
    layer.choose_range()
    assert ops.convert_to_numpy(layer.weights[1]) == pytest.approx(highest)
