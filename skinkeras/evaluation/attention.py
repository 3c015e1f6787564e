"""Where a model with CBAM looks: the maps that its attention multiplies the last feature map by.

The only file of `evaluation` that needs Keras, and so not imported with the others.
"""

import dataclasses
from dataclasses import dataclass

import keras
import numpy as np
from keras import ops
from numpy.typing import ArrayLike

_BATCH = 32


@dataclass(frozen=True)
class AttentionMaps:
    """What the attention of one level made of n images; float32 but for `best_channel`."""

    spatial: np.ndarray
    """How much each place matters, (n, h, w), in 0..1."""
    channel: np.ndarray
    """How much each channel matters, (n, c), in 0..1."""
    best_channel: np.ndarray
    """Index of the channel that matters most, (n,) int, of those that tell one place from another.

    A channel behind a ReLU may be silent all over an image, and its weight then matters to nothing.
    """
    best_feature: np.ndarray
    """The feature map of that channel, as the backbone gives it, (n, h, w)."""


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
    fields = len(dataclasses.fields(AttentionMaps))
    return tuple(AttentionMaps(*whole[at : at + fields]) for at in range(0, len(whole), fields))


def _readout(model: keras.Model) -> list[keras.KerasTensor]:
    """The fields of `AttentionMaps`, symbolic, of one level after the other."""
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
    silent = ops.equal(ops.max(features, axis=(1, 2)), ops.min(features, axis=(1, 2)))
    outputs = []
    for state in states:
        channel, spatial = cbam.attention(features, state)
        best = ops.argmax(channel - ops.cast(silent, channel.dtype), axis=1)
        chosen = ops.one_hot(best, channel.shape[1], dtype=features.dtype)
        outputs += [spatial[..., 0], channel, best, ops.sum(features * chosen[:, None, None, :], axis=3)]
    return outputs
