"""Adam and AdamW whose learning rate and momentum follow a one-cycle inside the training step."""

import math

import keras
from keras import ops

# What `Cycle` holds of a cycle, beside whether it is followed and the step at which it began.
SETTINGS = (
    "total_steps",
    "max_lr",
    "pct_start",
    "div",
    "div_final",
    "momentum_0",
    "momentum_1",
    "momentum_2",
)


@keras.saving.register_keras_serializable("skinkeras")
class CyclicalAdam(keras.optimizers.Adam):
    """Adam whose momentum, beta_1, can change during training, and which follows a `OneCycle`.

    Keras traces `beta_1` into the training step as a constant: setting it later has no effect.
    Here it is a variable, and `optimizer.beta_1.assign(0.85)` acts on the next step. As in fastai, the
    bias correction uses the current momentum.

    While a `OneCycle` trains, each step takes its learning rate and momentum from the cycle, inside the step: the
    schedule is the same with `steps_per_execution`, on several devices and in a `LossScaleOptimizer`, and with
    `gradient_accumulation_steps` it counts updates of the weights.

    Args: those of `keras.optimizers.Adam`, and
        cycle: list of floats, the cycle that a saved optimizer was in (`get_config` has it).
    """

    def __init__(self, learning_rate=0.001, beta_1=0.9, name="cyclical_adam", *, cycle=None, **kwargs):
        super().__init__(learning_rate=learning_rate, beta_1=beta_1, name=name, **kwargs)
        self.beta_1 = keras.Variable(
            beta_1, dtype="float32", trainable=False, aggregation="only_first_replica", name="beta_1"
        )
        self.cycle = Cycle(cycle)

    def apply(self, grads, trainable_variables=None):
        if isinstance(
            self.learning_rate, keras.Variable
        ):  # a schedule of Keras' own has no place for another one
            self.cycle.set(self.iterations, self.learning_rate, self.beta_1)
        super().apply(grads, trainable_variables)

    def get_config(self):
        # Keras would put the variable itself into the config, which cannot be written to a file.
        beta_1 = float(ops.convert_to_numpy(self.beta_1))
        return {**super().get_config(), "beta_1": beta_1, "cycle": self.cycle.values}


@keras.saving.register_keras_serializable("skinkeras")
class CyclicalAdamW(CyclicalAdam):
    """fastai's default optimizer: Adam with decoupled weight decay, on a one-cycle.

    With the gradient g of step t, the learning rate lr and the momentum beta_1 of that step,

        w <- w - lr * weight_decay * w
        m <- beta_1 * m + (1 - beta_1) * g,    v <- beta_2 * v + (1 - beta_2) * g^2
        w <- w - lr / (1 - beta_1^t) * m / (sqrt(v / (1 - beta_2^t)) + epsilon)

    (Loshchilov & Hutter 2019, arXiv:1711.05101; fastai's `optimizer.Adam` with `decouple_wd`, and at a constant
    momentum PyTorch's `AdamW`). Keras' Adam adds `epsilon` before it corrects the bias, which at fastai's epsilon is
    ten times as much in the first steps. As in fastai's `Learner` (`wd_bn_bias=False`), weights with fewer than two
    dimensions do not decay: biases, and scales and offsets of normalization.

    Args: those of `CyclicalAdam` but `amsgrad`, with fastai's defaults.

    Raises:
        ValueError: `amsgrad`, or a negative weight decay.
    """

    def __init__(
        self,
        learning_rate=0.001,
        weight_decay=0.01,
        beta_1=0.9,
        beta_2=0.99,
        epsilon=1e-5,
        name="cyclical_adamw",
        **kwargs,
    ):
        if kwargs.get("amsgrad"):
            raise ValueError("CyclicalAdamW has no amsgrad, as fastai's Adam has none: use CyclicalAdam.")
        if not 0 <= weight_decay < math.inf:
            raise ValueError(f"weight_decay must be a number >= 0. Received: weight_decay={weight_decay}")
        super().__init__(
            learning_rate, beta_1, name, weight_decay=weight_decay, beta_2=beta_2, epsilon=epsilon, **kwargs
        )

    def build(self, var_list):
        if not self.built:
            self.exclude_from_weight_decay(var_list=[v for v in var_list if len(v.shape) < 2])
        super().build(var_list)

    def update_step(self, gradient, variable, learning_rate):
        index, dtype = self._get_variable_index(variable), variable.dtype
        gradient, rate = ops.cast(gradient, dtype), ops.cast(learning_rate, dtype)
        beta_1, step = ops.cast(self.beta_1, dtype), ops.cast(self.iterations + 1, dtype)
        mean, square = self._momentums[index], self._velocities[index]
        self.assign_add(mean, (gradient - mean) * (1 - beta_1))
        self.assign_add(square, (ops.square(gradient) - square) * (1 - self.beta_2))
        size = ops.sqrt(square / (1 - ops.power(ops.cast(self.beta_2, dtype), step))) + self.epsilon
        self.assign_sub(variable, rate / (1 - ops.power(beta_1, step)) * mean / size)


class Cycle:
    """The one-cycle that an optimizer is in, as a variable, so that a step that has been traced follows the next one.

    Keras does not see it among the optimizer's variables: files of optimizers without it can still be read.

    Args:
        values: list of floats, as the attribute of this name had it; None: no cycle has begun.
    """

    def __init__(self, values=None):
        self._variable = keras.Variable(
            [0.0] * (2 + len(SETTINGS)) if values is None else values,
            dtype="float64",  # of which steps are whole numbers, and learning rates are those of Python
            trainable=False,
            aggregation="only_first_replica",
            name="cycle",
        )

    @property
    def values(self):
        """List of floats: whether the cycle is followed, the step at which it began, and its `SETTINGS`."""
        return [float(value) for value in ops.convert_to_numpy(self._variable)]

    @values.setter
    def values(self, values):
        self._variable.assign(values)

    @property
    def start(self):
        """The step of the optimizer at which the last cycle began; None before the first one."""
        _, start, total_steps, *_ = self.values
        return int(start) if total_steps else None

    def begin(self, start, settings):
        """Follows, from now on, the cycle of these `SETTINGS`, which began at step `start`."""
        self.values = [1.0, start, *settings]

    def end(self):
        """Leaves learning rate and momentum where they are."""
        self.values = [0.0, *self.values[1:]]

    def set(self, step, learning_rate, momentum):
        """Sets the two variables to what step `step` of the optimizer has, if a cycle is followed."""
        followed, start, *settings = ops.unstack(ops.convert_to_tensor(self._variable))
        for variable, value in zip(
            (learning_rate, momentum), one_cycle(ops.cast(step, "float64") - start, *settings), strict=True
        ):
            old = ops.convert_to_tensor(variable)
            variable.assign(ops.where(followed > 0, ops.cast(value, old.dtype), old))


def one_cycle(step, total_steps, max_lr, pct_start, div, div_final, momentum_0, momentum_1, momentum_2):
    """(learning rate, momentum) of a step of a one-cycle, counted from 0; all are float64 tensors of no dimension."""
    position = ops.clip(step / ops.maximum(total_steps, 1), 0, 1)
    rising = position <= pct_start
    part = ops.where(rising, position / pct_start, (position - pct_start) / (1 - pct_start))
    # Half a cosine from the first of each pair to the second.
    way = (1 - ops.cos(math.pi * part)) / 2

    def between(first, peak, last):
        return ops.where(rising, first + way * (peak - first), peak + way * (last - peak))

    return between(max_lr / div, max_lr, max_lr / div_final), between(momentum_0, momentum_1, momentum_2)
