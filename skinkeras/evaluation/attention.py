"""Where a model with CBAM looks: the maps that its attention multiplies the last feature map by.

The only file of `evaluation` that needs Keras, and so not imported with the others.
"""

from dataclasses import dataclass

import keras
import numpy as np
from keras import ops
from numpy.typing import ArrayLike

_BATCH = 32


@dataclass(frozen=True)
class AttentionMaps:
    """What the attention of one level made of n images, all float32."""

    spatial: np.ndarray
    """How much each place matters, (n, h, w), in 0..1."""
    channel: np.ndarray
    """How much each channel matters, (n, c), in 0..1."""
    best_feature: np.ndarray
    """The feature map of the channel that matters most, as the backbone gives it, (n, h, w)."""

    @property
    def best_channel(self) -> np.ndarray:
        """Index of the channel that matters most, (n,); of equal ones the first."""
        return self.channel.argmax(axis=1)


def attention_maps(model: keras.Model, images: ArrayLike) -> tuple[AttentionMaps, ...]:
    """The spatial map, the channel weights and the best channel of each image (Woo et al. 2018, eq. 2 and 3).

    Args:
        model: from `models.create(..., cbam=True)`, `models.create_hierarchical` or `models.level_model`,
            also when loaded from a `.keras` file.
        images: (n, size, size, 3), RGB in 0..255, as the model takes them.

    Returns:
        One `AttentionMaps` a level for a hierarchical model, whose attention changes with what it has
        concluded so far; a single one for a flat model.

    Raises:
        ValueError: the model has no attention to show, as has a quantized one, or no image is given.
    """
    images = np.asarray(images, dtype=np.float32)
    if not len(images):
        raise ValueError("Attention maps need at least one image. Received: none")
    readout = keras.Model(model.input, _readout(model))
    batches = [
        readout.predict_on_batch(images[start : start + _BATCH]) for start in range(0, len(images), _BATCH)
    ]
    whole = [np.concatenate(parts) for parts in zip(*batches, strict=True)]
    return tuple(AttentionMaps(*whole[start : start + 3]) for start in range(0, len(whole), 3))


def _readout(model: keras.Model) -> list[keras.KerasTensor]:
    """Spatial map, channel map and best feature map, symbolic, of one level after the other."""
    names = {layer.name for layer in model.layers}
    if "cbam" not in names:
        raise ValueError(f"Model {model.name!r} has no attention: it has no layer 'cbam'.")
    cbam = model.get_layer("cbam")
    if "lstm" in names:
        # The input is that of the first level. Each later one looks with the state that the one before left.
        features, first = cbam.input
        levels = sum(name.startswith("level") and name.endswith("_dropout") for name in names)
        left = [model.get_layer(f"level{number}_dropout").input for number in range(1, levels)]
        states = [first, *left]
    else:
        features, states = cbam.input, [None]
    outputs = []
    for state in states:
        channel, spatial = cbam.attention(features, state)
        best = ops.one_hot(ops.argmax(channel, axis=1), channel.shape[1], dtype=features.dtype)
        best_feature = ops.sum(features * best[:, None, None, :], axis=3)
        outputs += [spatial[..., 0], channel, best_feature]
    return outputs
