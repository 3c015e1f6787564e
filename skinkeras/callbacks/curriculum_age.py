"""Tells a `Curriculum` which epoch it is."""

import keras
from keras import ops

from skinkeras.losses import Curriculum


class CurriculumAge(keras.callbacks.Callback):
    """Sets the age of a `Curriculum` to the number of the epoch, from 0, before each epoch.

    The age follows from the epoch alone: a run that goes on with `fit`'s `initial_epoch` has the age that
    an uninterrupted one would have. Validation weighs all samples alike, whatever the age, so that the
    validation loss of one epoch can be compared with that of the next.

    Args:
        loss: the `Curriculum` that the model is compiled with, or that is inside the model's loss.

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
