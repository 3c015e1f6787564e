import os

import keras
import numpy as np
import pytest

from skinkeras.callbacks import CyclicalAdam, OneCycle, RecallTerms, TrainingState
from skinkeras.losses import RecallCrossentropy

RNG = np.random.default_rng(5)
LABELS = RNG.integers(0, 2, 48)
POINTS = (RNG.normal(size=(48, 4)) + LABELS[:, None]).astype("float32")
TARGETS = np.eye(2, dtype="float32")[LABELS]


class Training:
    """A network with everything that has state: dropout, batch statistics, momentum, miss rates."""

    def __init__(self, path, seed, units=6):
        keras.utils.set_random_seed(seed)
        self.model = keras.Sequential(
            [
                keras.Input((4,)),
                keras.layers.Dense(units),
                keras.layers.BatchNormalization(),
                keras.layers.Dropout(0.5),
                keras.layers.Dense(2, activation="softmax"),
            ]
        )
        self.loss = RecallCrossentropy(gamma=10)
        self.model.compile(CyclicalAdam(), self.loss, metrics=["accuracy"], jit_compile=False)
        self.state = TrainingState(path, self.loss)

    def fit(self, first_epoch, epochs):
        terms, cycle = RecallTerms(self.loss, momentum=0.8), OneCycle(0.05, total_steps=4 * 6)
        self.model.fit(
            POINTS,
            TARGETS,
            batch_size=8,
            shuffle=False,
            initial_epoch=first_epoch,
            epochs=epochs,
            callbacks=[terms, cycle, self.state],
            verbose=0,
        )
        return self

    def everything(self):
        metrics = {id(v) for v in self.model.metrics_variables}
        variables = [v for v in self.model.variables if id(v) not in metrics]
        variables += [*self.model.optimizer.variables, self.model.optimizer.beta_1, self.loss.miss_rates]
        return [np.asarray(v) for v in variables]


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    path = tmp_path_factory.mktemp("whole") / "state.npz"
    return Training(path, seed=1).fit(0, 4)


def test_two_epochs_and_two_more_in_a_new_process_equal_four(tmp_path, uninterrupted):
    Training(tmp_path / "state.npz", seed=1).fit(0, 2)
    resumed = Training(tmp_path / "state.npz", seed=99)  # nothing of it may come from this seed
    first_epoch = resumed.state.restore(resumed.model)
    assert first_epoch == 2
    resumed.fit(first_epoch, 4)
    for ours, theirs in zip(resumed.everything(), uninterrupted.everything(), strict=True):
        assert np.array_equal(ours, theirs)


def test_a_finished_training_that_is_restored_is_the_same_even_to_the_saved_optimizer(
    tmp_path, uninterrupted
):
    restored = Training(uninterrupted.state.path, seed=99)
    assert restored.state.restore(restored.model) == 4
    for ours, theirs in zip(restored.everything(), uninterrupted.everything(), strict=True):
        assert np.array_equal(ours, theirs)
    # A cycle that is over must not be followed by whoever trains the model further.
    assert restored.model.optimizer.get_config() == uninterrupted.model.optimizer.get_config()


def test_the_history_of_a_resumed_run_is_the_whole_history(tmp_path, uninterrupted):
    Training(tmp_path / "state.npz", seed=1).fit(0, 3)
    resumed = Training(tmp_path / "state.npz", seed=99)
    resumed.fit(resumed.state.restore(resumed.model), 4)
    assert resumed.state.history == uninterrupted.state.history
    assert len(resumed.state.history) == resumed.state.epochs == 4
    assert {"loss", "accuracy", "miss_rate_0", "learning_rate"} <= set(resumed.state.history[0])


def test_without_a_file_training_starts_at_epoch_0(tmp_path):
    training = Training(tmp_path / "state.npz", seed=1)
    before = training.everything()
    assert training.state.restore(training.model) == 0
    assert all(np.array_equal(a, b) for a, b in zip(before, training.everything(), strict=True))


def test_the_file_of_another_model_is_refused_and_changes_nothing(uninterrupted):
    other = Training(uninterrupted.state.path, seed=1, units=7)
    before = other.everything()
    with pytest.raises(ValueError, match=r"state\.npz was saved by another model, optimizer or loss"):
        other.state.restore(other.model)
    # The optimizer is built by looking: its variables are new, the model's are as they were.
    assert all(np.array_equal(a, b) for a, b in zip(before[:6], other.everything()[:6], strict=True))


def test_only_the_state_itself_is_left_in_the_folder(uninterrupted):
    assert os.listdir(uninterrupted.state.path.parent) == ["state.npz"]
