"""Smith's one-cycle policy, as fastai computes it, with a momentum that takes effect."""

import math

import keras


@keras.saving.register_keras_serializable("skinkeras")
class CyclicalAdam(keras.optimizers.Adam):
    """Adam whose momentum, beta_1, can change during training.

    Keras traces `beta_1` into the training step as a constant: setting it later has no effect.
    Here it is a variable, and `optimizer.beta_1.assign(0.85)` acts on the next step. As in fastai, the
    bias correction uses the current momentum.

    Args: those of `keras.optimizers.Adam`.
    """

    def __init__(self, learning_rate=0.001, beta_1=0.9, name="cyclical_adam", **kwargs):
        super().__init__(learning_rate=learning_rate, beta_1=beta_1, name=name, **kwargs)
        self.beta_1 = keras.Variable(beta_1, dtype="float32", trainable=False, name="beta_1")

    def get_config(self):
        # Keras would put the variable itself into the config, which cannot be written to a file.
        return {**super().get_config(), "beta_1": float(self.beta_1)}


class OneCycle(keras.callbacks.Callback):
    """Sets the learning rate and the momentum before every training step.

    Over the first `pct_start` of the steps the learning rate rises along half a cosine from
    `max_lr / div` to `max_lr` while the momentum falls from `momentums[0]` to `momentums[1]`; over the
    rest the learning rate falls along half a cosine to `max_lr / div_final` while the momentum returns
    to `momentums[2]`. Smith 2018 (arXiv:1803.09820), with fastai's defaults.

    The position comes from `optimizer.iterations` alone, so that a resumed run continues where it stopped.

    Args:
        max_lr: float > 0, the highest learning rate.
        total_steps: int >= 1, all training steps of the cycle.
        pct_start: float in (0, 1), the share of the steps in which the learning rate rises.
        div: float > 1: `max_lr / div` is where the learning rate starts.
        div_final: float > 1: `max_lr / div_final` is where it ends.
        momentums: three floats in [0, 1).

    Raises:
        ValueError: a value outside these ranges, or, when training begins, an optimizer whose momentum
            would not change (use `CyclicalAdam`).
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
        self.max_lr = max_lr
        self.total_steps = total_steps
        self.pct_start = pct_start
        self.div = div
        self.div_final = div_final
        self.momentums = momentums

    def at(self, step):
        """The learning rate and the momentum of training step `step`, counted from 0."""
        position = min(step / self.total_steps, 1.0)
        high = self.max_lr
        if position <= self.pct_start:
            part = position / self.pct_start
            return _cosine(high / self.div, high, part), _cosine(*self.momentums[:2], part)
        part = (position - self.pct_start) / (1 - self.pct_start)
        return _cosine(high, high / self.div_final, part), _cosine(*self.momentums[1:], part)

    def on_train_begin(self, logs=None):
        beta_1 = getattr(self.model.optimizer, "beta_1", None)
        if not hasattr(beta_1, "assign"):
            raise ValueError(
                "OneCycle moves the momentum, but this optimizer keeps it constant while training: "
                f"compile the model with CyclicalAdam. Received: {type(self.model.optimizer).__name__}"
            )

    def on_train_batch_begin(self, batch, logs=None):
        optimizer = self.model.optimizer
        learning_rate, momentum = self.at(int(optimizer.iterations))
        optimizer.learning_rate = learning_rate
        optimizer.beta_1.assign(momentum)

    def on_epoch_end(self, epoch, logs=None):
        if logs is not None:
            logs["learning_rate"] = float(self.model.optimizer.learning_rate)
            logs["momentum"] = float(self.model.optimizer.beta_1)


def _cosine(start, end, part):
    return start + (1 - math.cos(math.pi * part)) * (end - start) / 2
