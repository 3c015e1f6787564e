import keras
import numpy as np
import pytest
import tensorflow as tf

from skinkeras.layers import FusedBatchNormalization


def both(**settings):
    """Keras' layer and ours, with the same weights."""
    layers = keras.layers.BatchNormalization(**settings), FusedBatchNormalization(**settings)
    rng = np.random.default_rng(1)
    weights = [rng.uniform(0.5, 2, 6).astype("float32") for _ in range(4)]
    for layer in layers:
        layer.build((None, 5, 7, 6))
        layer.set_weights(weights)
    return layers


def pictures(count=3):
    return tf.constant(np.random.default_rng(0).normal(2, 3, (count, 5, 7, 6)).astype("float32"))


def test_training_step_is_that_of_keras():
    direction = tf.constant(np.random.default_rng(2).normal(size=(3, 5, 7, 6)).astype("float32"))
    results = []
    for layer in both(momentum=0.9, epsilon=1e-3):
        inputs = pictures()
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            outputs = layer(inputs, training=True)
            score = tf.reduce_sum(outputs * direction)
        gradients = tape.gradient(score, [inputs, layer.gamma.value, layer.beta.value])
        results.append([outputs, *gradients, layer.moving_mean, layer.moving_variance])
    for theirs, ours in zip(*results, strict=True):
        assert np.asarray(ours) == pytest.approx(np.asarray(theirs), rel=1e-4, abs=1e-5)


def test_moving_variance_is_biased_by_hand():
    layer = FusedBatchNormalization(momentum=0.0)
    layer(tf.reshape(tf.constant([1.0, 2.0, 3.0, 6.0]), (1, 2, 2, 1)), training=True)
    assert np.asarray(layer.moving_mean) == pytest.approx([3.0])
    assert np.asarray(layer.moving_variance) == pytest.approx([3.5])  # (4 + 1 + 0 + 9) / 4


@pytest.mark.parametrize("trainable, training", [(True, False), (False, True)])
def test_prediction_and_frozen_layers_use_the_moving_statistics(trainable, training):
    theirs, ours = both()
    before = [weight.numpy() for weight in ours.weights]
    for layer in (theirs, ours):
        layer.trainable = trainable
    expected = np.asarray(theirs(pictures(), training=training))
    assert np.array_equal(np.asarray(ours(pictures(), training=training)), expected)
    assert all(np.array_equal(a, b) for a, b in zip(before, ours.get_weights(), strict=True))


@pytest.mark.parametrize(
    "settings, shape", [({}, (4, 6)), ({"axis": 1}, (4, 6, 5, 5)), ({"scale": False}, (4, 5, 5, 6))]
)
def test_what_the_kernel_cannot_do_is_left_to_keras(settings, shape):
    inputs = tf.constant(np.random.default_rng(0).normal(size=shape).astype("float32"))
    theirs, ours = keras.layers.BatchNormalization(**settings), FusedBatchNormalization(**settings)
    assert np.array_equal(np.asarray(ours(inputs, training=True)), np.asarray(theirs(inputs, training=True)))


def test_a_model_with_it_is_saved_and_loaded(tmp_path):
    model = keras.Sequential([keras.Input((5, 7, 6)), FusedBatchNormalization(momentum=0.8)])
    model(pictures(), training=True)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert loaded.layers[-1].momentum == 0.8
    assert np.array_equal(np.asarray(loaded(pictures())), np.asarray(model(pictures())))
