"""The losses and sample weightings as data: what each is called, takes, and is moved by. Light to import.

A new loss is a row of `LOSSES`, a new weighting a row of `WEIGHTINGS`, a parameter that no other row has a row of
`PARAMETERS`. `build` makes what a job trains with.
"""

from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass, field

from skinkeras.lazy import LazyFunction
from skinkeras.losses import checks
from skinkeras.losses.class_weights import class_balanced_weights, effective_number_weights

_Crossentropy = LazyFunction("keras.losses:CategoricalCrossentropy")
_FocalCrossentropy = LazyFunction("keras.losses:CategoricalFocalCrossentropy")
_ClassWeighted = LazyFunction("skinkeras.losses:ClassWeighted")
_Curriculum = LazyFunction("skinkeras.losses:Curriculum")
_CurriculumAge = LazyFunction("skinkeras.callbacks:CurriculumAge")
_DiagnosisRecallCrossentropy = LazyFunction("skinkeras.losses:DiagnosisRecallCrossentropy")
_HierarchicalCrossentropy = LazyFunction("skinkeras.losses:HierarchicalCrossentropy")
_InverseFrequencyCrossentropy = LazyFunction("skinkeras.losses:InverseFrequencyCrossentropy")
_LogitAdjusted = LazyFunction("skinkeras.losses:LogitAdjusted")
_RecallCrossentropy = LazyFunction("skinkeras.losses:RecallCrossentropy")
_RecallTerms = LazyFunction("skinkeras.callbacks:RecallTerms")


@dataclass(frozen=True)
class Parameter:
    """One row of `PARAMETERS`.

    Attributes:
        default: its value where none is given.
        kind: float, bool, or the tuple of its possible values.
        help: one line on what it does, for `--help`.
        check: raises ValueError, one sentence, for a value that is out of range.
        only_with: (another parameter, those of its values with which this one has an effect), or None.
        usual: whether a card leaves the default out.
        words: {value: what a card calls it} of values that do not explain themselves.
    """

    default: object
    kind: object
    help: str
    check: Callable
    _: KW_ONLY
    only_with: tuple | None = None
    usual: bool = False
    words: dict = field(default_factory=dict)


#: The settings that rows of `LOSSES` and `WEIGHTINGS` take.
PARAMETERS = {
    "gamma": Parameter(
        1.0,
        float,
        "Recall loss: the cost of missing a malignant image against that of a false alarm (eq. 7); by default 1.",
        checks.check_gamma,
    ),
    "recall_update": Parameter(
        "batch",
        ("batch", "epoch", "same_batch"),
        "Its miss rates: a moving average over batches (default), the last epoch's, or the batch's (Tian et al.).",
        checks.check_recall_update,
        words={"same_batch": "same_batch: missed and all images of the batch itself (Tian et al. 2022)"},
    ),
    "recall_momentum": Parameter(
        0.95,
        float,
        "Momentum of that moving average; by default 0.95.",
        checks.check_recall_momentum,
        only_with=("recall_update", ("batch",)),
        usual=True,
    ),
    "recall_floor": Parameter(
        0.01,
        float,
        "The least miss rate that weighs a class; by default 0.01.",
        checks.check_recall_floor,
        only_with=("recall_update", ("batch", "epoch")),
        usual=True,
    ),
    "focal_delta": Parameter(
        2.0, float, "Exponent of the focal loss; by default 2.", checks.check_focal_delta
    ),
    "raw_weights": Parameter(
        False,
        bool,
        "Class weights as the paper prints them, not scaled to mean 1; with SGD, that changes the learning rate.",
        checks.check_raw_weights,
    ),
}


def check_parameters(**parameters):
    """Checks parameters of losses and weightings. Needs no Keras.

    Args:
        **parameters: values under keys of `PARAMETERS`.

    Raises:
        ValueError: a name that is not in the table, or a value that is out of range; one sentence.

    Example:
        >>> check_parameters(gamma=10.0, recall_update="epoch")
    """
    for name, value in parameters.items():
        if name not in PARAMETERS:
            raise ValueError(f"No loss or weighting has a parameter {name}.")
        PARAMETERS[name].check(value)


def effective_parameters(loss, weighting, **parameters):
    """The names of the parameters that have an effect.

    Args:
        loss, weighting: keys of the tables.
        **parameters: those that are known; the others have their defaults.

    Returns:
        Tuple of keys of `PARAMETERS`, those of the loss first.

    Example:
        >>> effective_parameters("recall", "none", recall_update="epoch")
        ('gamma', 'recall_update', 'recall_floor')
    """

    def has_effect(name):
        if PARAMETERS[name].only_with is None:
            return True
        other, values = PARAMETERS[name].only_with
        return parameters.get(other, PARAMETERS[other].default) in values

    return tuple(filter(has_effect, (*LOSSES[loss].parameters, *WEIGHTINGS[weighting].parameters)))


@dataclass(frozen=True)
class LossContext:
    """What a loss may need to know of the training that it is for.

    Attributes:
        counts: (classes,) training images of each class.
        groups: (classes,) 1 where the class counts as malignant, else 0; () where every class stands for itself.
            Of two classes, malignant is the second.
        taxonomy: `skinkeras.datasets.Taxonomy` of a model that diagnoses level by level; else None.
        epochs: int >= 1, epochs of all layers.
    """

    counts: object
    groups: tuple = ()
    taxonomy: object = None
    epochs: int = 1


def _no_callbacks(loss, **parameters):
    return []


def _leave(loss):
    """Ends nothing."""


@dataclass(frozen=True)
class Loss:
    """One row of `LOSSES`.

    Attributes:
        title: what it is, for the card.
        jobs: tasks that offer it: "binary", "diagnosis".
        build: (`LossContext`, **parameters) -> a Keras loss.
        parameters: keys of `PARAMETERS` that it takes.
        added: what follows the title where a binary job learns more than two classes; else "".
        callbacks: (loss, **parameters) -> the list of Keras callbacks that move its state.
        probabilities: a sentence for the card where training distorts the probabilities;
            None where training weighs all images alike.
        weightable: whether a row of `WEIGHTINGS` may weight its samples; not if it weights them itself.
    """

    title: str
    jobs: tuple
    build: Callable
    parameters: tuple = ()
    _: KW_ONLY
    added: str = ""
    callbacks: Callable = _no_callbacks
    probabilities: str | None = None
    weightable: bool = False


@dataclass(frozen=True)
class SampleWeighting:
    """One row of `WEIGHTINGS`.

    Attributes:
        title: what it is, for the card.
        short_title: for tables and figures.
        build: (loss, `LossContext`, **parameters) -> the weighted Keras loss.
        parameters: keys of `PARAMETERS` that it takes.
        callbacks: (loss, **parameters) -> the list of Keras callbacks that move its state; for the epochs of all
            layers alone, which a curriculum counts.
        finish: (loss) -> None, ends what it does over the epochs; called before a model is fine-tuned.
        probabilities: as in `Loss`.
        flat_only: whether it cannot weight the loss of a model that diagnoses level by level.
    """

    title: str
    short_title: str
    build: Callable
    parameters: tuple = ()
    _: KW_ONLY
    callbacks: Callable = _no_callbacks
    finish: Callable = _leave
    probabilities: str | None = None
    flat_only: bool = False


def _recall(context, gamma, recall_update, recall_momentum, recall_floor):
    settings = {
        **{"gamma": gamma, "floor": recall_floor},
        **{"update": recall_update, "momentum": recall_momentum},
    }
    if len(context.groups) == 2:
        return _RecallCrossentropy(**settings)
    return _DiagnosisRecallCrossentropy(context.groups, **settings)


def _recall_callbacks(loss, recall_update, recall_momentum=None, **_of_the_loss):
    # A loss that the released version saved does not know how its miss rates move.
    return [_RecallTerms(loss, recall_update, recall_momentum, class_names=("benign", "malignant"))]


def _crossentropy(context):
    return _Crossentropy()


def _inverse_frequency(context):
    return _InverseFrequencyCrossentropy(context.counts)


def _focal(context, focal_delta):
    # The papers' focal loss has no alpha, for which Keras' default is 0.25.
    return _FocalCrossentropy(alpha=1.0, gamma=focal_delta)


_DISTORTED = (
    "In training, an image weighs more {}, which distorts the probabilities; only a calibration with biases corrects "
    "that. The results show how often they were right."
)

#: What training can minimise.
LOSSES = {
    "recall": Loss(
        "recall cross-entropy (Gilal et al. 2023, eq. 6 and 7)",
        ("binary",),
        _recall,
        ("gamma", "recall_update", "recall_momentum", "recall_floor"),
        added=" of benign against malignant, plus the cross-entropy of the classes that are learned",
        callbacks=_recall_callbacks,
        probabilities=_DISTORTED.format("the more images of its class are missed and the more a miss costs"),
    ),
    "crossentropy": Loss("cross-entropy", ("binary", "diagnosis"), _crossentropy, weightable=True),
    "inverse_frequency": Loss(
        "inverse-frequency cross-entropy (Gilal et al. 2023, eq. 4)",
        ("binary",),
        _inverse_frequency,
        probabilities=_DISTORTED.format("the rarer its class is"),
    ),
    "focal": Loss(
        "focal cross-entropy (Lin et al. 2017, without alpha)",
        ("binary", "diagnosis"),
        _focal,
        ("focal_delta",),
        probabilities=_DISTORTED.format("the less likely the model finds its class"),
        weightable=True,
    ),
}


def _unweighted(loss, context):
    return loss


def _class_balance(loss, context, raw_weights):
    return _ClassWeighted(loss, class_balanced_weights(context.counts, normalize=not raw_weights))


def _effective_number(loss, context, raw_weights):
    return _ClassWeighted(loss, effective_number_weights(context.counts, normalize=not raw_weights))


def _self_paced(loss, context):
    return _Curriculum(loss, "easiest", context.epochs)


def _hard_examples(loss, context):
    return _Curriculum(loss, "hardest", context.epochs)


def _hard_examples_per_class(loss, context):
    return _Curriculum(loss, "hardest", context.epochs, per_class=True)


def _logit_adjustment(loss, context):
    return _LogitAdjusted(loss, context.counts)


def _curriculum_age(loss):
    return [_CurriculumAge(loss)]


def _weigh_all_alike(loss):
    loss.age.assign(loss.epochs)


_EQUALLY_COMMON = (
    "Trained as if every class were equally common: the probabilities of rare classes are too high, and rare classes "
    "are predicted more often than they occur."
)
_CURRICULUM = {"callbacks": _curriculum_age, "finish": _weigh_all_alike}

#: How training can weight the samples of a weightable loss.
WEIGHTINGS = {
    "none": SampleWeighting("none", "no weighting", _unweighted),
    "cb": SampleWeighting(
        "class balance (Barata & Santiago 2021, eq. 7)",
        "CB",
        _class_balance,
        ("raw_weights",),
        probabilities=_EQUALLY_COMMON,
    ),
    "es": SampleWeighting(
        "effective number of samples (Barata & Santiago 2021, eq. 8)",
        "ES",
        _effective_number,
        ("raw_weights",),
        probabilities=_EQUALLY_COMMON,
    ),
    "spl": SampleWeighting(
        "self-paced learning, easiest samples first (Barata & Santiago 2021, eq. 9)",
        "SPL",
        _self_paced,
        **_CURRICULUM,
    ),
    "ohem": SampleWeighting(
        "online hard example mining (Barata & Santiago 2021, eq. 9)", "OHEM", _hard_examples, **_CURRICULUM
    ),
    "ohem_per_class": SampleWeighting(
        "online hard example mining in each class", "OHEM per class", _hard_examples_per_class, **_CURRICULUM
    ),
    "logit_adjustment": SampleWeighting(
        "none; logits adjusted by the class frequencies (Menon et al. 2021)",
        "logit adjustment",
        _logit_adjustment,
        probabilities=_EQUALLY_COMMON,
        flat_only=True,
    ),
}


def build(loss, weighting, context, **parameters):
    """A loss of `LOSSES`, at each level where the model has levels, weighted by a row of `WEIGHTINGS`.

    Args:
        loss, weighting: keys of the tables.
        context: `LossContext`.
        **parameters: of the two rows; those left out have the defaults of `PARAMETERS`.

    Returns:
        The Keras loss, the list of callbacks that move it, and the list of those that move its weighting.

    Raises:
        ValueError: rows that do not go together, a parameter that neither has, or a value out of range.

    Example:
        >>> context = LossContext(counts=(60, 40), epochs=10)
        >>> loss, _, weighting_callbacks = build("focal", "ohem", context, focal_delta=3.0)
        >>> loss.order, [type(callback).__name__ for callback in weighting_callbacks]
        ('hardest', ['CurriculumAge'])
    """
    row, weights = LOSSES[loss], WEIGHTINGS[weighting]
    if weighting != "none" and not row.weightable:
        raise ValueError(f"{loss} weights samples itself: it cannot be combined with {weighting}.")
    if weights.flat_only and context.taxonomy is not None:
        raise ValueError(f"{weighting} is for flat models, not for one that diagnoses level by level.")
    check_parameters(**parameters)
    unused = [name for name in parameters if name not in (*row.parameters, *weights.parameters)]
    if unused:
        raise ValueError(f"Neither {loss} nor the weighting {weighting} has a parameter {unused[0]}.")
    of_loss, of_weighting = _values(row, parameters), _values(weights, parameters)
    built = row.build(context, **of_loss)
    callbacks = row.callbacks(built, **of_loss)
    if context.taxonomy is not None:
        built = _HierarchicalCrossentropy(context.taxonomy, built)
    built = weights.build(built, context, **of_weighting)
    return built, callbacks, weights.callbacks(built, **of_weighting)


def _values(row, parameters):
    return {name: parameters.get(name, PARAMETERS[name].default) for name in row.parameters}


def probability_limits(loss, weighting):
    """What a card says about the probabilities of a model trained with these rows: a tuple of sentences."""
    rows = (LOSSES[loss], WEIGHTINGS[weighting])
    return tuple(row.probabilities for row in rows if row.probabilities)
