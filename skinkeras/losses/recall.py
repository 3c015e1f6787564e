"""Cost-weighted recall cross-entropy."""

import keras
import numpy as np
from keras import ops

from skinkeras.losses.checks import check_gamma, check_label_smoothing, check_vector
from skinkeras.losses.class_weighted import weights_of_samples


@keras.saving.register_keras_serializable("skinkeras")
class RecallCrossentropy(keras.losses.Loss):
    """Cross-entropy in which a class weighs its cost times the share of it that the network still misses.

        L = - sum over classes c of  cost_c * F_c * sum over samples n of class c of  log p_n(c)

    where F_c is the share of class c that the network misses: for two classes, the miss rate (malignant)
    and the false alarm rate (benign). Gilal et al. 2023, eq. 6 (gamma = 1) and eq. 7, where gamma is the
    cost of the malignant class.

    The paper's sum becomes Keras' reduction (by default the mean over the batch). Neither the costs nor
    the miss rates are normalised: as the network improves, the loss falls, and the scale of the gradient
    with it, which Adam undoes and SGD does not.

    The miss rates are state: they start at 1 (plain, cost-weighted cross-entropy) and are moved by
    `skinkeras.callbacks.RecallTerms`, from the training predictions that this loss counts. They are part
    of `get_config`, so that a saved model goes on where it stopped.

    Args:
        gamma: float in [0, 1e12], the cost of the positive class, which is the last one. Ignored if
            `costs` is given.
        costs: one float in [0, 1e12] for every class; None is (1, ..., 1, gamma).
        classes: int >= 2, the number of classes. Ignored if `costs` is given.
        floor: float in [0, 1], the least miss rate; above 0, a class at full recall keeps a gradient.
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
        if not 0 <= floor <= 1:
            raise ValueError(f"floor must be in [0, 1]. Received: floor={floor}")
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
        self.miss_rates = keras.Variable(start, dtype="float32", trainable=False, name="miss_rates")
        # What training predicted since the callback last read it. Only the callback switches the counting
        # on, so that validation batches, which pass through the same call, are never counted.
        self.hits = keras.Variable(np.zeros(n_classes), dtype="float32", trainable=False, name="hits")
        self.totals = keras.Variable(np.zeros(n_classes), dtype="float32", trainable=False, name="totals")
        self.counting = keras.Variable(0.0, dtype="float32", trainable=False, name="counting")

    @property
    def variables(self):
        """The state that a resumed run needs, as a list of Keras variables."""
        return [self.miss_rates, self.hits, self.totals]

    def call(self, y_true, y_pred):
        y_pred = ops.convert_to_tensor(y_pred)
        y_true = ops.cast(y_true, y_pred.dtype)
        self._count(y_true, y_pred)
        weights = ops.maximum(self.miss_rates, self.floor) * np.asarray(self.costs, "float32")
        losses = keras.losses.categorical_crossentropy(
            y_true, y_pred, from_logits=self.from_logits, label_smoothing=self.label_smoothing
        )
        # The weight is that of the unsmoothed label.
        return losses * weights_of_samples(y_true, weights, losses.dtype)

    def _count(self, y_true, y_pred):
        of_class = ops.one_hot(ops.argmax(y_true, axis=-1), len(self.costs), dtype="float32")
        hit = ops.cast(ops.equal(ops.argmax(y_true, axis=-1), ops.argmax(y_pred, axis=-1)), "float32")
        self.hits.assign_add(self.counting * ops.sum(of_class * hit[:, None], axis=0))
        self.totals.assign_add(self.counting * ops.sum(of_class, axis=0))

    def get_config(self):
        return {
            **super().get_config(),
            "gamma": self.gamma,
            "costs": self.costs,
            "floor": self.floor,
            "from_logits": self.from_logits,
            "label_smoothing": self.label_smoothing,
            "miss_rates": [float(rate) for rate in ops.convert_to_numpy(self.miss_rates)],
        }
