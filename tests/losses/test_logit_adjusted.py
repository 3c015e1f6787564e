import keras
import numpy as np
import pytest
import tensorflow as tf

from skinkeras.losses import LogitAdjusted, RecallCrossentropy

CROSSENTROPY = keras.losses.CategoricalCrossentropy()
FOCAL = keras.losses.CategoricalFocalCrossentropy(alpha=1.0, gamma=2.0)
LABELS = np.eye(3, dtype="float32")
PREDICTED = np.float32([[0.2, 0.5, 0.3], [0.1, 0.8, 0.1], [0.3, 0.3, 0.4]])


def test_by_hand():
    loss = LogitAdjusted(CROSSENTROPY, [75, 25], reduction=None)
    values = loss(np.eye(2, dtype="float32"), np.full((2, 2), 0.5, "float32"))
    assert np.asarray(values) == pytest.approx([-np.log(3 / 4), -np.log(1 / 4)], rel=1e-6)


@pytest.mark.parametrize("tau", [0.5, 1.0, 2.0])
def test_it_is_cross_entropy_of_logits_moved_by_the_log_frequencies(tau):
    """Menon et al. 2021, eq. 10, with Keras' own cross-entropy of logits."""
    logits = np.random.default_rng(0).normal(0, 3, (3, 3)).astype("float32")
    counts = np.array([300, 20, 1])
    moved = logits + tau * np.log(counts / counts.sum()).astype("float32")
    expected = keras.losses.CategoricalCrossentropy(from_logits=True)(LABELS, moved)
    probabilities = keras.ops.softmax(logits)
    assert float(LogitAdjusted(CROSSENTROPY, counts, tau)(LABELS, probabilities)) == pytest.approx(
        float(expected), rel=1e-5
    )


@pytest.mark.parametrize("base", [CROSSENTROPY, FOCAL])
@pytest.mark.parametrize("changed", [{"class_counts": [5, 5, 5]}, {"class_counts": [1, 2, 3], "tau": 0}])
def test_equal_classes_and_tau_0_leave_the_base_as_it_is(base, changed):
    assert float(LogitAdjusted(base, **changed)(LABELS, PREDICTED)) == pytest.approx(
        float(base(LABELS, PREDICTED)), rel=1e-6
    )


@pytest.mark.long
def test_what_it_learns_is_the_answer_for_equally_common_classes():
    """90 of 100 samples are of class 0, a third of them with the feature; of the 10 of class 1, 7.

    By Bayes, at equal frequencies, the feature makes class 1 likely by 0.7 / (0.7 + 1/3).
    """
    labels = np.repeat([0, 0, 1, 1], [60, 30, 3, 7])
    feature = np.repeat([0, 1, 0, 1], [60, 30, 3, 7])
    inputs = np.eye(2, dtype="float32")[feature]
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2, activation="softmax", use_bias=False)])
    model.compile(
        keras.optimizers.Adam(0.1), LogitAdjusted(CROSSENTROPY, np.bincount(labels)), jit_compile=False
    )
    model.fit(inputs, np.eye(2)[labels], batch_size=100, epochs=300, verbose=0)
    learned = np.asarray(model(np.eye(2, dtype="float32")))[:, 1]
    assert learned == pytest.approx([0.3 / (0.3 + 60 / 90), 0.7 / (0.7 + 30 / 90)], abs=1e-3)


def test_a_class_that_seems_almost_impossible_keeps_its_gradient():
    """Keras clips probabilities at 1e-7: below, cross-entropy would be -ln 1e-7 = 16.1, and teach nothing."""
    loss = LogitAdjusted(CROSSENTROPY, [1e6, 1])
    logits = keras.Variable([[9.0, 0.0]])
    with tf.GradientTape() as tape:
        value = loss(np.float32([[0, 1]]), keras.ops.softmax(logits))
    assert float(value) == pytest.approx(9 + np.log(1e6), rel=1e-5)
    assert np.asarray(tape.gradient(value, logits.value)) == pytest.approx(np.float32([[1, -1]]), abs=1e-5)


def test_a_base_that_counts_is_part_of_what_a_resumed_run_needs():
    loss = LogitAdjusted(RecallCrossentropy(), [1, 2])
    predictions = keras.Variable(np.full((2, 2), 0.5))
    with tf.GradientTape() as tape:
        value = loss(np.eye(2, dtype="float32"), predictions)
    tape.gradient(value, predictions.value)
    assert loss.variables == loss.base.variables
    assert np.asarray(loss.base.totals).tolist() == [1, 1]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((CROSSENTROPY, [1]), "class_counts must be two or more numbers above 0"),
        ((CROSSENTROPY, [1, 0]), "class_counts must be two or more numbers above 0"),
        ((CROSSENTROPY, [1, 2], -1), "tau must be a finite number >= 0"),
        ((CROSSENTROPY, [1, 2], float("nan")), "tau must be a finite number >= 0"),
        (("mse", [1, 2]), "that has from_logits. Received"),
        (
            (keras.losses.MeanSquaredError(), [1, 2]),
            "that has from_logits. Received",
        ),
    ],
)
def test_invalid_arguments_are_refused(arguments, words):
    with pytest.raises(ValueError, match=words):
        LogitAdjusted(*arguments)


def test_predictions_of_another_number_of_classes_are_refused():
    with pytest.raises(ValueError, match=r"y_pred must have the shape \(batch, 2\)"):
        LogitAdjusted(CROSSENTROPY, [1, 2])(LABELS, PREDICTED)
