"""What the sample-weighting losses share: another loss, and a weight for each of its samples."""

import abc

import keras

from skinkeras.losses.training_steps import KnowsSampleWeights


class Weighting(KnowsSampleWeights, keras.losses.Loss, abc.ABC):
    """Each sample's loss, as `base` gives it, times the sample's weight. Barata & Santiago 2021, eq. 3.

    A weighting is itself a loss with one value a sample, and so the base of another weighting. Only
    the outermost reduction acts: that of the base has no effect. A subclass defines `sample_weights`.

    Args:
        base: a `keras.losses.Loss` whose `call` gives one value a sample, shape (batch,).
        reduction, name: as in Keras.

    Raises:
        ValueError: `base` is not a loss, or, when called, does not give one value a sample.
    """

    def __init__(self, base, reduction, name):
        super().__init__(name=name, reduction=reduction)
        if not isinstance(base, keras.losses.Loss):
            raise ValueError(f"base must be a keras.losses.Loss. Received: base={base!r}")
        self.base = base

    @property
    def variables(self):
        """The state that a resumed run needs, that of the base included, as a list of Keras variables."""
        return list(getattr(self.base, "variables", []))

    @abc.abstractmethod
    def sample_weights(self, y_true, losses):
        """The weight of each sample, shape (batch,), from its label and its loss."""

    def call(self, y_true, y_pred):
        # Only once: a base such as RecallCrossentropy counts the samples that it sees.
        losses = self.base.call(y_true, y_pred)
        if len(losses.shape) != 1:
            raise ValueError(
                f"base must give one loss a sample, shape (batch,). Received: shape={tuple(losses.shape)} "
                f"from base={self.base.name}"
            )
        return losses * self.sample_weights(y_true, losses)

    def get_config(self):
        return {**super().get_config(), "base": keras.saving.serialize_keras_object(self.base)}

    @classmethod
    def from_config(cls, config):
        return cls(**{**config, "base": keras.saving.deserialize_keras_object(config["base"])})
