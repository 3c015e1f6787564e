import keras
import numpy as np
import pytest
import tensorflow as tf

from skinkeras.losses import ClassWeighted, Curriculum

# m of Barata & Santiago 2021, eq. 9, as printed, for epochs 0..E, evaluated with 50-digit decimals and
# rounded half up. By hand, M = 20, E = 10: a = 2 ln 39 / 10 = 0.7327; at e = 1, 20 * 0.6754 = 13.508.
KEPT = {
    (20, 10): [10, 14, 16, 18, 19, 20, 20, 20, 20, 20, 20],
    (20, 5): [10, 16, 19, 20, 20, 20],
    (20, 2): [10, 20, 20],
    (20, 1): [10, 20],
    (7, 10): [4, 4, 5, 6, 6, 7, 7, 7, 7, 7, 7],
    (3, 5): [2, 2, 2, 3, 3, 3],
    (2, 5): [1, 1, 1, 2, 2, 2],
    (1, 5): [1, 1, 1, 1, 1, 1],
    (1, 1): [1, 1],
}


class Given(keras.losses.Loss):
    """The losses are the predictions."""

    def call(self, y_true, y_pred):
        return y_pred[:, 0]


def kept(loss, losses, classes=None):
    """Which samples weigh 1, as a list of their places."""
    labels = np.zeros(len(losses), int) if classes is None else np.asarray(classes)
    result = loss(np.eye(max(2, labels.max() + 1), dtype="float32")[labels], np.float32(losses)[:, None])
    assert set(np.asarray(result)) <= {0.0, *np.float32(losses)}
    return np.flatnonzero(np.asarray(result)).tolist()


@pytest.mark.parametrize(("batch", "epochs"), KEPT)
@pytest.mark.parametrize("order", ["easiest", "hardest"])
def test_the_share_grows_as_equation_9_says(batch, epochs, order):
    loss = Curriculum(Given(), order, epochs, reduction=None)
    losses = np.random.default_rng(batch).permutation(batch) + 1
    by_loss = np.argsort(losses if order == "easiest" else -losses)
    for age, count in enumerate(KEPT[batch, epochs]):
        loss.age.assign(age)
        assert kept(loss, losses) == sorted(by_loss[:count])


@pytest.mark.parametrize("batch", [1, 2, 20, 64, 2000])
@pytest.mark.parametrize("epochs", [2, 150, 10_000])
def test_all_samples_weigh_1_in_the_second_half_however_long(batch, epochs):
    loss = Curriculum(Given(), "hardest", epochs, reduction=None)
    for age in (epochs // 2, epochs, 1e30):
        loss.age.assign(age)
        assert len(kept(loss, np.ones(batch))) == batch
    loss.age.assign(epochs // 2 - 1)
    assert (len(kept(loss, np.ones(batch))) == batch) == (batch == 1)


def test_of_equal_losses_the_first_are_kept():
    for order in ("easiest", "hardest"):
        loss = Curriculum(Given(), order, epochs=10, reduction=None)
        assert kept(loss, [1, 1, 1, 1, 1, 1]) == [0, 1, 2]
    assert kept(loss, [1, 2, 2, 3, 2, 1]) == [1, 2, 3]


def test_per_class_takes_the_same_share_of_each_class():
    classes = [0] * 10 + [1] * 4 + [2]
    losses = [*range(1, 11), *range(101, 105), 1000]
    loss = Curriculum(Given(), "hardest", epochs=10, per_class=True, reduction=None)
    assert kept(loss, losses, classes) == [5, 6, 7, 8, 9, 12, 13, 14]
    # Of the batch of 15 at epoch 2 of 10: sigmoid(0.4 ln 29) = 0.7936; 7.94, 3.17 and 0.79 samples.
    loss.age.assign(2)
    assert kept(loss, losses, classes) == [2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 14]
    loss.age.assign(5)
    assert kept(loss, losses, classes) == list(range(15))


def test_class_weights_of_the_base_rank_and_those_around_it_do_not():
    losses, classes = [4, 3, 2, 1], [0, 0, 1, 1]
    inside = Curriculum(ClassWeighted(Given(), [1, 10]), "hardest", epochs=10, reduction=None)
    outside = ClassWeighted(Curriculum(Given(), "hardest", epochs=10), [1, 10], reduction=None)
    labels = np.eye(2, dtype="float32")[classes]
    assert np.asarray(inside(labels, np.float32(losses)[:, None])).tolist() == [0, 0, 20, 10]
    assert np.asarray(outside(labels, np.float32(losses)[:, None])).tolist() == [4, 3, 0, 0]


def test_the_mean_is_over_the_whole_batch():
    loss = Curriculum(Given(), "hardest", epochs=10)
    assert float(loss(np.zeros((4, 2)), np.float32([[1], [2], [3], [6]]))) == 9 / 4


def test_a_loss_that_is_not_a_number_is_never_hidden():
    loss = Curriculum(Given(), "easiest", epochs=10)
    assert np.isnan(float(loss(np.zeros((4, 2)), np.float32([[1], [2], [3], [np.nan]]))))


def test_an_empty_batch_has_no_losses():
    loss = Curriculum(Given(), "easiest", epochs=10, per_class=True, reduction=None)
    assert loss(np.zeros((0, 2)), np.zeros((0, 1))).shape == (0,)


def test_a_traced_step_follows_the_age():
    loss = Curriculum(Given(), "hardest", epochs=10)
    step = tf.function(lambda y_pred: loss(tf.zeros((4, 2)), y_pred))
    losses = tf.constant([[1.0], [2.0], [3.0], [6.0]])
    assert float(step(losses)) == 9 / 4
    loss.age.assign(5)
    assert float(step(losses)) == 12 / 4


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"order": "random"}, 'order must be "easiest" or "hardest". Received: order=\'random\''),
        ({"epochs": 0}, "epochs must be a whole number >= 1. Received: epochs=0"),
        ({"epochs": 2.5}, "epochs must be a whole number >= 1"),
        ({"epochs": float("nan")}, "epochs must be a whole number >= 1"),
        ({"epochs": float("inf")}, "epochs must be a whole number >= 1"),
        ({"age": -1}, "age must be a finite number >= 0"),
        ({"base": "crossentropy"}, "base must be a keras.losses.Loss"),
    ],
)
def test_values_outside_their_range_are_refused(settings, sentence):
    with pytest.raises(ValueError) as refusal:
        Curriculum(**{"base": Given(), "order": "easiest", "epochs": 5, **settings})
    assert sentence in str(refusal.value)


def test_per_class_takes_lists_as_keras_losses_do():
    loss = Curriculum(keras.losses.CategoricalCrossentropy(), "easiest", epochs=10, per_class=True)
    assert float(loss([[0.0, 1.0]], [[0.5, 0.5]])) == pytest.approx(0.6931472)


@pytest.mark.parametrize("shape", [(4,), (4, 1)])
def test_per_class_refuses_labels_that_are_not_one_hot(shape):
    loss = Curriculum(Given(), "hardest", epochs=5, per_class=True)
    with pytest.raises(ValueError, match="per_class needs y_true one-hot"):
        loss(np.zeros(shape), np.zeros((4, 1)))
