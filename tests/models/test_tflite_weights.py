"""Features of a float `.tflite` file as initial weights."""

import keras
import numpy as np
import pytest
from eager import answers

from pipelines import binary
from pipelines.common import options
from skinkeras import models, tflite


def trained(name, size=32):
    """A model as if it had been trained: every weight is different, and every variance positive."""
    model = models.create(name, classes=3, input_size=size, weights="none")
    rng = np.random.default_rng(0)
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.set_weights([rng.uniform(0.5, 1.5, w.shape) for w in layer.get_weights()])
        elif layer.weights:
            layer.set_weights([w + rng.normal(0, 0.01, w.shape) for w in layer.get_weights()])
    return model


def images(size=32):
    return np.random.default_rng(1).integers(0, 256, (2, size, size, 3)).astype("float32")


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """(model, its float32 file)"""
    model = trained("efficientnet_tiny")
    path = tmp_path_factory.mktemp("tiny") / "tiny.tflite"
    path.write_bytes(tflite.convert(model))
    return model, path


def features_of(model):
    return answers(keras.Model(model.input, models.backbone_layers(model)[-1].output), images())


def test_features_are_those_of_the_file(tiny):
    model, path = tiny
    expected = features_of(model)
    found = models.backbone("efficientnet_tiny", input_size=32, weights=path)
    assert np.abs(answers(found, images()) - expected).max() < 1e-4 * np.abs(expected).max()
    create = models.create("efficientnet_tiny", 5, input_size=32, weights=path)
    assert np.abs(features_of(create) - expected).max() < 1e-4 * np.abs(expected).max()


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["float32", "float16"])
@pytest.mark.parametrize("name", ["efficientnet_b0", "vgg16", "efficientnet_lite1"])
def test_every_family_is_read(name, kind, tmp_path):
    model = trained(name)
    path = tmp_path / "model.tflite"
    path.write_bytes(tflite.convert(model, kind))
    expected = features_of(model)
    found = answers(models.backbone(name, input_size=32, weights=path), images())
    tolerance = {"float32": 1e-4, "float16": 2e-2}[kind]
    assert np.abs(found - expected).max() < tolerance * np.abs(expected).max()


def test_another_model_than_the_file_holds_is_refused(tiny):
    _, path = tiny
    with pytest.raises(
        models.WeightsFileError,
        match=r"layer block1a_project_conv needs a kernel of \(1, 1, 32, 16\), the file has one of ",
    ):
        models.backbone("efficientnet_lite0", input_size=32, weights=path)


def test_integers_and_other_files_are_refused(tiny, tmp_path):
    model, _ = tiny
    path = tmp_path / "integers.tflite"
    path.write_bytes(tflite.convert(model, "weight_int8"))
    with pytest.raises(models.WeightsFileError, match="name the float16 or float32 file"):
        models.backbone("efficientnet_tiny", input_size=32, weights=path)
    path.write_text("no model")
    with pytest.raises(
        models.WeightsFileError, match=r"holds no weights: This is not a TensorFlow Lite model\."
    ):
        models.backbone("efficientnet_tiny", input_size=32, weights=path)


def test_a_presets_name_is_where_weights_come_from():
    name = "melanoma_efficientnet_lite0_224"
    assert models.check_available("efficientnet_lite0", name) == models.find_preset(name).weights
    with pytest.raises(models.WeightsUnavailableError, match="no weights file melanoma_efficientnet: check"):
        models.check_available("efficientnet_lite0", "melanoma_efficientnet")


@pytest.mark.parametrize(
    ("weights", "said"),
    [("melanoma_efficientnet_lite0_224", "melanoma_efficientnet_lite0_224"), ("mine.tflite", "FILE")],
)
def test_a_runs_command_names_a_preset_and_hides_a_path(weights, said):
    settings = binary.with_defaults(options.build(binary.Settings, {"weights": weights}))
    assert options.command("binary", settings).endswith(f"--weights {said}")
    assert options.portable(options.flatten(settings))["weights"] == said
