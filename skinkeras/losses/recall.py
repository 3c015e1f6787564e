"""Cost-weighted recall cross-entropy."""

import keras
import numpy as np
from keras import ops

from skinkeras.losses.checks import (
    check_gamma,
    check_label_smoothing,
    check_recall_floor,
    check_recall_momentum,
    check_recall_update,
    check_vector,
)
from skinkeras.losses.class_weighted import check_one_hot, weights_of_samples
from skinkeras.losses.training_steps import (
    KnowsSampleWeights,
    sum_over_devices,
    weighed_samples,
    when_learning,
)


@keras.saving.register_keras_serializable("skinkeras")
class RecallCrossentropy(KnowsSampleWeights, keras.losses.Loss):
    """Cross-entropy in which a class weighs its cost times the share of it that the network still misses.

        L = - sum over classes c of  cost_c * F_c * sum over samples n of class c of  log p_n(c)

    where F_c is the share of class c that the network misses: for two classes, the miss rate (malignant)
    and the false alarm rate (benign). Gilal et al. 2023, eq. 6 (gamma = 1) and eq. 7, where gamma is the
    cost of the malignant class. They do not define over which samples F_c is taken. Here, by `update`:

    - `"batch"`: a moving average, which each training batch moves for each class that it has,
      F_c <- momentum * F_c + (1 - momentum) * (missed samples of c / samples of c).
    - `"epoch"`: the miss rate of the last epoch. This needs `skinkeras.callbacks.RecallTerms`.
    - `"same_batch"`: the recall loss of Tian et al. 2022 (arXiv:2106.14917): FN_c / N_c of the batch itself,
      where FN_c, the missed samples, and N_c, the samples, are at least 1. So a class without a miss keeps 1 / N_c.

    The paper's sum becomes Keras' reduction (by default the mean over the batch). Neither the costs nor
    the miss rates are normalised: as the network improves, the loss falls, and the scale of the gradient
    with it, which Adam undoes and SGD does not.

    The miss rates are state. They start at 1 (plain, cost-weighted cross-entropy) and are part of `get_config`,
    so that a saved model goes on where it stopped. A sample counts when the gradient of its loss is taken, as
    correct if the argmax is its class: evaluation never counts, nor does a sample whose `sample_weight` is 0.
    In a `tf.distribute` strategy, all devices count together.

    Args:
        gamma: float in [0, 1e12], the cost of the positive class, which is the last one. Ignored if
            `costs` is given.
        costs: one float in [0, 1e12] for every class; None is (1, ..., 1, gamma).
        classes: int >= 2, the number of classes. Ignored if `costs` is given.
        floor: float in [0, 1], the least miss rate; above 0, a class at full recall keeps a gradient. Not used
            by `"same_batch"`.
        update: `"batch"`, `"epoch"` or `"same_batch"`.
        momentum: float in [0, 1), of `"batch"`.
        from_logits: whether the predictions are logits instead of probabilities.
        label_smoothing: float in [0, 1), as in Keras.
        miss_rates: one float in [0, 1] for every class, the miss rates at the start; None is all 1.
        reduction, name: as in Keras.

    Call: y_true (batch, classes) one-hot, y_pred (batch, classes) -> loss, float32.

    Raises:
        ValueError: a value outside the ranges above.

    Example:
        >>> loss = RecallCrossentropy(gamma=10)
        >>> round(float(loss([[0.0, 1.0]], [[0.5, 0.5]])), 4)   # 10 * 1 * ln 2
        6.9315
    """

    def __init__(
        self,
        gamma=1.0,
        costs=None,
        classes=2,
        floor=0.01,
        *,
        update="batch",
        momentum=0.95,
        from_logits=False,
        label_smoothing=0.0,
        miss_rates=None,
        reduction="sum_over_batch_size",
        name="recall_crossentropy",
    ):
        super().__init__(name=name, reduction=reduction)
        check_gamma(gamma)
        if classes < 2:
            raise ValueError(f"classes must be at least 2. Received: classes={classes}")
        check_recall_floor(floor, "floor")
        check_label_smoothing(label_smoothing)
        self.gamma = float(gamma)
        self.costs = check_vector("costs", [1] * (classes - 1) + [self.gamma] if costs is None else costs)
        self.floor = float(floor)
        self.from_logits = from_logits
        self.label_smoothing = label_smoothing

        n_classes = len(self.costs)
        start = check_vector("miss_rates", [1] * n_classes if miss_rates is None else miss_rates, upper=1)
        if len(start) != n_classes:
            raise ValueError(f"miss_rates has {len(start)} values for {n_classes} classes.")
        self.miss_rates = _state(start, "miss_rates")
        # What training predicted since `RecallTerms` last read it.
        self.hits = _state(np.zeros(n_classes), "hits")
        self.totals = _state(np.zeros(n_classes), "totals")
        # The shares of the old and of the new miss rates. A variable, so that a step that has been compiled follows.
        self._shares = _state([1, 0], "shares")
        self.update = None
        self.set_pace(update, momentum)

    @property
    def variables(self):
        """The state that a resumed run needs, as a list of Keras variables."""
        return [self.miss_rates, self.hits, self.totals]

    def set_pace(self, update, momentum):
        """Changes `update` and `momentum`, also between two calls of `fit`.

        Raises:
            ValueError: a value out of range, or a change from or to "same_batch", which is another loss.
        """
        check_recall_update(update, "update")
        check_recall_momentum(momentum, "momentum")
        if self.update is not None and (self.update == "same_batch") != (update == "same_batch"):
            raise ValueError(
                f'A loss made with update="{self.update}" cannot be given update="{update}": create a new loss.'
            )
        self.update, self.momentum = update, float(momentum)
        self._shares.assign([momentum, 1 - momentum] if update == "batch" else [1, 0])

    def call(self, y_true, y_pred):
        y_pred = ops.convert_to_tensor(y_pred)
        y_true = ops.cast(y_true, y_pred.dtype)
        check_one_hot(y_true, len(self.costs), f"the loss is of {len(self.costs)} classes")
        losses = keras.losses.categorical_crossentropy(
            y_true, y_pred, from_logits=self.from_logits, label_smoothing=self.label_smoothing
        )
        counts = self._counts(y_true, y_pred)
        weights = self._terms(counts) * np.asarray(self.costs, "float32")
        # The weight is that of the unsmoothed label.
        losses = losses * weights_of_samples(y_true, weights, losses.dtype)
        return when_learning(losses, self._learn, counts)

    def _counts(self, y_true, y_pred):
        """(2, classes), float32: the samples of each class in the batch that were predicted correctly, and all."""
        classes = ops.argmax(y_true, axis=-1)
        hit = ops.cast(ops.equal(classes, ops.argmax(y_pred, axis=-1)), "float32")
        of_class = ops.one_hot(classes, len(self.costs), dtype="float32") * weighed_samples(hit)[:, None]
        return ops.stack([ops.sum(of_class * hit[:, None], axis=0), ops.sum(of_class, axis=0)])

    def _terms(self, counts):
        """The F_c that weigh the batch with these counts."""
        if self.update != "same_batch":
            return ops.maximum(self.miss_rates, self.floor)
        hits, totals = ops.unstack(sum_over_devices(counts))
        return ops.maximum(totals - hits, 1) / ops.maximum(totals, 1)

    def _learn(self, counts):
        hits, totals = ops.unstack(counts)
        old, shares = ops.convert_to_tensor(self.miss_rates), ops.unstack(self._shares)
        missed = 1 - hits / ops.maximum(totals, 1)
        self.miss_rates.assign(ops.where(totals > 0, shares[0] * old + shares[1] * missed, old))
        self.hits.assign_add(hits)
        self.totals.assign_add(totals)

    def get_config(self):
        return {
            **super().get_config(),
            "gamma": self.gamma,
            "costs": self.costs,
            "floor": self.floor,
            "update": self.update,
            "momentum": self.momentum,
            "from_logits": self.from_logits,
            "label_smoothing": self.label_smoothing,
            "miss_rates": [float(rate) for rate in ops.convert_to_numpy(self.miss_rates)],
        }


def _state(value, name):
    return keras.Variable(value, dtype="float32", trainable=False, name=name)
