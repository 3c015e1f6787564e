"""Training in phases, each of which can be killed at any moment and goes on with the same result."""

import time
from dataclasses import dataclass

import keras
import numpy as np
import pandas as pd
from sklearn.metrics import log_loss, roc_auc_score

from pipelines.common.console import console
from skinkeras import callbacks, inputs, models, quantization
from skinkeras.files import replacing

# Training images from which the ranges of the activations are first read.
CALIBRATION_IMAGES = 256


@dataclass(frozen=True)
class Phase:
    """One stretch of training with its own optimizer and one-cycle schedule.

    Attributes:
        name: for the history and the file that holds its state.
        epochs: int >= 1.
        max_lr: the highest learning rate of the cycle.
        seed: of the order of the pictures, their augmentation and dropout.
    """

    name: str
    epochs: int
    max_lr: float
    seed: int


def train_phase(model, phase, data, loss, batch_size, run, extra_callbacks=()):
    """Trains `model` in place, from the phase's saved state if there is one.

    Args:
        model: ends in softmax probabilities of the classes that `data` is labelled with.
        phase: `Phase`.
        data: `pipelines.common.data.Data`.
        loss: a Keras loss.
        batch_size: int.
        run: `RunFolder`.
        extra_callbacks: what else moves the loss.
    """
    keras.utils.set_random_seed(phase.seed)
    train = data.part("train")
    steps = inputs.steps_per_epoch(len(train.rows), batch_size)
    model.compile(optimizer=callbacks.CyclicalAdam(), loss=loss, jit_compile=_jit_compile())
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
        inputs.Augmentation(),
    )
    model.fit(
        dataset,
        initial_epoch=done,
        epochs=phase.epochs,
        steps_per_epoch=steps,
        shuffle=False,  # the dataset has done it
        verbose="auto" if console.is_terminal else 0,
        callbacks=[
            callbacks.OneCycle(phase.max_lr, steps * phase.epochs),
            *extra_callbacks,
            EpochEvaluation(data, batch_size),
            state,
            keras.callbacks.TensorBoard(run.file("logs") / phase.name, write_graph=False),
            history,
        ],
    )


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

    `val_loss` is plain cross-entropy over the classes that are learned; `val_auc`, `val_malignant_recall`
    and `val_benign_recall` (at 0.5) read malignant off them.
    """

    def __init__(self, data, batch_size):
        super().__init__()
        self.part = data.part("validation")
        self.positives = list(data.positives)
        self.dataset = self.part.dataset(batch_size)

    def on_epoch_begin(self, epoch, logs=None):
        self.started = time.monotonic()

    def on_epoch_end(self, epoch, logs=None):
        seconds = time.monotonic() - self.started
        probabilities = self.model.predict(self.dataset, verbose=0)
        malignant = probabilities[:, self.positives].sum(axis=1)
        found = malignant >= 0.5
        truth = self.part.malignant
        logs["val_loss"] = log_loss(
            self.part.one_hot.argmax(axis=1), probabilities, labels=range(probabilities.shape[1])
        )
        logs["val_auc"] = roc_auc_score(truth, malignant)
        logs["val_malignant_recall"] = float(np.mean(found[truth == 1]))
        logs["val_benign_recall"] = float(np.mean(~found[truth == 0]))
        logs["seconds"] = seconds


class HistoryFile(keras.callbacks.Callback):
    """Writes `history.csv` anew after each epoch, and one line to the console."""

    def __init__(self, run, phase, state):
        super().__init__()
        self.run, self.phase, self.state = run, phase, state

    def on_epoch_end(self, epoch, logs=None):
        self.write()
        last = self.state.history[-1]
        console.print(
            f"  {self.phase.name} {epoch + 1}/{self.phase.epochs}   loss {last['loss']:.4f}   validation AUC "
            f"{last['val_auc']:.3f}   malignant recall {last['val_malignant_recall']:.2f}   benign recall "
            f"{last['val_benign_recall']:.2f}   {last['seconds']:.0f} s"
        )

    def write(self):
        rows = [{"phase": self.phase.name, "epoch": n, **row} for n, row in enumerate(self.state.history, 1)]
        path = self.run.file("history.csv")
        if path.exists():
            earlier = pd.read_csv(path)
            rows = [*earlier[earlier.phase != self.phase.name].to_dict("records"), *rows]
        with replacing(path) as temporary:
            pd.DataFrame(rows).to_csv(temporary, index=False)


def quantization_aware(model, phase, data, loss, batch_size, run, extra_callbacks=()):
    """Quantizes, calibrates and fine-tunes a model.

    Args:
        model: the trained float model with two outputs.
        phase, data, loss, batch_size, run, extra_callbacks: as `train_phase`.

    Returns:
        The quantization-aware model, of the same input and output.
    """
    keras.utils.set_random_seed(phase.seed)
    quantized = quantization.quantize(model)
    train = data.part("train")
    chosen = np.random.default_rng(phase.seed).permutation(train.rows)[:CALIBRATION_IMAGES]
    batches = (chosen[start : start + batch_size] for start in range(0, len(chosen), batch_size))
    quantization.calibrate(quantized, (train.pictures.read(rows).astype("float32") for rows in batches))
    # The gradient enters in front of the last rounding: behind it, a probability that rounds to 0 or 1
    # would teach nothing.
    learner = keras.Model(quantized.input, quantized.get_layer("probs").output)
    train_phase(learner, phase, data, loss, batch_size, run, extra_callbacks)
    return quantized


def set_up_keras(seed, deterministic):
    """Fixes every random seed, and with `deterministic` the order in which threads add up."""
    import tensorflow as tf

    tf.get_logger().setLevel("ERROR")
    keras.utils.set_random_seed(seed)
    if deterministic:
        tf.config.experimental.enable_op_determinism()
