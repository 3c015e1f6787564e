"""The tables of models, and what every row of them must have."""

import inspect

import pytest

from skinkeras import models
from skinkeras.datasets import ISIC2018_TAXONOMY


def test_names_are_an_architecture_with_a_head():
    assert models.parse_name("vgg16") == models.ModelName("vgg16", "dense")
    assert models.parse_name("vgg16_cbam") == models.ModelName("vgg16", "cbam")
    assert models.parse_name("hierarchical_efficientnet_b0").head == "hierarchical"
    names = models.model_names()
    assert len(names) == len(set(names)) == (5 + 8 + 1 + 1) * 3
    assert [str(models.parse_name(name)) for name in names] == list(names)


def test_dropout_and_what_can_be_int8_are_those_of_architecture_and_head():
    assert models.parse_name("efficientnet_lite0_cbam").dropout == 0.2
    assert models.parse_name("hierarchical_efficientnet_lite0").dropout == 0.5
    refused = {name for name in models.model_names() if not models.parse_name(name).can_be_int8}
    assert refused == {f"hierarchical_efficientnet_b{number}" for number in range(8)}


@pytest.mark.parametrize("name", models.ARCHITECTURES)
def test_every_architecture_has_a_constructor_with_its_own_signature_and_help(name):
    row = models.architecture(name)
    assert row.family in models.FAMILIES
    called = {"vgg16": "VGG16"}.get(name, name.replace("efficientnet_", "EfficientNet"))
    (constructor,) = (
        getattr(models, public) for public in models.__all__ if public.lower() == called.lower()
    )
    assert constructor.__name__.lower() == called.lower()
    assert list(inspect.signature(constructor).parameters) == [
        "classes", "input_size", "weights", "dropout", "cbam", "colour_constancy"
    ]  # fmt: skip
    assert repr(name) in constructor.__doc__ and f"None is {row.input_size}." in constructor.__doc__


@pytest.mark.parametrize("name", models.ARCHITECTURES)
def test_weights_files_of_the_wrong_kind_are_refused(name, tmp_path):
    endings = models.FAMILIES[models.architecture(name).family].weight_files
    assert endings
    models.check_input_size(name, models.MINIMUM_INPUT_SIZE)
    with pytest.raises(models.WeightsUnavailableError, match="no weights file"):
        models.check_available(name, tmp_path / f"absent{endings[0]}")


@pytest.mark.parametrize("head", models.HEADS)
def test_every_head_is_built_by_name(head):
    name = str(models.ModelName("efficientnet_tiny", head))
    model = models.create(
        name, input_size=32, weights="none", dropout=0.35, taxonomy=ISIC2018_TAXONOMY, lstm_units=8
    )
    assert model.output_shape == (None, 7)
    assert model.get_layer("dropout").rate == 0.35
    assert models.backbone_layers(model)[-1].output.shape[1:3] == (1, 1)


def test_a_constructor_adds_attention_where_it_is_asked_to():
    model = models.EfficientNetTiny(3, input_size=32, weights="none", cbam=True)
    assert model.name == "efficientnet_tiny_cbam"
    assert model.get_layer("cbam") and model.output_shape == (None, 3)


def test_a_tree_of_other_classes_than_asked_for_is_refused():
    with pytest.raises(ValueError, match=r"classes must be the taxonomy's 7, or left out\. Received: 3"):
        models.create("vgg16_cbam", 3, weights="none", taxonomy=ISIC2018_TAXONOMY)
    with pytest.raises(ValueError, match="hierarchical_vgg16 needs a tree of its classes"):
        models.create("hierarchical_vgg16", 7, weights="none")
