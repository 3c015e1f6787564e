"""The networks of keras.applications as integers; docs/quantization.md has the figures."""

import keras
import numpy as np
import pytest
from integer_files import assert_integers_agree
from keras import layers

from skinkeras import quantization
from skinkeras.quantization.flattening import flatten
from skinkeras.quantization.graph import consumers

# Levels of 256 by which the logits of the file and of the quantized model differ at most. Where rounding falls the
# other way, it does by one level; a deep network without training makes more of it.
APPLICATIONS = {
    "MobileNetV2": (True, 4),
    "MobileNetV3Small": (False, 16),
    "ResNet50": (True, 16),
    "DenseNet121": (True, 16),
    "EfficientNetV2B0": (False, 16),
    "NASNetMobile": (True, 32),
}


def application(name, rescaled):
    """An application with new weights behind the rescaling that it wants, with a head."""
    keras.utils.set_random_seed(0)
    image = keras.Input((32, 32, 3))
    backbone = getattr(keras.applications, name)(
        include_top=False, weights=None, input_shape=(32, 32, 3), pooling="avg"
    )
    x = backbone(layers.Rescaling(1 / 127.5, -1)(image) if rescaled else image)
    return keras.Model(image, layers.Dense(3, name="logits")(x))


def smooth_images(count=16):
    rng = np.random.default_rng(0)
    coarse = rng.uniform(0, 255, (count, 1, 1, 3)) + rng.uniform(-80, 80, (count, 4, 4, 3))
    images = coarse.repeat(8, 1).repeat(8, 2) + rng.normal(0, 8, (count, 32, 32, 3))
    return np.clip(np.rint(images), 0, 255).astype("float32")


def well_conditioned(model, images):
    """Weights under which a deep network passes on what it sees, as training would bring about.

    Normalizations divide by the root mean square and subtract nothing, and what is added to a shortcut is small.
    """
    model = flatten(model)
    norms = [layer for layer in model.layers if isinstance(layer, layers.BatchNormalization)]
    for norm in norms:
        norm.momentum = 0.0
    model(images, training=True)
    readers = consumers(model)
    for norm in norms:
        norm.moving_variance.assign(norm.moving_variance + norm.moving_mean**2)
        norm.moving_mean.assign(0 * norm.moving_mean)
        behind = {
            reader
            for name in (norm.name, *filter(None, readers[norm.name]))
            for reader in readers[name]
            if reader
        }
        if any(isinstance(model.get_layer(name), layers.Add) for name in behind) and norm.gamma is not None:
            norm.gamma.assign(0.25 * norm.gamma)
    return model


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.timeout(1200)
@pytest.mark.parametrize(("name", "rescaled", "levels"), [(name, *row) for name, row in APPLICATIONS.items()])
def test_applications_of_keras_become_integers(name, rescaled, levels):
    images = smooth_images()
    assert_integers_agree(well_conditioned(application(name, rescaled), images), images, levels)


def test_an_application_without_integers_is_refused():
    with pytest.raises(
        ValueError, match="of type LayerNormalization cannot be quantized: TensorFlow Lite has no"
    ):
        quantization.quantize(application("ConvNeXtTiny", rescaled=False))
