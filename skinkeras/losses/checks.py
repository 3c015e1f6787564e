"""Checks of the parameters that losses take. Light to import: settings are refused before Keras is loaded."""

import math

# Optimizers square the gradient, which is proportional to such a factor, and float32 ends at 3.4e38.
_LARGEST = 1e12


def check_number(name, value):
    """Raises ValueError unless `value`, called `name`, is a finite number >= 0 that training can multiply by."""
    if not (math.isfinite(value) and value >= 0):
        raise ValueError(f"{name} must be a finite number >= 0. Received: {name}={value}")
    _check_size(name, value, value)


def check_gamma(gamma):
    """Raises ValueError unless `gamma`, the cost of a miss, is a number in [0, 1e12]."""
    check_number("gamma", gamma)


def check_focal_delta(focal_delta):
    """Raises ValueError unless `focal_delta`, the exponent of the focal loss, is a number in [0, 1e12]."""
    check_number("focal_delta", focal_delta)


def check_recall_update(recall_update, name="recall_update"):
    """Raises ValueError unless `recall_update`, the pace of the miss rates, is "batch", "epoch" or "same_batch"."""
    if recall_update not in ("batch", "epoch", "same_batch"):
        raise ValueError(
            f'{name} must be "batch", "epoch" or "same_batch". Received: {name}={recall_update!r}'
        )


def check_recall_momentum(recall_momentum, name="recall_momentum"):
    """Raises ValueError unless `recall_momentum`, of the moving average of the miss rates, is in [0, 1)."""
    if not 0 <= recall_momentum < 1:
        raise ValueError(f"{name} must be in [0, 1). Received: {name}={recall_momentum}")


def check_recall_floor(recall_floor, name="recall_floor"):
    """Raises ValueError unless `recall_floor`, the least miss rate, is in [0, 1]."""
    if not 0 <= recall_floor <= 1:
        raise ValueError(f"{name} must be in [0, 1]. Received: {name}={recall_floor}")


def check_raw_weights(raw_weights):
    """Raises ValueError unless `raw_weights` is a bool."""
    if not isinstance(raw_weights, bool):
        raise ValueError(f"raw_weights must be True or False. Received: raw_weights={raw_weights!r}")


def check_label_smoothing(label_smoothing):
    """Raises ValueError unless `label_smoothing` is in [0, 1)."""
    if not 0 <= label_smoothing < 1:
        raise ValueError(f"label_smoothing must be in [0, 1). Received: label_smoothing={label_smoothing}")


def check_vector(name, values, upper=math.inf):
    """`values`, one for every class, as a list of floats.

    Raises:
        ValueError: fewer than two values, one that is not finite or not in [0, upper], or one above 1e12.
    """
    values = [float(value) for value in values]
    if len(values) < 2 or not all(math.isfinite(value) and 0 <= value <= upper for value in values):
        limits = ">= 0" if upper == math.inf else f"in [0, {upper:g}]"
        raise ValueError(f"{name} must be two or more finite numbers {limits}. Received: {name}={values}")
    _check_size(name, max(values), values)
    return values


def check_counts(class_counts):
    """`class_counts`, the training samples of every class, as a list of floats.

    Raises:
        ValueError: fewer than two counts, or one that is not above 0.
    """
    counts = [float(count) for count in class_counts]
    if len(counts) < 2 or not all(count > 0 and math.isfinite(count) for count in counts):
        raise ValueError(
            "class_counts must be two or more numbers above 0: a class without training images has "
            f"no weight. Received: class_counts={counts}"
        )
    return counts


def _check_size(name, largest, received):
    if largest > _LARGEST:
        raise ValueError(
            f"{name} must be at most {_LARGEST:g}, or gradients overflow float32. Received: {name}={received}"
        )
