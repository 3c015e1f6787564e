"""Swish in 8 bits: one range for all channels, of channels that have been scaled to fill it.

Behind a convolution with batch normalization some channels reach 80 and others 1. With one range for all of
them, the steps between 256 levels are as coarse as the narrow channels are wide, and swish, whose bend lies
within a few units of 0, is lost in them. Scaling channels changes nothing in front of a piecewise linear
activation (cross-layer equalization, Nagel et al. 2019, arXiv:1906.04721, section 4.1), but swish is not
linear. Its sigmoid therefore reads the channels at their own scale s again, after one more product:

    y' = y / s                      the convolution's kernel and bias are divided by s
    z' = y' * sigmoid(y' * s)       z' = swish(y) / s
                                    the depthwise kernel that reads z' is multiplied by s
"""

import keras
import numpy as np
import tensorflow as tf
from keras import layers, ops

from skinkeras.quantization.graph import producers
from skinkeras.quantization.layers import FakeQuantize, range_around_zero

# sigmoid(-6.5) rounds to 0 of 256 levels, sigmoid(6.5) to the highest: what is beyond needs no level.
_SATURATION = 6.5
SATURATED = range_around_zero(-_SATURATION, _SATURATION)
# Least scale, as a share of the largest: below, the steps of the scales themselves become coarse.
_LEAST_SCALE = 1 / 64
_STEPS = 255


@keras.saving.register_keras_serializable("skinkeras")
class FakeQuantizeSwishInput(FakeQuantize):
    """A `FakeQuantize` whose range leaves out what swish turns into 0 in 8 bits.

    Args:
        lowest: float < 0; values below it do not widen the range.
    """

    def __init__(self, lowest=-_SATURATION, **kwargs):
        super().__init__(**kwargs)
        self.lowest = float(lowest)
        self._extremes = None

    def measure_extremes(self):
        """Resets the range, and the extremes of each channel."""
        super().measure_extremes()
        self._extremes = None

    def channel_extremes(self):
        """(lowest, highest) value of each channel since `measure_extremes`, each (channels,)."""
        return self._extremes

    def get_config(self):
        return {**super().get_config(), "lowest": self.lowest}

    def relevant(self, inputs):
        """The values that swish does not turn into 0; the others at the end of those."""
        return ops.maximum(inputs, self.lowest)

    def _measured(self, inputs):
        axes = tuple(range(len(inputs.shape) - 1))
        low, high = (ops.convert_to_numpy(end(inputs, axis=axes)) for end in (ops.min, ops.max))
        before = self._extremes or (low, high)
        self._extremes = np.minimum(low, before[0]), np.maximum(high, before[1])
        super()._measured(inputs)
        # Unrounded: steps over all values that occur are so coarse that later layers would measure their noise.
        return inputs


@keras.saving.register_keras_serializable("skinkeras")
class ScaleChannels(layers.Layer):
    """Multiplies each channel by a fixed number, which is one of 255 steps up to the largest.

    Args:
        source: name of the convolution whose outputs were divided by these numbers.
        readers: names of the depthwise convolutions whose kernels were multiplied by them.
    """

    def __init__(self, source, readers, **kwargs):
        super().__init__(**kwargs)
        self.source, self.readers = source, list(readers)

    def build(self, input_shape):
        self.scale = self.add_weight(
            name="scale", shape=(input_shape[-1],), initializer="ones", trainable=False
        )

    def call(self, inputs):
        # Rounding changes nothing; it tells the converter the range of the constant.
        scale = ops.convert_to_tensor(self.scale)
        return inputs * tf.quantization.fake_quant_with_min_max_vars(scale, 0.0, ops.max(scale))

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "source": self.source, "readers": self.readers}


def is_swish(layer: layers.Layer) -> bool:
    """Whether `layer` is a swish activation."""
    return type(layer) is layers.Activation and layer.activation is keras.activations.silu


def scalable(model: keras.Model, readers: dict[str, list[str]], name: str) -> tuple[str, list[str]] | None:
    """The kernels around a swish whose channels can be scaled.

    Args:
        model: a float model with its batch normalization folded.
        readers: its `consumers`.
        name: of the swish activation.

    Returns:
        The name of the convolution in front, and those of the depthwise convolutions that read the swish,
        directly or behind padding; or None if another layer reads it, or kernels are shared. A depthwise kernel
        has a scale for each channel, and nothing is lost in it. Any other kernel mixes channels under one
        scale: there the spread would only move from the activations into the kernel (measured on
        EfficientNet-B0 after fine-tuning: half the noise in activations, five times as much in kernels).
    """
    sources = producers(readers, name)
    if len(sources) != 1 or readers[sources[0]] != [name]:
        return None
    source = model.get_layer(sources[0])
    if type(source) is not layers.Conv2D and not _is_depthwise(source):
        return None
    kernels = _kernels_behind(model, readers, name)
    if not kernels or len(set(kernels)) < len(kernels):
        return None
    return sources[0], kernels


def _kernels_behind(model, readers, name) -> list[str] | None:
    kernels = []
    for reader in readers[name]:
        layer = model.get_layer(reader) if reader else None
        if _is_depthwise(layer):
            found = [reader] if len(producers(readers, reader)) == 1 else None
        elif type(layer) is layers.ZeroPadding2D:
            found = _kernels_behind(model, readers, reader)
        else:
            found = None
        if found is None:
            return None
        kernels += found
    return kernels


def _is_depthwise(layer) -> bool:
    return type(layer) is layers.DepthwiseConv2D and layer.depth_multiplier == 1


def equalize(model: keras.Model) -> None:
    """Scales the channels of every `ScaleChannels` to fill one range, by the extremes that were measured.

    Args:
        model: from `quantize`, after a pass over images with every range measuring; changed in place.
            Calibrate it afterwards.
    """
    for layer in model.layers:
        if isinstance(layer, ScaleChannels):
            quantizer = model.get_layer(f"{layer.source}_quantized")
            before = ops.convert_to_numpy(layer.scale).astype("float64")
            low, high = (ends * before for ends in quantizer.channel_extremes())
            scale = _channel_scales(low, high)
            scale_kernels(layer, scale / before, model.get_layer)
            layer.scale.assign(scale)
            quantizer.lowest = -float(np.max(np.clip(-low, 0, _SATURATION) / scale))


def _channel_scales(low, high) -> np.ndarray:
    """(channels,) the half-width of each channel's range, as steps of the largest, with a geometric mean of 1.

    The mean keeps kernels as large as they were on average, so that an optimizer's rate means what it meant.
    """
    reach = np.maximum(np.maximum(high, 0), np.clip(-low, 0, _SATURATION))
    reach = np.maximum(reach, max(reach.max() * _LEAST_SCALE, 1e-6))
    steps = np.rint(reach / reach.max() * _STEPS)
    return steps / np.exp(np.log(steps).mean())


def scale_kernels(layer: ScaleChannels, factor: np.ndarray, get_layer) -> None:
    """Divides the outputs of the layer's source by `factor`, and multiplies the kernels of its readers by it.

    Args:
        layer: names the source and the readers.
        factor: (channels,) > 0.
        get_layer: from a name to a convolution with that name's weights, of floats or quantized.
    """
    source = get_layer(layer.source)
    column = np.asarray(factor, "float32")[:, None]
    source.kernel.assign(source.kernel / (column if _has_channel_rows(source) else column[:, 0]))
    if source.bias is not None:
        source.bias.assign(source.bias / column[:, 0])
    for reader in map(get_layer, layer.readers):
        reader.kernel.assign(reader.kernel * column)
    for scaled in (source, *map(get_layer, layer.readers)):
        if hasattr(scaled, "quantized_kernel"):
            scaled.quantized_kernel(training=True)  # sets the kernel's range


def _has_channel_rows(layer) -> bool:
    # A depthwise kernel has its channels in the last axis but one, a convolution's its outputs in the last.
    return isinstance(layer, layers.DepthwiseConv2D)
