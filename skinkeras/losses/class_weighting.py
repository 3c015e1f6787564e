"""What the class-weighted losses share: cross-entropy a sample, times the weight of the sample's class."""

import keras
from keras import ops


def weighted_crossentropy(y_true, y_pred, class_weights, from_logits=False, label_smoothing=0.0):
    """Categorical cross-entropy of each sample times the weight of its class.

    Args:
        y_true: (batch, classes) float, one-hot (or a mixture: its weight is the mixture's).
        y_pred: (batch, classes) float, probabilities, or logits with `from_logits`.
        class_weights: (classes,) float.
        from_logits: whether `y_pred` are logits.
        label_smoothing: in [0, 1); smooths the target, not the choice of the weight.

    Returns:
        (batch,) float, before any reduction.
    """
    y_pred = ops.convert_to_tensor(y_pred)
    y_true = ops.cast(y_true, y_pred.dtype)
    per_sample = keras.losses.categorical_crossentropy(
        y_true, y_pred, from_logits=from_logits, label_smoothing=label_smoothing
    )
    return per_sample * ops.sum(y_true * ops.cast(class_weights, y_pred.dtype), axis=-1)


def check_label_smoothing(label_smoothing):
    """Raises ValueError unless `label_smoothing` is in [0, 1)."""
    if not 0 <= label_smoothing < 1:
        raise ValueError(f"label_smoothing must be in [0, 1). Received: label_smoothing={label_smoothing}")
