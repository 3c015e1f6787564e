"""Class weights from the number of training samples of each class."""

from skinkeras.losses.checks import check_counts


def class_balanced_weights(class_counts, *, normalize=False):
    """w_c = N / N_c: every class gets the same total weight. Barata & Santiago 2021, eq. 7.

    As printed, the mean weight of a training sample is C, the number of classes: a step of SGD is on
    average C times that of the unweighted loss, and that of a single sample of a rare class is N / N_c
    times as long. Normalised, the mean is 1 and the learning rate means what it means without weights.
    Adam divides a constant factor out again, so to Adam only the ratios of the weights matter.

    Args:
        class_counts: one finite number > 0 for every class: its training samples, N_c; N is their sum.
        normalize: divide the weights by their mean over the training samples, sum of N_c w_c / N, so
            that this mean becomes 1. The weights are then N / (C N_c), scikit-learn's "balanced".

    Returns:
        A list of C floats > 0, for `ClassWeighted`.

    Raises:
        ValueError: fewer than two counts, or one that is not above 0 (its weight would be infinite).

    Example:
        >>> class_balanced_weights([75, 25])
        [1.3333333333333333, 4.0]
    """
    counts = check_counts(class_counts)
    weights = [sum(counts) / count for count in counts]
    return _normalized(weights, counts) if normalize else weights


def effective_number_weights(class_counts, beta=None, *, normalize=False):
    """w_c = (1 - beta) / (1 - beta^N_c), one over the effective number of samples of the class.

    The effective number grows ever more slowly with N_c, so that the weights differ less than those of
    `class_balanced_weights`: beta = 0 weighs all classes alike, beta towards 1 tends to 1 / N_c. Barata &
    Santiago 2021, eq. 8, after Cui et al. 2019 (arXiv:1901.05555).

    As printed, the weights are close to 1 / N_c, and the mean weight of a training sample is about C / N:
    for HAM10000 it is 7.5e-4, and SGD at an unchanged learning rate hardly moves. Normalised,
    the mean is 1 and the learning rate means what it means without weights. Adam divides a constant
    factor out again, as long as the gradients stay well above its epsilon.

    Args:
        class_counts: one finite number > 0 for every class: its training samples, N_c; N is their sum.
        beta: float in [0, 1); None is (N - 1) / N.
        normalize: divide the weights by their mean over the training samples, sum of N_c w_c / N, so
            that this mean becomes 1.

    Returns:
        A list of C floats > 0, for `ClassWeighted`.

    Raises:
        ValueError: fewer than two counts, one that is not above 0 (its weight would be infinite), or a
            beta outside its range.

    Example:
        >>> effective_number_weights([2, 1], beta=0.5)
        [0.6666666666666666, 1.0]
    """
    counts = check_counts(class_counts)
    if beta is None:
        beta = (sum(counts) - 1) / sum(counts)
    if not 0 <= beta < 1:
        raise ValueError(f"beta must be in [0, 1). Received: beta={beta}")
    weights = [(1 - beta) / (1 - beta**count) for count in counts]
    return _normalized(weights, counts) if normalize else weights


def _normalized(weights, counts):
    mean = sum(count * weight for count, weight in zip(counts, weights, strict=True)) / sum(counts)
    return [weight / mean for weight in weights]
