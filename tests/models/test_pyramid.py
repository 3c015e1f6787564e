"""Headless backbones and their feature pyramids."""

import keras
import numpy as np
import pytest
from eager import answers

from skinkeras import models

SMALL = ("efficientnet_tiny", "efficientnet_b0", "vgg16")


@pytest.mark.parametrize(
    "name",
    [name if name in SMALL else pytest.param(name, marks=pytest.mark.slow) for name in models.ARCHITECTURES],
)
def test_every_architecture_has_five_levels_each_half_as_large(name):
    features = models.backbone(name, input_size=64, weights="none")
    pyramid = models.pyramid_outputs(features)
    assert list(pyramid) == ["P1", "P2", "P3", "P4", "P5"]
    assert [tensor.shape[1:3] for tensor in pyramid.values()] == [
        (64 // 2**level,) * 2 for level in range(1, 6)
    ]
    assert pyramid["P5"] is features.output
    assert not {"pool", "dropout", "logits", "probs"} & {layer.name for layer in features.layers}


def test_levels_of_lite0_are_as_wide_as_its_published_stages():
    """Tan & Le 2019, table 1: 16, 24, 40, 112 channels at the ends of strides 2 to 16; 1280 behind the last."""
    pyramid = models.pyramid_outputs(models.backbone("efficientnet_lite0", input_size=64, weights="none"))
    assert [tensor.shape[-1] for tensor in pyramid.values()] == [16, 24, 40, 112, 1280]


def test_a_size_that_is_no_power_of_two_has_five_levels_too():
    pyramid = models.pyramid_outputs(models.backbone("efficientnet_tiny", input_size=100, weights="none"))
    assert [tensor.shape[1] for tensor in pyramid.values()] == [50, 25, 13, 7, 4]


def test_a_pyramid_is_a_model_that_can_be_trained_on_and_works_on_a_classifier_too():
    images = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3)).astype("float32")
    model = models.create("efficientnet_tiny_cbam", 3, input_size=32, weights="none", colour_constancy=True)
    pyramid = keras.Model(model.input, models.pyramid_outputs(model))
    maps = pyramid(images, training=False)
    assert maps["P3"].shape[:3] == (2, 4, 4)
    last = keras.Model(model.input, model.get_layer("cbam").input)
    assert np.array_equal(maps["P5"], answers(last, images))


def test_other_networks_have_no_pyramid_here():
    other = keras.Sequential([keras.Input((32, 32, 3)), keras.layers.Conv2D(2, 3)])
    with pytest.raises(ValueError, match=r"no feature pyramid: pass a model from models\.backbone"):
        models.pyramid_outputs(other)


def test_imagenet_weights_are_those_of_the_classifier():
    features = models.backbone("efficientnet_lite0", input_size=32)
    model = models.create("efficientnet_lite0", 2, input_size=32)
    stem = [one.get_layer("stem_conv").get_weights()[0] for one in (features, model)]
    assert np.array_equal(*stem) and np.ptp(stem[0]) > 0.5
