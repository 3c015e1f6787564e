"""What every sample-weighting strategy of Barata & Santiago 2021 does, on every base loss."""

import math

import keras
import numpy as np
import pytest
import tensorflow as tf

from skinkeras.losses import (
    ClassWeighted,
    Curriculum,
    RecallCrossentropy,
    class_balanced_weights,
    effective_number_weights,
)

# Six samples of two of three classes, and the probability that each gives to its own class.
CLASSES = np.array([0, 0, 0, 0, 1, 1])
OWN = np.array([0.9, 0.6, 0.8, 0.7, 0.3, 0.2])
Y_TRUE = np.eye(3, dtype="float32")[CLASSES]
Y_PRED = np.where(Y_TRUE == 1, OWN[:, None], (1 - OWN[:, None]) / 2).astype("float32")

COUNTS = (60, 30, 10)
EPOCHS = 10

BASES = {
    "crossentropy": (keras.losses.CategoricalCrossentropy, lambda p: -math.log(p)),
    # Barata & Santiago 2021, eq. 6, with the gamma and the alpha that are Keras' defaults.
    "focal": (keras.losses.CategoricalFocalCrossentropy, lambda p: -0.25 * (1 - p) ** 2 * math.log(p)),
    # Nothing predicted yet: every class is missed altogether.
    "recall": (lambda: RecallCrossentropy(classes=3), lambda p: -math.log(p)),
}

# A strategy, and the weights of the six samples at epoch 0, where half a batch is kept.
STRATEGIES = {
    "none": (lambda base: base, [1, 1, 1, 1, 1, 1]),
    # 100 / 60 and 100 / 30.
    "cb": (
        lambda base: ClassWeighted(base, class_balanced_weights(COUNTS)),
        [5 / 3, 5 / 3, 5 / 3, 5 / 3, 10 / 3, 10 / 3],
    ),
    # 0.01 / (1 - 0.99^60) and 0.01 / (1 - 0.99^30).
    "es": (
        lambda base: ClassWeighted(base, effective_number_weights(COUNTS)),
        [0.022082691, 0.022082691, 0.022082691, 0.022082691, 0.038417266, 0.038417266],
    ),
    "spl": (lambda base: Curriculum(base, "easiest", EPOCHS), [1, 0, 1, 1, 0, 0]),
    "spl per class": (lambda base: Curriculum(base, "easiest", EPOCHS, per_class=True), [1, 0, 1, 0, 1, 0]),
    "ohem": (lambda base: Curriculum(base, "hardest", EPOCHS), [0, 1, 0, 0, 1, 1]),
    "ohem per class": (lambda base: Curriculum(base, "hardest", EPOCHS, per_class=True), [0, 1, 0, 1, 0, 1]),
    # Class 0 is the harder one by its weight.
    "ohem of weighted": (
        lambda base: Curriculum(ClassWeighted(base, [1000, 1, 1]), "hardest", EPOCHS),
        [0, 1000, 1000, 1000, 0, 0],
    ),
    "weighted ohem": (
        lambda base: ClassWeighted(Curriculum(base, "hardest", EPOCHS), [1000, 1, 1]),
        [0, 1000, 0, 0, 1, 1],
    ),
}


@pytest.fixture(params=BASES)
def base(request):
    return request.param


@pytest.fixture(params=STRATEGIES)
def strategy(request):
    return request.param


@pytest.fixture
def loss(strategy, base):
    return STRATEGIES[strategy][0](BASES[base][0]())


@pytest.fixture
def expected(strategy, base):
    """Each sample's weight times its loss, by hand."""
    return np.array([w * BASES[base][1](p) for w, p in zip(STRATEGIES[strategy][1], OWN, strict=True)])


def per_sample(loss, y_true=Y_TRUE, y_pred=Y_PRED):
    return np.asarray(loss.call(tf.constant(y_true), tf.constant(y_pred)))


def test_one_loss_a_sample_by_hand(loss, expected):
    loss.reduction = None
    losses = loss(Y_TRUE, Y_PRED)
    assert losses.shape == (6,) and losses.dtype == "float32"
    assert np.asarray(losses) == pytest.approx(expected, rel=1e-5)


def test_reductions_are_those_of_keras(loss, expected):
    for reduction, value in {"sum": expected.sum(), "sum_over_batch_size": expected.mean()}.items():
        loss.reduction = reduction
        result = loss(Y_TRUE, Y_PRED)
        assert result.shape == () and result.dtype == "float32"
        assert float(result) == pytest.approx(value, rel=1e-5)


def test_whole_numbers_as_labels_and_double_precision_predictions(loss, expected):
    result = loss(Y_TRUE.astype(int), Y_PRED.astype("float64"))
    assert result.dtype == "float32" and float(result) == pytest.approx(expected.mean(), rel=1e-5)


def test_gradient_flows_through_the_kept_samples_alone(loss, strategy):
    y_pred = tf.constant(Y_PRED)
    with tf.GradientTape() as tape:
        tape.watch(y_pred)
        value = loss(Y_TRUE, y_pred)
    rows = np.abs(tape.gradient(value, y_pred).numpy()).sum(axis=1)
    assert np.isfinite(rows).all()
    assert (rows > 0).tolist() == [weight > 0 for weight in STRATEGIES[strategy][1]]


def test_a_graph_of_unknown_batch_size_gives_what_eager_execution_gives(loss):
    unknown = tf.TensorSpec((None, 3), "float32")
    traced = tf.function(loss, input_signature=[unknown, unknown])
    for size in (6, 4, 1):
        assert float(traced(Y_TRUE[:size], Y_PRED[:size])) == pytest.approx(
            float(loss(Y_TRUE[:size], Y_PRED[:size])), rel=1e-6
        )


def test_a_batch_of_one_class_and_a_batch_of_one_sample(loss):
    assert np.isfinite(per_sample(loss, Y_TRUE[4:], Y_PRED[4:])).all()
    # The only sample is always kept.
    assert np.all(per_sample(loss, Y_TRUE[:1], Y_PRED[:1]) > 0)


def test_it_goes_on_from_its_configuration(loss):
    for variable in getattr(loss, "variables", []):
        variable.assign(keras.ops.full_like(variable, 0.75))
    copy = keras.losses.deserialize(keras.losses.serialize(loss))
    assert type(copy) is type(loss)
    assert copy.get_config() == loss.get_config()
    assert per_sample(copy).tolist() == per_sample(loss).tolist()


def test_the_state_of_every_layer_of_weighting_is_listed(loss, strategy, base):
    names = [variable.name for variable in getattr(loss, "variables", [])]
    assert ("age" in names) == ("ohem" in strategy or "spl" in strategy)
    assert ("miss_rates" in names) == (base == "recall")
    assert not any(variable.trainable for variable in getattr(loss, "variables", []))
