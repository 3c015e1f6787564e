"""Tells a `Curriculum` which epoch it is."""

import keras
from keras import ops

from skinkeras.losses import Curriculum


class CurriculumAge(keras.callbacks.Callback):
    """Sets the age of a `Curriculum` to the number of the epoch, from 0, before each epoch.

    The age depends on the epoch alone: a run that continues with `fit`'s `initial_epoch` has the same age as
    an uninterrupted run. Validation weights all samples equally at any age, so that the
    validation losses of two epochs can be compared.

    Args:
        loss: the `Curriculum` that the model is compiled with, or that the model's loss wraps.

    Raises:
        ValueError: another loss.
    """

    def __init__(self, loss):
        super().__init__()
        if not isinstance(loss, Curriculum):
            raise ValueError(f"loss must be a Curriculum, not what wraps it. Received: loss={loss!r}")
        self.loss = loss
        self._training_age = 0.0

    def on_epoch_begin(self, epoch, logs=None):
        self.loss.age.assign(float(epoch))

    def on_test_begin(self, logs=None):
        self._training_age = float(ops.convert_to_numpy(self.loss.age))
        self.loss.age.assign(float(self.loss.epochs))

    def on_test_end(self, logs=None):
        self.loss.age.assign(self._training_age)
