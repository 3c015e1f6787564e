"""Where a model with CBAM looks: the maps by which its attention multiplies the last feature map.

The only module of `evaluation` that needs Keras, so the package does not import it.
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
    """The attention of one level on n images; float32 except `best_channel`."""

    spatial: np.ndarray
    """Weight of each position, (n, h, w), in 0..1."""
    channel: np.ndarray
    """Weight of each channel, (n, c), in 0..1."""
    best_channel: np.ndarray
    """Index of the channel with the highest weight, (n,) int, among those that vary over the image.

    After a ReLU, a channel can be constant over an image; its weight then has no effect.
    """
    best_feature: np.ndarray
    """The feature map of that channel, before attention, (n, h, w)."""


def attention_maps(model: keras.Model, images: ArrayLike) -> tuple[AttentionMaps, ...]:
    """The spatial map, the channel weights and the best channel of each image (Woo et al. 2018, eq. 2 and 3).

    Args:
        model: from `models.create(...)`, `models.create_hierarchical` or `models.level_model`,
            also when loaded from a `.keras` file.
        images: (n, size, size, 3), RGB in 0..255, as the model takes them.

    Returns:
        One `AttentionMaps` for each level of a hierarchical model, whose attention depends on the levels before;
        a single one for a flat model.

    Raises:
        ValueError: the model has no attention layer (such as a quantized model), or no image is given.
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
    """The fields of `AttentionMaps` as symbolic tensors, level by level."""
    names = {layer.name for layer in model.layers}
    if "cbam" not in names:
        raise ValueError(f"Model {model.name!r} has no attention: it has no layer 'cbam'.")
    cbam = model.get_layer("cbam")
    if "lstm" in names:
        # The layer's input is that of the first level. Each later level attends with the state of the one before.
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
