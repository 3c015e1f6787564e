import keras
import numpy as np
import pytest

from skinkeras.callbacks import CurriculumAge, RecallTerms, TrainingState
from skinkeras.losses import ClassWeighted, Curriculum, RecallCrossentropy

EPOCHS = 6
RNG = np.random.default_rng(3)
# 20 points, hence a last batch of four.
LABELS = np.array([0, 1, 1, 0, 0, 1, 0, 1] + [0] * 8 + [1, 0, 1, 1])
POINTS = (RNG.normal(size=(20, 2)) + 0.7 * LABELS[:, None]).astype("float32")
TARGETS = np.eye(2, dtype="float32")[LABELS]


class Ages(keras.callbacks.Callback):
    """The age in every training step, and whether all samples weigh alike in every validation."""

    def __init__(self, loss):
        super().__init__()
        self.loss = loss
        self.training, self.validation = [], []

    def on_train_batch_begin(self, batch, logs=None):
        self.training.append(float(self.loss.age))
        assert not float(self.loss.evaluating)

    def on_test_batch_begin(self, batch, logs=None):
        self.validation.append(bool(float(self.loss.evaluating)))


class Run:
    """A model with a curriculum inside class weights, around a loss that has state of its own."""

    def __init__(self, state=None, order="hardest"):
        keras.utils.set_random_seed(1)
        self.recall = RecallCrossentropy(gamma=3)
        self.curriculum = Curriculum(self.recall, order, EPOCHS)
        self.loss = ClassWeighted(self.curriculum, [1, 2])
        self.model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2, activation="softmax")])
        self.model.compile(keras.optimizers.Adam(0.05), self.loss, jit_compile=False)
        self.ages = Ages(self.curriculum)
        self.state = None if state is None else TrainingState(state, self.loss)
        self.callbacks_before = []

    def fit(self, epochs, initial_epoch=0, **settings):
        terms = RecallTerms(self.recall, momentum=0.8)
        callbacks = [*self.callbacks_before, CurriculumAge(self.curriculum), self.ages, terms]
        return self.model.fit(
            POINTS,
            TARGETS,
            batch_size=8,
            epochs=epochs,
            initial_epoch=initial_epoch,
            shuffle=False,
            callbacks=callbacks + ([self.state] if self.state else []),
            verbose=0,
            **settings,
        )


def test_every_step_has_the_age_of_its_epoch_and_validation_weighs_all_samples():
    run = Run()
    run.fit(3, validation_data=(POINTS, TARGETS), validation_batch_size=20)
    assert run.ages.training == [0, 0, 0, 1, 1, 1, 2, 2, 2]
    assert run.ages.validation == [True] * 3
    assert float(run.curriculum.age) == 2
    assert not float(run.curriculum.evaluating)


def test_validation_loss_is_that_of_the_base():
    run = Run()
    history = run.fit(1, validation_data=(POINTS, TARGETS), validation_batch_size=20).history
    plain = ClassWeighted(run.recall, [1, 2])(TARGETS, run.model.predict(POINTS, verbose=0))
    assert history["val_loss"][0] == pytest.approx(float(plain), rel=1e-5)


def test_an_evaluation_by_another_callback_weighs_all_samples():
    run, values = Run(), []

    class Own(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            values.append(self.model.evaluate(POINTS, TARGETS, batch_size=20, verbose=0))
            values.append(self.model.test_on_batch(POINTS, TARGETS))
            plain = ClassWeighted(run.recall, [1, 2])(TARGETS, self.model.predict(POINTS, verbose=0))
            values.append(float(plain))

    run.callbacks_before = [Own()]
    run.fit(1)
    assert values == pytest.approx([values[-1]] * 3, rel=1e-5)


def test_the_network_is_trained_on_the_chosen_samples():
    hardest, easiest = Run(order="hardest"), Run(order="easiest")
    hardest.fit(1)
    easiest.fit(1)
    assert not np.allclose(hardest.model.get_weights()[0], easiest.model.get_weights()[0], atol=1e-4)


def test_a_resumed_run_ends_where_an_uninterrupted_one_ends(tmp_path):
    whole = Run()
    whole.fit(EPOCHS)

    first = Run(tmp_path / "state.npz")
    first.fit(2)
    second = Run(tmp_path / "state.npz")
    finished = second.state.restore(second.model)
    assert finished == 2 and float(second.curriculum.age) == 1
    second.fit(EPOCHS, initial_epoch=finished)

    assert second.ages.training == whole.ages.training[6:]
    for resumed, uninterrupted in zip(second.model.get_weights(), whole.model.get_weights(), strict=True):
        assert resumed.tolist() == uninterrupted.tolist()
    assert np.asarray(second.recall.miss_rates).tolist() == np.asarray(whole.recall.miss_rates).tolist()


def test_a_saved_model_goes_on_with_its_age(tmp_path):
    run = Run()
    run.fit(3)
    run.model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras").loss
    assert float(loaded.base.age) == 2
    assert np.asarray(loaded.base.base.miss_rates) == pytest.approx(np.asarray(run.recall.miss_rates))


def test_a_loss_without_an_age_is_refused():
    with pytest.raises(ValueError, match="loss must be a Curriculum"):
        CurriculumAge(Run().loss)
