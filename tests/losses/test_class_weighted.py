import math

import keras
import numpy as np
import pytest
import tensorflow as tf

from skinkeras.losses import ClassWeighted, RecallCrossentropy

HALVES = np.full((2, 2), 0.5, "float32")
LABELS = np.eye(2, dtype="float32")


def test_a_mixture_of_classes_has_the_mixture_of_their_weights():
    loss = ClassWeighted(keras.losses.CategoricalCrossentropy(), [2, 6])
    assert float(loss(np.float32([[0.75, 0.25]]), HALVES[:1])) == pytest.approx(3 * math.log(2), rel=1e-6)


def test_the_reduction_and_sample_weights_of_keras_act_once_whatever_the_base_reduces():
    loss = ClassWeighted(keras.losses.CategoricalCrossentropy(reduction="sum"), [2, 5])
    assert float(loss(LABELS, HALVES)) == pytest.approx(3.5 * math.log(2), rel=1e-6)
    assert float(loss(LABELS, HALVES, sample_weight=[1.0, 3.0])) == pytest.approx(8.5 * math.log(2), rel=1e-6)


def test_a_base_that_counts_counts_each_sample_once():
    base = RecallCrossentropy()
    predictions = keras.Variable(HALVES)
    with tf.GradientTape() as tape:
        value = ClassWeighted(base, [2, 5])(LABELS, predictions)
    tape.gradient(value, predictions.value)
    assert np.asarray(base.totals).tolist() == [1, 1]


@pytest.mark.parametrize("weights", [[1], [], [1, -1], [1, float("nan")], [1, float("inf")]])
def test_invalid_class_weights_are_refused(weights):
    with pytest.raises(ValueError, match="class_weights must be two or more finite numbers >= 0"):
        ClassWeighted(keras.losses.CategoricalCrossentropy(), weights)


@pytest.mark.parametrize("shape", [(2, 3), (2, 1), (2,)])
def test_labels_of_another_number_of_classes_are_refused(shape):
    loss = ClassWeighted(RecallCrossentropy(costs=[1] * 3) if shape == (2, 3) else MeanOverClasses(), [1, 2])
    with pytest.raises(ValueError, match=r"y_true must be one-hot, shape \(batch, 2\)"):
        loss(np.ones(shape, "float32"), np.full((2, 3), 0.3, "float32"))


class MeanOverClasses(keras.losses.Loss):
    def call(self, y_true, y_pred):
        return keras.ops.mean(y_pred, axis=-1)


class OneValueABatch(keras.losses.Loss):
    def call(self, y_true, y_pred):
        return keras.ops.mean(y_pred)


def test_a_base_that_is_not_a_loss_or_gives_no_value_a_sample_is_refused():
    with pytest.raises(ValueError, match=r"base must be a keras\.losses\.Loss\. Received: base='focal'"):
        ClassWeighted("focal", [1, 2])
    with pytest.raises(ValueError, match=r"base must give one loss a sample.*shape=\(\)"):
        ClassWeighted(OneValueABatch(), [1, 2])(LABELS, HALVES)
