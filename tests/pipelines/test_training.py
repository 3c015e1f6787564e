import errno
from types import SimpleNamespace

import keras
import numpy as np
import pytest
import tensorflow as tf

from pipelines.common.training import (
    DivergedError,
    EpochEvaluation,
    _full_disk_as_os_error,
    check_device,
)
from skinkeras.errors import RunError


def test_a_training_that_diverged_ends_with_a_sentence():
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, activation="softmax")])
    model.set_weights([np.full((3, 2), np.nan), np.zeros(2)])
    part = SimpleNamespace(
        dataset=lambda batch_size: tf.data.Dataset.from_tensors((np.ones((4, 3)), np.ones((4, 2)))),
        one_hot=np.eye(2)[[0, 1, 0, 1]],
        malignant=np.array([0, 1, 0, 1]),
    )
    evaluation = EpochEvaluation(SimpleNamespace(part=lambda name: part, positives=(1,)), 4)
    evaluation.set_model(model)
    evaluation.on_epoch_begin(2)
    with pytest.raises(DivergedError, match=r"diverged in epoch 3: .* lower --learning-rate") as raised:
        evaluation.on_epoch_end(2, {})
    assert isinstance(raised.value, RunError)


def test_what_would_fail_on_a_gpu_in_fine_tuning_is_refused_at_the_door(monkeypatch):
    settings = lambda deterministic, export: SimpleNamespace(deterministic=deterministic, export=export)  # noqa: E731
    check_device(settings(True, True))
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: [kind])
    with pytest.raises(ValueError, match="on a GPU in deterministic mode: add --no-deterministic"):
        check_device(settings(True, True))
    check_device(settings(False, True))
    check_device(settings(True, False))


def test_a_disk_that_tensorboard_finds_full_is_told_from_a_full_processor(tiny_disk):
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
