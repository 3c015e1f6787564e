"""The miss rates of a recall loss in every way that Keras trains: counted by hand, whoever does what meanwhile."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from skinkeras import losses
from skinkeras.callbacks import RecallTerms
from skinkeras.losses import RecallCrossentropy

BATCH, EPOCHS, MOMENTUM = 8, 2, 0.8
RNG = np.random.default_rng(11)
LABELS = (RNG.random(44) < 0.4).astype(int)  # a last batch of four
POINTS = (RNG.normal(size=(44, 2)) + LABELS[:, None]).astype("float32")
TARGETS = np.eye(2, dtype="float32")[LABELS]
KERNEL = np.float32([[1.0, -1.0], [-0.5, 0.5]])
PREDICTED = (POINTS @ KERNEL).argmax(axis=1)
WEIGHTS = np.tile([1.0, 0.0, 2.0, 0.5], 11)


def expected(update, weights=None, epochs=EPOCHS):
    """The miss rates after each epoch of a network that stays as it is."""
    weights = np.ones(44) if weights is None else weights
    rates, found = np.ones(2), []
    for _ in range(epochs):
        for place in range(0, 44, BATCH if update == "batch" else 44):
            batch = slice(place, place + (BATCH if update == "batch" else 44))
            for c in (0, 1):
                of_class = (LABELS[batch] == c) & (weights[batch] != 0)
                if of_class.any():
                    share = MOMENTUM if update == "batch" else 0
                    missed = np.mean(PREDICTED[batch][of_class] != c)
                    rates[c] = share * rates[c] + (1 - share) * missed
        found.append(rates.copy())
    return np.array(found)


class Step(keras.Sequential):
    """A training step of one's own."""

    def train_step(self, data):
        images, labels = data
        with tf.GradientTape() as tape:
            value = self.compute_loss(y=labels, y_pred=self(images, training=True))
        self.optimizer.apply(tape.gradient(value, self.trainable_weights), self.trainable_weights)
        return {"loss": value}


class Meddling(keras.callbacks.Callback):
    """Evaluates and predicts on other labels wherever a callback can."""

    def meddle_in_short(self, *_, **__):
        self.model.test_on_batch(POINTS[:8], TARGETS[:8][::-1])

    def meddle(self, *_, **__):
        self.meddle_in_short()
        self.model.evaluate(POINTS, TARGETS[::-1], batch_size=44, verbose=0)
        self.model.predict(POINTS, batch_size=44, verbose=0)

    on_train_batch_begin = on_train_batch_end = meddle_in_short
    on_train_begin = on_epoch_begin = on_epoch_end = on_train_end = meddle


def train(terms, *, rate=0.0, optimizer=None, before=(), after=(), model=keras.Sequential, wrap=None, **more):
    """The network and the history of training it; `more` goes to `compile` and `fit`."""
    keras.utils.set_random_seed(1)
    dense = keras.layers.Dense(
        2, "softmax", use_bias=False, kernel_initializer=lambda shape, dtype: tf.cast(KERNEL, dtype)
    )
    network = model([keras.Input((2,)), dense])
    compiled = {name: more.pop(name) for name in ("steps_per_execution", "run_eagerly") if name in more}
    compiled["jit_compile"] = more.pop("jit_compile", False)
    loss = wrap(terms.loss) if wrap else terms.loss
    network.compile(optimizer or keras.optimizers.SGD(rate), loss, **compiled)
    given = {"x": POINTS, "y": TARGETS, "batch_size": BATCH, "epochs": EPOCHS, "shuffle": False, **more}
    history = network.fit(**given, verbose=0, callbacks=[*before, terms, *after]).history
    rates = np.transpose([history["miss_rate_0"], history["miss_rate_1"]])
    return network, rates


def unknown_cardinality():
    dataset = tf.data.Dataset.from_tensor_slices((POINTS, TARGETS)).batch(BATCH)
    return {"x": dataset.filter(lambda *_: True), "y": None, "batch_size": None}


def scaled():
    return keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(0.0))


#: {how: what `train` is called with}; a function is called first.
WAYS = {
    "plain": {},
    "steps_per_execution": {"steps_per_execution": 4},
    "more_steps_than_an_epoch_has": {"steps_per_execution": 50},
    "eagerly": {"run_eagerly": True},
    "compiled": {"jit_compile": True},
    "accumulated": lambda: {"optimizer": keras.optimizers.SGD(0.0, gradient_accumulation_steps=4)},
    "moving_average_of_weights": lambda: {"optimizer": keras.optimizers.SGD(0.0, use_ema=True)},
    "scaled_loss": lambda: {"optimizer": scaled()},
    "own_step": {"model": Step},
    "unknown_cardinality": unknown_cardinality,
    "meddling_first": lambda: {"before": [Meddling()]},
    "meddling_last": lambda: {"after": [Meddling()]},
    "meddling_in_steps": lambda: {"before": [Meddling()], "steps_per_execution": 3},
    "validation": {"validation_data": (POINTS, TARGETS[::-1])},
    "wrapped": {"wrap": lambda loss: losses.ClassWeighted(loss, [2, 5])},
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("update", ["batch", "epoch"])
def test_miss_rates_are_those_counted_by_hand(way, update):
    arguments = WAYS[way]() if callable(WAYS[way]) else WAYS[way]
    terms = RecallTerms(RecallCrossentropy(gamma=3), update, MOMENTUM)
    _, rates = train(terms, **arguments)
    assert rates == pytest.approx(expected(update), abs=1e-6)


@pytest.mark.parametrize("way", ["steps_per_execution", "eagerly", "own_step", "meddling_first"])
@pytest.mark.parametrize("update", ["batch", "epoch", "same_batch"])
def test_a_network_that_learns_learns_the_same(way, update):
    def learnt(arguments):
        loss = RecallCrossentropy(gamma=3, update=update)
        network, rates = train(RecallTerms(loss), rate=0.3, **arguments)
        return network.get_weights()[0], rates

    arguments = WAYS[way]() if callable(WAYS[way]) else WAYS[way]
    weights, rates = learnt(arguments)
    plain, plain_rates = learnt({})
    assert weights == pytest.approx(plain, abs=1e-6) and np.abs(plain - KERNEL).max() > 0.1
    assert rates.tolist() == plain_rates.tolist()


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_mixed_precision(policy):
    before = keras.mixed_precision.dtype_policy()
    keras.mixed_precision.set_global_policy(policy)
    try:
        _, rates = train(RecallTerms(RecallCrossentropy(gamma=3), momentum=MOMENTUM))
    finally:
        keras.mixed_precision.set_global_policy(before)
    assert rates == pytest.approx(expected("batch"), abs=1e-6)


@pytest.mark.parametrize("update", ["batch", "epoch"])
@pytest.mark.parametrize("wrap", [None, lambda loss: losses.Curriculum(loss, "hardest", EPOCHS)])
@pytest.mark.parametrize("shape", [(-1,), (-1, 1)])
def test_a_sample_of_weight_0_does_not_count(update, wrap, shape):
    terms = RecallTerms(RecallCrossentropy(gamma=3), update, MOMENTUM)
    _, rates = train(terms, wrap=wrap, sample_weight=WEIGHTS.reshape(shape))
    assert rates == pytest.approx(expected(update, WEIGHTS), abs=1e-6)


def test_a_class_of_weight_0_does_not_count():
    _, rates = train(RecallTerms(RecallCrossentropy(gamma=3), "epoch"), class_weight={0: 0.0, 1: 2.0})
    assert rates == pytest.approx(expected("epoch", 1.0 * LABELS), abs=1e-6)


def test_a_second_fit_goes_on_and_may_have_another_pace():
    loss = RecallCrossentropy(gamma=3, momentum=MOMENTUM)
    network, _ = train(RecallTerms(loss), epochs=1)
    fit = {"batch_size": BATCH, "shuffle": False, "verbose": 0}
    again = network.fit(
        POINTS, TARGETS, initial_epoch=1, epochs=2, callbacks=[RecallTerms(loss)], **fit
    ).history
    assert [again["miss_rate_0"][0], again["miss_rate_1"][0]] == pytest.approx(expected("batch")[1], abs=1e-6)
    other = network.fit(POINTS, TARGETS, callbacks=[RecallTerms(loss, "epoch")], **fit).history
    assert [other["miss_rate_0"][0], other["miss_rate_1"][0]] == pytest.approx(expected("epoch")[0], abs=1e-6)
    assert np.asarray(loss.hits).tolist() == [0, 0]


def test_counts_of_a_training_that_ended_in_an_error_do_not_count():
    loss = RecallCrossentropy(update="epoch")

    def stop(batch, logs):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(RecallTerms(loss), after=[keras.callbacks.LambdaCallback(on_train_batch_end=stop)])
    assert np.asarray(loss.totals).sum() == BATCH
    _, rates = train(RecallTerms(loss))
    assert rates == pytest.approx(expected("epoch"), abs=1e-6)


def test_without_the_callback_a_moving_average_moves_all_the_same():
    loss = RecallCrossentropy(momentum=MOMENTUM)
    network, _ = train(RecallTerms(RecallCrossentropy()), epochs=1)
    network.compile(keras.optimizers.SGD(0.0), loss, jit_compile=False)
    network.fit(POINTS, TARGETS, batch_size=BATCH, epochs=EPOCHS, shuffle=False, verbose=0)
    assert np.asarray(loss.miss_rates) == pytest.approx(expected("batch")[-1], abs=1e-6)


@pytest.mark.parametrize("compiled", ["mse", RecallCrossentropy(), {"a": RecallCrossentropy(), "b": "mse"}])
def test_a_loss_that_the_model_does_not_have_is_refused_when_training_begins(compiled):
    outputs = [keras.layers.Dense(2, name=name) for name in "ab"]
    given = keras.Input((2,))
    model = keras.Model(given, {layer.name: layer(given) for layer in outputs})
    model.compile("sgd", compiled)
    with pytest.raises(ValueError, match=r"loss \(recall_crossentropy\) that the model is not compiled with"):
        model.fit(
            POINTS, {"a": TARGETS, "b": TARGETS}, callbacks=[RecallTerms(RecallCrossentropy())], verbose=0
        )


def test_a_function_or_a_step_of_ones_own_may_use_the_loss():
    loss = RecallCrossentropy(gamma=3, momentum=MOMENTUM)
    _, rates = train(RecallTerms(loss), wrap=lambda loss: lambda y_true, y_pred: loss(y_true, y_pred))
    assert rates == pytest.approx(expected("batch"), abs=1e-6)
