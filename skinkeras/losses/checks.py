"""The settings that several losses share, checked at the door."""

import math


def check_label_smoothing(label_smoothing):
    """Raises ValueError unless `label_smoothing` is in [0, 1)."""
    if not 0 <= label_smoothing < 1:
        raise ValueError(f"label_smoothing must be in [0, 1). Received: label_smoothing={label_smoothing}")


def check_vector(name, values, upper=math.inf):
    """`values`, one for every class, as a list of floats.

    Raises:
        ValueError: fewer than two values, or one that is not finite or not in [0, upper].
    """
    values = [float(value) for value in values]
    if len(values) < 2 or not all(math.isfinite(value) and 0 <= value <= upper for value in values):
        limits = ">= 0" if upper == math.inf else f"in [0, {upper:g}]"
        raise ValueError(f"{name} must be two or more finite numbers {limits}. Received: {name}={values}")
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
