"""Where a quantized model loses accuracy: its activations against those of the float model."""

from collections.abc import Iterable
from dataclasses import dataclass

import keras
import numpy as np
from keras import layers, ops

from skinkeras.quantization.decomposition import decompose_layers
from skinkeras.quantization.equalization import FakeQuantizeSwishInput, ScaleChannels, scale_kernels
from skinkeras.quantization.folding import fold_batch_norm
from skinkeras.quantization.layers import (
    QUANTIZED_LAYERS,
    FakeQuantize,
    FixedFakeQuantize,
    QuantizedRescaling,
)

_FLOAT = {host: original for original, host in QUANTIZED_LAYERS.items()} | {
    QuantizedRescaling: layers.Rescaling
}
_QUANTIZERS = (FakeQuantize, FixedFakeQuantize)


@dataclass(frozen=True)
class LayerNoise:
    """How far one layer's activations are off, as signal-to-noise ratios in decibels.

    The signal is the sum of squares of the exact activations, the noise that of the differences. At 20 dB the
    noise is a tenth of the signal's root mean square, at 40 dB a hundredth.

    Attributes:
        layer: the layer of the quantized model; one that is used several times has a number for each use.
        own: the noise of this layer alone: its kernel and output rounded, against the same layer unrounded on
            the same, rounded inputs.
        total: against the float model; includes the noise of all earlier layers, and what fine-tuning has
            changed.
    """

    layer: str
    own: float
    total: float


def layer_noise(
    model: keras.Model, quantized: keras.Model, batches: Iterable[np.ndarray]
) -> list[LayerNoise]:
    """Compares each rounded activation of a quantized model with its exact value.

    Args:
        model: the float model that `quantized` was made from.
        quantized: from `quantize`, calibrated; with or without training.
        batches: (batch, height, width, channels) float32 images 0..255. All activations of one batch are in
            memory at once, three times: a few images a batch.

    Returns:
        One `LayerNoise` for each rounded layer, the noisiest layer first.

    Raises:
        ValueError: `quantized` was not made from `model`, or `batches` is empty.
    """
    floats = {
        layer.name: layer
        for layer in fold_batch_norm(decompose_layers(model)).layers
        if type(layer) in QUANTIZED_LAYERS
    }
    hosts = {layer.name: layer for layer in quantized.layers if type(layer) in QUANTIZED_LAYERS.values()}
    names = hosts.keys() | {layer.name for layer in quantized.layers if type(layer) in QUANTIZED_LAYERS}
    if floats.keys() != names:
        odd = sorted(floats.keys() ^ names)
        raise ValueError(
            f"{quantized.name!r} was not quantized from {model.name!r}: only one of them has {odd[0]!r}."
        )
    rounded = {
        layer.name: layer.output
        for layer in quantized.layers
        if isinstance(layer, (*_QUANTIZERS, QuantizedRescaling))
    }
    own = _exact(quantized, rounded, weights=hosts, go_on_rounded=True)
    total = _exact(quantized, rounded, weights=floats, go_on_rounded=False)
    sums = keras.Model(
        quantized.input,
        {
            name: [
                ops.sum(ops.square(value))
                for value in (own[name], rounded[name] - own[name], total[name], rounded[name] - total[name])
            ]
            for name in rounded
        },
    )
    totals = dict.fromkeys(rounded, np.zeros(4))
    count = 0
    for batch in batches:
        for name, values in sums(batch, training=False).items():
            totals[name] = totals[name] + np.array(values, np.float64)
        count += 1
    if not count:
        raise ValueError("layer_noise needs at least one batch of images. Received: none")
    errors = [
        LayerNoise(name.removesuffix("_quantized"), _decibels(*values[:2]), _decibels(*values[2:]))
        for name, values in totals.items()
    ]
    return sorted(errors, key=lambda error: error.own)


def _exact(quantized, rounded, weights, go_on_rounded):
    """The input of each rounding with unrounded kernels: {name of the rounding layer: tensor}.

    Args:
        quantized: the model whose layers are repeated in float.
        rounded: the outputs of its rounding layers by name.
        weights: {name: layer} whose first weights the repeated layers take.
        go_on_rounded: whether the next layer reads the rounded or the exact values.
    """
    exact, repeated = {}, {}
    suffix = "_own" if go_on_rounded else "_total"  # layer names must differ within one model

    def clone(layer):
        if isinstance(layer, _QUANTIZERS):
            return layer  # only its name is used; it is not called
        config = layer.get_config()
        config["name"] = layer.name + suffix
        repeated[layer.name] = _FLOAT.get(type(layer), type(layer)).from_config(config)
        return repeated[layer.name]

    def call(layer, *args, **kwargs):
        if kwargs.get("keep_range"):  # of averages, whose exact value is not that of the quantizer's own use
            return layer(*args, **kwargs) if go_on_rounded else args[0]
        name = layer.name.removesuffix(suffix)
        value = args[0] if isinstance(layer, _QUANTIZERS) else layer(*args, **kwargs)
        if name not in rounded:
            return value
        # What swish turns into 0 is cut off on purpose.
        exact[name] = layer.relevant(value) if isinstance(layer, FakeQuantizeSwishInput) else value
        return rounded[name] if go_on_rounded else value

    keras.models.clone_model(
        quantized, input_tensors=quantized.input, clone_function=clone, call_function=call
    )
    for name, layer in repeated.items():  # but for `weights`, only a PReLU has any
        source = weights.get(name) or quantized.get_layer(name)
        layer.set_weights(source.get_weights()[: len(layer.weights)])
    scaled = [layer for layer in quantized.layers if isinstance(layer, ScaleChannels)]
    for layer in scaled:
        if weights[layer.source] is not quantized.get_layer(layer.source):
            scale_kernels(layer, ops.convert_to_numpy(layer.scale), repeated.__getitem__)
    return exact


def _decibels(signal: float, noise: float) -> float:
    return float("inf") if not noise else float(10 * np.log10(signal / noise)) if signal else float("-inf")
