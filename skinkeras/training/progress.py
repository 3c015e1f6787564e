"""How a training is doing: validation after each epoch, `history.csv`, one line an epoch."""

import time

import keras
import numpy as np
import pandas as pd
import tensorflow as tf
from sklearn.metrics import log_loss

from skinkeras import losses
from skinkeras.errors import RunError
from skinkeras.files.writing import replacing

# What a line says of an epoch, where the logs have it.
_SHOWN = {
    "loss": "loss {:.4f}",
    "val_auc": "validation AUC {:.3f}",
    "val_malignant_recall": "malignant recall {:.2f}",
    "val_benign_recall": "benign recall {:.2f}",
    "val_accuracy": "validation accuracy {:.3f}",
    "val_balanced_accuracy": "balanced {:.3f}",
    "seconds": "{:.0f} s",
}


class DivergedError(RunError, ValueError):
    """The weights are no longer finite."""


class EpochEvaluation(keras.callbacks.Callback):
    """Adds to each epoch's logs how the model does on the validation images.

    `val_loss` is plain cross-entropy over the classes that are learned; the rest is up to `evaluate`.

    Args:
        subset: the validation `Subset`.
        batch_size: int.
        evaluate: function (subset, (n, classes) probabilities) -> {name: value}; None: nothing is measured,
            the answers only have to be finite.
        classifier: the model that gives the probabilities; None: the one that is trained.
    """

    def __init__(self, subset, batch_size, evaluate, classifier=None):
        super().__init__()
        self.subset, self.evaluate, self.classifier = subset, evaluate, classifier
        self.dataset, self._answer = subset.dataset(batch_size), None

    def on_epoch_begin(self, epoch, logs=None):
        self.started = time.monotonic()

    def on_epoch_end(self, epoch, logs=None):
        seconds = time.monotonic() - self.started
        probabilities = self._predicted()
        if not np.isfinite(probabilities).all():
            raise DivergedError(
                f"Training has diverged in epoch {epoch + 1}: the model's outputs are not finite numbers. "
                f"Start again with {_remedy(self.model.loss)}, in another --out."
            )
        if self.evaluate:
            # Rounded to integers, as they are in fine-tuning, they do not quite sum to 1.
            probabilities /= probabilities.sum(axis=1, keepdims=True)
            classes = range(probabilities.shape[1])
            logs["val_loss"] = log_loss(self.subset.labels, probabilities, labels=classes)
            logs.update(self.evaluate(self.subset, probabilities))
        logs["seconds"] = seconds

    def _predicted(self):
        model = self.classifier or self.model
        if model.distribute_strategy.num_replicas_in_sync == 1:
            return model.predict(self.dataset, verbose=0)
        # On one device: on several, the last, smaller batch could leave one without an image, where Keras fails.
        if self._answer is None:
            self._answer = tf.function(lambda images: model(images, training=False), reduce_retracing=True)
        return np.concatenate([self._answer(images).numpy() for images, _ in self.dataset])


def _remedy(loss):
    """What to change where the gradients of a loss have grown without bound."""
    if isinstance(loss, losses.RecallCrossentropy) and loss.gamma > 1:
        return f"a lower --gamma (it is {loss.gamma:g}) or a lower --learning-rate"
    return "a lower --learning-rate"


class HistoryFile(keras.callbacks.Callback):
    """Writes `history.csv` anew after each epoch, and says one line.

    Args:
        places: `TrainingPlaces`.
        phase: `Phase`.
        state: the phase's `callbacks.TrainingState`.
    """

    def __init__(self, places, phase, state):
        super().__init__()
        self.places, self.phase, self.state = places, phase, state

    def on_epoch_end(self, epoch, logs=None):
        self.write()
        last = self.state.history[-1]
        shown = "   ".join(text.format(last[name]) for name, text in _SHOWN.items() if name in last)
        self.places.say(f"  {self.phase.name} {epoch + 1}/{self.phase.epochs}   {shown}")

    def write(self):
        """Writes the file: the rows of earlier phases, and this one's so far."""
        rows = [{"phase": self.phase.name, "epoch": n, **row} for n, row in enumerate(self.state.history, 1)]
        path = self.places.history
        if path.exists():
            earlier = pd.read_csv(path)
            rows = [*earlier[earlier.phase != self.phase.name].to_dict("records"), *rows]
        with replacing(path) as temporary:
            pd.DataFrame(rows).to_csv(temporary, index=False)
