import math

import keras
import numpy as np
import pytest
import tensorflow as tf

from skinkeras.losses import DiagnosisRecallCrossentropy, RecallCrossentropy

BENIGN, MALIGNANT = [1.0, 0.0], [0.0, 1.0]


def value(loss, y_true, y_pred):
    return float(loss(np.float32(y_true), np.float32(y_pred)))


def test_one_malignant_image_at_one_half_costs_ten_times_ln_2():
    assert value(RecallCrossentropy(gamma=10), [MALIGNANT], [[0.5, 0.5]]) == pytest.approx(6.931472, abs=1e-6)


def test_each_class_weighs_its_miss_rate_times_its_cost():
    # benign: 0.25 * 1 * -ln 0.8 = 0.0557859; malignant: 0.5 * 4 * -ln 0.4 = 1.8325815; their mean:
    loss = RecallCrossentropy(gamma=4, miss_rates=[0.25, 0.5])
    assert value(loss, [BENIGN, MALIGNANT], [[0.8, 0.2], [0.6, 0.4]]) == pytest.approx(0.9441837, abs=1e-6)


def test_gamma_1_without_a_first_look_is_plain_crossentropy():
    rng = np.random.default_rng(0)
    y_true, y_pred = np.eye(2)[rng.integers(0, 2, 16)], rng.dirichlet((1, 1), 16)
    plain = keras.losses.CategoricalCrossentropy()
    assert value(RecallCrossentropy(), y_true, y_pred) == pytest.approx(
        value(plain, y_true, y_pred), rel=1e-6
    )


def test_seven_classes_with_their_own_costs():
    costs = [1, 2, 3, 4, 5, 6, 7]
    loss = RecallCrossentropy(costs=costs, reduction=None)
    losses = loss(np.eye(7, dtype="float32"), np.full((7, 7), 1 / 7, "float32"))
    assert np.asarray(losses) == pytest.approx(np.array(costs) * math.log(7), rel=1e-6)


def test_gamma_is_the_cost_of_the_last_of_several_classes():
    assert RecallCrossentropy(gamma=5, classes=4).costs == [1, 1, 1, 5]


def gradient(loss, y_true, logits):
    logits = tf.constant(logits)
    with tf.GradientTape() as tape:
        tape.watch(logits)
        result = loss(np.float32(y_true), logits)
    return tape.gradient(result, logits).numpy()


def test_a_class_at_full_recall_keeps_a_gradient():
    settings = {"gamma": 10, "from_logits": True, "miss_rates": [1.0, 0.0]}
    without = gradient(RecallCrossentropy(floor=0.0, **settings), [MALIGNANT], [[2.0, 1.0]])
    with_floor = gradient(RecallCrossentropy(floor=0.01, **settings), [MALIGNANT], [[2.0, 1.0]])
    assert np.all(without == 0)
    # 0.01 * 10 * (softmax - target), where softmax(2, 1) = (0.7310586, 0.2689414).
    assert with_floor == pytest.approx(np.array([[0.07310586, -0.07310586]]), rel=1e-5)


def test_a_saved_model_goes_on_with_its_miss_rates(tmp_path):
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2, activation="softmax")])
    loss = RecallCrossentropy(gamma=10)
    model.compile("sgd", loss)
    loss.miss_rates.assign([0.125, 0.5])
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert np.asarray(loaded.loss.miss_rates).tolist() == [0.125, 0.5]
    assert loaded.loss.costs == [1, 10]


def test_a_loss_whose_gradient_is_not_taken_counts_nothing():
    loss = RecallCrossentropy()
    value(loss, [MALIGNANT, BENIGN], [[0.9, 0.1], [0.9, 0.1]])
    assert np.asarray(loss.totals).tolist() == [0, 0]
    assert np.asarray(loss.miss_rates).tolist() == [1, 1]


@pytest.mark.parametrize("gamma", [-1, float("nan"), float("inf")])
def test_an_invalid_gamma_is_refused_with_its_value(gamma):
    with pytest.raises(ValueError, match=rf"gamma must be a finite number >= 0\. Received: gamma={gamma}"):
        RecallCrossentropy(gamma=gamma)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"classes": 1}, "classes must be at least 2"),
        ({"floor": 1.5}, "floor must be in"),
        ({"floor": float("nan")}, "floor must be in"),
        ({"label_smoothing": 1.0}, "label_smoothing must be in"),
        ({"costs": [1, -1]}, "costs must be two or more finite numbers >= 0"),
        ({"costs": [1, float("inf")]}, "costs must be two or more finite numbers >= 0"),
        ({"costs": [1]}, "costs must be two or more"),
        ({"costs": [1, 1e308]}, r"costs must be at most 1e\+12, or gradients overflow float32"),
        ({"gamma": 1e308}, r"gamma must be at most 1e\+12"),
        ({"miss_rates": [0.5, 1.5]}, r"miss_rates must be two or more finite numbers in \[0, 1\]"),
        ({"miss_rates": [0.5, 0.5, 0.5]}, "miss_rates has 3 values for 2 classes"),
    ],
)
def test_values_outside_their_range_are_refused(arguments, sentence):
    with pytest.raises(ValueError, match=sentence):
        RecallCrossentropy(**arguments)


# A stream of batches of 128 with 18 malignant images: 12 of them are missed in each, and the false alarms fall from
# 15 to 8 by batch 20.
ALARMS = [15 - round(7 * step / 20) for step in range(21)]


def stream_batch(alarms):
    labels = np.eye(2, dtype="float32")[[1] * 18 + [0] * 110]
    predicted = np.eye(2)[[0] * 12 + [1] * 6 + [1] * alarms + [0] * (110 - alarms)]
    return labels, (0.25 + 0.5 * predicted).astype("float32")


def ratio_of_weights(loss, alarms):
    """How much more a malignant image weighs than a benign one, read off a batch that the loss learns from."""
    labels, predicted = stream_batch(alarms)
    predicted = tf.constant(predicted)
    loss.reduction = None
    with tf.GradientTape() as tape:
        tape.watch(predicted)
        values = loss(labels, predicted)
        total = tf.reduce_sum(values)
    tape.gradient(total, predicted)
    right = values.numpy()[[17, 127]]  # both predicted with 0.75
    return right[0] / right[1]


@pytest.mark.parametrize(("update", "first", "at_20"), [("same_batch", 49, 92), ("batch", 10, 19)])
def test_tians_recall_loss_weighs_by_its_batch_and_a_moving_average_lags(update, first, at_20):
    loss = RecallCrossentropy(gamma=10, update=update)
    ratios = [ratio_of_weights(loss, alarms) for alarms in ALARMS]
    assert [round(float(ratio)) for ratio in (ratios[0], ratios[20])] == [first, at_20]
    if update == "same_batch":
        assert ratios[0] == pytest.approx(10 * (12 / 18) / (15 / 110), rel=1e-5)


def test_in_the_same_batch_a_class_without_a_miss_keeps_one_in_its_count():
    # Tian et al.'s counters start at 1 and take the counts of the classes that occur: 1/3 of class 0, 2/2 of class 1,
    # and 1/1 of class 2, which does not occur.
    loss = RecallCrossentropy(costs=[1, 1, 1], update="same_batch", reduction=None)
    labels = np.eye(3, dtype="float32")[[0, 0, 0, 1, 1]]
    predicted = np.float32([[0.5, 0.3, 0.2]] * 5)
    expected = np.log(2) * np.array([1 / 3] * 3 + [0, 0]) - np.log(0.3) * np.array([0, 0, 0, 1, 1])
    assert np.asarray(loss(labels, predicted)) == pytest.approx(expected, rel=1e-5)


def test_in_the_same_batch_neither_the_floor_nor_samples_of_weight_0_count():
    loss = RecallCrossentropy(update="same_batch", floor=1.0, reduction="sum")
    labels = np.eye(2, dtype="float32")[[0, 0, 0, 0, 1]]
    predicted = np.float32([[0.8, 0.2]] * 2 + [[0.2, 0.8]] * 3)
    whole = loss(labels, predicted, sample_weight=[1, 1, 1, 0, 2])
    # 1 of 3 is missed, and of the only malignant image, none: 1/1.
    assert float(whole) == pytest.approx(-(2 * np.log(0.8) + np.log(0.2)) / 3 - 2 * np.log(0.8), rel=1e-5)


@pytest.mark.parametrize("labels", [np.ones(4), np.ones((4, 1)), np.ones((4, 3))])
@pytest.mark.parametrize("loss", [RecallCrossentropy(), DiagnosisRecallCrossentropy(groups=(0, 1))])
def test_labels_that_are_numbers_or_of_other_classes_are_refused(loss, labels):
    with pytest.raises(ValueError, match=r"y_true must be one-hot, shape \(batch, 2\): the loss is of 2"):
        loss(labels, np.full((4, 2), 0.5, "float32"))


@pytest.mark.parametrize(("made", "given"), [("batch", "same_batch"), ("same_batch", "epoch")])
def test_same_batch_cannot_be_changed_later(made, given):
    loss = RecallCrossentropy(update=made)
    with pytest.raises(ValueError, match=f'made with update="{made}" cannot be given update="{given}"'):
        loss.set_pace(given, 0.5)


def test_the_pace_is_part_of_the_configuration():
    loss = RecallCrossentropy(update="epoch", momentum=0.5)
    copy = keras.losses.deserialize(keras.losses.serialize(loss))
    assert (copy.update, copy.momentum) == ("epoch", 0.5)
