"""Training in phases: learning rates, divergence, full disks."""

import errno
from types import SimpleNamespace

import keras
import numpy as np
import pytest
import tensorflow as tf

from skinkeras import models, training
from skinkeras.errors import RunError
from skinkeras.training import DivergedError, Phase
from skinkeras.training.phases import _full_disk_as_os_error
from skinkeras.training.progress import EpochEvaluation
from skinkeras.training.tasks import binary_epoch_metrics


@pytest.mark.parametrize(
    ("epochs", "rates"),
    [(8, [1, 1, 1, 1, 0.1, 0.1, 0.01, 0.01]), (2, [1, 0.1]), (1, [1]), (3, [1, 1, 0.1])],
)
def test_the_learning_rate_drops_at_a_half_and_at_three_quarters(epochs, rates):
    phase = Phase("all", epochs, 1.0, 0, "sgd")
    assert [phase.dropped_rate(epoch) for epoch in range(epochs)] == pytest.approx(rates)


def validation_images():
    return SimpleNamespace(
        dataset=lambda batch_size: tf.data.Dataset.from_tensors((np.ones((4, 3)), np.ones((4, 2)))),
        labels=np.array([0, 1, 0, 1]),
        malignant=np.array([0, 1, 0, 1]),
        positives=(1,),
    )


def evaluated(weights, evaluate=binary_epoch_metrics):
    """The logs of an epoch of a model that has these weights."""
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, activation="softmax")])
    model.set_weights([np.full((3, 2), weights), np.zeros(2)])
    evaluation = EpochEvaluation(validation_images(), 4, evaluate)
    evaluation.set_model(model)
    evaluation.on_epoch_begin(2)
    logs = {}
    evaluation.on_epoch_end(2, logs)
    return logs


def test_a_training_that_diverged_ends_with_a_sentence():
    with pytest.raises(DivergedError, match=r"diverged in epoch 3: .* lower --learning-rate") as raised:
        evaluated(np.nan)
    assert isinstance(raised.value, RunError)


def test_the_logs_of_an_epoch_are_those_of_the_validation_images():
    logs = evaluated(0.0)  # every probability is a half, which flags every image
    assert logs["val_loss"] == pytest.approx(np.log(2))
    assert (logs["val_auc"], logs["val_malignant_recall"], logs["val_benign_recall"]) == (0.5, 1, 0)
    assert logs["seconds"] >= 0


def test_where_nothing_is_measured_a_training_that_diverged_still_ends():
    assert list(evaluated(0.0, None)) == ["seconds"]
    with pytest.raises(DivergedError, match="diverged in epoch 3"):
        evaluated(np.nan, None)


@pytest.mark.parametrize(("weights", "learns"), [("imagenet", False), ("none", True), (None, True)])
def test_batch_normalization_learns_only_from_random_weights_on(weights, learns):
    model = models.create("efficientnet_tiny", input_size=32, weights="none")
    training.freeze(model)
    assert not any(layer.trainable for layer in models.backbone_layers(model))
    assert model.get_layer("logits").trainable
    training.unfreeze(model, weights)
    for layer in models.backbone_layers(model):
        assert layer.trainable == (learns or not isinstance(layer, keras.layers.BatchNormalization))


def test_a_disk_that_tensorboard_finds_full_is_no_full_processor(tiny_disk):
    def fill(epoch, logs):
        with pytest.raises(OSError), open(tiny_disk / "filler", "wb", buffering=0) as file:
            while file.write(bytes(100)):
                pass

    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    board = keras.callbacks.TensorBoard(tiny_disk / "logs", write_graph=False)
    full = keras.callbacks.LambdaCallback(on_epoch_begin=fill)
    with pytest.raises(OSError, match="No space left on device") as raised, _full_disk_as_os_error():
        model.fit(np.ones((8, 3)), np.ones((8, 1)), epochs=300, verbose=0, callbacks=[board, full])
    assert raised.value.errno == errno.ENOSPC
    with pytest.raises(tf.errors.ResourceExhaustedError), _full_disk_as_os_error():
        raise tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor")
