"""What is quantized, and how, as data: 8-bit integers as TensorFlow Lite's quantization specification has
them.

Weights: symmetric, -127..127; convolutions have one scale per output channel, matrix products one per tensor.
Outputs: asymmetric, -128..127, one scale per tensor. A range is measured (calibrated, then a moving average
    in training), or fixed where the function itself is bounded, or that of the input where the layer only
    moves, drops or averages values.
https://ai.google.dev/edge/litert/conversion/tensorflow/quantization/quantization_spec
"""

import enum
from dataclasses import dataclass

import keras
from keras import layers

from skinkeras.layers import ChannelPooling, MergeClasses, ShadesOfGray, SpreadClasses


class Output(enum.Enum):
    """Where the range of a layer's output comes from, if it is not a fixed (low, high)."""

    MEASURED = "measured"
    UNCHANGED = "as the input"
    ROUNDED = "rounded to the levels of the input"


@dataclass(frozen=True)
class WeightQuantizer:
    """Arguments of the quantizer of a kernel."""

    per_axis: bool
    num_bits: int = 8
    symmetric: bool = True
    narrow_range: bool = True


@dataclass(frozen=True)
class LayerRecipe:
    """How one type of layer is quantized.

    Attributes:
        output: where the range of the output comes from, or a fixed (low, high).
        weights: how the kernel is quantized; None for a layer without one. Biases become 32-bit integers.
        fuses_relu: a ReLU that follows directly becomes part of the integer operation, so that the range is
            measured only after the ReLU.
    """

    output: Output | tuple[float, float]
    weights: WeightQuantizer | None = None
    fuses_relu: bool = False


PER_AXIS = WeightQuantizer(per_axis=True)
PER_TENSOR = WeightQuantizer(per_axis=False)

# The specification fixes the scale at 1/256 and 1/128: the upper end is the largest of 256 values, 255/256.
PROBABILITY = (0.0, 255 / 256)
TANH = (-1.0, 127 / 128)

LAYERS = {
    layers.Conv2D: LayerRecipe(Output.MEASURED, PER_AXIS, fuses_relu=True),
    layers.DepthwiseConv2D: LayerRecipe(Output.MEASURED, PER_AXIS, fuses_relu=True),
    layers.Dense: LayerRecipe(Output.MEASURED, PER_TENSOR, fuses_relu=True),
    MergeClasses: LayerRecipe(PROBABILITY, PER_TENSOR),
    SpreadClasses: LayerRecipe(PROBABILITY, PER_TENSOR),
    layers.Conv2DTranspose: LayerRecipe(Output.MEASURED, PER_TENSOR),
    layers.Add: LayerRecipe(Output.MEASURED, fuses_relu=True),
    layers.Subtract: LayerRecipe(Output.MEASURED),
    layers.Multiply: LayerRecipe(Output.MEASURED),
    layers.Maximum: LayerRecipe(Output.MEASURED),
    layers.Minimum: LayerRecipe(Output.MEASURED),
    layers.Concatenate: LayerRecipe(Output.MEASURED),
    layers.ReLU: LayerRecipe(Output.MEASURED),
    layers.LeakyReLU: LayerRecipe(Output.MEASURED),
    layers.PReLU: LayerRecipe(Output.MEASURED),
    layers.Softmax: LayerRecipe(PROBABILITY),
    layers.GlobalAveragePooling2D: LayerRecipe(Output.MEASURED),
    layers.AveragePooling2D: LayerRecipe(Output.ROUNDED),
    layers.MaxPooling2D: LayerRecipe(Output.UNCHANGED),
    layers.GlobalMaxPooling2D: LayerRecipe(Output.UNCHANGED),
    layers.UpSampling2D: LayerRecipe(Output.ROUNDED),
    layers.ZeroPadding2D: LayerRecipe(Output.UNCHANGED),
    layers.Cropping2D: LayerRecipe(Output.UNCHANGED),
    layers.Permute: LayerRecipe(Output.UNCHANGED),
    layers.Reshape: LayerRecipe(Output.UNCHANGED),
    layers.Flatten: LayerRecipe(Output.UNCHANGED),
    layers.Dropout: LayerRecipe(Output.UNCHANGED),
    layers.SpatialDropout2D: LayerRecipe(Output.UNCHANGED),
    layers.GaussianDropout: LayerRecipe(Output.UNCHANGED),
    layers.AlphaDropout: LayerRecipe(Output.UNCHANGED),
}

# The layers whose outputs are probabilities.
PROBABILITIES = tuple(kind for kind, recipe in LAYERS.items() if recipe.output == PROBABILITY)
# Layers whose integer operations take inputs of the output's scale. The converter gives that scale to what only they
# read, and to what layers that leave the range unchanged pass on to them.
ONE_SCALE = (layers.Concatenate, layers.Maximum, layers.Minimum)
# Layers whose outputs are probabilities if their inputs are. A measured range would clip values that
# calibration has not seen.
KEEP_PROBABILITIES = (layers.Multiply, layers.Concatenate)

# `skinkeras.layers.ChannelPooling`, by its statistic.
CHANNEL_POOLING = {
    "mean": LayerRecipe(Output.MEASURED),
    "max": LayerRecipe(Output.UNCHANGED),
}

# Layers that may be between the input and the normalization. They compute in float, before the first
# rounding.
FLOAT_FRONT = (ShadesOfGray,)

# `keras.layers.Activation`, and `activation=` of the layers above.
ACTIVATIONS = {
    keras.activations.linear: LayerRecipe(Output.UNCHANGED),
    keras.activations.relu: LayerRecipe(Output.MEASURED),
    keras.activations.relu6: LayerRecipe(Output.MEASURED),
    keras.activations.leaky_relu: LayerRecipe(Output.MEASURED),
    keras.activations.gelu: LayerRecipe(Output.MEASURED),
    keras.activations.hard_silu: LayerRecipe(Output.MEASURED),
    keras.activations.exponential: LayerRecipe(Output.MEASURED),
    keras.activations.silu: LayerRecipe(Output.MEASURED),
    keras.activations.sigmoid: LayerRecipe(PROBABILITY),
    keras.activations.softmax: LayerRecipe(PROBABILITY),
    keras.activations.tanh: LayerRecipe(TANH),
}


# Why there is no recipe, where that is known.
REASONS = {
    "LayerNormalization": "TensorFlow Lite has no integer operation for it (models that need it can have 8-bit "
    "weights alone: python -m pipelines.export --kinds weight_int8)",
    "Lambda": "it holds Python code, which can compute anything",
    "RandomCrop": "it changes images at inference, too; resize them before they get to the model",
    "Resizing": "images have to have their size before they get to the model",
    "CenterCrop": "images have to have their size before they get to the model",
}


def layer_recipe(layer: layers.Layer) -> LayerRecipe:
    """The row of the table for `layer`.

    Raises:
        ValueError: the table has none; the sentence names the layer, its type and its activation.
    """
    table, key, kind = LAYERS, type(layer), type(layer).__name__
    if type(layer) is layers.Activation:
        table, key, kind = ACTIVATIONS, layer.activation, f"Activation({_name(layer.activation)})"
    elif type(layer) is ChannelPooling:
        table, key = CHANNEL_POOLING, layer.statistic
    elif type(layer) is layers.ReLU and not is_relu(layer):
        key, kind = None, "ReLU with a threshold or with a slope and a maximum"
    elif getattr(layer, "activation", keras.activations.linear) not in ACTIVATIONS:
        key, kind = None, f"{kind}(activation={_name(layer.activation)})"
    if key not in table:
        raise ValueError(refusal(layer, kind))
    return table[key]


def refusal(layer: keras.Operation, kind: str | None = None) -> str:
    """The sentence that says why a layer cannot become integers, and what to do."""
    name = type(layer).__name__
    reason = REASONS.get(name, "it is not in the quantization recipe")
    return (
        f"Layer {layer.name!r} of type {kind or name} cannot be quantized: {reason}; replace it by layers of "
        "docs/quantization.md, or add a recipe for it with skinkeras.quantization.register."
    )


def _name(activation) -> str:
    return getattr(activation, "__name__", type(activation).__name__)


def is_relu(layer: layers.Layer) -> bool:
    """True for the two rectifiers that an integer operation can absorb: max(x, 0) and min(max(x, 0), 6)."""
    if type(layer) is layers.ReLU:
        return layer.max_value in (None, 6) and not layer.negative_slope and not layer.threshold
    return type(layer) is layers.Activation and is_relu_function(layer.activation)


def is_relu_function(activation) -> bool:
    """True for `keras.activations.relu` and `relu6`."""
    return activation in (keras.activations.relu, keras.activations.relu6)
