"""Attention, the hierarchical head and colour constancy, quantized and exported."""

import functools
import tempfile

import keras
import numpy as np
import pytest
from eager import answers
from exporting import assert_builtins, run
from keras import layers

from skinkeras import inputs, models, quantization, tflite
from skinkeras.datasets import Taxonomy
from skinkeras.layers import CBAM, ShadesOfGray
from skinkeras.losses import HierarchicalCrossentropy
from skinkeras.models.hierarchical import hierarchical_head
from skinkeras.quantization import FixedFakeQuantize
from skinkeras.quantization.recipe import PROBABILITY
from skinkeras.tflite.graph import read_graph
from skinkeras.tflite.verify import float_islands

SIZE = 32
TAXONOMY = Taxonomy(
    {"skin": ("mole", "keratosis", "tumour"), "keratosis": ("wart", "ak"), "tumour": ("mel", "bcc")},
    classes=("mel", "bcc", "wart", "ak", "mole"),
)
COLOURS = np.float32([(60, 40, 40), (190, 90, 90), (150, 140, 90), (180, 60, 120), (130, 90, 60)])


@functools.cache
def pictures(count, seed):
    """Skin with a spot of its class's colour, somewhere."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, len(COLOURS), count)
    rows, columns = np.mgrid[:SIZE, :SIZE]
    images = np.empty((count, SIZE, SIZE, 3), np.float32)
    for image, label in zip(images, labels, strict=True):
        centre, radius = rng.uniform(0.35, 0.65, 2) * SIZE, rng.uniform(0.2, 0.3) * SIZE
        image[:] = rng.uniform((200, 160, 140), (240, 190, 170))
        spot = (columns - centre[0]) ** 2 + (rows - centre[1]) ** 2 < radius**2
        image[spot] = COLOURS[label] + rng.normal(0, 10, 3)
        image += rng.normal(0, 8, image.shape)
    return np.clip(np.rint(images), 0, 255), np.eye(len(COLOURS), dtype=np.float32)[labels]


def features(front=None):
    image = keras.Input((SIZE, SIZE, 3), name="image")
    x = layers.Rescaling(1 / 127.5, -1, name="rescale")(front(image) if front else image)
    x = layers.Conv2D(16, 3, 2, "same", use_bias=False, name="first")(x)
    x = layers.ReLU(6.0, name="first_relu")(layers.BatchNormalization(momentum=0.8, name="norm")(x))
    return image, layers.Conv2D(32, 3, 2, "same", activation="relu", name="second")(x)


def flat():
    image, x = features()
    x = layers.GlobalAveragePooling2D(name="pool")(CBAM(name="cbam")(x))
    logits = layers.Dense(len(COLOURS), name="logits")(layers.Dropout(0.2, name="dropout")(x))
    return keras.Model(image, layers.Softmax(name="probs")(logits), name="flat")


def hierarchical():
    image, x = features()
    return keras.Model(image, hierarchical_head(x, TAXONOMY, 16, 0.2), name="hierarchical")


def learner(model):
    """What is trained: gradients enter in front of the last rounding."""
    if model.name == "hierarchical":
        return models.level_model(model, TAXONOMY), HierarchicalCrossentropy(TAXONOMY)
    return keras.Model(model.input, model.get_layer("probs").output), "categorical_crossentropy"


def train(model, rate, epochs):
    trained, loss = learner(model)
    trained.compile(keras.optimizers.Adam(rate), loss, jit_compile=False)
    trained.fit(*pictures(256, seed=1), batch_size=32, epochs=epochs, verbose=0)


@functools.cache
def calibrated(name):
    """A model after some training, and its quantized version."""
    keras.utils.set_random_seed(0)
    model = {"flat": flat, "hierarchical": hierarchical}[name]()
    train(model, 1e-2, 6)
    quantized = quantization.quantize(model)
    quantization.calibrate(quantized, np.split(pictures(256, seed=1)[0], 4))
    return model, quantized


@functools.cache
def fine_tuned(name):
    """The quantized model after it was saved, loaded and, the flat one, trained on. The step of the
    hierarchical one takes most of a minute to trace; the test of the job over several classes does it."""
    keras.utils.set_random_seed(0)
    quantized = saved_and_loaded(calibrated(name)[1])
    if name == "flat":
        train(quantized, 1e-3, 1)
    quantization.round_biases(quantized)
    return quantized


def saved_and_loaded(model):
    with tempfile.TemporaryDirectory() as folder:
        model.save(f"{folder}/model.keras")
        return keras.models.load_model(f"{folder}/model.keras")


@functools.cache
def exported(name):
    return tflite.convert(fine_tuned(name), "int8")


# The hierarchical model has to be trained for minutes before it says anything.
BOTH = pytest.mark.parametrize("name", ["flat", pytest.param("hierarchical", marks=pytest.mark.long)])


@pytest.mark.slow
@BOTH
def test_it_answers_as_the_float_model(name):
    model, quantized = calibrated(name)
    images, labels = pictures(128, seed=2)
    expected = answers(model, images)
    right = (expected.argmax(-1) == labels.argmax(-1)).mean()
    assert right > 0.9
    assert np.abs(answers(quantized, images) - expected).mean() < 0.02
    tuned = answers(fine_tuned(name), images)
    assert (tuned.argmax(-1) == labels.argmax(-1)).mean() > right - 0.03
    assert tuned.sum(axis=-1) == pytest.approx(np.ones(128), abs=0.04)


@BOTH
def test_the_file_is_integers_throughout_and_agrees(name):
    images, _ = pictures(128, seed=2)
    ops = assert_builtins(exported(name))
    assert (ops[0].name, ops[-1].name) == ("QUANTIZE", "DEQUANTIZE")
    assert {tensor.dtype for op in ops[1:-1] for tensor in op.inputs + op.outputs} == {"int8", "int32"}
    theirs = answers(fine_tuned(name), images)
    ours = run(exported(name), images)
    assert (ours.argmax(-1) == theirs.argmax(-1)).mean() >= 0.99
    assert np.abs(ours - theirs).mean() < 0.005


@BOTH
def test_saved_and_loaded_is_bit_identical(name):
    quantized, images = fine_tuned(name), pictures(64, seed=3)[0]
    np.testing.assert_array_equal(answers(saved_and_loaded(quantized), images), answers(quantized, images))


@pytest.mark.long
def test_each_step_of_the_lstm_has_its_own_ranges_and_shares_the_kernel_and_its_range():
    quantized = calibrated("hierarchical")[1]
    steps = [quantized.get_layer(f"lstm_carry{step}_quantized") for step in ("", "_2")]
    assert steps[0].get_weights() != steps[1].get_weights()
    shared = quantized.get_layer("lstm_forget_of_input")
    assert [weight.shape for weight in shared.get_weights()] == [(32, 16), (16,), (), ()]
    assert len(shared._inbound_nodes) == 2


@pytest.mark.long
def test_every_probability_has_the_whole_range():
    layers_ = {layer.name: layer for layer in fine_tuned("hierarchical").layers}
    for name in ("level2_1_siblings", "level2_factors", "level2_shares", "probs"):
        found = layers_[f"{name}_quantized"]
        assert isinstance(found, FixedFakeQuantize)
        assert (found.low, found.high) == PROBABILITY


@pytest.mark.long
def test_the_softmaxes_of_the_levels_follow_the_unrounded_logits():
    quantized = fine_tuned("hierarchical")
    levels = answers(models.level_model(quantized, TAXONOMY), pictures(8, seed=3)[0])
    for level in np.split(levels, [3], axis=1):
        assert level.sum(axis=1) == pytest.approx(np.ones(8), abs=1e-6)
    assert ((levels * 256) % 1).max() > 0  # no output behind a rounding is


def test_colour_constancy_stays_float_in_front_of_integers():
    files, images = [], pictures(32, seed=4)[0]
    for front in (ShadesOfGray(name="gray"), None):
        keras.utils.set_random_seed(0)
        image, x = features(front)
        x = layers.Dense(4, name="logits")(layers.GlobalAveragePooling2D(name="pool")(x))
        model = quantization.quantize(keras.Model(image, layers.Softmax(name="probs")(x)))
        corrected = images if front else np.rint(inputs.shades_of_gray(images)).astype("float32")
        quantization.calibrate(model, [corrected])
        files.append((tflite.convert(model, "int8"), corrected))
    (gray, raw), (plain, corrected) = files
    graph = read_graph(gray)
    names = [op.name for op in graph.ops]
    assert "POW" in names[: names.index("QUANTIZE")]
    assert float_islands(graph) == ()
    assert np.abs(run(gray, raw) - run(plain, corrected)).max() <= 1 / 128


def test_bytes_cannot_go_into_colour_constancy():
    image, x = features(ShadesOfGray(name="gray"))
    x = layers.Dense(4)(layers.GlobalAveragePooling2D()(x))
    model = quantization.quantize(keras.Model(image, layers.Softmax(name="probs")(x), name="gray"))
    quantization.calibrate(model, [pictures(8, seed=4)[0]])
    with pytest.raises(
        ValueError, match="io='uint8' needs a model that begins with the normalisation; 'gray'"
    ):
        tflite.convert(model, "int8", "uint8")
