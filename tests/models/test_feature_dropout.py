import keras
import numpy as np
import pytest

from skinkeras import models
from skinkeras.datasets import SYNTHETIC_TAXONOMY

NAMES = ["efficientnet_lite0", "efficientnet_lite0_cbam", "hierarchical_efficientnet_lite0"]


def model(name, rate):
    keras.utils.set_random_seed(0)
    return models.create(
        name, input_size=32, weights="none", taxonomy=SYNTHETIC_TAXONOMY, feature_dropout=rate, dropout=0.0
    )


@pytest.mark.parametrize("name", NAMES)
def test_weights_fit_with_and_without_it_and_answers_are_the_same(tmp_path, name):
    plain, dropped = model(name, 0.0), model(name, 0.5)
    assert "feature_dropout" not in [layer.name for layer in plain.layers]
    assert dropped.get_layer("feature_dropout").rate == 0.5
    plain.save_weights(tmp_path / "plain.weights.h5")
    dropped.set_weights(plain.get_weights())
    images = np.random.default_rng(0).uniform(0, 255, (2, 32, 32, 3)).astype("float32")
    assert np.array_equal(np.asarray(plain(images)), np.asarray(dropped(images)))
    assert not np.array_equal(np.asarray(dropped(images, training=True)), np.asarray(dropped(images)))
