import keras
import numpy as np
import pytest

from skinkeras.callbacks import RecallTerms
from skinkeras.losses import RecallCrossentropy

BATCH = 8
RNG = np.random.default_rng(3)
# 20 points, hence a last batch of four; the second batch has no malignant one.
LABELS = np.array([0, 1, 1, 0, 0, 1, 0, 1] + [0] * 8 + [1, 0, 1, 1])
POINTS = (RNG.normal(size=(20, 2)) + 0.7 * LABELS[:, None]).astype("float32")
TARGETS = np.eye(2, dtype="float32")[LABELS]


class Predictions(keras.callbacks.Callback):
    """The class that the network gives each point of a batch, in the moment before it is trained on it."""

    def __init__(self):
        super().__init__()
        self.of_batch = []

    def on_train_batch_begin(self, batch, logs=None):
        points = POINTS[batch * BATCH : (batch + 1) * BATCH]
        self.of_batch.append(np.asarray(self.model(points)).argmax(axis=1))


def fit(loss, terms, epochs=3):
    keras.utils.set_random_seed(1)
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2, activation="softmax")])
    model.compile(keras.optimizers.SGD(0.5), loss, jit_compile=False)
    predictions = Predictions()
    # Validation points that are all malignant: counted, they would move the miss rate at once.
    validation = (-np.ones((50, 2), "float32"), np.tile(np.float32([[0, 1]]), (50, 1)))
    history = model.fit(
        POINTS,
        TARGETS,
        batch_size=BATCH,
        epochs=epochs,
        shuffle=False,
        validation_data=validation,
        callbacks=[predictions, terms],
        verbose=0,
    )
    return model, history.history, predictions.of_batch


def missed(labels, predicted):
    """The miss rate of each class, None for one that does not occur."""
    return [np.mean(predicted[labels == c] != c) if np.any(labels == c) else None for c in (0, 1)]


def batches(of_batch):
    for number, predicted in enumerate(of_batch):
        place = number % 3 * BATCH
        yield LABELS[place : place + BATCH], predicted


def test_moving_average_over_the_batches_of_a_real_fit():
    loss = RecallCrossentropy(gamma=3)
    _, history, of_batch = fit(loss, RecallTerms(loss, momentum=0.8))
    rates = [1.0, 1.0]
    after_epoch = []
    for number, (labels, predicted) in enumerate(batches(of_batch), 1):
        for c, rate in enumerate(missed(labels, predicted)):
            if rate is not None:
                rates[c] = 0.8 * rates[c] + 0.2 * rate
        if number % 3 == 0:
            after_epoch.append(list(rates))
    assert np.asarray(loss.miss_rates) == pytest.approx(rates, abs=1e-6)
    reported = np.transpose([history["miss_rate_0"], history["miss_rate_1"]])
    assert reported == pytest.approx(np.array(after_epoch), abs=1e-6)


def test_epoch_mode_is_the_miss_rate_of_the_whole_epoch():
    loss = RecallCrossentropy()
    terms = RecallTerms(loss, update="epoch", class_names=("benign", "malignant"))
    _, history, of_batch = fit(loss, terms)
    for epoch in range(3):
        benign, malignant = missed(LABELS, np.concatenate(of_batch[3 * epoch : 3 * epoch + 3]))
        assert history["miss_rate_benign"][epoch] == pytest.approx(benign, abs=1e-6)
        assert history["miss_rate_malignant"][epoch] == pytest.approx(malignant, abs=1e-6)


def test_the_loss_that_the_network_is_trained_with_follows_the_miss_rates():
    first, second = RecallCrossentropy(gamma=3), RecallCrossentropy(gamma=3)
    moved, _, _ = fit(first, RecallTerms(first, momentum=0.5))
    still, _, _ = fit(second, RecallTerms(second, momentum=0.999))
    assert not np.allclose(moved.get_weights()[0], still.get_weights()[0], atol=1e-4)


def test_a_class_that_does_not_occur_keeps_its_value():
    loss = RecallCrossentropy(miss_rates=[0.5, 0.25])
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2, activation="softmax")])
    model.compile("sgd", loss, jit_compile=False)
    model.fit(POINTS[8:16], TARGETS[8:16], verbose=0, callbacks=[RecallTerms(loss, momentum=0.5)])
    assert float(loss.miss_rates[1]) == 0.25


def test_nothing_is_counted_after_training():
    loss = RecallCrossentropy()
    model, _, _ = fit(loss, RecallTerms(loss), epochs=1)
    before = np.asarray(loss.miss_rates).tolist()
    model.evaluate(POINTS, TARGETS, verbose=0)
    assert np.asarray(loss.totals).tolist() == [0, 0]
    assert np.asarray(loss.miss_rates).tolist() == before


@pytest.mark.parametrize("momentum", [-0.1, 1.0, float("nan")])
def test_a_momentum_outside_its_range_is_refused(momentum):
    with pytest.raises(ValueError, match=r"momentum must be in \[0, 1\)"):
        RecallTerms(RecallCrossentropy(), momentum=momentum)


def test_an_unknown_update_is_refused():
    with pytest.raises(ValueError, match=r"update must be .* or \"same_batch\"\. Received: update='step'"):
        RecallTerms(RecallCrossentropy(), update="step")
