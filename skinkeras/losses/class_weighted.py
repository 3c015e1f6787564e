"""Any loss, weighted by class."""

import keras
from keras import ops

from skinkeras.losses.checks import check_vector
from skinkeras.losses.weighting import Weighting


@keras.saving.register_keras_serializable("skinkeras")
class ClassWeighted(Weighting):
    """Each sample's loss times the weight of its class.

        L = mean over samples n of  w_(class of n) * base_n

    Barata & Santiago 2021, eq. 3; the paper's weights are `class_balanced_weights` (eq. 7) and
    `effective_number_weights` (eq. 8).

    The mean divides by the number of samples, not by the sum of their weights: the mean weight of the
    training samples is a factor on SGD's learning rate. With `normalize=True`, that mean is 1.

    Args:
        base: a `keras.losses.Loss` that gives one value a sample, such as cross-entropy, focal loss or
            another weighting. Its own reduction is not used.
        class_weights: one float in [0, 1e12] for every class.
        reduction, name: as in Keras.

    Call: y_true (batch, classes) one-hot (or a mixture: its weight is the mixture's), y_pred as the base
    wants it -> loss, float32.

    Raises:
        ValueError: a value outside the ranges above, or, when called, labels of another number of classes.

    Example:
        >>> loss = ClassWeighted(keras.losses.CategoricalCrossentropy(), class_balanced_weights([75, 25]))
        >>> round(float(loss([[0.0, 1.0]], [[0.5, 0.5]])), 4)   # 4 * ln 2
        2.7726
    """

    def __init__(self, base, class_weights, reduction="sum_over_batch_size", name="class_weighted"):
        super().__init__(base, reduction, name)
        self.class_weights = check_vector("class_weights", class_weights)

    def sample_weights(self, y_true, losses):
        return weights_of_samples(y_true, self.class_weights, losses.dtype)

    def get_config(self):
        return {**super().get_config(), "class_weights": self.class_weights}


def weights_of_samples(y_true, class_weights, dtype):
    """The weight of each sample's class.

    Args:
        y_true: (batch, classes), one-hot (or a mixture: its weight is the mixture's).
        class_weights: (classes,), a list or a tensor.
        dtype: of the result.

    Returns:
        (batch,), of `dtype`.

    Raises:
        ValueError: the weights are not one for every class of `y_true`.
    """
    class_weights = ops.cast(class_weights, dtype)
    y_true = ops.cast(y_true, dtype)
    classes = class_weights.shape[0]
    check_one_hot(y_true, classes, f"there are {classes} class weights")
    return ops.sum(y_true * class_weights, axis=-1)


def check_one_hot(y_true, classes, reason):
    """Raises ValueError, which gives the reason, unless the labels can have the shape (batch, classes)."""
    if len(y_true.shape) != 2 or y_true.shape[1] not in (None, classes):
        raise ValueError(
            f"y_true must be one-hot, shape (batch, {classes}): {reason}. "
            f"Received: shape={tuple(y_true.shape)}"
        )
