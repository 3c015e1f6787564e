"""Inverse-frequency cross-entropy."""

import keras

from skinkeras.losses.checks import check_label_smoothing
from skinkeras.losses.class_weighted import ClassWeighted
from skinkeras.losses.class_weights import class_balanced_weights


@keras.saving.register_keras_serializable("skinkeras")
class InverseFrequencyCrossentropy(ClassWeighted):
    """Cross-entropy in which every class is averaged over its own number of samples.

        L = - sum over classes c of  1/N_c * sum over samples n of class c of  log p_n(c)

    Gilal et al. 2023, eq. 4, with N_c counted over the training set and the sum scaled by N/C: over the
    training set the mean weight of a sample is then 1, and the learning rate means what it means for plain
    cross-entropy. The weights are `class_balanced_weights` with `normalize=True`.

    Args:
        class_counts: one number > 0 for every class: its training samples, N_c.
        from_logits: whether the predictions are logits instead of probabilities.
        label_smoothing: float in [0, 1), as in Keras; the weight is that of the unsmoothed label.
        reduction, name: as in Keras.

    Call: y_true (batch, classes) one-hot, y_pred (batch, classes) -> loss, float32.

    Raises:
        ValueError: fewer than two counts or a count that is not above 0.

    Example:
        >>> InverseFrequencyCrossentropy([90, 10]).class_weights
        [0.5555555555555556, 5.0]
    """

    def __init__(
        self,
        class_counts,
        *,
        from_logits=False,
        label_smoothing=0.0,
        reduction="sum_over_batch_size",
        name="inverse_frequency_crossentropy",
    ):
        check_label_smoothing(label_smoothing)
        crossentropy = keras.losses.CategoricalCrossentropy(
            from_logits=from_logits, label_smoothing=label_smoothing
        )
        weights = class_balanced_weights(class_counts, normalize=True)
        super().__init__(crossentropy, weights, reduction, name)
        self.class_counts = [float(count) for count in class_counts]
        self.from_logits = from_logits
        self.label_smoothing = label_smoothing

    def get_config(self):
        # The base and the weights follow from the counts.
        return {
            **keras.losses.Loss.get_config(self),
            "class_counts": self.class_counts,
            "from_logits": self.from_logits,
            "label_smoothing": self.label_smoothing,
        }

    @classmethod
    def from_config(cls, config):
        return cls(**config)
