"""Calibration of class probabilities on validation images: temperature, biases, and another prevalence."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import minimize
from scipy.special import log_softmax, logsumexp, softmax

from skinkeras.evaluation.checks import binary_inputs
from skinkeras.evaluation.metrics import calibration_gap, expected_calibration_error

LEAST_IMAGES = 10
"""Of each class, for a bias; with fewer, the temperature alone is fitted."""

TEMPERATURES = (0.2, 10.0)
_LARGEST_BIAS = 10.0
# Standard deviations of the normal priors of log temperature and biases.
_TEMPERATURE_SD, _BIAS_SD = 1.0, 2.0
# The probability that a zero stands for: int8 models round what is below 1/512 to it, float32 ends near 1e-38.
_INT8_ZERO, _FLOAT_ZERO = 1 / 1024, 1e-38


@dataclass(frozen=True)
class Calibration:
    """A correction of class probabilities: p'_k is proportional to p_k^(1/T) exp(b_k).

    On logits z, it is softmax(z / T + b), so that it can be folded into the last layer of a model
    (`skinkeras.quantization.fold_calibration`). T above 1 makes probabilities less extreme (Guo et al. 2017,
    *On Calibration of Modern Neural Networks*, eq. 9); the biases correct how often each class is predicted
    (bias-corrected temperature scaling: Alexandari, Kundaje & Shrikumar 2020, arXiv:1901.06852, section 3.3).

    Attributes:
        temperature: T, finite and above 0.
        bias: b, one finite number a class.

    Raises:
        ValueError: a value is out of range.

    Example:
        >>> Calibration(temperature=2.0, bias=(0.0, 0.0)).apply([[0.1, 0.9]]).round(2)
        array([[0.25, 0.75]])
    """

    temperature: float
    bias: tuple[float, ...]

    def __post_init__(self):
        if not 0 < self.temperature < np.inf:
            raise ValueError(f"temperature must be finite and above 0. Received: {self.temperature}")
        if not np.isfinite(self.bias).all():
            raise ValueError(f"Each bias must be a finite number. Received: {self.bias}")
        object.__setattr__(self, "bias", tuple(map(float, self.bias)))  # a list, if it comes from JSON

    @property
    def identity(self) -> bool:
        """Whether it changes nothing: T is 1, and all biases are equal."""
        return self.temperature == 1 and len(set(self.bias)) <= 1

    @property
    def inverse(self) -> "Calibration":
        """The one that takes it back."""
        return Calibration(1 / self.temperature, tuple(-b * self.temperature for b in self.bias))

    def followed_by(self, other: "Calibration") -> "Calibration":
        """The one that applies this and then `other`, such as a `prevalence_shift`."""
        return Calibration(
            self.temperature * other.temperature,
            tuple(b / other.temperature + c for b, c in zip(self.bias, other.bias, strict=True)),
        )

    def apply(self, probabilities: ArrayLike) -> np.ndarray:
        """The corrected probabilities.

        Args:
            probabilities: in 0..1, shape (n, c). Rows need not sum to 1. A zero counts as 1/1024 if all values are
                multiples of 1/256, as those of an int8 model are, else as 1e-38.

        Returns:
            Float64 (n, c); rows sum to 1.

        Raises:
            ValueError: the shape is not (n, number of biases), or a value is outside 0..1.
        """
        logits = _logits(probabilities)
        if logits.shape[1] != len(self.bias):
            raise ValueError(
                f"A calibration of {len(self.bias)} classes needs probabilities of shape (n, {len(self.bias)}). "
                f"Received shape: {logits.shape}"
            )
        return softmax(logits / self.temperature + np.asarray(self.bias), axis=1)


def fit_calibration(
    labels: ArrayLike,
    probabilities: ArrayLike,
    positives: Sequence[int] | None = None,
    *,
    fit_bias: bool = True,
) -> Calibration:
    """Fits temperature and biases to validation images.

    What is minimised is the sum over images of -log p'(true class), or with `positives` of -log p'(malignant) and
    -log p'(benign), each the sum over its classes. For two classes that is Platt's logistic regression of the
    label on the log odds (Platt 1999, *Probabilistic outputs for support vector machines*).

    Normal priors keep few images from deciding much: one of mean 0 and standard deviation 1 for log T, and of
    standard deviation 2 for each bias. A bias of a class with k images is known to about 1 / sqrt(k), so that the
    prior moves that of 10 images by 2 % and that of 1,000 by nothing, while it holds those that the images leave
    open: where all images are predicted rightly, T would be 0, and the probabilities all 0 or 1. T stays in
    0.2..10 in any case. Without the priors' pull to 0, only differences of biases would be determined.

    A temperature leaves the most probable class as it is. Biases change it, towards the classes that are common on
    the validation images: a model trained with weights for balanced accuracy gains accuracy and loses balanced
    accuracy where it answers with the most probable class. A threshold that is chosen afterwards makes up for it.

    Args:
        labels: index of each image's class, 0..c-1, shape (n,).
        probabilities: of the uncalibrated model, in 0..1, shape (n, c).
        positives: indices of the malignant classes. None: all classes are distinguished, each with its own bias.
            With them, the bias is one number, added to the malignant classes.
        fit_bias: whether biases are fitted. If not, or if a class (with `positives`: malignant or benign) has fewer
            than 10 images, the temperature alone is.

    Returns:
        The `Calibration`. It is the identity if malignant or benign images are missing, or all classes but one.

    Raises:
        ValueError: bad shapes or values, or `positives` are none or all of the classes.

    Example:
        >>> truth, answers = np.repeat([0, 1, 0, 1], (80, 20, 20, 80)), np.repeat([0.01, 0.99], 100)
        >>> round(fit_calibration(truth, np.stack([1 - answers, answers], axis=1)).temperature, 1)
        3.3
    """
    labels, logits = np.asarray(labels), _logits(probabilities)
    classes = logits.shape[1]
    _check_labels(labels, len(logits), classes)
    if positives is None:
        counts, right = np.bincount(labels, minlength=classes), np.eye(classes, dtype=bool)[labels]
        directions = np.eye(classes)
    else:
        malignant = _malignant(positives, classes)
        counts = np.bincount(malignant[labels].astype(int), minlength=2)
        right = malignant == malignant[labels][:, None]
        directions = malignant[None].astype(float)
    if np.sum(counts > 0) < 2:
        return Calibration(1.0, (0.0,) * classes)
    if not fit_bias or counts.min() < LEAST_IMAGES:
        directions = directions[:0]
    limits = [tuple(np.log(TEMPERATURES)), *[(-_LARGEST_BIAS, _LARGEST_BIAS)] * len(directions)]
    fitted = minimize(
        _loss,
        np.zeros(1 + len(directions)),
        (logits, right, directions),
        method="L-BFGS-B",
        jac=True,
        bounds=limits,
        options={"ftol": 1e-12, "gtol": 1e-8},
    ).x
    return Calibration(float(np.exp(fitted[0])), tuple((fitted[1:] @ directions).tolist()))


def _loss(parameters: np.ndarray, logits: np.ndarray, right: np.ndarray, directions: np.ndarray):
    """(mean over images of minus log posterior, its gradient) for log T and the biases' coordinates."""
    scale, n = np.exp(-parameters[0]), len(logits)
    scores = logits * scale + parameters[1:] @ directions
    of_right = np.where(right, scores, -np.inf)
    loss = np.mean(logsumexp(scores, axis=1) - logsumexp(of_right, axis=1))
    slope = (softmax(scores, axis=1) - softmax(of_right, axis=1)) / n
    gradient = np.r_[-scale * np.sum(slope * logits), directions @ slope.sum(axis=0)]
    precision = np.r_[_TEMPERATURE_SD**-2, np.full(len(directions), _BIAS_SD**-2)] / n
    return loss + precision @ parameters**2 / 2, gradient + precision * parameters


def prevalence_shift(
    classes: int, positives: Sequence[int], from_prevalence: float, to_prevalence: float
) -> Calibration:
    """The change to probabilities if malignant is more or less common than where they were calibrated.

    p'_k is proportional to p_k times the ratio of the prevalences of its side (Saerens, Latinne & Decaestecker
    2002, *Adjusting the outputs of a classifier to new a priori probabilities*, eq. 2.4). That is a bias of
    logit(to) - logit(from) for the malignant classes. It assumes that malignant images look the same in both places,
    and benign ones too, and leaves the ranking of images by their probability of malignant as it is.

    Args:
        classes: how many there are.
        positives: indices of the malignant classes.
        from_prevalence, to_prevalence: shares of malignant images, above 0 and below 1.

    Returns:
        A `Calibration` of temperature 1, which can be appended to a fitted one with `followed_by`.

    Raises:
        ValueError: a prevalence out of range, or `positives` are none or all of the classes.

    Example:
        >>> prevalence_shift(2, [1], 0.5, 0.1).apply([[0.5, 0.5]]).round(3)
        array([[0.9, 0.1]])
    """
    for name, value in (("from_prevalence", from_prevalence), ("to_prevalence", to_prevalence)):
        if not 0 < value < 1:
            raise ValueError(f"{name} must be above 0 and below 1. Received: {name}={value}")
    odds = np.array([from_prevalence, to_prevalence]) / (1 - np.array([from_prevalence, to_prevalence]))
    bias = np.log(odds[1] / odds[0]) * _malignant(positives, classes)
    return Calibration(1.0, tuple(bias.tolist()))


def shift_prevalence(
    probabilities: ArrayLike, positives: Sequence[int], from_prevalence: float, to_prevalence: float
) -> np.ndarray:
    """Applies `prevalence_shift` to probabilities of shape (n, c). Returns float64 (n, c); raises as that does.

    Example:
        >>> shift_prevalence([[0.5, 0.5]], [1], 0.5, 0.1).round(3)
        array([[0.9, 0.1]])
    """
    classes = np.shape(probabilities)[-1]
    return prevalence_shift(classes, positives, from_prevalence, to_prevalence).apply(probabilities)


def calibration_metrics(labels: ArrayLike, probabilities: ArrayLike) -> dict:
    """How far probabilities are from the shares that they should be.

    Args:
        labels: 0 (benign) or 1 (malignant), or with several classes the index of the class, shape (n,).
        probabilities: of malignant, in 0..1, shape (n,); or of each class, shape (n, c).

    Returns:
        A dict of plain numbers:

        - n; expected_calibration_error, over 15 bins: of malignant, or with several classes of the most probable one;
        - brier_score: mean squared error of the probability of malignant, 0..1; with several classes the sum over
          classes (Brier 1950), 0..2;
        - log_score: mean of -log p(true class), in nats, less is better (Good 1952). A zero counts as in
          `Calibration.apply`;
        - prevalence and mean_probability of malignant, which are equal if the probabilities are right on average;
          with several classes, lists with one for each.

    Raises:
        ValueError: bad shapes or values, or of a binary model one of the two classes is absent.

    Example:
        >>> calibration_metrics([0, 0, 1, 1], [0.5, 0.5, 0.5, 0.5])["brier_score"]
        0.25
    """
    if np.ndim(probabilities) == 1:
        labels, malignant = binary_inputs(labels, probabilities)
        table = np.stack([1 - malignant, malignant], axis=1)
        figures = {
            "expected_calibration_error": expected_calibration_error(labels, malignant),
            "brier_score": float(np.mean((malignant - labels) ** 2)),
            "prevalence": float(labels.mean()),
            "mean_probability": float(malignant.mean()),
        }
    else:
        labels, table = np.asarray(labels), _probabilities(probabilities)
        classes = table.shape[1]
        _check_labels(labels, len(table), classes)
        truth = np.eye(classes)[labels]
        figures = {
            "expected_calibration_error": calibration_gap(table.argmax(axis=1) == labels, table.max(axis=1)),
            "brier_score": float(np.mean(np.sum((table - truth) ** 2, axis=1))),
            "prevalence": truth.mean(axis=0).tolist(),
            "mean_probability": table.mean(axis=0).tolist(),
        }
    log_score = -float(log_softmax(_logits(table), axis=1)[np.arange(len(labels)), labels].mean())
    return {"n": len(labels), **figures, "log_score": log_score}


def _probabilities(values: ArrayLike) -> np.ndarray:
    values = np.asarray(values, np.float64)
    if values.ndim != 2 or values.shape[1] < 2:
        raise ValueError(
            f"probabilities must have the shape (n, c), c at least 2. Received shape: {values.shape}"
        )
    if not ((values >= 0) & (values <= 1)).all():
        raise ValueError("probabilities must be in 0..1.")
    return values


def _logits(probabilities: ArrayLike) -> np.ndarray:
    """Their logarithms, with a finite one for zeros. (n, c) float64."""
    values = _probabilities(probabilities)
    is_int8 = np.all(values * 256 == np.rint(values * 256))
    return np.log(np.maximum(values, _INT8_ZERO if is_int8 else _FLOAT_ZERO))


def _check_labels(labels: np.ndarray, n: int, classes: int) -> None:
    if labels.shape != (n,) or not n:
        raise ValueError(
            f"labels must be a vector of one or more, one an image. Received shape: {labels.shape}"
        )
    wrong = labels[~np.isin(labels, range(classes))]
    if wrong.size:
        raise ValueError(f"labels must be whole numbers in 0..{classes - 1}. Received: {wrong[0]}")


def _malignant(positives: Sequence[int], classes: int) -> np.ndarray:
    """Whether each class is malignant, bool (c,)."""
    malignant = np.isin(np.arange(classes), list(positives))
    if not set(positives) <= set(range(classes)) or malignant.all() or not malignant.any():
        raise ValueError(
            f"positives must be some but not all of the classes 0..{classes - 1}. Received: {list(positives)}"
        )
    return malignant
