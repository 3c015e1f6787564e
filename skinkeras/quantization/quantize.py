"""Trained float model -> the same model with 8-bit rounding inside -> calibrated on real images."""

from collections import Counter
from collections.abc import Iterable
from operator import methodcaller

import keras
import numpy as np
from keras import layers

from skinkeras.layers import CBAM
from skinkeras.quantization.decomposition import check_known, decompose_layers
from skinkeras.quantization.equalization import (
    SATURATED,
    FakeQuantizeSwishInput,
    ScaleChannels,
    equalize,
    is_swish,
    scalable,
)
from skinkeras.quantization.flattening import flatten
from skinkeras.quantization.folding import fold_batch_norm
from skinkeras.quantization.graph import ancestors, consumers, producers
from skinkeras.quantization.input_range import rescale_pixels
from skinkeras.quantization.layers import (
    QUANTIZED_LAYERS,
    FakeQuantize,
    FixedFakeQuantize,
    QuantizedRescaling,
)
from skinkeras.quantization.recipe import (
    FLOAT_FRONT,
    KEEP_PROBABILITIES,
    ONE_SCALE,
    PROBABILITIES,
    PROBABILITY,
    Output,
    is_relu,
    is_relu_function,
    layer_recipe,
)


def quantize(
    model: keras.Model,
    *,
    input_range: tuple[float, float] | None = None,
    scale_channels: bool = False,
    integers_from: str | None = None,
) -> keras.Model:
    """Builds the quantization-aware version of a trained model (Jacob et al. 2018).

    Models inside the model are taken apart, augmentation drops out, attention, LSTM cells and whatever else has no
    integer operation of its own are decomposed (`decompose_layers`), batch normalization is folded, kernels and
    activations are rounded to 8 bits where the integer operations of the exported file round them, and gradients pass
    straight through the rounding.
    `calibrate` the result before use; then it can be compiled (on a CPU with `jit_compile=False`, which is
    faster), fitted, saved and loaded like any Keras model, and `skinkeras.tflite.convert(..., kind="int8")`
    turns it into integers.

    Args:
        model: functional or Sequential `keras.Model` of the layers that `docs/quantization.md` lists or that
            `register` added, from one input (batch, height, width, channels) with pixels 0..255 that
            `Rescaling` layers (or `Normalization`, or arithmetic such as `image / 255`) read, directly or behind
            `ShadesOfGray`, which stays float.
        input_range: for a model that does not rescale pixels itself, the values that 0 and 255 had in its
            training, such as (0, 1); (0, 255) if it was trained on pixels as they are. A `Rescaling` layer in
            front then makes them from pixels.
        scale_channels: True scales the channels between a convolution, a swish and a depthwise convolution to fill
            one range (`equalization`). A model that is not fine-tuned keeps more of its decisions, for one more
            product a swish; benchmarks/README.md has what that gains and costs.
        integers_from: the name of the first layer to become integers; all that it depends on stays float, as in
            the file (mixed precision). The first blocks of EfficientNet-B cause most of its noise and are quick:
            `"block4a_expand_conv"`. None: everything becomes integers.

    Returns:
        A new model with the same input and outputs, and `FakeQuantize` layers in between. Its layers have
        the names of `decompose_layers`'s. It shares no weight with `model`.

    Raises:
        ValueError: there is no recipe for a layer (it is named), the model is subclassed or does not begin as
            described, LiteRT cannot run the resulting file, or no layer is called `integers_from`.
    """
    check_known(model)
    model = flatten(model)
    if input_range is not None:
        model = flatten(rescale_pixels(model, *input_range))
    _check_runs(model)
    folded = fold_batch_norm(decompose_layers(model))
    readers = consumers(folded)
    front = _front(folded, readers, integers_from)
    _check(folded, readers, front)
    quantized = keras.models.clone_model(
        folded,
        clone_function=lambda layer: _same_layer(layer) if layer.name in front else _quantized_layer(layer),
        call_function=_Wiring(folded, readers, front, scale_channels=scale_channels),
    )
    for layer in folded.layers:
        if type(layer) in QUANTIZED_LAYERS and layer.name not in front:
            _copy_weights(layer, quantized.get_layer(layer.name))
        elif layer.weights:
            quantized.get_layer(layer.name).set_weights(layer.get_weights())
    return quantized


def calibrate(model: keras.Model, batches: Iterable[np.ndarray]) -> None:
    """Sets the measured ranges of `quantize`'s model to those that round real images with the least squared
    error: all values that occur, or a narrower range where a few values are far outside. In a network with swish
    the error of each image counts as a share of its own signal, because there a single image may have values
    twice as large as those of all others, whose steps would widen for it alone.

    Where `quantize` was to scale channels, their scales are set first.

    A few hundred training images are enough. Ranges of an earlier calibration or training are discarded.

    Args:
        model: from `quantize`; changed in place.
        batches: (batch, height, width, channels) float32 images 0..255, without labels; kept in memory and
            read twice, three times if the model has channels to scale.

    Raises:
        ValueError: the model has nothing to calibrate, or `batches` is empty.
    """
    quantizers = [layer for layer in model.layers if isinstance(layer, FakeQuantize)]
    if not quantizers:
        raise ValueError(f"Model {model.name!r} has no FakeQuantize layer; call quantize(model) first.")
    batches = list(batches)
    if not batches:
        raise ValueError("calibrate needs at least one batch of images. Received: none")
    if any(isinstance(layer, ScaleChannels) for layer in model.layers):
        _pass(model, quantizers, methodcaller("measure_extremes"), batches)
        equalize(model)
    _pass(model, quantizers, methodcaller("measure_extremes"), batches)
    images_alike = any(isinstance(layer, FakeQuantizeSwishInput) for layer in quantizers)
    _pass(model, quantizers, methodcaller("compare_ranges", images_alike=images_alike), batches)
    for layer in quantizers:
        layer.choose_range()


def _pass(model, quantizers, begin, batches):
    for layer in quantizers:
        begin(layer)
    for batch in batches:
        model(batch, training=False)


def is_quantized(model: keras.Model) -> bool:
    """True if `model` comes from `quantize`."""
    return any(isinstance(layer, FakeQuantize) for layer in model.layers)


def _check_runs(model: keras.Model) -> None:
    # Found by elimination on LiteRT 2.3, x86: an int8 file that combines a gate that scales channels by their
    # mean (squeeze-and-excitation), CBAM and LSTM cells makes XNNPACK free memory twice, and the process
    # dies. The file runs without XNNPACK, in float32, and with any two of the three.
    kinds = {type(layer) for layer in model.layers}
    gates = [
        layer.name
        for layer in model.layers
        if type(layer) is layers.Multiply and len({tuple(tensor.shape[1:]) for tensor in layer.input}) > 1
    ]
    if gates and {CBAM, layers.LSTMCell} <= kinds:
        raise ValueError(
            f"Model {model.name!r} has squeeze-and-excitation ({gates[0]!r}) in front of CBAM and LSTM "
            "cells; as integers, that crashes LiteRT's XNNPACK. Use a backbone without: EfficientNet-Lite or "
            "VGG16."
        )


def float_layers(model: keras.Model) -> tuple[str, ...]:
    """Names of the layers with a kernel that `quantize` has left in float, in front of its `integers_from`."""
    return tuple(layer.name for layer in model.layers if type(layer) in QUANTIZED_LAYERS)


def _front(model: keras.Model, readers: dict[str, list[str]], integers_from: str | None) -> frozenset[str]:
    """Names of the layers that stay float."""
    if integers_from is None:
        return frozenset()
    if integers_from not in readers:
        raise ValueError(f"Model {model.name!r} has no layer {integers_from!r} for integers_from to name.")
    return ancestors(readers, integers_from)


def _check(model: keras.Model, readers: dict[str, list[str]], float_front: frozenset[str]) -> None:
    inputs = [layer for layer in model.layers if isinstance(layer, layers.InputLayer)]
    if len(inputs) != 1 or len(model.input_shape) != 4:
        raise ValueError(
            f"quantize needs a model of one batch of images. Received inputs: {model.input_shape}"
        )
    front = set()
    behind = list(readers[inputs[0].name])
    while behind:
        layer = model.get_layer(behind.pop())
        if type(layer) in FLOAT_FRONT:
            behind += readers[layer.name]
        elif type(layer) is not layers.Rescaling:
            raise ValueError(
                f"quantize needs a Rescaling layer behind the input {inputs[0].name!r}; "
                f"{layer.name!r} of type {type(layer).__name__} reads it: say what range the model was "
                "trained on, as input_range=(0, 1), (-1, 1) or (0, 255)."
            )
        front.add(layer.name)
    for layer in model.layers:
        if layer not in inputs and layer.name not in front | float_front:
            layer_recipe(layer)


def _same_layer(layer: layers.Layer) -> layers.Layer:
    return type(layer).from_config(layer.get_config())


def _quantized_layer(layer: layers.Layer) -> layers.Layer:
    config = layer.get_config()
    if type(layer) is layers.Rescaling:
        return QuantizedRescaling.from_config(config)
    if type(layer) not in QUANTIZED_LAYERS:
        return type(layer).from_config(config)
    if _separate_activation(layer) is not None and "activation" in config:
        config["activation"] = "linear"  # it becomes a layer of its own, with its own range
    return QUANTIZED_LAYERS[type(layer)].from_config(config)


class _Wiring:
    """`call_function` of `clone_model`: calls each layer and puts the quantizers of the recipe behind it."""

    def __init__(
        self,
        model: keras.Model,
        readers: dict[str, list[str]],
        front: frozenset[str],
        *,
        scale_channels: bool,
    ):
        self.model = model
        self.front = front
        self.scale_channels = scale_channels
        self.readers = readers
        self.uses = Counter()
        self.roundings = {}  # by the id of a tensor, the layer that rounded it last

    def __call__(self, layer: layers.Layer, *args, **kwargs):
        original = self.model.get_layer(layer.name)
        if layer.name in self.front:
            outputs = layer(*args, **kwargs)
            if self.front.issuperset(self.readers[layer.name]):
                return outputs
            return self._rounded(outputs, _quantizer(Output.MEASURED, layer.name))
        if isinstance(layer, (QuantizedRescaling, *FLOAT_FRONT)):
            outputs = layer(*args, **kwargs)
            self.roundings[id(outputs)] = layer
            return outputs
        # A layer that is used twice has separate quantizers, because its outputs have separate ranges.
        self.uses[layer.name] += 1
        name = layer.name if self.uses[layer.name] == 1 else f"{layer.name}_{self.uses[layer.name]}"
        if type(original) is layers.Activation:
            return self._activation(layer, args[0], name, layer.name)
        outputs = layer(*args, **kwargs)
        activation = _separate_activation(original)
        recipe = layer_recipe(original)
        if not (recipe.fuses_relu and self._feeds_relu_only(layer.name)):
            output = PROBABILITY if self._is_probability(original) else recipe.output
            if output in (Output.UNCHANGED, Output.ROUNDED):
                outputs = self._on_levels_of(args[0], outputs, output, layer.name, name)
            elif activation is not None or not self._takes_scale_of_reader(layer.name, output):
                outputs = self._rounded(outputs, self._quantizer(original, output, name))
        if activation is None:
            return outputs
        separate = layers.Activation(activation, name=f"{name}_activation")
        return self._activation(separate, outputs, separate.name, layer.name)

    def _activation(self, layer: layers.Activation, inputs, name: str, read_as: str):
        if layer.activation is keras.activations.silu:
            # x * sigmoid(x) is two integer operations, each with its own range.
            sigmoid = layers.Activation("sigmoid", name=f"{name}_sigmoid")
            rescaled = self._rescaled(inputs, name)
            outputs = layers.Multiply(name=name)(
                [inputs, self._activation(sigmoid, rescaled, sigmoid.name, "")]
            )
        else:
            outputs = layer(inputs)
        output = layer_recipe(layer).output
        if output is Output.UNCHANGED:
            return self._on_levels_of(inputs, outputs, output, read_as, name)
        if self._takes_scale_of_reader(read_as, output):
            return outputs
        return self._rounded(outputs, _quantizer(output, name))

    def _rounded(self, outputs, quantizer, **options):
        outputs = quantizer(outputs, **options)
        self.roundings[id(outputs)] = quantizer
        return outputs

    def _on_levels_of(self, inputs, outputs, output: Output, layer_name: str, name: str):
        """Outputs that are to have the range of the inputs, rounded to its levels where that is not sure anyway."""
        quantizer = self.roundings.get(id(inputs))
        several = len(self.readers.get(layer_name, ())) > 1
        if quantizer is None:
            return outputs
        if output is Output.ROUNDED or (several and self._passes_to_one_scale(layer_name)):
            if isinstance(quantizer, QuantizedRescaling):
                quantizer = FixedFakeQuantize(*quantizer.limits, name=f"{name}_quantized")
            return self._rounded(outputs, quantizer, keep_range=True)
        self.roundings[id(outputs)] = quantizer
        return outputs

    def _passes_to_one_scale(self, name: str) -> bool:
        """Whether an operation that takes inputs of one scale only reads the layer's output as it is."""
        readers = [self.model.get_layer(reader) for reader in self.readers.get(name, ()) if reader]
        return any(
            type(reader) in ONE_SCALE
            or (layer_recipe(reader).output is Output.UNCHANGED and self._passes_to_one_scale(reader.name))
            for reader in readers
        )

    def _takes_scale_of_reader(self, name: str, output: Output | tuple[float, float]) -> bool:
        """Whether the converter rounds the layer's output to the levels of the one layer that reads it."""
        readers = set(self.readers.get(name, ()))
        if output is not Output.MEASURED or len(readers) != 1 or "" in readers:
            return False
        reader = self.model.get_layer(*readers)
        return type(reader) in ONE_SCALE and not self._is_probability(reader)

    def _rescaled(self, inputs, name: str):
        """The channels in front of a swish at their own scale, where `equalize` may change it."""
        if not self.scale_channels or name not in self.readers:
            return inputs
        found = scalable(self.model, self.readers, name)
        if found is None:
            return inputs
        outputs = ScaleChannels(*found, name=f"{name}_rescaled")(inputs)
        return FixedFakeQuantize(*SATURATED, name=f"{name}_rescaled_quantized")(outputs)

    def _quantizer(self, layer: layers.Layer, output: Output | tuple[float, float], name: str):
        if output is Output.MEASURED and self._feeds_swish_only(layer):
            return FakeQuantizeSwishInput(name=f"{name}_quantized")
        return _quantizer(output, name)

    def _feeds_swish_only(self, layer: layers.Layer) -> bool:
        if getattr(layer, "activation", None) is keras.activations.silu:
            return True
        readers = self.readers[layer.name]
        return bool(readers) and all(name and is_swish(self.model.get_layer(name)) for name in readers)

    def _is_probability(self, layer: layers.Layer) -> bool:
        inputs = (self.model.get_layer(name) for name in producers(self.readers, layer.name))
        return type(layer) in PROBABILITIES or (
            type(layer) in KEEP_PROBABILITIES and all(map(self._is_probability, inputs))
        )

    def _feeds_relu_only(self, name: str) -> bool:
        # Several ReLUs of one output are one in the file.
        readers = [self.model.get_layer(reader) if reader else None for reader in self.readers[name]]
        return bool(readers) and all(map(is_relu, readers)) and len(set(map(_highest, readers))) == 1


def _separate_activation(layer: layers.Layer):
    """The activation of a layer that becomes a layer of its own; None if there is none."""
    activation = getattr(layer, "activation", keras.activations.linear)
    return None if activation is keras.activations.linear or is_relu_function(activation) else activation


def _highest(relu: layers.Layer) -> float | None:
    if type(relu) is layers.ReLU:
        return relu.max_value
    return 6 if relu.activation is keras.activations.relu6 else None


def _quantizer(output: Output | tuple[float, float], name: str):
    if output is Output.MEASURED:
        return FakeQuantize(name=f"{name}_quantized")
    return FixedFakeQuantize(*output, name=f"{name}_quantized")


def _copy_weights(source: layers.Layer, target: layers.Layer) -> None:
    # The first weights of a quantized layer are those of the original; its ranges follow.
    for variable, values in zip(target.weights, source.get_weights(), strict=False):
        variable.assign(values)
    target.quantized_kernel(training=True)  # sets the kernel's range
