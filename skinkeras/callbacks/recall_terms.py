"""Updates the miss rates of a `RecallCrossentropy`."""

import keras
import numpy as np
from keras import ops


class RecallTerms(keras.callbacks.Callback):
    """Updates the miss rates of a recall cross-entropy from the predictions of training.

    The loss counts, for every class, the training samples seen and those predicted correctly (argmax).
    With `update="batch"`, after each batch and for each class in the batch,

        F_c <- momentum * F_c + (1 - momentum) * (1 - hits_c / total_c)

    With `update="epoch"`, F_c becomes the miss rate over the whole epoch after each epoch; `momentum` is not
    used. A class that did not occur keeps its value. Validation is never counted. Gilal et al. 2023
    define F_c (eq. 6) but not how it follows training.

    The miss rates are reported with the epoch's logs, as `miss_rate_0`, `miss_rate_1`, ... or with
    `class_names` in place of the numbers.

    Args:
        loss: the `RecallCrossentropy` that the model is compiled with.
        update: `"batch"` or `"epoch"`.
        momentum: float in [0, 1).
        class_names: names for the logs, one per class.

    Raises:
        ValueError: an unknown `update` or a momentum outside its range.
    """

    def __init__(self, loss, update="batch", momentum=0.95, class_names=None):
        super().__init__()
        if update not in ("batch", "epoch"):
            raise ValueError(f'update must be "batch" or "epoch". Received: update={update!r}')
        if not 0 <= momentum < 1:
            raise ValueError(f"momentum must be in [0, 1). Received: momentum={momentum}")
        self._training = False
        self.loss = loss
        self.update = update
        self.momentum = momentum
        self.class_names = class_names or range(len(loss.costs))

    def on_train_begin(self, logs=None):
        # Counts left by a training that ended in an error do not count.
        self._empty()
        self._training = True
        self.loss.counting.assign(1.0)

    def on_train_end(self, logs=None):
        self._training = False
        self.loss.counting.assign(0.0)

    def on_test_begin(self, logs=None):
        self.loss.counting.assign(0.0)

    def on_test_end(self, logs=None):
        self.loss.counting.assign(float(self._training))

    def on_train_batch_end(self, batch, logs=None):
        if self.update == "batch":
            self._move(self.momentum)

    def on_epoch_end(self, epoch, logs=None):
        if self.update == "epoch":
            self._move(momentum=0.0)
        if logs is not None:
            rates = ops.convert_to_numpy(self.loss.miss_rates)
            logs.update({f"miss_rate_{n}": float(r) for n, r in zip(self.class_names, rates, strict=True)})

    def _move(self, momentum):
        totals, hits = (ops.convert_to_numpy(v) for v in (self.loss.totals, self.loss.hits))
        missed = 1 - hits / np.maximum(totals, 1)
        old = ops.convert_to_numpy(self.loss.miss_rates)
        self.loss.miss_rates.assign(np.where(totals > 0, momentum * old + (1 - momentum) * missed, old))
        self._empty()

    def _empty(self):
        for counts in (self.loss.totals, self.loss.hits):
            counts.assign(ops.zeros_like(counts))
