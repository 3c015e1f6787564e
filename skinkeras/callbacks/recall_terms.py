"""Reports the miss rates of a `RecallCrossentropy`, and moves those of an epoch."""

import keras
import numpy as np
from keras import ops, tree


class RecallTerms(keras.callbacks.Callback):
    """Adds the miss rates of a recall cross-entropy to the epoch's logs; with `update="epoch"`, moves them.

    The loss counts what training predicts and, with `update="batch"`, moves its miss rates itself, in the training
    step. With `"epoch"`, they become the miss rates over the whole epoch after each epoch. With `"same_batch"` the
    loss has no miss rates of its own: those of the whole epoch are reported. A class that did not occur keeps its
    value. `skinkeras.losses.RecallCrossentropy` says what counts.

    The logs have them as `miss_rate_0`, `miss_rate_1`, ... or with `class_names` in place of the numbers.

    Args:
        loss: the `RecallCrossentropy` that the model is compiled with, or that the model's loss wraps.
        update: `"batch"`, `"epoch"` or `"same_batch"`; None is the loss's own.
        momentum: float in [0, 1), of `"batch"`; None is the loss's own.
        class_names: names for the logs, one per class.

    Raises:
        ValueError: an unknown `update`, a momentum outside its range, or, when training begins, a model that is
            compiled with another loss.

    Example:
        >>> loss = losses.RecallCrossentropy(gamma=10)
        >>> undecided = keras.layers.Dense(2, "softmax", kernel_initializer="zeros")
        >>> model = keras.Sequential([keras.Input((1,)), undecided])
        >>> model.compile("sgd", loss)
        >>> terms = RecallTerms(loss, momentum=0.5, class_names=("benign", "malignant"))
        >>> labels = keras.ops.one_hot([0, 1, 1, 1], 2)
        >>> history = model.fit(keras.ops.zeros((4, 1)), labels, callbacks=[terms], verbose=0).history
        >>> history["miss_rate_benign"], history["miss_rate_malignant"]   # both halfway to 0 and 1
        ([0.5], [1.0])
    """

    def __init__(self, loss, update=None, momentum=None, class_names=None):
        super().__init__()
        loss.set_pace(
            loss.update if update is None else update, loss.momentum if momentum is None else momentum
        )
        self.loss = loss
        self.class_names = class_names or range(len(loss.costs))

    @property
    def update(self):
        """The loss's `update`."""
        return self.loss.update

    @property
    def momentum(self):
        """The loss's `momentum`."""
        return self.loss.momentum

    def on_train_begin(self, logs=None):
        if not _may_use(self.model, self.loss):
            raise ValueError(
                f"RecallTerms was given a loss ({self.loss.name}) that the model is not compiled with: give it that "
                "very object, for instance model.loss."
            )
        # Counts left by a training that ended in an error do not count.
        self._empty()

    def on_epoch_end(self, epoch, logs=None):
        if self.update != "batch":
            totals, hits = (ops.convert_to_numpy(v) for v in (self.loss.totals, self.loss.hits))
            old = ops.convert_to_numpy(self.loss.miss_rates)
            self.loss.miss_rates.assign(np.where(totals > 0, 1 - hits / np.maximum(totals, 1), old))
        self._empty()
        if logs is not None:
            rates = ops.convert_to_numpy(self.loss.miss_rates)
            logs.update({f"miss_rate_{n}": float(r) for n, r in zip(self.class_names, rates, strict=True)})

    def _empty(self):
        for counts in (self.loss.totals, self.loss.hits):
            counts.assign(ops.zeros_like(counts))


def _may_use(model, loss):
    """Whether the loss may be among those that train the model; a step of one's own, or a function, may use any."""
    of_keras = all(
        getattr(type(model), name) is getattr(keras.Model, name) for name in ("train_step", "compute_loss")
    )
    compiled = [part for part in tree.flatten(model.loss) if part is not None]
    known = all(isinstance(part, str | keras.losses.Loss) for part in compiled)
    return not (of_keras and known) or any(_wraps(part, loss) for part in compiled)


def _wraps(outer, loss):
    if outer is loss:
        return True
    inner = vars(outer).values() if isinstance(outer, keras.losses.Loss) else ()
    return any(_wraps(part, loss) for part in inner if isinstance(part, keras.losses.Loss))
