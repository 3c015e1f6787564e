"""What every model must go through: build, quantize, train, save, load, export, verify.

By default the fastest do, VGG16 and EfficientNet-tiny; `-m long` takes every other architecture and, in each
family, every head: a model is an architecture with a head behind it, whichever they are.
"""

import keras
import numpy as np
import pytest

from skinkeras import models, quantization, tflite
from skinkeras.datasets import ISIC2018_TAXONOMY
from skinkeras.losses import HierarchicalCrossentropy
from skinkeras.models.architectures import ARCHITECTURES, MINIMUM_INPUT_SIZE

LONG = (
    ("efficientnet_b7", "dense"),
    ("efficientnet_b6", "cbam"),
    ("efficientnet_b5", "dense"),
    ("efficientnet_b4", "cbam"),
    ("efficientnet_b3", "dense"),
    ("efficientnet_b2", "dense"),
    ("efficientnet_b1", "cbam"),
    ("efficientnet_b0", "cbam"),
    ("efficientnet_lite4", "dense"),
    ("efficientnet_lite3", "cbam"),
    ("efficientnet_lite2", "hierarchical"),
    ("efficientnet_lite1", "cbam"),
    ("efficientnet_lite0", "hierarchical"),
    ("vgg16", "hierarchical"),
    ("vgg16", "cbam"),
)
SHORT = (("vgg16", "dense"), *(("efficientnet_tiny", head) for head in models.HEADS))
CASES = (*SHORT, *(pytest.param(*case, marks=pytest.mark.long) for case in LONG))


def test_what_crashes_litert_is_refused():
    with pytest.raises(ValueError, match=r"'block1a_se_excite'.* crashes LiteRT's XNNPACK"):
        quantization.quantize(build("efficientnet_b0", "hierarchical"))


def test_no_architecture_and_no_head_of_a_family_is_left_out():
    cases = {*SHORT, *LONG}
    assert {name for name, _ in cases} == set(ARCHITECTURES)
    families = {(ARCHITECTURES[name].family, head) for name, head in cases}
    every = {models.parse_name(name) for name in models.model_names()}
    assert families == {(ARCHITECTURES[m.architecture].family, m.head) for m in every if m.can_be_int8}


def build(name, head):
    taxonomy = None if head == "dense" else ISIC2018_TAXONOMY
    name = str(models.ModelName(name, head))
    return models.create(
        name, input_size=MINIMUM_INPUT_SIZE, weights="none", taxonomy=taxonomy, lstm_units=32
    )


def learner(model, head):
    if head == "hierarchical":
        return models.level_model(model, ISIC2018_TAXONOMY), HierarchicalCrossentropy(ISIC2018_TAXONOMY)
    return keras.Model(model.input, model.get_layer("probs").output), "categorical_crossentropy"


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize(("name", "head"), CASES)
def test_a_model_of_the_registry_becomes_integers(name, head, tmp_path):
    keras.utils.set_random_seed(0)
    images = np.random.default_rng(0).integers(0, 256, (4, MINIMUM_INPUT_SIZE, MINIMUM_INPUT_SIZE, 3))
    images = images.astype("float32")
    model = quantization.quantize(build(name, head))
    classes = model.output_shape[-1]
    quantization.calibrate(model, [images])

    trained, loss = learner(model, head)
    # Two steps eagerly: to trace the graph of a step takes longer than many steps.
    trained.compile(keras.optimizers.Adam(1e-4), loss, run_eagerly=True, jit_compile=False)
    before = [np.array(variable) for variable in trained.trainable_variables]
    for _ in range(2):
        assert np.isfinite(trained.train_on_batch(images, np.eye(classes, dtype="float32")[[0, 1, 0, 1]]))
    moved = [
        np.any(np.array(variable) != values)
        for variable, values in zip(trained.trainable_variables, before, strict=True)
    ]
    assert np.mean(moved) > 0.9

    quantization.round_biases(model)

    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    for ours, theirs in zip(loaded.weights, model.weights, strict=True):
        np.testing.assert_array_equal(ours, theirs)

    info = tflite.ModelInfo("Contract", "A test.", "skinkeras", "1.0", "Apache-2.0")
    path = tmp_path / "model.tflite"
    labels = ISIC2018_TAXONOMY.classes[:classes]
    path.write_bytes(tflite.add_metadata(tflite.convert(loaded, "int8"), labels, info))
    loaded.compile(run_eagerly=True, jit_compile=False)
    report = tflite.verify(path, loaded, images)
    assert (report.custom_ops, report.dynamic_tensors, report.float_islands) == ((), (), ())
    assert report.int8_share == 1
    # Untrained, all classes are about as probable. Rounding moves a level or none, up to nine in the deepest.
    assert report.max_difference <= 12 / 256
