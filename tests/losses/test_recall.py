import math

import keras
import numpy as np
import pytest
import tensorflow as tf

from skinkeras.losses import RecallCrossentropy

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


def test_without_the_callback_nothing_is_counted():
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
