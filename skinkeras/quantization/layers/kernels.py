"""Keras 3 layers whose kernels are rounded to 8 bits, with the quantizers of tensorflow-model-optimization."""

import dataclasses

import keras
import numpy as np
from keras import layers, ops

from skinkeras.layers import MergeClasses, SpreadClasses
from skinkeras.quantization.fake_quantization import fake_quantize
from skinkeras.quantization.recipe import LAYERS, WeightQuantizer
from skinkeras.quantization.tfmot import RangeVariables, quantizers

# Least range of a kernel, as a share of the bias that is added to its products. ImageNet's weights have
# channels whose kernel is a millionth of their bias; at that scale the bias overflows its 32 bits. Rounding
# such a kernel to steps of 1/127000 of the bias changes no output by a level.
_LEAST_RANGE = 1e-3


class _QuantizedKernel:
    """Mixin for a layer with a `kernel`: the product is computed with the kernel rounded to 8 bits."""

    weight_quantizer: WeightQuantizer

    def build(self, input_shape):
        super().build(input_shape)
        quantizer = quantizers().LastValueQuantizer(**dataclasses.asdict(self.weight_quantizer))
        self._range = quantizer.build(self._channels_last(), "kernel", RangeVariables(self))

    def quantized_kernel(self, training):
        """The rounded kernel; in training its range is set to that of the kernel, else it is not changed."""
        kernel = ops.convert_to_tensor(self.kernel)
        columns = ops.reshape(kernel, self._channels_last())
        if training:
            self._set_range(columns)
        settings = self.weight_quantizer
        rounded = fake_quantize(
            columns,
            *self._range.values(),
            num_bits=settings.num_bits,
            narrow_range=settings.narrow_range,
            name="LastValueQuant",
        )
        return ops.reshape(rounded, kernel.shape)

    def _set_range(self, columns):
        axes = tuple(range(len(columns.shape) - 1)) if self.weight_quantizer.per_axis else None
        limit = ops.max(ops.abs(columns), axis=axes)
        if getattr(self, "bias", None) is not None:
            bias = ops.abs(ops.convert_to_tensor(self.bias))
            limit = ops.maximum(limit, _LEAST_RANGE * (bias if axes else ops.max(bias)))
        for variable, value in zip(self._range.values(), (-limit, limit), strict=True):
            variable.assign(value)

    @property
    def kernel_scale(self):
        """The distance between two levels of the kernel: one, or (channels,)."""
        levels = 2 ** (self.weight_quantizer.num_bits - 1) - 1
        return np.asarray(self._range["max_var"], "float64") / levels

    def round_bias(self, input_scale: float):
        """Rounds the bias as the integer operation does; `input_scale`: distance between the input's levels."""
        scale = input_scale * self.kernel_scale
        # A channel of zeros, or an input of zeros, has no scale: its bias rounds to 0.
        levels = np.divide(
            ops.convert_to_numpy(self.bias), scale, out=np.zeros(self.bias.shape), where=scale > 0
        )
        self.bias.assign(np.rint(levels) * scale)

    def scale_kernel(self, factor: float):
        """Multiplies the kernel and its range by `factor` > 0, which changes none of its integers."""
        for variable in (self.kernel, *self._range.values()):
            variable.assign(variable * factor)

    def _channels_last(self):
        return tuple(self.kernel.shape)

    # Keras' convolutions and Dense save kernel and bias only, and would lose the ranges.
    def save_own_variables(self, store):
        for variable in self.weights:
            store[variable.name] = variable

    def load_own_variables(self, store):
        for variable in self.weights:
            variable.assign(store[variable.name])

    def _finish(self, outputs):
        if getattr(self, "bias", None) is not None:
            outputs = ops.add(outputs, self.bias)
        return self.activation(outputs)


@keras.saving.register_keras_serializable("skinkeras")
class QuantizedConv2D(_QuantizedKernel, layers.Conv2D):
    """`Conv2D` with its kernel rounded to 8 bits, one scale per output channel."""

    weight_quantizer = LAYERS[layers.Conv2D].weights

    def call(self, inputs, training=False):
        return self._finish(self.convolution_op(inputs, self.quantized_kernel(training)))


@keras.saving.register_keras_serializable("skinkeras")
class QuantizedDepthwiseConv2D(_QuantizedKernel, layers.DepthwiseConv2D):
    """`DepthwiseConv2D` with its kernel rounded to 8 bits, one scale per output channel."""

    weight_quantizer = LAYERS[layers.DepthwiseConv2D].weights

    def _channels_last(self):
        # The quantizer takes the last axis for the channels; a depthwise kernel has them in the last two
        # axes.
        height, width, channels, multiplier = self.kernel.shape
        return (height, width, 1, channels * multiplier)

    def call(self, inputs, training=False):
        kernel = self.quantized_kernel(training)
        return self._finish(
            ops.depthwise_conv(
                inputs, kernel, strides=self.strides, padding=self.padding, dilation_rate=self.dilation_rate
            )
        )


@keras.saving.register_keras_serializable("skinkeras")
class QuantizedDense(_QuantizedKernel, layers.Dense):
    """`Dense` with its kernel rounded to 8 bits, one scale."""

    weight_quantizer = LAYERS[layers.Dense].weights

    def call(self, inputs, training=False):
        return self._finish(ops.matmul(inputs, self.quantized_kernel(training)))


@keras.saving.register_keras_serializable("skinkeras")
class QuantizedConv2DTranspose(_QuantizedKernel, layers.Conv2DTranspose):
    """`Conv2DTranspose` with its kernel rounded to 8 bits, one scale."""

    weight_quantizer = LAYERS[layers.Conv2DTranspose].weights

    def call(self, inputs, training=False):
        return self._finish(
            ops.conv_transpose(
                inputs,
                self.quantized_kernel(training),
                strides=self.strides,
                padding=self.padding,
                output_padding=self.output_padding,
                dilation_rate=self.dilation_rate,
            )
        )


@keras.saving.register_keras_serializable("skinkeras")
class QuantizedMergeClasses(_QuantizedKernel, MergeClasses):
    """`MergeClasses` as an 8-bit matrix product; zeros and ones are exact in it."""

    weight_quantizer = LAYERS[MergeClasses].weights

    def call(self, inputs, training=False):
        return ops.matmul(inputs, self.quantized_kernel(training))


@keras.saving.register_keras_serializable("skinkeras")
class QuantizedSpreadClasses(_QuantizedKernel, SpreadClasses):
    """`SpreadClasses` as an 8-bit matrix product; zeros and ones are exact in it."""

    weight_quantizer = LAYERS[SpreadClasses].weights

    def call(self, inputs, training=False):
        return ops.matmul(inputs, self.quantized_kernel(training)) + self.bias


# The layer that replaces each type with a kernel.
QUANTIZED_LAYERS = {
    layers.Conv2D: QuantizedConv2D,
    layers.DepthwiseConv2D: QuantizedDepthwiseConv2D,
    layers.Dense: QuantizedDense,
    layers.Conv2DTranspose: QuantizedConv2DTranspose,
    MergeClasses: QuantizedMergeClasses,
    SpreadClasses: QuantizedSpreadClasses,
}
