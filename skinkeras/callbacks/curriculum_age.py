"""Tells a `Curriculum` which epoch it is."""

import keras

from skinkeras.losses import Curriculum


class CurriculumAge(keras.callbacks.Callback):
    """Sets the age of a `Curriculum` to the number of the epoch, from 0, before each epoch.

    The age depends on the epoch alone: a run that continues with `fit`'s `initial_epoch` has the same age as
    an uninterrupted run, and a second `fit` from epoch 0 begins the curriculum again. Between training steps all
    samples weigh alike: validation, and whatever other callbacks evaluate after an epoch, so that the losses of two
    epochs can be compared.

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

    def on_epoch_begin(self, epoch, logs=None):
        self.loss.age.assign(float(epoch))

    def on_train_batch_begin(self, batch, logs=None):
        self.loss.evaluating.assign(0.0)

    def on_train_batch_end(self, batch, logs=None):
        self.loss.evaluating.assign(1.0)

    def on_train_end(self, logs=None):
        self.loss.evaluating.assign(0.0)
