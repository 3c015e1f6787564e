"""Training in phases, each of which can be killed at any moment and goes on with the same result."""

import errno
import os
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import keras
import numpy as np
import tensorflow as tf

from skinkeras import callbacks, inputs, models, quantization
from skinkeras.layers import ShadesOfGray
from skinkeras.training.progress import EpochEvaluation, HistoryFile

# Training images from which the ranges of the activations are first read.
CALIBRATION_IMAGES = 256
# At a time: every layer's output is kept until the last one has answered.
_CALIBRATION_BATCH = 8


@dataclass(frozen=True)
class Phase:
    """One stretch of training with its own optimizer and learning-rate schedule.

    Attributes:
        name: for the history and the file that holds its state.
        epochs: int >= 1.
        max_lr: the highest learning rate.
        seed: of the order of the images, their augmentation and dropout.
        optimizer: "one_cycle": Adam on fastai's one-cycle schedule; "one_cycle_adamw": fastai's own optimizer on
            it, `callbacks.CyclicalAdamW`; "adam", or "sgd" with Nesterov momentum 0.9: a constant rate, divided
            by 10 at a half and at three quarters of the epochs.
        augmentation: key of `inputs.AUGMENTATIONS`.
        batch_size: images in a step, on all devices together.
        precision: of the model, as `set_precision` has it: in float16 the loss has to be scaled.
        data_service: "grpc://HOST:PORT" of the `tf.data` service that makes the batches, or None.
    """

    name: str
    epochs: int
    max_lr: float
    seed: int
    optimizer: Literal["one_cycle", "one_cycle_adamw", "adam", "sgd"] = "one_cycle"
    augmentation: str = "standard"
    batch_size: int = 32
    precision: str = "float32"
    data_service: str | None = None

    def new_optimizer(self):
        """The optimizer, before its first step."""
        optimizer = self._unscaled_optimizer()
        if self.precision == "mixed_float16":
            return keras.optimizers.LossScaleOptimizer(optimizer)
        return optimizer

    def _unscaled_optimizer(self):
        if self.optimizer == "one_cycle":
            return callbacks.CyclicalAdam()
        if self.optimizer == "one_cycle_adamw":
            return callbacks.CyclicalAdamW()
        if self.optimizer == "adam":
            return keras.optimizers.Adam(self.max_lr)
        return keras.optimizers.SGD(self.max_lr, momentum=0.9, nesterov=True)

    def schedule(self, steps):
        """The callback that moves its learning rate; `steps` make an epoch."""
        if self.optimizer in ("one_cycle", "one_cycle_adamw"):
            return callbacks.OneCycle(self.max_lr, steps * self.epochs)
        return keras.callbacks.LearningRateScheduler(self.dropped_rate)

    def dropped_rate(self, epoch, _=None):
        """The learning rate of an epoch, from 0, after the drops (Barata & Santiago 2021)."""
        drops = (2 * epoch >= self.epochs) + (4 * epoch >= 3 * self.epochs)
        return self.max_lr * 0.1**drops


@dataclass(frozen=True)
class TrainingPlaces:
    """Where a training keeps what it needs to go on, and where it says how it is doing.

    Attributes:
        state: folder of the phases' states; removed when a run is complete.
        history: path of `history.csv`.
        logs: folder of TensorBoard's logs.
        say: function of one line of text; by default nothing is said.
        verbose: whether Keras shows its progress bar.
    """

    state: Path
    history: Path
    logs: Path
    say: object = lambda text: None
    verbose: bool = False


def train_phase(model, phase, data, loss, places, *, evaluate, loss_callbacks=(), classifier=None):
    """Trains `model` in place, from the phase's saved state if there is one.

    Args:
        model: gives what `loss` compares with one-hot labels of the classes of `data`; made in the scope of the
            strategy whose devices it is trained on. On several, every batch is whole: the last, smaller one of
            an epoch could leave a device without an image.
        phase: `Phase`.
        data: `skinkeras.inputs.subsets.SplitImages`.
        loss: a Keras loss.
        places: `TrainingPlaces`.
        evaluate: function (validation `Subset`, (n, classes) probabilities) -> {name: value} for the logs;
            not called where there are no validation images.
        loss_callbacks: what moves the state of the loss.
        classifier: gives the probabilities of the classes where `model` gives something else; shares its
            weights.

    Raises:
        DivergedError: the weights are no longer finite.
        OSError: the disk is full.
    """
    keras.utils.set_random_seed(phase.seed)
    train = data.subset("train")
    strategy = model.distribute_strategy
    whole = strategy.num_replicas_in_sync > 1
    steps = inputs.steps_per_epoch(len(train.rows), phase.batch_size, whole=whole)
    with strategy.scope():
        model.compile(optimizer=phase.new_optimizer(), loss=loss, jit_compile=_jit_compile())
        # Without its variables, TensorFlow would trace the training step twice: half a minute on slow machines.
        model.optimizer.build(model.trainable_variables)
    state = callbacks.TrainingState(places.state / f"{phase.name}.npz", loss)
    done = state.restore(model)
    history = HistoryFile(places, phase, state)
    if done:
        history.write()  # a kill may have come between the last state and its row
    if done >= phase.epochs:
        return
    if done:
        places.say(f"  {phase.name}: going on after epoch {done} of {phase.epochs}")
    dataset = inputs.training_dataset(
        train.images,
        train.rows,
        train.one_hot,
        phase.batch_size,
        phase.seed,
        phase.epochs,
        done,
        inputs.AUGMENTATIONS[phase.augmentation].build(),
        whole=whole,
        correction=_correction(model),
        service=inputs.DataService(phase.data_service, say=places.say) if phase.data_service else None,
    )
    with _full_disk_as_os_error():
        model.fit(
            dataset,
            initial_epoch=done,
            epochs=phase.epochs,
            steps_per_epoch=steps,
            shuffle=False,  # the dataset has done it
            verbose="auto" if places.verbose else 0,
            callbacks=[
                phase.schedule(steps),
                *loss_callbacks,
                _epoch_evaluation(data, phase, evaluate, classifier),
                state,
                keras.callbacks.TensorBoard(places.logs / phase.name, write_graph=False),
                history,
            ],
        )


def _correction(model):
    """What the model's colour constancy leaves to the training images, or None."""
    found = (layer for layer in model.layers if isinstance(layer, ShadesOfGray) and not layer.in_training)
    return next((layer.correct for layer in found), None)


def _epoch_evaluation(data, phase, evaluate, classifier):
    if data.has_validation:
        return EpochEvaluation(data.subset("validation"), phase.batch_size, evaluate, classifier)
    # A batch says whether training has diverged; figures of training images would say little else.
    return EpochEvaluation(data.training_sample(phase.batch_size), phase.batch_size, None, classifier)


@contextmanager
def _full_disk_as_os_error():
    """TensorFlow writes TensorBoard's files itself, and has one error for a full disk and a full GPU."""
    try:
        yield
    except tf.errors.ResourceExhaustedError as error:
        if os.strerror(errno.ENOSPC) not in str(error):
            raise
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "TensorBoard's file in logs/") from error


def _jit_compile():
    # XLA on a CPU trains these models 6 to 12 times slower than graph mode.
    return "auto" if tf.config.list_physical_devices("GPU") else False


def freeze(model):
    """Lets only the classifier learn."""
    for layer in models.backbone_layers(model):
        layer.trainable = False


def unfreeze(model, weights):
    """Lets every layer learn; from pretrained `weights` on, all but batch normalization.

    Statistics of a small, uniform set of images in place of ImageNet's make a network that answers to
    noise and sharpness: docs/how_a_run_works.md has the figures.
    """
    pretrained = weights not in (None, "none")
    for layer in models.backbone_layers(model):
        layer.trainable = not (pretrained and isinstance(layer, keras.layers.BatchNormalization))


def calibrated(model, data, seed, *, integers_from=None):
    """A quantized model with the ranges of `CALIBRATION_IMAGES` training images, before any fine-tuning.

    Args:
        model: the float model.
        data: `SplitImages`.
        seed: int that draws the images.
        integers_from: as in `quantization.quantize`.
    """
    keras.utils.set_random_seed(seed)
    quantized = quantization.quantize(model, integers_from=integers_from)
    train = data.subset("train")
    chosen = np.random.default_rng(seed).permutation(train.rows)[:CALIBRATION_IMAGES]
    batches = np.split(chosen, range(_CALIBRATION_BATCH, len(chosen), _CALIBRATION_BATCH))
    quantization.calibrate(quantized, (train.images.read(rows).astype("float32") for rows in batches))
    return quantized
