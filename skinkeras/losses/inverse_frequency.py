"""Inverse-frequency cross-entropy."""

import keras

from skinkeras.losses.class_weighting import check_label_smoothing, weighted_crossentropy


@keras.saving.register_keras_serializable("skinkeras")
class InverseFrequencyCrossentropy(keras.losses.Loss):
    """Cross-entropy in which every class is averaged over its own number of samples.

        L = - sum over classes c of  1/N_c * sum over samples n of class c of  log p_n(c)

    Gilal et al. 2023, eq. 4, with N_c counted over the training set and the whole scaled by N/C, so that
    over the training set the mean weight of a sample is 1 and the learning rate means what it means for
    plain cross-entropy.

    Args:
        class_counts: one number > 0 for every class: its training samples, N_c.
        from_logits: whether the predictions are logits instead of probabilities.
        label_smoothing: float in [0, 1), as in Keras.
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
        from_logits=False,
        label_smoothing=0.0,
        reduction="sum_over_batch_size",
        name="inverse_frequency_crossentropy",
    ):
        super().__init__(name=name, reduction=reduction)
        self.class_counts = [float(count) for count in class_counts]
        if len(self.class_counts) < 2 or not all(count > 0 for count in self.class_counts):
            raise ValueError(
                "class_counts must be two or more numbers above 0: a class without training images has "
                f"no weight. Received: class_counts={self.class_counts}"
            )
        check_label_smoothing(label_smoothing)
        self.from_logits = from_logits
        self.label_smoothing = label_smoothing

    @property
    def class_weights(self):
        """N / (C * N_c) for every class."""
        mean_count = sum(self.class_counts) / len(self.class_counts)
        return [mean_count / count for count in self.class_counts]

    def call(self, y_true, y_pred):
        return weighted_crossentropy(
            y_true, y_pred, self.class_weights, self.from_logits, self.label_smoothing
        )

    def get_config(self):
        return {
            **super().get_config(),
            "class_counts": self.class_counts,
            "from_logits": self.from_logits,
            "label_smoothing": self.label_smoothing,
        }
