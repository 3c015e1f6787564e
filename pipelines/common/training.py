"""Training in phases, each of which can be killed at any moment and goes on with the same result."""

import errno
import os
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

import keras
import numpy as np
import pandas as pd
from sklearn.metrics import accuracy_score, log_loss, recall_score, roc_auc_score

from pipelines.common.console import console
from skinkeras import callbacks, inputs, models, quantization
from skinkeras.errors import RunError
from skinkeras.files import replacing

# Training images from which the ranges of the activations are first read.
CALIBRATION_IMAGES = 256
# At a time: every layer's output is kept until the last one has answered.
_CALIBRATION_BATCH = 8


class DivergedError(RunError, ValueError):
    """The weights are no numbers any longer."""


@dataclass(frozen=True)
class Phase:
    """One stretch of training with its own optimizer and schedule of the learning rate.

    Attributes:
        name: for the history and the file that holds its state.
        epochs: int >= 1.
        max_lr: the highest learning rate.
        seed: of the order of the pictures, their augmentation and dropout.
        optimizer: "one_cycle": Adam on fastai's one-cycle schedule; "adam", or "sgd" with Nesterov's
            momentum 0.9: a constant rate, divided by 10 at a half and at three quarters of the epochs.
        augmentation: key of `inputs.AUGMENTATIONS`.
    """

    name: str
    epochs: int
    max_lr: float
    seed: int
    optimizer: Literal["one_cycle", "adam", "sgd"] = "one_cycle"
    augmentation: str = "standard"

    def new_optimizer(self):
        """The optimizer, before its first step."""
        if self.optimizer == "one_cycle":
            return callbacks.CyclicalAdam()
        if self.optimizer == "adam":
            return keras.optimizers.Adam(self.max_lr)
        return keras.optimizers.SGD(self.max_lr, momentum=0.9, nesterov=True)

    def schedule(self, steps):
        """The callback that moves its learning rate; `steps` make an epoch."""
        if self.optimizer == "one_cycle":
            return callbacks.OneCycle(self.max_lr, steps * self.epochs)
        return keras.callbacks.LearningRateScheduler(self.dropped_rate)

    def dropped_rate(self, epoch, _=None):
        """The learning rate of an epoch, from 0, after the drops (Barata & Santiago 2021)."""
        drops = (2 * epoch >= self.epochs) + (4 * epoch >= 3 * self.epochs)
        return self.max_lr * 0.1**drops


def train_phase(model, phase, data, loss, batch_size, run, extra_callbacks=(), classifier=None):
    """Trains `model` in place, from the phase's saved state if there is one.

    Args:
        model: gives what `loss` compares with one-hot labels of the classes of `data`.
        phase: `Phase`.
        data: `pipelines.common.data.Data`.
        loss: a Keras loss.
        batch_size: int.
        run: `RunFolder`.
        extra_callbacks: what else moves the loss.
        classifier: gives the probabilities of those classes, where `model` gives something else; shares its
            weights.
    """
    keras.utils.set_random_seed(phase.seed)
    train = data.part("train")
    steps = inputs.steps_per_epoch(len(train.rows), batch_size)
    model.compile(optimizer=phase.new_optimizer(), loss=loss, jit_compile=_jit_compile())
    # Without its variables, TensorFlow would trace the training step twice: half a minute on slow machines.
    model.optimizer.build(model.trainable_variables)
    state = callbacks.TrainingState(run.state / f"{phase.name}.npz", loss)
    done = state.restore(model)
    history = HistoryFile(run, phase, state)
    if done:
        history.write()  # a kill may have come between the last state and its row
    if done >= phase.epochs:
        return
    if done:
        console.print(f"  {phase.name}: going on behind epoch {done} of {phase.epochs}")
    dataset = inputs.training_dataset(
        train.pictures,
        train.rows,
        train.one_hot,
        batch_size,
        phase.seed,
        phase.epochs,
        done,
        inputs.AUGMENTATIONS[phase.augmentation](),
    )
    with _full_disk_as_os_error():
        model.fit(
            dataset,
            initial_epoch=done,
            epochs=phase.epochs,
            steps_per_epoch=steps,
            shuffle=False,  # the dataset has done it
            verbose="auto" if console.is_terminal else 0,
            callbacks=[
                phase.schedule(steps),
                *extra_callbacks,
                EpochEvaluation(data, batch_size, classifier),
                state,
                keras.callbacks.TensorBoard(run.file("logs") / phase.name, write_graph=False),
                history,
            ],
        )


@contextmanager
def _full_disk_as_os_error():
    """TensorFlow writes TensorBoard's files itself, and has one error for a full disk and a full GPU."""
    import tensorflow as tf

    try:
        yield
    except tf.errors.ResourceExhaustedError as error:
        if os.strerror(errno.ENOSPC) not in str(error):
            raise
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "TensorBoard's file in logs/") from error


def _jit_compile():
    # XLA on a CPU trains these models 6 to 12 times slower than graph mode.
    import tensorflow as tf

    return "auto" if tf.config.list_physical_devices("GPU") else False


def freeze(model):
    """Lets only the classifier learn."""
    for layer in models.backbone_layers(model):
        layer.trainable = False


def unfreeze(model, weights):
    """Lets every layer learn; from pretrained `weights` on, all but batch normalization.

    Statistics of a small, uniform set of pictures in place of ImageNet's make a network that answers to
    noise and sharpness: docs/how_a_run_works.md has the figures.
    """
    pretrained = weights not in (None, "none")
    for layer in models.backbone_layers(model):
        layer.trainable = not (pretrained and isinstance(layer, keras.layers.BatchNormalization))


class EpochEvaluation(keras.callbacks.Callback):
    """Adds to each epoch's logs how the model does on the validation images.

    `val_loss` is plain cross-entropy over the classes that are learned. Where some of them count as
    malignant, `val_auc`, `val_malignant_recall` and `val_benign_recall` (at 0.5) read malignant off them;
    else there are `val_accuracy` and `val_balanced_accuracy`.
    """

    def __init__(self, data, batch_size, classifier=None):
        super().__init__()
        self.part = data.part("validation")
        self.positives = list(data.positives)
        self.dataset = self.part.dataset(batch_size)
        self.classifier = classifier

    def on_epoch_begin(self, epoch, logs=None):
        self.started = time.monotonic()

    def on_epoch_end(self, epoch, logs=None):
        seconds = time.monotonic() - self.started
        probabilities = (self.classifier or self.model).predict(self.dataset, verbose=0)
        if not np.isfinite(probabilities).all():
            raise DivergedError(
                f"Training has diverged in epoch {epoch + 1}: the model's answers are no numbers. Start "
                "again with a lower --learning-rate, in another --out."
            )
        # Rounded to integers, as they are in fine-tuning, they do not quite sum to 1.
        probabilities /= probabilities.sum(axis=1, keepdims=True)
        classes = self.part.one_hot.argmax(axis=1)
        logs["val_loss"] = log_loss(classes, probabilities, labels=range(probabilities.shape[1]))
        logs.update(self._binary(probabilities) if self.positives else _multiclass(classes, probabilities))
        logs["seconds"] = seconds

    def _binary(self, probabilities):
        malignant, truth = probabilities[:, self.positives].sum(axis=1), self.part.malignant
        found = malignant >= 0.5
        return {
            "val_auc": roc_auc_score(truth, malignant),
            "val_malignant_recall": float(np.mean(found[truth == 1])),
            "val_benign_recall": float(np.mean(~found[truth == 0])),
        }


def _multiclass(classes, probabilities):
    named = probabilities.argmax(axis=1)
    return {
        "val_accuracy": accuracy_score(classes, named),
        "val_balanced_accuracy": recall_score(
            classes, named, labels=np.unique(classes), average="macro", zero_division=0
        ),
    }


# What the console shows of an epoch, where the logs have it.
_SHOWN = {
    "loss": "loss {:.4f}",
    "val_auc": "validation AUC {:.3f}",
    "val_malignant_recall": "malignant recall {:.2f}",
    "val_benign_recall": "benign recall {:.2f}",
    "val_accuracy": "validation accuracy {:.3f}",
    "val_balanced_accuracy": "balanced {:.3f}",
    "seconds": "{:.0f} s",
}


class HistoryFile(keras.callbacks.Callback):
    """Writes `history.csv` anew after each epoch, and one line to the console."""

    def __init__(self, run, phase, state):
        super().__init__()
        self.run, self.phase, self.state = run, phase, state

    def on_epoch_end(self, epoch, logs=None):
        self.write()
        last = self.state.history[-1]
        shown = "   ".join(text.format(last[name]) for name, text in _SHOWN.items() if name in last)
        console.print(f"  {self.phase.name} {epoch + 1}/{self.phase.epochs}   {shown}")

    def write(self):
        rows = [{"phase": self.phase.name, "epoch": n, **row} for n, row in enumerate(self.state.history, 1)]
        path = self.run.file("history.csv")
        if path.exists():
            earlier = pd.read_csv(path)
            rows = [*earlier[earlier.phase != self.phase.name].to_dict("records"), *rows]
        with replacing(path) as temporary:
            pd.DataFrame(rows).to_csv(temporary, index=False)


def quantization_aware(model, phase, data, loss, batch_size, run, extra_callbacks=(), taxonomy=None):
    """Quantizes, calibrates and fine-tunes a model.

    Args:
        model: the trained float model, whose outputs are those that ship.
        phase, data, loss, batch_size, run, extra_callbacks: as `train_phase`.
        taxonomy: of a hierarchical model, which is fine-tuned level by level.

    Returns:
        The quantization-aware model, of the same input and output.
    """
    quantized = calibrated(model, data, phase.seed)
    # The gradient enters in front of the last rounding: behind it, a probability that rounds to 0 or 1
    # would teach nothing.
    if taxonomy:
        learner = models.level_model(quantized, taxonomy)
    else:
        learner = keras.Model(quantized.input, quantized.get_layer("probs").output)
    classifier = quantized if taxonomy else None
    train_phase(learner, phase, data, loss, batch_size, run, extra_callbacks, classifier)
    quantization.round_biases(quantized)
    return quantized


def calibrated(model, data, seed):
    """A quantized model with the ranges of `CALIBRATION_IMAGES` training images, before any fine-tuning."""
    keras.utils.set_random_seed(seed)
    quantized = quantization.quantize(model)
    train = data.part("train")
    chosen = np.random.default_rng(seed).permutation(train.rows)[:CALIBRATION_IMAGES]
    batches = np.split(chosen, range(_CALIBRATION_BATCH, len(chosen), _CALIBRATION_BATCH))
    quantization.calibrate(quantized, (train.pictures.read(rows).astype("float32") for rows in batches))
    return quantized


def check_device(settings):
    """Raises ValueError if TensorFlow could not fine-tune for integers on this machine, hours later.

    In deterministic mode it has no gradient of rounding on a GPU.
    """
    import tensorflow as tf

    if settings.deterministic and settings.export and tf.config.list_physical_devices("GPU"):
        raise ValueError(
            "TensorFlow cannot fine-tune for integers on a GPU in deterministic mode: add --no-deterministic "
            "(a resumed run may then end with slightly other weights), or --no-export."
        )


def set_up_keras(seed, deterministic):
    """Fixes every random seed, and with `deterministic` the order in which threads add up."""
    import tensorflow as tf

    tf.get_logger().setLevel("ERROR")
    keras.utils.set_random_seed(seed)
    if deterministic:
        tf.config.experimental.enable_op_determinism()
