"""Trainings on one device and on several: what test_distribution.py compares, in one process for all of them.

    python tests/distribution_cases.py [CASE ...]

TensorFlow makes virtual processors only before it starts. Prints {case: {number of devices: what came out}} as JSON;
0 devices: no strategy at all. A case is a function that takes a `tf.distribute` strategy, with a row in `ROWS`.
"""

import functools
import json
import os
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import pandas as pd
import tensorflow as tf

from skinkeras import callbacks, losses
from skinkeras.training import Phase, TrainingPlaces, train_phase
from skinkeras.training.tasks import binary_epoch_metrics

BATCH = 8
RNG = np.random.default_rng(7)
LABELS = (RNG.random(64) < 0.3).astype(int)
POINTS = (RNG.normal(size=(64, 4)) + LABELS[:, None]).astype("float32")
TARGETS = np.eye(2, dtype="float32")[LABELS]
# Of the diagnoses, the last one is malignant.
DIAGNOSES = np.eye(3, dtype="float32")[np.where(LABELS, 2, RNG.integers(0, 2, 64))]


def network(classes=2):
    """The same initial weights each time."""
    keras.utils.set_random_seed(1)
    return keras.Sequential(
        [
            keras.Input((4,)),
            keras.layers.Dense(8, "relu"),
            keras.layers.Dense(classes, "softmax", dtype="float32"),
        ]
    )


def fitted(model, targets=TARGETS, epochs=2, **more):
    """The history of a training on the points in their order, and the weights after it."""
    history = model.fit(
        POINTS, targets, batch_size=BATCH, epochs=epochs, shuffle=False, verbose=0, **more
    ).history
    return {**history, "weights": np.concatenate([w.ravel() for w in model.get_weights()]).tolist()}


def recall(strategy, make_loss=losses.RecallCrossentropy, wrap=lambda loss: loss, steps=1, **more):
    """A training with a recall loss that is made inside the strategy's scope."""
    with strategy.scope():
        loss, model = make_loss(gamma=3), network(more.get("targets", TARGETS).shape[1])
        sgd = keras.optimizers.SGD(0.1)
        model.compile(sgd, wrap(loss), jit_compile=False, steps_per_execution=steps)
    # A callback of the user's own comes first, and evaluates on labels of which half are wrong.
    evaluate = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: model.test_on_batch(
            POINTS[:BATCH], more.get("targets", TARGETS)[-BATCH:]
        )
    )
    return fitted(model, callbacks=[evaluate, callbacks.RecallTerms(loss)], **more)


def recall_epoch_in_a_weighting(strategy):
    """Wrapped, and with samples that weigh nothing."""
    return recall(
        strategy,
        functools.partial(losses.RecallCrossentropy, update="epoch"),
        lambda loss: losses.ClassWeighted(loss, [1, 2]),
        sample_weight=np.tile([1, 0, 0.5, 2], 16),
    )


def recall_same_batch(strategy):
    return recall(strategy, functools.partial(losses.RecallCrossentropy, update="same_batch"))


def recall_of_diagnoses_four_steps_at_once(strategy):
    make_loss = functools.partial(losses.DiagnosisRecallCrossentropy, (0, 0, 1))
    return recall(strategy, make_loss, targets=DIAGNOSES, steps=4)


def recall_made_outside_the_scope(strategy):
    """The loss's variables are not the strategy's."""
    loss = losses.RecallCrossentropy(gamma=3)
    return recall(strategy, lambda gamma: loss)


def one_cycle(strategy, optimizer=callbacks.CyclicalAdam, steps=1, epochs=2):
    """A training on a one-cycle."""
    with strategy.scope():
        model = network()
        model.compile(optimizer(), "categorical_crossentropy", jit_compile=False, steps_per_execution=steps)
    return fitted(model, epochs=epochs, callbacks=[callbacks.OneCycle(0.05, 16)])


def one_cycle_adamw_four_steps_at_once(strategy):
    return one_cycle(strategy, callbacks.CyclicalAdamW, steps=4)


def one_cycle_loss_scaled(strategy):
    return one_cycle(
        strategy, lambda: keras.optimizers.LossScaleOptimizer(callbacks.CyclicalAdam()), epochs=1
    )


def curriculum(strategy, order="easiest", **settings):
    """A training with a curriculum, in which some samples weigh nothing."""
    with strategy.scope():
        base = keras.losses.CategoricalCrossentropy()
        loss, model = losses.Curriculum(base, order, epochs=4, **settings), network()
        model.compile(keras.optimizers.SGD(0.1), loss, jit_compile=False)
    return fitted(
        model,
        sample_weight=np.tile([1, 1, 1, 1, 1, 1, 0, 2], 8),
        validation_data=(POINTS[:16], TARGETS[:16]),
        callbacks=[callbacks.CurriculumAge(loss)],
    )


def curriculum_per_class(strategy):
    return curriculum(strategy, "hardest", per_class=True)


def resumed(strategy):
    """Killed after one epoch of two, and gone on with in a new model."""

    def training(epochs, place):
        with strategy.scope():
            loss, model = losses.RecallCrossentropy(gamma=3), network()
            model.compile(callbacks.CyclicalAdam(), loss, jit_compile=False)
        state = callbacks.TrainingState(place, loss)
        follow = [callbacks.OneCycle(0.05, 16), callbacks.RecallTerms(loss), state]
        return fitted(model, epochs=epochs, initial_epoch=state.restore(model), callbacks=follow)

    with tempfile.TemporaryDirectory() as folder:
        training(1, f"{folder}/state.npz")
        return {
            "whole": training(2, f"{folder}/other.npz")["weights"],
            "resumed": training(2, f"{folder}/state.npz")["weights"],
        }


class Images:
    """What `training.train_phase` asks of the images of a run."""

    has_validation = True
    shape = (64, 8, 8, 3)
    pixels = RNG.integers(0, 256, shape).astype("uint8")

    def subset(self, name):
        # The last batch of the validation has one point, too few for two devices.
        count = {"train": 64, "validation": 17}[name]
        rows = SimpleNamespace(images=self, rows=np.arange(count), one_hot=TARGETS[:count])
        rows.labels, rows.malignant, rows.positives = LABELS[:count], LABELS[:count], (1,)
        pairs = self.pixels[:count].astype("float32"), TARGETS[:count]
        rows.dataset = tf.data.Dataset.from_tensor_slices(pairs).batch
        return rows

    def read(self, rows):
        return self.pixels[rows]


def phase(strategy):
    """A phase of a job: killed after one epoch of two, and gone on with."""

    def training(epochs, folder):
        keras.utils.set_random_seed(1)
        with strategy.scope():
            layers = [
                keras.layers.Rescaling(1 / 255),
                keras.layers.Flatten(),
                keras.layers.Dense(2, "softmax"),
            ]
            model, loss = (
                keras.Sequential([keras.Input((8, 8, 3)), *layers]),
                losses.RecallCrossentropy(gamma=3),
            )
        plan = Phase("all", 2, 0.01, 3, "one_cycle_adamw", "standard", BATCH)
        places = TrainingPlaces(folder, folder / "history.csv", folder / "logs")
        stop = keras.callbacks.LambdaCallback(
            on_epoch_end=lambda epoch, logs: setattr(model, "stop_training", epoch + 1 == epochs)
        )
        terms = callbacks.RecallTerms(loss)
        train_phase(
            model,
            plan,
            Images(),
            loss,
            places,
            evaluate=binary_epoch_metrics,
            loss_callbacks=[terms, stop],
        )
        return np.concatenate([w.ravel() for w in model.get_weights()]).tolist()

    with tempfile.TemporaryDirectory() as name:
        whole, killed = Path(name, "whole"), Path(name, "killed")
        for folder in (whole, killed):
            folder.mkdir()
        training(1, killed)
        found = {"whole": training(2, whole), "resumed": training(2, killed)}
        history = pd.read_csv(whole / "history.csv")
        return {**found, **{name: history[name].tolist() for name in ("loss", "val_loss", "val_auc")}}


#: {case: the numbers of devices that it is trained on}; "4 collective": as `MirroredStrategy` reduces by default.
ROWS = {
    recall: (0, 1, 2, 4, "4 collective"),
    recall_epoch_in_a_weighting: (0, 2),
    recall_same_batch: (0, 2, 4),
    recall_of_diagnoses_four_steps_at_once: (0, 2),
    recall_made_outside_the_scope: (0, 2),
    one_cycle: (0, 1, 2, 4),
    one_cycle_adamw_four_steps_at_once: (0, 2),
    one_cycle_loss_scaled: (0, 2),
    curriculum: (0, 1, 2, 4),
    curriculum_per_class: (0, 2),
    resumed: (0, 2),
    phase: (0, 2),
}


def main():
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 4)
    strategies = {devices: strategy_of(devices) for devices in (0, 1, 2, 4, "4 collective")}
    found = {
        row.__name__: {devices: row(strategies[devices]) for devices in numbers}
        for row, numbers in ROWS.items()
        if row.__name__ in sys.argv[1:] or len(sys.argv) == 1
    }
    print(json.dumps(found))


def strategy_of(devices):
    """A strategy of so many devices; of 0, the one that TensorFlow has when none is asked for."""
    if devices == 0:
        return tf.distribute.get_strategy()
    # Collective operations, the default, are slow on two processors, and a process can have them among one number of
    # devices only.
    reduction = None if devices == "4 collective" else tf.distribute.ReductionToOneDevice()
    count = 4 if devices == "4 collective" else devices
    return tf.distribute.MirroredStrategy([f"CPU:{n}" for n in range(count)], reduction)


if __name__ == "__main__":
    main()
