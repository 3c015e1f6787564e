"""The band of scores in which a model says "not sure"."""

import numpy as np
from numpy.typing import ArrayLike

from skinkeras.evaluation.bootstrap import group_codes
from skinkeras.evaluation.checks import binary_inputs
from skinkeras.evaluation.thresholds import LEVELS, int8_levels, share

Band = tuple[float, float]


def abstention_band(
    labels: ArrayLike, scores: ArrayLike, error: float = 0.10, threshold: float | None = None
) -> Band | None:
    """The scores between which an image is called neither benign nor malignant.

    Below `low` an image is surely benign, from `high` on surely malignant, in [low, high) not sure. Among new
    malignant images, at most the share `error` are called surely benign, and among new benign images at most
    `error` surely malignant.

    It is the class-conditional (Mondrian) split conformal predictor (Vovk, Gammerman & Shafer 2005, *Algorithmic
    Learning in a Random World*, section 4.5) with the score itself as the measure of conformity. Of m malignant
    images, `low` lies just below the k-th lowest score, k = floor(error (m + 1)); a new image is as likely to rank
    at any of the m + 1 places among them, so that it scores below with probability k / (m + 1) <= error.
    `high` likewise lies just above the k-th highest score of the benign images.

    Why this and not the alternatives: an ordinary conformal predictor promises the error over all images, which a
    few missed melanomas among many benign images hardly change; a fixed band such as 0.4..0.6 promises nothing. One
    pair of scores is also all that an app has to know.

    The promise is about the average over sets of validation images, for new images of the same kind; with m = 100
    the share of one set varies by 0.03 (standard deviation), and more if several images show one lesion. It does
    not hold at another clinic. It says nothing about the share of malignant images among those called surely
    benign, which depends on the prevalence: see `abstention_metrics`.

    Both ends are half steps (k + 1/2)/256, so that a score and its int8 rounding fall on the same side. If the
    classes are so far apart that no band is needed, low equals high. If no image can be called malignant with
    certainty, high is above 1; if none can be called benign, low is 0.

    Args:
        labels: 0 (benign) or 1 (malignant), shape (n,), of validation images.
        scores: probability of malignant in 0..1, shape (n,).
        error: the acceptable share of errors of each class, above 0 and below 0.5.
        threshold: the operating point. The band is widened to reach it, so that no image is called malignant by
            one rule and surely benign by the other. Wider never breaks the promise.

    Returns:
        (low, high), or None if a class has too few images for any promise: fewer than 1 / error - 1, which is 9 for
        0.10.

    Raises:
        ValueError: `error` out of range, bad shapes or values, or a class is absent.

    Example:
        >>> labels, scores = [0] * 9 + [1] * 9, [k / 256 for k in (*range(9), *range(5, 14))]
        >>> [limit * 256 for limit in abstention_band(labels, scores)]
        [4.5, 8.5]
    """
    if not 0 < error < 0.5:
        raise ValueError(f"error must be above 0 and below 0.5. Received: error={error}")
    labels, scores = binary_inputs(labels, scores)
    levels = int8_levels(scores)
    malignant, benign = np.sort(levels[labels == 1]), np.sort(levels[labels == 0])[::-1]
    # In floating point 0.1 * 10 could be below 1.
    ranks = [int(np.floor(error * (len(of_class) + 1) + 1e-9)) for of_class in (malignant, benign)]
    if min(ranks) < 1:
        return None
    low = max(malignant[ranks[0] - 1] - 0.5, 0.0) / LEVELS
    highest = benign[ranks[1] - 1]
    # Float scores round down to the last level: nothing up to 1 is above it with certainty.
    high = (highest + (0.5 if highest < LEVELS - 1 else 1.5)) / LEVELS
    if low > high:  # any threshold between them keeps both promises
        middle = (np.floor((low + high) / 2 * LEVELS) + 0.5) / LEVELS if threshold is None else threshold
        low = high = min(max(middle, high), low)
    if threshold is not None:
        low, high = min(low, threshold), max(high, threshold)
    return float(low), float(high)


def abstention_metrics(
    labels: ArrayLike, scores: ArrayLike, band: Band, groups: ArrayLike | None = None
) -> dict:
    """How often a model with a band is not sure, and how often it is sure and wrong.

    Args:
        labels: 0 (benign) or 1 (malignant), shape (n,), of images that the band was not fitted on.
        scores: probability of malignant in 0..1, shape (n,).
        band: from `abstention_band`.
        groups: lesion of each image, shape (n,), for the intervals; None, NaN or "" makes an image its own group.

    Returns:
        A dict of plain numbers: low, high, n, n_not_sure; and, each with its 95 % Wilson interval of lesions as
        `..._interval` and None where no image counts,

        - not_sure, malignant_not_sure, benign_not_sure: the share of all images, or of a class, in the band;
        - malignant_called_benign, benign_called_malignant: the share of all images of a class that are called the
          other with certainty. This is what the band promises to keep below its error.
        - sure_malignant_recall, sure_benign_recall: of the images of a class outside the band, the share that is
          called right;
        - sure_positive_predictive_value, sure_negative_predictive_value: of the images that are called malignant
          (benign) with certainty, the share that is. These depend on the prevalence.

    Raises:
        ValueError: bad shapes or values, or a class is absent.

    Example:
        >>> abstention_metrics([0, 0, 1, 1], [0.1, 0.5, 0.5, 0.9], (0.4, 0.6))["not_sure"]
        0.5
    """
    labels, scores = binary_inputs(labels, scores)
    codes = None if groups is None else group_codes(groups, len(labels))
    low, high = band
    called_benign, called_malignant = scores < low, scores >= high
    not_sure, malignant = ~(called_benign | called_malignant), labels == 1

    def of(images, name, true):
        return share(name, true[images], None if codes is None else codes[images])

    return {
        "low": float(low),
        "high": float(high),
        "n": len(labels),
        "n_not_sure": int(not_sure.sum()),
        **share("not_sure", not_sure, codes),
        **of(malignant, "malignant_not_sure", not_sure),
        **of(~malignant, "benign_not_sure", not_sure),
        **of(malignant, "malignant_called_benign", called_benign),
        **of(~malignant, "benign_called_malignant", called_malignant),
        **of(malignant & ~not_sure, "sure_malignant_recall", called_malignant),
        **of(~malignant & ~not_sure, "sure_benign_recall", called_benign),
        **of(called_malignant, "sure_positive_predictive_value", malignant),
        **of(called_benign, "sure_negative_predictive_value", ~malignant),
    }
