import math
import subprocess
import sys

import cv2
import keras
import numpy as np
import pytest
from eager import answers
from sklearn.datasets import load_sample_image

from skinkeras import models

# Trainable parameters with 1,000 classes: timm's tf_efficientnet_lite0..4 and torchvision's efficientnet_b0.
PUBLISHED = {
    "efficientnet_lite0": 4_652_008,
    "efficientnet_lite1": 5_416_680,
    "efficientnet_lite2": 6_092_072,
    "efficientnet_lite3": 8_197_096,
    "efficientnet_lite4": 13_006_568,
    "efficientnet_b0": 5_288_548,
}


def pixels(size, count=2):
    return np.random.default_rng(0).integers(0, 256, (count, size, size, 3)).astype("float32")


@pytest.fixture(scope="module")
def lite0():
    return models.create("efficientnet_lite0", classes=1000, input_size=64, weights="none")


def names_and_types(model):
    return [(layer.name, type(layer).__name__) for layer in model.layers]


@pytest.mark.slow
@pytest.mark.parametrize("name", PUBLISHED)
def test_every_model_has_the_published_size_and_keeps_the_contract(name):
    model = models.create(name, classes=1000, input_size=64, weights="none")
    assert sum(math.prod(w.shape) for w in model.trainable_weights) == PUBLISHED[name]

    layers = names_and_types(model)
    assert layers[:2] == [("image", "InputLayer"), ("rescale", "Rescaling")]
    expected = [("pool", "GlobalAveragePooling2D"), ("dropout", "Dropout"), ("logits", "Dense")]
    assert layers[-4:] == [*expected, ("probs", "Softmax")]
    assert [kind for _, kind in layers].count("Rescaling") == 1
    assert all(type(layer).__module__.startswith("keras.src.layers") for layer in model.layers)
    assert model.name == name
    assert model.input_shape == (None, 64, 64, 3)
    assert model.get_layer("pool").input.shape[1:3] == (2, 2)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["efficientnet_lite0", "efficientnet_b0"])
def test_a_model_is_the_same_after_saving(name, tmp_path):
    model = models.create(name, classes=3, input_size=64, weights="none")
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    probabilities = answers(model, pixels(64))
    assert probabilities.dtype == np.float32
    assert probabilities.sum(axis=1) == pytest.approx(1, abs=1e-5)
    assert np.array_equal(answers(loaded, pixels(64)), probabilities)


def test_lite0_has_as_many_parameters_as_keras_cv_counts(lite0):
    assert lite0.count_params() == 4_694_024
    assert sum(layer.count_params() for layer in models.backbone_layers(lite0)) == 3_413_024


@pytest.mark.slow
def test_a_saved_lite_model_is_loaded_by_keras_alone(lite0, tmp_path):
    lite0.save(tmp_path / "model.keras")
    code = (
        "import sys, keras\n"
        f"model = keras.models.load_model({str(tmp_path / 'model.keras')!r})\n"
        "assert not {'keras_cv', 'skinkeras'} & set(sys.modules)\n"
        "print(model.count_params())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[-1] == "4694024"


@pytest.fixture(scope="module")
def imagenet_lite0():
    return models.create("efficientnet_lite0", classes=1000)


def centre_crop(image):
    side = min(image.shape[:2])
    top, left = (image.shape[0] - side) // 2, (image.shape[1] - side) // 2
    square = image[top : top + side, left : left + side]
    return cv2.resize(square, (224, 224), interpolation=cv2.INTER_AREA)


@pytest.mark.slow
@pytest.mark.parametrize(("file", "imagenet_class"), [("china.jpg", 698), ("flower.jpg", 985)])
def test_imagenet_lite0_sees_a_palace_and_a_daisy(imagenet_lite0, file, imagenet_class):
    image = centre_crop(load_sample_image(file))[None].astype("float32")
    assert answers(imagenet_lite0, image)[0].argmax() == imagenet_class


def test_b0_normalises_as_keras_applications_does():
    ours = models.create("efficientnet_b0", input_size=64, weights="none")
    theirs = keras.applications.EfficientNetB0(include_top=False, weights=None, input_shape=(64, 64, 3))
    rng = np.random.default_rng(1)
    for layer in models.backbone_layers(ours):
        if layer.weights:
            values = [w + rng.uniform(0, 0.02, w.shape) for w in layer.get_weights()]
            layer.set_weights(values)
            theirs.get_layer(layer.name).set_weights(values)
    normalised = keras.applications.imagenet_utils.preprocess_input(pixels(64), mode="torch")
    rescaled = answers(keras.Model(ours.input, ours.get_layer("rescale").output), pixels(64))
    assert rescaled == pytest.approx(normalised, abs=1e-5)
    # Theirs divides by 255 itself; an unadapted Normalization does nothing.
    expected = answers(theirs, 255 * normalised)
    features = answers(keras.Model(ours.input, ours.get_layer("pool").input), pixels(64))
    assert np.abs(features - expected).max() < 1e-3 * np.ptp(expected)


def test_a_constructor_builds_its_architecture():
    model = models.EfficientNetLite0(classes=3, input_size=32, weights="none", dropout=0.35)
    assert model.name == "efficientnet_lite0"
    assert model.output_shape == (None, 3)
    assert model.get_layer("dropout").rate == 0.35


def test_the_head_is_not_part_of_the_backbone(lite0):
    names = [layer.name for layer in models.backbone_layers(lite0)]
    assert names[0] == "image"
    assert not {"pool", "dropout", "logits", "probs"} & set(names)


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("vgg17", "There is no model 'vgg17'. Did you mean vgg16?"),
        ("efficientnet_lite0_cbm", "There is no model .*Did you mean efficientnet_lite0_cbam or "),
        ("hierarchical_vgg16_cbam", "There is no model .*Did you mean .*hierarchical_vgg16"),
        ("resnet50", r"There is no model .*Choose one of: efficientnet_lite0, .*vgg16, "),
    ],
)
def test_an_unknown_name_is_answered_with_the_closest_ones(name, answer):
    with pytest.raises(ValueError, match=answer):
        models.create(name)


@pytest.mark.parametrize("size", [31, 0, -224, 64.0])
def test_a_size_that_the_model_cannot_take_is_refused(size):
    with pytest.raises(ValueError, match=f"image size of at least 32 pixels .*Received: {size}"):
        models.create("efficientnet_lite0", input_size=size, weights="none")


def test_one_class_is_no_classifier():
    with pytest.raises(ValueError, match="classes must be at least 2"):
        models.create("efficientnet_lite0", classes=1, weights="none")
