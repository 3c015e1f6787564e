from types import SimpleNamespace

import keras
import numpy as np
import pytest

from skinkeras.callbacks import CyclicalAdam, OneCycle, TrainingState

RNG = np.random.default_rng(0)
POINTS = RNG.normal(size=(64, 3)).astype("float32")
TARGETS = (POINTS @ np.float32([[1.0], [-2.0], [0.5]])).astype("float32")


def linear(optimizer):
    keras.utils.set_random_seed(2)
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    model.compile(optimizer, "mse", jit_compile=False)
    return model


def weights_after_fit(optimizer, callbacks=(), epochs=2):
    model = linear(optimizer)
    model.fit(
        POINTS, TARGETS, batch_size=8, epochs=epochs, shuffle=False, callbacks=list(callbacks), verbose=0
    )
    return np.concatenate([w.ravel() for w in model.get_weights()])


@pytest.mark.parametrize(
    ("step", "learning_rate", "momentum"),
    [
        (0, 1e-3 / 25, 0.95),
        (125, (1e-3 / 25 + 1e-3) / 2, 0.90),  # half way up
        (250, 1e-3, 0.85),
        (625, (1e-3 + 1e-8) / 2, 0.90),  # half way down
        (1000, 1e-3 / 1e5, 0.95),
        (1500, 1e-3 / 1e5, 0.95),  # a run that goes on
    ],
)
def test_the_cycle_of_fastai(step, learning_rate, momentum):
    at = OneCycle(max_lr=1e-3, total_steps=1000).at(step)
    assert at == pytest.approx((learning_rate, momentum), rel=1e-9)


def test_other_settings_move_peak_and_ends():
    cycle = OneCycle(
        max_lr=0.1, total_steps=10, pct_start=0.5, div=10, div_final=100, momentums=(0.9, 0.8, 0.7)
    )
    assert cycle.at(0) == pytest.approx((0.01, 0.9))
    assert cycle.at(5) == pytest.approx((0.1, 0.8))
    assert cycle.at(10) == pytest.approx((0.001, 0.7))


class Used(keras.callbacks.Callback):
    """The optimizer's settings after each step."""

    def __init__(self):
        super().__init__()
        self.settings = []

    def on_train_batch_end(self, batch, logs=None):
        optimizer = self.model.optimizer
        self.settings.append((float(optimizer.learning_rate), float(optimizer.beta_1)))


def test_every_step_of_a_fit_has_its_own_setting():
    cycle, used = OneCycle(max_lr=0.01, total_steps=16), Used()
    weights_after_fit(CyclicalAdam(), [cycle, used])
    assert np.array(used.settings) == pytest.approx(np.array([cycle.at(n) for n in range(16)]), rel=1e-6)


def test_the_momentum_is_really_in_force():
    results = [
        weights_after_fit(CyclicalAdam(), [OneCycle(0.01, 16, momentums=momentums)])
        for momentums in ((0.95, 0.85, 0.95), (0.95, 0.85, 0.95), (0.5, 0.1, 0.5))
    ]
    assert np.array_equal(results[0], results[1])
    assert np.abs(results[0] - results[2]).max() > 1e-3


def test_updates_are_those_of_adam_with_the_momentum_of_the_moment():
    gradient, weight = 0.5, 1.0
    optimizer = CyclicalAdam(learning_rate=0.1, epsilon=1e-7)
    variable = keras.Variable([weight])
    first = second = 0.0
    for step, momentum in enumerate((0.95, 0.9, 0.5, 0.7), 1):
        optimizer.beta_1.assign(momentum)
        optimizer.apply([keras.ops.convert_to_tensor([gradient * step])], [variable])
        first = momentum * first + (1 - momentum) * gradient * step
        second = 0.999 * second + 0.001 * (gradient * step) ** 2
        corrected = first / (1 - momentum**step), second / (1 - 0.999**step)
        weight -= 0.1 * corrected[0] / (np.sqrt(corrected[1]) + 1e-7)
        assert float(variable[0]) == pytest.approx(weight, abs=1e-5)


def test_a_resumed_run_takes_its_place_from_the_optimizer():
    cycle, used = OneCycle(max_lr=0.01, total_steps=100), Used()
    model = linear(CyclicalAdam())
    model.optimizer.iterations.assign(40)
    model.fit(POINTS[:8], TARGETS[:8], initial_epoch=4, epochs=5, callbacks=[cycle, used], verbose=0)
    assert used.settings == [pytest.approx(cycle.at(40), rel=1e-6)]


def fit_with(model, cycle, epochs, initial_epoch=0):
    """The settings of each step of a `fit`, eight steps an epoch."""
    used = Used()
    model.fit(
        POINTS,
        TARGETS,
        batch_size=8,
        shuffle=False,
        epochs=epochs,
        initial_epoch=initial_epoch,
        callbacks=[cycle, used],
        verbose=0,
    )
    return np.array(used.settings)


def settings_of(cycle, first, last):
    return pytest.approx(np.array([cycle.at(step) for step in range(first, last)]), rel=1e-6)


def test_a_second_fit_begins_a_new_cycle():
    model, first, second = linear(CyclicalAdam()), OneCycle(0.01, 16), OneCycle(0.1, 24, div=10)
    assert fit_with(model, first, 2) == settings_of(first, 0, 16)
    before = np.array(model.get_weights()[0])
    assert fit_with(model, second, 3) == settings_of(second, 0, 24)
    assert np.abs(model.get_weights()[0] - before).max() > 0.01


def test_a_fit_with_initial_epoch_goes_on_with_the_cycle():
    model = linear(CyclicalAdam())
    fit_with(model, OneCycle(0.1, 8), 1)  # an earlier cycle
    cycle = OneCycle(0.01, 24)
    assert fit_with(model, cycle, 1) == settings_of(cycle, 0, 8)
    assert fit_with(model, OneCycle(0.01, 24), 3, initial_epoch=1) == settings_of(cycle, 8, 24)
    # It has no steps left.
    assert fit_with(model, cycle, 4, initial_epoch=3) == settings_of(cycle, 0, 8)


def test_a_second_cycle_is_resumed_from_the_training_state(tmp_path):
    def trained(model, state, first_epoch, epochs):
        callbacks = [OneCycle(0.01, 24), state]
        settings = {"batch_size": 8, "shuffle": False, "initial_epoch": first_epoch, "verbose": 0}
        return model.fit(POINTS, TARGETS, epochs=epochs, callbacks=callbacks, **settings).history

    whole = linear(CyclicalAdam())
    fit_with(whole, OneCycle(0.1, 8), 1)
    trained(whole, TrainingState(tmp_path / "killed.npz"), 0, 1)
    resumed, state = linear(CyclicalAdam()), TrainingState(tmp_path / "killed.npz")
    assert state.restore(resumed) == 1
    trained(resumed, state, 1, 3)
    trained(whole, TrainingState(tmp_path / "other.npz"), 1, 3)
    for ours, theirs in zip(resumed.get_weights(), whole.get_weights(), strict=True):
        assert np.array_equal(ours, theirs)


def test_after_the_fit_the_settings_are_the_users_again():
    model = linear(CyclicalAdam())
    fit_with(model, OneCycle(0.01, 8), 1)
    model.optimizer.learning_rate = 0.5
    model.optimizer.beta_1.assign(0.25)
    used = Used()
    model.fit(POINTS, TARGETS, callbacks=[used], verbose=0)
    assert used.settings == [(0.5, 0.25)] * 2


def test_an_optimizer_that_would_keep_its_momentum_is_refused():
    with pytest.raises(
        ValueError, match=r"compile the model with CyclicalAdam or CyclicalAdamW\. Received: Adam"
    ):
        weights_after_fit(keras.optimizers.Adam(), [OneCycle(0.01, 16)])
    with pytest.raises(ValueError, match="Received: SGD"):
        weights_after_fit(keras.optimizers.SGD(momentum=0.9), [OneCycle(0.01, 16)])
    schedule = keras.optimizers.schedules.ExponentialDecay(0.1, 10, 0.5)
    with pytest.raises(ValueError, match="create the CyclicalAdam with a number as learning_rate"):
        weights_after_fit(CyclicalAdam(schedule), [OneCycle(0.01, 16)])


def test_gradients_accumulated_on_several_devices_are_refused():
    cycle = OneCycle(0.01, 16)
    optimizer = CyclicalAdam(gradient_accumulation_steps=2)
    cycle.set_model(
        SimpleNamespace(optimizer=optimizer, distribute_strategy=SimpleNamespace(num_replicas_in_sync=2))
    )
    with pytest.raises(ValueError, match="leave gradient_accumulation_steps out, or train on one device"):
        cycle.on_train_begin()


def test_constant_momentum_is_keras_adam_bit_for_bit():
    # Of 0.75 both float32 and 1 - 0.75 are exact; of 0.9 they are not.
    ours = weights_after_fit(CyclicalAdam(0.01, beta_1=0.75))
    assert np.array_equal(ours, weights_after_fit(keras.optimizers.Adam(0.01, beta_1=0.75)))
    ours = weights_after_fit(CyclicalAdam(0.01, beta_1=0.9))
    assert ours == pytest.approx(weights_after_fit(keras.optimizers.Adam(0.01, beta_1=0.9)), abs=1e-6)


def test_the_optimizer_is_saved_with_its_state(tmp_path):
    model = linear(CyclicalAdam(0.01, clipnorm=1.0))
    model.fit(POINTS, TARGETS, callbacks=[OneCycle(0.01, 10)], verbose=0)
    model.save(tmp_path / "model.keras")
    optimizer = keras.models.load_model(tmp_path / "model.keras").optimizer
    assert isinstance(optimizer, CyclicalAdam)
    assert optimizer.clipnorm == 1.0
    assert float(optimizer.beta_1) == float(model.optimizer.beta_1)
    assert int(optimizer.iterations) == 2
    for loaded, saved in zip(optimizer.variables, model.optimizer.variables, strict=True):
        assert np.array_equal(np.asarray(loaded), np.asarray(saved))


@pytest.mark.parametrize(
    "settings",
    [
        {"max_lr": 0},
        {"max_lr": float("inf")},
        {"max_lr": float("nan")},
        {"total_steps": 0},
        {"pct_start": 0},
        {"pct_start": 1},
        {"div": 1},
        {"div_final": 0.5},
        {"momentums": (0.9, 0.8)},
        {"momentums": (0.9, 1.0, 0.9)},
    ],
)
def test_values_outside_their_range_are_refused(settings):
    with pytest.raises(ValueError, match=next(iter(settings))):
        OneCycle(**{"max_lr": 0.1, "total_steps": 10, **settings})
