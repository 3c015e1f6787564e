"""Networks that people bring: what becomes integers, and what a refusal says."""

import doctest
import re
from pathlib import Path

import keras
import numpy as np
import pytest
from eager import answers
from integer_files import assert_integers_agree
from keras import layers, ops

from skinkeras import quantization
from skinkeras.quantization import input_range, registration
from skinkeras.quantization.flattening import leaves
from skinkeras.quantization.recipe import ACTIVATIONS, LAYERS
from skinkeras.quantization.registration import register
from skinkeras.quantization.substitutes import SUBSTITUTES

SIZE = 16


def network(body, size=SIZE):
    """A body between two convolutions, with three logits."""
    keras.utils.set_random_seed(0)
    image = keras.Input((size, size, 3), name="image")
    x = body(layers.Conv2D(8, 3, padding="same", name="first")(layers.Rescaling(1 / 127.5, -1)(image)))
    if len(x.shape) == 4:
        x = layers.GlobalAveragePooling2D(name="pool")(layers.Conv2D(8, 3, name="last_convolution")(x))
    return keras.Model(image, layers.Dense(3, name="logits")(x))


def random_images(size=SIZE, count=8):
    return np.random.default_rng(0).integers(0, 256, (count, size, size, 3)).astype("float32")


def with_statistics(model, images):
    """Gives batch normalizations the statistics of the images, without which a deep network fades away."""
    for layer in leaves(model):
        if isinstance(layer, layers.BatchNormalization):
            layer.momentum = 0.0
            rng = np.random.default_rng(1)
            for weight, low, high in ((layer.gamma, 0.7, 1.3), (layer.beta, -0.3, 0.3)):
                if weight is not None:
                    weight.assign(rng.uniform(low, high, weight.shape))
    model(images, training=True)
    return model


def operations(x):
    half = x * 0.5 + 1.0
    return ops.concatenate([ops.relu(half) - ops.sigmoid(x) / 2.0, 3.0 - x, -ops.leaky_relu(x)], -1)


BODIES = {
    "separable": lambda x: layers.SeparableConv2D(8, 3, depth_multiplier=2, activation="relu")(x),
    "transposed": lambda x: layers.Conv2DTranspose(6, 3, 2, "same", activation="relu")(x),
    "norm behind a relu": lambda x: layers.BatchNormalization()(layers.ReLU()(x)),
    "norm of vectors": lambda x: layers.BatchNormalization()(layers.Dense(8, "relu")(layers.Flatten()(x))),
    "leaky": lambda x: layers.Conv2D(8, 3, activation=layers.LeakyReLU(0.1))(layers.LeakyReLU()(x)),
    "leaky relu": lambda x: layers.ReLU(negative_slope=0.1)(layers.Activation("leaky_relu")(x)),
    "prelu": lambda x: layers.PReLU(keras.initializers.Constant(0.3), shared_axes=(1, 2))(x),
    "elu": lambda x: layers.Conv2D(8, 3, activation="selu")(layers.ELU(0.7)(x)),
    "gelu": lambda x: layers.Conv2D(8, 3, activation="gelu")(x),
    "exponential": lambda x: layers.Activation("exponential")(x),
    "hard": lambda x: layers.Activation("hard_sigmoid")(layers.Activation("hard_silu")(x)),
    "clipped": lambda x: layers.Concatenate()([x, layers.ReLU(0.3)(layers.Conv2D(8, 1)(x))]),
    "pairs": lambda x: layers.Maximum()([layers.Subtract()([x, layers.MaxPooling2D(3, 1, "same")(x)]), x]),
    "minimum": lambda x: layers.Minimum()([layers.Conv2D(8, 1)(x), x]),
    "average": lambda x: layers.Average()([x, layers.Conv2D(8, 1)(x), layers.ReLU()(x)]),
    "moved": lambda x: layers.Permute((2, 1, 3))(layers.Cropping2D(1)(layers.UpSampling2D()(x))),
    "operations": operations,
    "pooled by operations": lambda x: ops.reshape(ops.mean(x, (1, 2)) + ops.max(x, (1, 2)), (-1, 2, 4)),
    "rescaled inside": lambda x: layers.Rescaling([0.5, 1, 2, 1, 1, 1, 1, 3], 0.5)(x),
    "noise": lambda x: layers.GaussianNoise(0.1)(layers.SpatialDropout2D(0.2)(layers.RandomRotation(0.1)(x))),
    "half precision": lambda x: layers.Conv2D(8, 3, dtype="mixed_bfloat16")(x),
}


@pytest.mark.slow
@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_everyday_layers_become_integers(body):
    images = random_images()
    # Several roundings in a row; each may go the other way by one level.
    assert_integers_agree(with_statistics(network(body), images), images, levels=3)


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_the_parts_compute_the_same(body):
    images = random_images(count=2)
    model = with_statistics(network(body), images)
    parts = quantization.decompose_layers(model)
    tolerance = 2e-2 if model.count_params() and "bfloat16" in str(model.get_config()) else 1e-5
    np.testing.assert_allclose(answers(parts, images), answers(model, images), atol=tolerance, rtol=tolerance)


def nested():
    keras.utils.set_random_seed(0)
    inner = keras.Sequential(
        [
            keras.Input((SIZE, SIZE, 3)),
            layers.Conv2D(4, 3, name="first"),
            layers.BatchNormalization(name="norm"),
        ]
    )
    image = keras.Input((SIZE, SIZE, 3), name="image")
    x = keras.Sequential([layers.RandomFlip(), layers.Rescaling(1 / 255)])(image)
    backbone = keras.Model(inner.inputs[0], layers.ReLU()(inner.outputs[0]))
    x = layers.Conv2D(4, 3, name="first")(backbone(x, training=False))
    return keras.Model(image, layers.Dense(3)(layers.GlobalAveragePooling2D()(x)))


def test_sequential_and_nested_models_are_taken_apart_and_augmentation_drops_out():
    model, images = nested(), random_images()
    quantized = quantization.quantize(model)
    quantization.calibrate(quantized, [images])
    np.testing.assert_allclose(answers(quantized, images), answers(model, images), atol=0.02)
    kinds = {type(layer).__name__ for layer in quantized.layers}
    assert not kinds & {"Sequential", "Functional", "RandomFlip", "BatchNormalization"}
    assert {"first", "first_1"} <= {layer.name for layer in quantized.layers}  # names that were taken twice
    before = model.get_weights()
    for weight in quantized.weights:
        weight.assign(weight + 1)
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_a_model_used_twice_shares_its_weights():
    shared = keras.Sequential(
        [keras.Input((SIZE, SIZE, 3)), layers.Conv2D(4, 3), layers.BatchNormalization()]
    )
    image = keras.Input((SIZE, SIZE, 3))
    x = layers.Rescaling(1 / 255)(image)
    both = layers.Add()([shared(x), shared(layers.ReLU()(x))])
    model, images = keras.Model(image, layers.GlobalAveragePooling2D()(both)), random_images()
    parts = quantization.decompose_layers(model)
    np.testing.assert_allclose(answers(parts, images), answers(model, images), atol=1e-5)
    assert sum(type(layer) is layers.Conv2D for layer in parts.layers) == 1


PREPROCESSING = {
    "tf": keras.applications.mobilenet_v2.preprocess_input,
    "torch": keras.applications.densenet.preprocess_input,
    "caffe": lambda x: keras.applications.resnet50.preprocess_input(layers.Rescaling(1.0)(x)),
    "normalization": lambda x: layers.Normalization(mean=[0.4, 0.5, 0.6], variance=[0.04, 0.05, 0.06])(
        x / 255
    ),
}


@pytest.mark.parametrize("preprocess", PREPROCESSING.values(), ids=PREPROCESSING)
def test_the_preprocessing_of_tutorials_is_part_of_the_integers(preprocess):
    image = keras.Input((SIZE, SIZE, 3))
    x = layers.Conv2D(8, 3, activation="relu")(preprocess(image))
    model, images = keras.Model(image, layers.Dense(3)(layers.GlobalAveragePooling2D()(x))), random_images()
    quantized = quantization.quantize(model)
    quantization.calibrate(quantized, [images])
    ours, exact = answers(quantized, images), answers(model, images)
    assert np.abs(ours - exact).max() < 0.02 * np.ptp(exact)


def test_an_adapted_normalization_keeps_its_statistics():
    normalization = layers.Normalization()
    normalization.adapt(random_images())
    image = keras.Input((SIZE, SIZE, 3))
    model = keras.Model(image, layers.GlobalAveragePooling2D()(normalization(image)))
    quantized = quantization.quantize(model)
    quantization.calibrate(quantized, [random_images()])
    np.testing.assert_allclose(
        answers(quantized, random_images()), answers(model, random_images()), atol=0.05
    )


def test_two_outputs_are_quantized():
    image = keras.Input((SIZE, SIZE, 3))
    x = layers.GlobalAveragePooling2D()(layers.Conv2D(8, 3)(layers.Rescaling(1 / 255)(image)))
    quantized = quantization.quantize(keras.Model(image, [layers.Dense(2, "softmax")(x), layers.Dense(1)(x)]))
    assert [output.shape for output in quantized.outputs] == [(None, 2), (None, 1)]


class Subclassed(keras.Model):
    def __init__(self):
        super().__init__(name="mine")
        self.dense = layers.Dense(2, "softmax")

    def call(self, images):
        return self.dense(ops.mean(images, (1, 2)))


def inside(model):
    image = keras.Input((SIZE, SIZE, 3))
    return keras.Model(image, model(layers.Rescaling(1 / 255)(image)))


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (Subclassed, r"'mine' is subclassed or not built.* make it with keras.Model\(inputs, outputs\)"),
        (lambda: keras.Sequential([layers.Dense(2)], name="mine"), "'mine' is subclassed or not built"),
        (lambda: inside(Subclassed()), "'mine' inside .* subclassed.*quantization.register"),
        (lambda: network(lambda x: x / ops.mean(x, (1, 2), keepdims=True)), "divides by a tensor"),
        (lambda: network(lambda x: x[:, 2:]), r"'get_item.*' takes \["),
        (lambda: network(lambda x: ops.mean(x, -1, keepdims=True)), "not over height and width"),
        (lambda: network(ops.softplus), "'softplus.*' of type Softplus cannot be quantized"),
    ],
)
def test_a_refusal_says_what_to_do(build, message):
    with pytest.raises(ValueError, match=message) as refused:
        quantization.quantize(build())
    assert str(refused.value).endswith(".")
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("limits", [(0, 1), (-1, 1), (0, 255)])
def test_a_network_of_another_range_gets_pixels_from_a_layer_in_front(limits):
    low, high = limits
    image = keras.Input((SIZE, SIZE, 3))
    model = keras.Model(image, layers.GlobalAveragePooling2D()(layers.Conv2D(4, 3)(image)))
    images = random_images()
    exact = answers(model, images / 255 * (high - low) + low)
    np.testing.assert_allclose(
        answers(quantization.rescale_pixels(model, low, high), images), exact, atol=1e-5, rtol=1e-5
    )
    quantized = quantization.quantize(model, input_range=limits)
    quantization.calibrate(quantized, [images])
    assert np.abs(answers(quantized, images) - exact).max() < 0.02 * np.abs(exact).max()
    with pytest.raises(ValueError, match="low < high"):
        quantization.rescale_pixels(model, 1, 0)


@pytest.mark.parametrize(
    ("front", "ignores"),
    [
        (lambda x: x, True),
        (layers.RandomFlip(), True),
        (lambda x: layers.BatchNormalization()(layers.ZeroPadding2D()(x)), True),
        (lambda x: x / 255, False),
        (lambda x: layers.Rescaling(1 / 255)(layers.RandomFlip()(x)), False),
        (layers.Normalization(mean=3.0, variance=1.0), False),
        (keras.Sequential([layers.RandomFlip(), layers.Rescaling(1 / 255)]), False),
    ],
)
def test_a_network_that_takes_pixels_as_they_are_is_recognised(front, ignores):
    image = keras.Input((SIZE, SIZE, 3))
    model = keras.Model(image, layers.Conv2D(4, 3)(front(image)))
    assert quantization.ignores_pixel_range(model) is ignores
    assert not quantization.ignores_pixel_range(Subclassed())


@keras.saving.register_keras_serializable("own_networks")
class Scaled(layers.Layer):
    def __init__(self, factor, **kwargs):
        super().__init__(**kwargs)
        self.factor = factor

    def call(self, inputs):
        return self.factor * inputs

    def get_config(self):
        return {**super().get_config(), "factor": self.factor}


@keras.saving.register_keras_serializable("own_networks")
def mine(x):
    return ops.tanh(x)


@pytest.fixture
def tables():
    """Leaves the tables as they were."""
    before = [(table, dict(table)) for table in (LAYERS, ACTIVATIONS, SUBSTITUTES)]
    yield
    for table, rows in before:
        table.clear()
        table.update(rows)


def test_a_layer_of_ones_own_is_registered_by_what_computes_the_same(tables):
    images, model = random_images(), network(Scaled(0.5, name="scaled"))
    with pytest.raises(ValueError, match="'scaled' of type Scaled cannot be quantized"):
        quantization.quantize(model)
    register(Scaled, lambda layer: layers.Rescaling(layer.factor, name=layer.name))
    quantized = quantization.quantize(model)
    quantization.calibrate(quantized, [images])
    assert type(quantized.get_layer("scaled")) is quantization.QuantizedDepthwiseConv2D
    exact = answers(model, images)
    assert np.abs(answers(quantized, images) - exact).max() < 0.05 * np.ptp(exact)


def test_a_layer_and_an_activation_that_have_integers_are_registered_by_their_range(tables):
    register(mine, quantization.LayerRecipe((-1.0, 127 / 128)))
    register(Scaled, quantization.LayerRecipe(quantization.Output.MEASURED))
    model = network(lambda x: Scaled(1.0, name="scaled")(layers.Activation(mine, name="mine")(x)))
    quantized = quantization.quantize(model)
    assert type(quantized.get_layer("mine_quantized")) is quantization.FixedFakeQuantize
    assert type(quantized.get_layer("scaled_quantized")) is quantization.FakeQuantize


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ((3, lambda layer: layer), TypeError),
        ((Scaled, 3), TypeError),
        ((int, lambda layer: layer), TypeError),
        ((Scaled, quantization.LayerRecipe(quantization.Output.MEASURED, quantization.PER_AXIS)), ValueError),
    ],
)
def test_a_registration_that_says_too_little_is_refused(tables, arguments, error):
    with pytest.raises(error):
        register(*arguments)


PAGE = Path(__file__).parents[2] / "docs" / "quantization.md"


def listed(heading):
    """Names in the first column of the table below a heading of the page."""
    section = PAGE.read_text("utf-8").split(f"## {heading}\n")[1].split("\n## ")[0]
    rows = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
    return {name for row in rows for name in re.findall(r"`(\w+)`", row)}


def test_the_page_lists_every_layer_and_activation():
    tables = {**LAYERS, **SUBSTITUTES, **ACTIVATIONS}
    kinds = {
        kind.__name__ for kind in tables if isinstance(kind, type) and kind.__module__.startswith("keras")
    }
    others = {"Activation", "BatchNormalization", "LSTMCell", "Rescaling"}
    assert listed("Layers") == kinds | others
    assert listed("Activations") == {kind.__name__ for kind in tables if not isinstance(kind, type)}


@pytest.mark.parametrize("module", [registration, input_range])
def test_the_examples_of_the_docstrings_run(module, tables):
    names = {"keras": keras, "np": np, "quantize": quantization.quantize}
    failed, tried = doctest.testmod(module, extraglobs=names)
    assert (failed, tried > 0) == (0, True)


def test_the_noise_of_layers_of_all_kinds_is_measured():
    model, images = network(lambda x: BODIES["transposed"](BODIES["prelu"](x))), random_images()
    quantized = quantization.quantize(model)
    quantization.calibrate(quantized, [images])
    noise = quantization.layer_noise(model, quantized, [images])
    assert len(noise) == sum("quantized" in layer.name for layer in quantized.layers) + 1  # and the rescaling
    assert (
        min(row.total for row in noise) > 10
    )  # decibels: with other weights in a layer, it would be about 0


def test_the_example_of_a_layer_of_ones_own_runs(tables):
    example = (
        PAGE.read_text("utf-8").split("## A layer of your own")[1].split("```python\n")[1].split("```")[0]
    )
    names = {}
    exec(example, names)
    assert quantization.is_quantized(names["quantized"])
