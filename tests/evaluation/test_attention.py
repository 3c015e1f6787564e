import keras
import numpy as np
import pytest

from skinkeras import models
from skinkeras.datasets import ISIC2018_TAXONOMY
from skinkeras.evaluation.attention import attention_maps
from skinkeras.models.hierarchical import hierarchical_head


def pixels(count, size, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (count, size, size, 3)).astype("float32")


def shake(model, seed=3):
    """Weights that make attention differ between images, places and channels."""
    rng = np.random.default_rng(seed)
    for variable in model.trainable_variables:
        variable.assign(rng.normal(size=variable.shape) * 0.3)
    return model


@pytest.fixture(scope="module")
def hierarchical():
    image = keras.Input((32, 32, 3), name="image")
    x = keras.layers.Rescaling(1 / 127.5, -1, name="rescale")(image)
    features = keras.layers.Conv2D(32, 3, 8, activation="relu", name="features")(x)
    model = shake(keras.Model(image, hierarchical_head(features, ISIC2018_TAXONOMY, 6, 0.5), name="small"))
    # Four silent channels, which attention finds important.
    silent = np.arange(32) < 4
    for bias, value in ((model.get_layer("features").bias, -100.0), (channel_bias(model), 1.0)):
        bias.assign(np.where(silent, value, bias))
    return model


def channel_bias(model):
    return model.get_layer("cbam").channel.logits.bias


@pytest.fixture(scope="module")
def flat():
    model = models.create("efficientnet_lite0_cbam", 7, input_size=64, weights="none")
    for name in ("cbam", "logits"):
        shake(model.get_layer(name))
    return model


def output_of(model, tensor, images):
    return np.asarray(keras.Model(model.input, tensor)(images, training=False))


def attended(features, maps):
    """What the rest of the model sees: the mean over places of the weighed features."""
    return (features * maps.channel[:, None, None] * maps.spatial[..., None]).mean(axis=(1, 2))


def test_the_flat_models_answer_follows_from_its_maps(flat):
    images = pixels(2, 64)  # as many images as rows of the feature map
    (maps,) = attention_maps(flat, images)
    assert (maps.spatial.shape, maps.channel.shape) == ((2, 2, 2), (2, 1280))
    features = output_of(flat, flat.get_layer("cbam").input, images)
    kernel, bias = map(np.asarray, flat.get_layer("logits").weights)
    odds = np.exp(attended(features, maps) @ kernel + bias)
    np.testing.assert_allclose(
        odds / odds.sum(axis=1, keepdims=True), np.asarray(flat(images, training=False)), atol=1e-4
    )


def test_the_hierarchical_models_states_follow_from_the_maps_of_each_level(hierarchical):
    images = pixels(5, 32)
    levels = attention_maps(hierarchical, images)
    assert len(levels) == 3
    layer = hierarchical.get_layer
    features = output_of(hierarchical, layer("features").output, images)
    hidden, carry = (layer(name)(features.mean(axis=(1, 2))) for name in ("first_hidden", "first_carry"))
    for number, maps in enumerate(levels, 1):
        assert maps.spatial.shape == features.shape[:3]
        hidden, (_, carry) = layer("lstm")(attended(features, maps), [hidden, carry])
        expected = output_of(hierarchical, layer(f"level{number}_dropout").input, images)
        np.testing.assert_allclose(np.asarray(hidden), expected, atol=1e-5)
    assert np.abs(levels[0].spatial - levels[1].spatial).max() > 0.01  # attention moves on


def test_the_best_channel_has_the_highest_weight_of_those_that_respond(hierarchical):
    images = pixels(20, 32)
    features = output_of(hierarchical, hierarchical.get_layer("features").output, images)
    responds = np.ptp(features, axis=(1, 2)) > 0
    silenced = 0
    for maps in attention_maps(hierarchical, images):
        for image, best in enumerate(maps.best_channel):
            assert responds[image, best]
            assert maps.channel[image, best] == maps.channel[image][responds[image]].max()
            np.testing.assert_array_equal(maps.best_feature[image], features[image, :, :, best])
        silenced += np.sum(maps.channel.argmax(axis=1) != maps.best_channel)
    assert silenced > 0  # or the test has shown nothing of silent channels


def test_maps_survive_a_file_and_do_not_depend_on_the_batch(hierarchical, tmp_path):
    images = pixels(35, 32)
    levels = attention_maps(hierarchical, images)
    hierarchical.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    trained = models.level_model(loaded, ISIC2018_TAXONOMY)
    for model, rows in ((loaded, slice(None)), (trained, slice(33, 34))):
        for maps, again in zip(levels, attention_maps(model, images[rows]), strict=True):
            for name in ("spatial", "channel", "best_feature"):
                np.testing.assert_allclose(getattr(again, name), getattr(maps, name)[rows], atol=1e-5)


def test_asking_changes_nothing_in_the_model(hierarchical, tmp_path):
    before = np.asarray(hierarchical(pixels(2, 32), training=False))
    attention_maps(hierarchical, pixels(1, 32))
    attention_maps(hierarchical, pixels(1, 32))
    hierarchical.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(np.asarray(loaded(pixels(2, 32), training=False)), before)


def test_what_has_no_attention_to_show_is_refused(hierarchical):
    image = keras.Input((8, 8, 3))
    with pytest.raises(ValueError, match="'plain' has no attention"):
        attention_maps(keras.Model(image, keras.layers.Flatten()(image), name="plain"), pixels(1, 8))
    with pytest.raises(ValueError, match="at least one image"):
        attention_maps(hierarchical, pixels(0, 32))
