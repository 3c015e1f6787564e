"""Layers that have no integer operation of their own, and what computes the same from layers that have one.

A substitute is a function that takes the layer and returns a layer or a function of the layer's inputs. It is
called once for each layer, however often the layer is used, so that weights stay shared.
"""

import keras
import numpy as np
from keras import layers

from skinkeras.quantization.operations import OPERATIONS, rescaling

# Layers that change their input in training only. Augmentation belongs into the data of a fine-tuning.
AUGMENTATION = (
    layers.AugMix,
    layers.CutMix,
    layers.GaussianNoise,
    layers.MixUp,
    layers.RandAugment,
    layers.RandomBrightness,
    layers.RandomColorDegeneration,
    layers.RandomColorJitter,
    layers.RandomContrast,
    layers.RandomElasticTransform,
    layers.RandomErasing,
    layers.RandomFlip,
    layers.RandomGaussianBlur,
    layers.RandomGrayscale,
    layers.RandomHue,
    layers.RandomInvert,
    layers.RandomPerspective,
    layers.RandomPosterization,
    layers.RandomRotation,
    layers.RandomSaturation,
    layers.RandomSharpness,
    layers.RandomShear,
    layers.RandomTranslation,
    layers.RandomZoom,
)


class WithWeights:
    """Calls a new layer, which gets its weights when the first call has built it."""

    def __init__(self, layer: layers.Layer, *weights: np.ndarray):
        self.layer, self.weights = layer, weights

    def __call__(self, *inputs):
        first = not self.layer.built
        outputs = self.layer(*inputs)
        if first:
            self.layer.set_weights([np.asarray(values, np.float32) for values in self.weights])
        return outputs


class PerChannel:
    """x * scale + offset with a scale and an offset for each channel, as a depthwise convolution of 1 x 1.

    Its integers are exact: each channel has one weight, which is the end of that channel's range.
    """

    def __init__(self, name: str, scale, offset, *, trainable: bool):
        self.name, self.scale, self.offset = name, np.asarray(scale).ravel(), np.asarray(offset).ravel()
        self.convolution = layers.DepthwiseConv2D(1, name=name, trainable=trainable)
        self.reshapes = None

    def __call__(self, inputs):
        shape, channels = inputs.shape[1:], inputs.shape[-1]
        kernel = np.broadcast_to(self.scale, channels).reshape(1, 1, channels, 1)
        convolve = WithWeights(self.convolution, kernel, np.broadcast_to(self.offset, channels))
        if len(shape) == 3:
            return convolve(inputs)
        if self.reshapes is None:
            self.reshapes = (
                layers.Reshape((1, -1, channels), name=f"{self.name}_as_image"),
                layers.Reshape(shape, name=f"{self.name}_as_before"),
            )
        as_image, as_before = self.reshapes
        return as_before(convolve(as_image(inputs)))


def standalone_batch_norm(norm: layers.BatchNormalization) -> PerChannel:
    """A batch normalization that no layer before it can absorb, at inference."""
    if norm.axis not in (-1, len(norm.input.shape) - 1):
        raise ValueError(
            f"Layer {norm.name!r} normalizes along axis {norm.axis}; quantize needs the channels last."
        )
    values = {name: getattr(norm, name) for name in ("gamma", "beta", "moving_mean", "moving_variance")}
    values = {
        name: None if value is None else np.asarray(value, np.float64) for name, value in values.items()
    }
    scale = 1.0 if values["gamma"] is None else values["gamma"]
    scale = scale / np.sqrt(values["moving_variance"] + norm.epsilon)
    offset = 0.0 if values["beta"] is None else values["beta"]
    return PerChannel(norm.name, scale, offset - values["moving_mean"] * scale, trainable=norm.trainable)


def _normalization(layer: layers.Normalization):
    mean, variance = np.asarray(layer.mean, np.float64), np.asarray(layer.variance, np.float64)
    deviation = np.maximum(np.sqrt(variance), keras.config.epsilon())
    if layer.invert:
        return rescaling(deviation, mean, layer.name)
    return rescaling(1 / deviation, -mean / deviation, layer.name)


def _separable(layer: layers.SeparableConv2D):
    common = {"padding": layer.padding, "dilation_rate": layer.dilation_rate, "trainable": layer.trainable}
    depthwise = layers.DepthwiseConv2D(
        layer.kernel_size,
        layer.strides,
        depth_multiplier=layer.depth_multiplier,
        use_bias=False,
        name=f"{layer.name}_depthwise",
        **common,
    )
    pointwise = layers.Conv2D(
        layer.filters,
        1,
        use_bias=layer.use_bias,
        activation=layer.activation,
        name=layer.name,
        trainable=layer.trainable,
    )
    depthwise_kernel, *others = layer.get_weights()
    depthwise, pointwise = WithWeights(depthwise, depthwise_kernel), WithWeights(pointwise, *others)
    return lambda inputs: pointwise(depthwise(inputs))


def _leaky(layer: layers.ReLU):
    return layers.LeakyReLU(float(layer.negative_slope), name=layer.name)


def _through_relu6(layer, before: tuple[float, float], after: float):
    """relu6(x * scale + offset) * after: two operations, the first of which absorbs the relu6."""
    line = PerChannel(f"{layer.name}_before", *before, trainable=False)
    relu6 = layers.ReLU(6.0, name=f"{layer.name}_relu6")
    scaled = PerChannel(layer.name, after, 0.0, trainable=False)
    return lambda inputs: scaled(relu6(line(inputs)))


def _hard_sigmoid(layer):
    return _through_relu6(layer, (1.0, 3.0), 1 / 6)


def _clip(layer: layers.ReLU):
    # min(max(x, 0), m); TensorFlow Lite's integers have relu6 only.
    return _through_relu6(layer, (6 / layer.max_value, 0.0), layer.max_value / 6)


def _elu(layer, alpha: float, factor: float = 1.0):
    """factor * (max(x, 0) + alpha * (exp(min(x, 0)) - 1)), with min(x, 0) = x - max(x, 0)."""
    name = layer.name
    positive = layers.ReLU(name=f"{name}_positive")
    negative = layers.Subtract(name=f"{name}_negative")
    exponential = layers.Activation("exponential", name=f"{name}_exponential")
    saturating = PerChannel(f"{name}_saturating", factor * alpha, -factor * alpha, trainable=False)
    scaled = PerChannel(f"{name}_scaled", factor, 0.0, trainable=False) if factor != 1 else None
    total = layers.Add(name=name)

    def call(inputs):
        part = positive(inputs)
        negative_part = saturating(exponential(negative([inputs, part])))
        return total([scaled(part) if scaled else part, negative_part])

    return call


def _selu(layer):
    # Klambauer et al. 2017, with the constants of Keras.
    return _elu(layer, alpha=1.6732632423543772, factor=1.0507009873554805)


def _average(layer: layers.Average):
    total = layers.Add(name=f"{layer.name}_sum")
    return lambda inputs: layers.Rescaling(1 / len(inputs), name=layer.name)(total(inputs))


def _nothing(layer):
    return lambda inputs: inputs


def _activation_apart(layer):
    """A layer with its activation in a layer of its own, which gets a substitute next."""
    linear = type(layer).from_config(
        {**layer.get_config(), "activation": "linear", "name": f"{layer.name}_linear"}
    )
    linear, activation = WithWeights(linear, *layer.get_weights()), _activation(layer)
    return lambda inputs: activation(linear(inputs))


def _activation(layer):
    function = layer.activation
    if isinstance(function, layers.Layer):
        return type(function).from_config({**function.get_config(), "name": layer.name})
    return layers.Activation(function, name=layer.name)


# By type of the layer, or by activation function.
SUBSTITUTES = {
    layers.SeparableConv2D: _separable,
    layers.Normalization: _normalization,
    layers.Average: _average,
    layers.ELU: lambda layer: _elu(layer, layer.alpha),
    layers.ActivityRegularization: _nothing,
    layers.Identity: _nothing,
    keras.activations.elu: lambda layer: _elu(layer, 1.0),
    keras.activations.selu: _selu,
    keras.activations.hard_sigmoid: _hard_sigmoid,
    **dict.fromkeys(AUGMENTATION, _nothing),
}


def substitute_of(operation: keras.Operation):
    """The function that makes the substitute of a layer or an operation; None if there is none."""
    if not isinstance(operation, layers.Layer):
        return OPERATIONS.get(type(operation).__name__)
    if type(operation) in SUBSTITUTES:
        return SUBSTITUTES[type(operation)]
    if type(operation) is layers.ReLU:
        return _relu_substitute(operation)
    function = getattr(operation, "activation", None)
    if type(operation) is layers.Conv2DTranspose and function is not keras.activations.linear:
        return _activation_apart  # TensorFlow Lite's does not absorb any
    if type(operation) is layers.Activation:
        return _activation if isinstance(function, layers.Layer) else SUBSTITUTES.get(function)
    return _activation_apart if function in SUBSTITUTES or isinstance(function, layers.Layer) else None


def _relu_substitute(layer: layers.ReLU):
    if layer.threshold or (layer.negative_slope and layer.max_value is not None):
        return None
    if layer.negative_slope:
        return _leaky
    return None if layer.max_value in (None, 6) else _clip
