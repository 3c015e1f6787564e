import keras
import numpy as np
import pytest
from eager import answers
from keras import layers
from small_efficientnet import SIZE, pictures, trained

from skinkeras.quantization import fold_batch_norm


def types(model):
    return [type(layer).__name__ for layer in model.layers]


def with_random_statistics(model):
    rng = np.random.default_rng(0)
    for layer in model.layers:
        layer.set_weights([rng.uniform(0.5, 1.5, weight.shape) for weight in layer.get_weights()])
    return model


def test_folding_a_trained_model_keeps_its_probabilities():
    images, _ = pictures(32, seed=3)
    folded = fold_batch_norm(trained())
    assert "BatchNormalization" not in types(folded)
    difference = np.abs(answers(folded, images) - answers(trained(), images))
    assert difference.max() < 1e-5


def test_one_multiplication_by_hand():
    model = keras.Sequential([layers.Input((1,)), layers.Dense(1), layers.BatchNormalization(epsilon=0.0)])
    model.layers[0].set_weights([np.array([[3.0]]), np.array([1.0])])
    model.layers[1].set_weights(
        [np.array([value]) for value in (2.0, 5.0, 4.0, 16.0)]
    )  # gamma beta mean variance
    kernel, bias = fold_batch_norm(keras.Model(model.inputs, model.outputs)).layers[1].get_weights()
    assert kernel.item() == pytest.approx(3 * 2 / 4)
    assert bias.item() == pytest.approx((1 - 4) * 2 / 4 + 5)


@pytest.mark.parametrize("multiplier", [1, 2])
def test_depthwise_with_a_multiplier_and_a_bias_and_a_bare_norm(multiplier):
    image = layers.Input((8, 8, 3))
    x = layers.DepthwiseConv2D(3, depth_multiplier=multiplier)(image)
    x = layers.BatchNormalization(center=False, scale=False)(x)
    model = with_random_statistics(keras.Model(image, x))
    folded = fold_batch_norm(model)
    images = np.random.default_rng(1).normal(size=(2, 8, 8, 3))
    np.testing.assert_allclose(answers(folded, images), answers(model, images), rtol=1e-4, atol=1e-5)


def test_a_norm_stays_where_folding_would_change_the_result():
    image = layers.Input((SIZE, SIZE, 3))
    shared = layers.Conv2D(4, 1)(image)  # read twice
    activated = layers.Conv2D(4, 1, activation="relu")(image)
    x = layers.Add()([shared, layers.BatchNormalization()(shared), layers.BatchNormalization()(activated)])
    model = keras.Model(image, layers.BatchNormalization()(x))
    assert types(fold_batch_norm(model)).count("BatchNormalization") == 3
