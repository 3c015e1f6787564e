"""Where the exported file rounds activations: the quantizers between the layers of a model."""

from collections import Counter

import keras
from keras import layers

from skinkeras.quantization.equalization import (
    SATURATED,
    FakeQuantizeSwishInput,
    ScaleChannels,
    is_swish,
    scalable,
)
from skinkeras.quantization.graph import producers
from skinkeras.quantization.layers import FakeQuantize, FixedFakeQuantize, QuantizedRescaling
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


class Wiring:
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
        activation = separate_activation(original)
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


def separate_activation(layer: layers.Layer):
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
