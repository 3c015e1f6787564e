"""What each loss of the package, and each row of its tables, gives for six samples, worked out by hand."""

from collections.abc import Callable
from dataclasses import dataclass, field

import keras
import numpy as np

from skinkeras import losses
from skinkeras.datasets import Taxonomy

# Six samples of two of three classes, and the probability that each gives to its own class; the other two classes
# share the rest.
CLASSES = np.array([0, 0, 0, 0, 1, 1])
OWN = np.array([0.9, 0.6, 0.8, 0.7, 0.3, 0.2])
Y_TRUE = np.eye(3, dtype="float32")[CLASSES]
Y_PRED = np.where(Y_TRUE == 1, OWN[:, None], (1 - OWN[:, None]) / 2).astype("float32")
LOGITS = np.log(Y_PRED)

COUNTS = (60, 30, 10)
GROUPS = (0, 1, 1)
EPOCHS = 10
CONTEXT = losses.LossContext(COUNTS, GROUPS, epochs=EPOCHS)

# nevus; benign, malignant. The first four samples are nevi, the others benign lesions.
TAXONOMY = Taxonomy({"lesion": ("nevus", "other"), "other": ("benign", "malignant")})
_NEVUS = np.where(CLASSES == 0, OWN, 0.25)
LEVELS = np.stack([_NEVUS, 1 - _NEVUS, OWN, 1 - OWN], axis=1).astype("float32")


@dataclass(frozen=True)
class Case:
    """A loss and what it gives.

    Attributes:
        make: without arguments, a new loss.
        expected: (6,) the loss of each sample.
        state: names of the variables that a resumed run needs.
        y_pred: (6, outputs) predictions.
    """

    make: Callable
    expected: np.ndarray
    state: tuple = ()
    y_pred: np.ndarray = field(default_factory=lambda: Y_PRED)


def crossentropy(p):
    return -np.log(p)


def focal(p):
    """Barata & Santiago 2021, eq. 6, with delta 2."""
    return -((1 - p) ** 2) * np.log(p)


def smoothed(p):
    """Cross-entropy of labels smoothed by 0.24: 0.84 for the own class, 0.08 for each of the others."""
    return -0.84 * np.log(p) - 0.16 * np.log((1 - p) / 2)


def recall(p):
    """gamma = 3, nothing predicted yet: the own group, whose second has two classes, and the own class."""
    of_group = np.where(CLASSES == 0, p, (1 + p) / 2)
    return by_class(1, 3) * crossentropy(of_group) + crossentropy(p)


def by_class(first, second):
    return np.where(CLASSES == 0, first, second)


def adjusted(p, tau=1.0):
    """Menon et al. 2021: the probability of the own class at the frequencies 0.6, 0.3 and 0.1."""
    frequencies = np.array([0.6, 0.3, 0.1]) ** tau
    own = frequencies[CLASSES]
    return own * p / (own * p + (frequencies.sum() - own) * (1 - p) / 2)


_RECALL_STATE = ("miss_rates", "hits", "totals")
_CROSSENTROPY = keras.losses.CategoricalCrossentropy
_FOCAL = lambda: keras.losses.CategoricalFocalCrossentropy(alpha=1.0, gamma=2.0)  # noqa: E731
_OF_LOGITS = {"from_logits": True, "label_smoothing": 0.24}

#: Every loss class of the package.
CLASS_CASES = {
    "ClassWeighted": {
        "crossentropy": Case(
            lambda: losses.ClassWeighted(_CROSSENTROPY(), [2, 5, 7]), by_class(2, 5) * crossentropy(OWN)
        ),
        "logit-adjusted": Case(
            lambda: losses.ClassWeighted(losses.LogitAdjusted(_FOCAL(), COUNTS), [2, 5, 7]),
            by_class(2, 5) * focal(adjusted(OWN)),
        ),
        # Class 0 seems easier by its losses, whatever its weight.
        "ohem": Case(
            lambda: losses.ClassWeighted(losses.Curriculum(_CROSSENTROPY(), "hardest", EPOCHS), [1000, 1, 1]),
            np.array([0, 1000, 0, 0, 1, 1]) * crossentropy(OWN),
            ("age",),
        ),
        "recall": Case(
            lambda: losses.ClassWeighted(losses.RecallCrossentropy(classes=3), [2, 5, 7]),
            by_class(2, 5) * crossentropy(OWN),
            _RECALL_STATE,
        ),
    },
    "Curriculum": {
        # 6 * sigmoid(2 * 2 ln(11) / 10) = 6 * 0.723 = 4.3.
        "age": Case(
            lambda: losses.Curriculum(_CROSSENTROPY(), "hardest", EPOCHS, age=2),
            np.array([0, 1, 0, 1, 1, 1]) * crossentropy(OWN),
            ("age",),
        ),
        # Class 0 is the harder one by its weight.
        "class-weighted": Case(
            lambda: losses.Curriculum(losses.ClassWeighted(_CROSSENTROPY(), [1000, 1, 1]), "hardest", EPOCHS),
            np.array([0, 1000, 1000, 1000, 0, 0]) * crossentropy(OWN),
            ("age",),
        ),
        "recall": Case(
            lambda: losses.Curriculum(
                losses.RecallCrossentropy(classes=3), "easiest", EPOCHS, per_class=True
            ),
            np.array([1, 0, 1, 0, 1, 0]) * crossentropy(OWN),
            ("age", *_RECALL_STATE),
        ),
    },
    "DiagnosisRecallCrossentropy": {
        "probabilities": Case(
            lambda: losses.DiagnosisRecallCrossentropy(
                GROUPS, gamma=10, diagnosis_weight=0.5, miss_rates=[0.5, 0.2]
            ),
            by_class(1, 2.5) * crossentropy(OWN)
            + by_class(0, 2) * (crossentropy((1 + OWN) / 2) - crossentropy(OWN)),
            _RECALL_STATE,
        ),
        # Smoothed group labels are 0.88 and 0.12.
        "logits": Case(
            lambda: losses.DiagnosisRecallCrossentropy(GROUPS, gamma=3, **_OF_LOGITS),
            smoothed(OWN)
            + by_class(
                0.88 * crossentropy(OWN) + 0.12 * crossentropy(1 - OWN),
                3 * (0.88 * crossentropy((1 + OWN) / 2) + 0.12 * crossentropy((1 - OWN) / 2)),
            ),
            _RECALL_STATE,
            LOGITS,
        ),
    },
    "HierarchicalCrossentropy": {
        "crossentropy": Case(
            lambda: losses.HierarchicalCrossentropy(TAXONOMY),
            by_class(0, -np.log(0.75)) + crossentropy(OWN),
            y_pred=LEVELS,
        ),
        "focal": Case(
            lambda: losses.HierarchicalCrossentropy(TAXONOMY, _FOCAL()),
            by_class(0, -(0.25**2) * np.log(0.75)) + focal(OWN),
            y_pred=LEVELS,
        ),
    },
    "InverseFrequencyCrossentropy": {
        # 100 / (3 * 60) and 100 / (3 * 30).
        "probabilities": Case(
            lambda: losses.InverseFrequencyCrossentropy(COUNTS), by_class(5 / 9, 10 / 9) * crossentropy(OWN)
        ),
        "logits": Case(
            lambda: losses.InverseFrequencyCrossentropy(COUNTS, **_OF_LOGITS),
            by_class(5 / 9, 10 / 9) * smoothed(OWN),
            y_pred=LOGITS,
        ),
    },
    "LogitAdjusted": {
        "crossentropy": Case(
            lambda: losses.LogitAdjusted(_CROSSENTROPY(), COUNTS, tau=0.5), crossentropy(adjusted(OWN, 0.5))
        ),
        "logits": Case(
            lambda: losses.LogitAdjusted(_CROSSENTROPY(from_logits=True), COUNTS),
            crossentropy(adjusted(OWN)),
            y_pred=LOGITS,
        ),
        "recall": Case(
            lambda: losses.LogitAdjusted(losses.RecallCrossentropy(costs=[4, 5, 6]), COUNTS),
            by_class(4, 5) * crossentropy(adjusted(OWN)),
            _RECALL_STATE,
        ),
    },
    "RecallCrossentropy": {
        "probabilities": Case(
            lambda: losses.RecallCrossentropy(costs=[4, 5, 6], miss_rates=[0.5, 0, 1], floor=0.1),
            by_class(2, 0.5) * crossentropy(OWN),
            _RECALL_STATE,
        ),
        # The weight is that of the unsmoothed label.
        "logits": Case(
            lambda: losses.RecallCrossentropy(costs=[4, 5, 6], **_OF_LOGITS),
            by_class(4, 5) * smoothed(OWN),
            _RECALL_STATE,
            LOGITS,
        ),
    },
}

#: Parameters of the rows below.
PARAMETERS = {
    **{"gamma": 3.0, "recall_update": "batch", "recall_momentum": 0.5, "recall_floor": 0.1},
    **{"focal_delta": 2.0, "raw_weights": True},
}

#: Each row of `LOSSES`: the losses from the probabilities, and the state.
LOSS_ROWS = {
    "recall": (recall, _RECALL_STATE),
    "crossentropy": (crossentropy, ()),
    "inverse_frequency": (lambda p: by_class(5 / 9, 10 / 9) * crossentropy(p), ()),
    "focal": (focal, ()),
}

_ONE = np.ones(6)

#: Each row of `WEIGHTINGS` at epoch 0, where a curriculum keeps half a batch: the weights, what it makes of the
#: probabilities, and the state.
WEIGHTING_ROWS = {
    "none": (_ONE, OWN, ()),
    # 100 / 60 and 100 / 30.
    "cb": (by_class(5 / 3, 10 / 3), OWN, ()),
    # 0.01 / (1 - 0.99^60) and 0.01 / (1 - 0.99^30).
    "es": (by_class(0.022082691, 0.038417266), OWN, ()),
    "spl": (np.array([1, 0, 1, 1, 0, 0]), OWN, ("age",)),
    "ohem": (np.array([0, 1, 0, 0, 1, 1]), OWN, ("age",)),
    "ohem_per_class": (np.array([0, 1, 0, 1, 0, 1]), OWN, ("age",)),
    "logit_adjustment": (_ONE, adjusted(OWN), ()),
}


def parameters(*rows):
    """The part of `PARAMETERS` that rows of the tables take."""
    return {name: PARAMETERS[name] for row in rows for name in row.parameters}


def goes_together(loss, weighting):
    return weighting == "none" or losses.LOSSES[loss].weightable


def row_case(loss, weighting):
    """The `Case` of a row of `LOSSES` with a row of `WEIGHTINGS`."""
    by_hand, state = LOSS_ROWS[loss]
    weights, probabilities, weighting_state = WEIGHTING_ROWS[weighting]
    given = parameters(losses.LOSSES[loss], losses.WEIGHTINGS[weighting])
    return Case(
        lambda: losses.build(loss, weighting, CONTEXT, **given)[0],
        weights * by_hand(probabilities),
        (*state, *weighting_state),
    )
