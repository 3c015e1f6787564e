"""Smith's one-cycle policy, as fastai computes it."""

import math

import keras
from keras import ops

from skinkeras.callbacks.cyclical_adam import CyclicalAdam, one_cycle


class OneCycle(keras.callbacks.Callback):
    """Gives every training step of a `CyclicalAdam` or `CyclicalAdamW` its learning rate and momentum.

    Over the first `pct_start` of the steps the learning rate rises along half a cosine from
    `max_lr / div` to `max_lr` while the momentum falls from `momentums[0]` to `momentums[1]`; over the
    rest the learning rate falls along half a cosine to `max_lr / div_final` while the momentum returns
    to `momentums[2]`. Smith 2018 (arXiv:1803.09820), with fastai's defaults.

    The optimizer follows the cycle inside the training step, by its own `iterations`. A `fit` that begins at epoch 0
    begins a new cycle. One that begins later (`initial_epoch`) goes on with the cycle that the optimizer is in, as
    long as that has steps left, so that a resumed run continues where it stopped: the cycle is part of a saved
    optimizer and of `TrainingState`.

    Args:
        max_lr: float > 0, the highest learning rate.
        total_steps: int >= 1, all training steps of the cycle: updates of the weights, which with
            `gradient_accumulation_steps` are fewer than batches. Later steps keep the last learning rate.
        pct_start: float in (0, 1), the share of the steps in which the learning rate rises.
        div: float > 1: `max_lr / div` is where the learning rate starts.
        div_final: float > 1: `max_lr / div_final` is where it ends.
        momentums: three floats in [0, 1).

    Raises:
        ValueError: a value outside these ranges, or, when training begins, an optimizer that cannot follow.

    Example:
        >>> cycle = OneCycle(max_lr=1e-3, total_steps=100)
        >>> [round(value, 6) for value in cycle.at(25)]   # the peak
        [0.001, 0.85]
    """

    def __init__(
        self, max_lr, total_steps, pct_start=0.25, div=25.0, div_final=1e5, momentums=(0.95, 0.85, 0.95)
    ):
        super().__init__()
        if not (max_lr > 0 and math.isfinite(max_lr)):
            raise ValueError(f"max_lr must be a finite number above 0. Received: max_lr={max_lr}")
        if total_steps < 1:
            raise ValueError(f"total_steps must be at least 1. Received: total_steps={total_steps}")
        if not 0 < pct_start < 1:
            raise ValueError(f"pct_start must be between 0 and 1. Received: pct_start={pct_start}")
        if not (div > 1 and div_final > 1):
            raise ValueError(f"div and div_final must be above 1. Received: {div}, {div_final}")
        if len(momentums) != 3 or not all(0 <= m < 1 for m in momentums):
            raise ValueError(f"momentums must be three numbers in [0, 1). Received: {momentums}")
        self.total_steps = total_steps
        self._settings = [float(v) for v in (total_steps, max_lr, pct_start, div, div_final, *momentums)]
        self._begun = False

    def at(self, step):
        """The learning rate and the momentum of training step `step`, counted from 0."""
        values = one_cycle(*(ops.convert_to_tensor(v, "float64") for v in (step, *self._settings)))
        return tuple(float(value) for value in values)

    def on_train_begin(self, logs=None):
        optimizer = unwrapped(self.model.optimizer)
        if not isinstance(optimizer, CyclicalAdam):
            raise ValueError(
                "OneCycle changes learning rate and momentum inside the training step, which this optimizer does not "
                f"follow: compile the model with CyclicalAdam or CyclicalAdamW. Received: {type(optimizer).__name__}"
            )
        if not isinstance(optimizer.learning_rate, keras.Variable):
            raise ValueError(
                "OneCycle sets the learning rate, but this optimizer has a schedule of its own: create the "
                f"{type(optimizer).__name__} with a number as learning_rate."
            )
        if optimizer.gradient_accumulation_steps and self.model.distribute_strategy.num_replicas_in_sync > 1:
            raise ValueError(
                "Keras cannot accumulate gradients on several devices: leave gradient_accumulation_steps out, or "
                "train on one device."
            )
        self._begun = False

    def on_epoch_begin(self, epoch, logs=None):
        if self._begun:
            return
        optimizer = unwrapped(self.model.optimizer)
        step = int(ops.convert_to_numpy(optimizer.iterations))
        start = step
        if epoch > 0:
            last = optimizer.cycle.start or 0
            start = last if step - last < self.total_steps else step
        optimizer.cycle.begin(start, self._settings)
        self._begun = True

    def on_epoch_end(self, epoch, logs=None):
        if logs is not None:
            optimizer = unwrapped(self.model.optimizer)
            logs["learning_rate"] = float(ops.convert_to_numpy(optimizer.learning_rate))
            logs["momentum"] = float(ops.convert_to_numpy(optimizer.beta_1))

    def on_train_end(self, logs=None):
        unwrapped(self.model.optimizer).cycle.end()


def unwrapped(optimizer):
    """The optimizer inside those that wrap it, such as Keras' `LossScaleOptimizer`."""
    while hasattr(optimizer, "inner_optimizer"):
        optimizer = optimizer.inner_optimizer
    return optimizer
