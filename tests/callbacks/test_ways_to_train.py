"""All callbacks at once, in every way that Keras trains: each is held to the plain one."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from skinkeras.callbacks import CurriculumAge, CyclicalAdam, OneCycle, RecallTerms, TrainingState
from skinkeras.losses import Curriculum, RecallCrossentropy

RNG = np.random.default_rng(4)
LABELS = (RNG.random(64) < 0.4).astype(int)
POINTS = (RNG.normal(size=(64, 4)) + LABELS[:, None]).astype("float32")
TARGETS = np.eye(2, dtype="float32")[LABELS]
BATCH, EPOCHS, STEPS = 8, 3, 8


class OwnStep(keras.Model):
    """A model with a `train_step` of its own."""

    def train_step(self, data):
        points, targets = data[:2]
        with tf.GradientTape() as tape:
            loss = self.compute_loss(points, targets, self(points, training=True))
            scaled = self.optimizer.scale_loss(loss)
        self.optimizer.apply(tape.gradient(scaled, self.trainable_weights), self.trainable_weights)
        return {"loss": loss}


def endless():
    """Batches of unknown number: `fit` is told how many make an epoch."""
    while True:
        for first in range(0, 64, BATCH):
            yield POINTS[first : first + BATCH], TARGETS[first : first + BATCH]


class Training:
    """A network with everything that callbacks here move, and its training."""

    def __init__(self, path, optimizer=None, model=keras.Model, policy="float32", **compiled):
        keras.utils.set_random_seed(1)
        inputs = keras.Input((4,))
        hidden = keras.layers.Dense(8, "relu", dtype=policy)(inputs)
        outputs = keras.layers.Dense(2, "softmax", dtype="float32")(hidden)
        self.model = model(inputs, outputs)
        self.recall = RecallCrossentropy(gamma=3)
        self.loss = Curriculum(self.recall, "hardest", epochs=EPOCHS)
        compiled = {"jit_compile": False, **compiled}
        self.model.compile(optimizer or CyclicalAdam(), self.loss, **compiled)
        self.state = TrainingState(path, self.loss)

    def fit(self, *data, epochs=EPOCHS, **more):
        settings = {"steps_per_epoch": STEPS} if data else {"batch_size": BATCH, "shuffle": False}
        callbacks = [
            OneCycle(0.05, STEPS * EPOCHS),
            CurriculumAge(self.loss),
            RecallTerms(self.recall),
            self.state,
        ]
        data = data or (POINTS, TARGETS)
        fitted = self.model.fit(*data, epochs=epochs, verbose=0, callbacks=callbacks, **settings, **more)
        self.history = fitted.history
        return self

    @property
    def weights(self):
        return np.concatenate([np.ravel(w) for w in self.model.get_weights()])

    def moved(self):
        """What the callbacks moved, epoch by epoch."""
        names = ("learning_rate", "momentum", "miss_rate_0", "miss_rate_1")
        return np.array([self.history[name] for name in names] + [[float(self.loss.age)] * EPOCHS])


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    return Training(tmp_path_factory.mktemp("plain") / "state.npz").fit()


def test_several_steps_an_execution_change_nothing(tmp_path, plain):
    training = Training(tmp_path / "state.npz", steps_per_execution=4).fit()
    assert np.array_equal(training.moved(), plain.moved())
    assert np.array_equal(training.weights, plain.weights)


def test_batches_of_unknown_number_change_nothing(tmp_path, plain):
    kinds = (tf.TensorSpec((None, 4)), tf.TensorSpec((None, 2)))
    dataset = tf.data.Dataset.from_generator(endless, output_signature=kinds)
    training = Training(tmp_path / "state.npz").fit(dataset)
    assert np.array_equal(training.moved(), plain.moved())
    assert np.array_equal(training.weights, plain.weights)


@pytest.mark.parametrize(
    "settings",
    [
        pytest.param({"optimizer": lambda: keras.optimizers.LossScaleOptimizer(CyclicalAdam())}, id="scaled"),
        pytest.param({"model": OwnStep}, id="train_step"),
        pytest.param({"jit_compile": True}, id="jit_compile"),
        pytest.param({"run_eagerly": True}, id="run_eagerly"),
    ],
)
def test_every_way_gives_the_same_training_to_rounding(tmp_path, plain, settings):
    if "optimizer" in settings:
        settings = {**settings, "optimizer": settings["optimizer"]()}
    training = Training(tmp_path / "state.npz", **settings).fit()
    assert training.moved() == pytest.approx(plain.moved(), abs=1e-6)
    assert training.weights == pytest.approx(plain.weights, abs=1e-4)


def test_accumulated_gradients_count_updates_of_the_weights():
    """Two batches of 4 make an update; plain cross-entropy, as both losses here see batches, not updates."""
    weights = []
    for batch_size, accumulated in ((8, None), (4, 2)):
        keras.utils.set_random_seed(1)
        model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2, "softmax")])
        optimizer = CyclicalAdam(gradient_accumulation_steps=accumulated)
        model.compile(optimizer, "categorical_crossentropy", jit_compile=False)
        cycle = OneCycle(0.05, STEPS * 2)
        history = model.fit(
            POINTS, TARGETS, batch_size=batch_size, epochs=2, shuffle=False, verbose=0, callbacks=[cycle]
        ).history
        assert history["learning_rate"] == pytest.approx([cycle.at(7)[0], cycle.at(15)[0]])
        weights.append(model.get_weights()[0])
    assert weights[1] == pytest.approx(weights[0], abs=1e-5)


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_mixed_precision_has_the_same_schedule_and_nearly_the_same_weights(tmp_path, plain, policy):
    optimizer = CyclicalAdam()
    if policy == "mixed_float16":  # Keras does this for a model under the global policy
        optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
    training = Training(tmp_path / "state.npz", optimizer, policy=policy).fit()
    assert training.moved()[:2] == pytest.approx(plain.moved()[:2])
    assert training.weights == pytest.approx(plain.weights, abs=0.1)


@pytest.mark.parametrize("way", ["scaled", "use_ema", "accumulated"])
def test_a_resumed_training_ends_where_an_uninterrupted_one_ends(tmp_path, way):
    def optimizer():
        if way == "scaled":
            return keras.optimizers.LossScaleOptimizer(CyclicalAdam())
        if way == "accumulated":
            return CyclicalAdam(
                gradient_accumulation_steps=3
            )  # which does not divide the 8 batches of an epoch
        return CyclicalAdam(use_ema=True, ema_momentum=0.9, ema_overwrite_frequency=None)

    whole = Training(tmp_path / "whole.npz", optimizer()).fit()
    killed = Training(tmp_path / "killed.npz", optimizer())

    class Killed(Exception):
        pass

    class Kill(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 2:
                raise Killed

    killed.state.on_epoch_begin = Kill().on_epoch_begin
    with pytest.raises(Killed):
        killed.fit()
    resumed = Training(tmp_path / "killed.npz", optimizer())
    resumed.fit(initial_epoch=resumed.state.restore(resumed.model))
    assert np.array_equal(resumed.weights, whole.weights)
    assert resumed.state.history == whole.state.history


def test_the_state_of_another_optimizer_inside_is_refused(tmp_path):
    scaled = keras.optimizers.LossScaleOptimizer
    Training(tmp_path / "state.npz", scaled(CyclicalAdam())).fit(epochs=1)
    other = Training(tmp_path / "state.npz", scaled(keras.optimizers.Adam()))
    with pytest.raises(ValueError, match="was saved by another model, optimizer or loss"):
        other.state.restore(other.model)
