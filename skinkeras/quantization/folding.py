"""Batch normalization folded into the layer before it."""

import keras
import numpy as np
from keras import layers

from skinkeras.quantization.graph import consumers

FOLDABLE = (layers.Conv2D, layers.DepthwiseConv2D, layers.Dense)


def fold_batch_norm(model: keras.Model) -> keras.Model:
    """The same function of the input, at inference, with fewer layers.

    `BatchNormalization` after a linear convolution or dense layer that no other layer reads becomes part of
    that layer (Jacob et al. 2018, eq. 14):

        kernel' = kernel * gamma / sqrt(variance + epsilon)
        bias'   = (bias - mean) * gamma / sqrt(variance + epsilon) + beta

    Equal to the original up to float32 rounding. Any other `BatchNormalization` stays.

    Args:
        model: functional, built `keras.Model`, channels last.

    Returns:
        A new model with its own weights; layer names are kept.
    """
    norms = foldable_norms(model)
    folded_away = {norm.name for norm in norms.values()}

    def clone(layer: layers.Layer) -> layers.Layer:
        config = layer.get_config()
        if layer.name in norms:
            config["use_bias"] = True
        return type(layer).from_config(config)

    def call(layer: layers.Layer, *args, **kwargs):
        return args[0] if layer.name in folded_away else layer(*args, **kwargs)

    folded = keras.models.clone_model(model, clone_function=clone, call_function=call)
    for layer in model.layers:
        if layer.name in folded_away or not layer.weights:
            continue
        norm = norms.get(layer.name)
        folded.get_layer(layer.name).set_weights(
            _folded_weights(layer, norm) if norm else layer.get_weights()
        )
    return folded


def foldable_norms(model: keras.Model) -> dict[str, layers.BatchNormalization]:
    """By the name of the layer before it, each `BatchNormalization` that `fold_batch_norm` folds."""
    norms = {}
    readers = consumers(model)
    for layer in model.layers:
        if type(layer) not in FOLDABLE or layer.activation is not keras.activations.linear:
            continue
        if len(readers[layer.name]) != 1 or not readers[layer.name][0]:
            continue
        reader = model.get_layer(readers[layer.name][0])
        if type(reader) is layers.BatchNormalization:
            norms[layer.name] = reader
    return norms


def _folded_weights(layer: layers.Layer, norm: layers.BatchNormalization) -> list[np.ndarray]:
    # In float64, so that the only rounding is the one back to float32.
    def values(variable, default: float) -> np.ndarray | float:
        return default if variable is None else keras.ops.convert_to_numpy(variable).astype(np.float64)

    factor = values(norm.gamma, 1.0) / np.sqrt(values(norm.moving_variance, 1.0) + norm.epsilon)
    kernel = values(layer.kernel, 0.0)
    # A depthwise kernel is (height, width, input channel, multiplier): its output channels are the last two
    # axes.
    per_output = factor.reshape(kernel.shape[2:]) if type(layer) is layers.DepthwiseConv2D else factor
    bias = (values(layer.bias, 0.0) - values(norm.moving_mean, 0.0)) * factor + values(norm.beta, 0.0)
    return [(kernel * per_output).astype(np.float32), bias.astype(np.float32)]
