"""A model as a flat graph of layers that can each be rounded."""

import keras
import numpy as np
from keras import layers

from skinkeras.layers import CBAM, ChannelAttention, ChannelPooling, SpatialAttention
from skinkeras.quantization.flattening import copy_with_weights, flatten, is_graph, leaves
from skinkeras.quantization.folding import foldable_norms
from skinkeras.quantization.graph import consumers, producers
from skinkeras.quantization.recipe import FLOAT_FRONT, LAYERS, refusal
from skinkeras.quantization.substitutes import PerChannel, rescaling, standalone_batch_norm, substitute_of

ATTENTION = (CBAM, ChannelAttention, SpatialAttention)
# Layers that are neither in the recipe's table by type nor replaced by a substitute.
_KNOWN = (
    *ATTENTION,
    *FLOAT_FRONT,
    ChannelPooling,
    layers.Activation,
    layers.BatchNormalization,
    layers.InputLayer,
    layers.LSTMCell,
    layers.Rescaling,
)
PAIRWISE = (layers.Add, layers.Multiply)  # two at a time, as Keras and TensorFlow Lite compute them


def decompose_layers(model: keras.Model) -> keras.Model:
    """The same function of the input, as a graph of layers that can be rounded one by one.

    `CBAM`, `ChannelAttention` and `SpatialAttention` become the layers that they consist of. An `LSTMCell`
    (Hochreiter & Schmidhuber 1997; Gers et al. 2000) becomes, for each of its gates, a dense layer of the
    input, one of the state, their sum and its activation, and the products and the sum of

        carry'  = forget * carry + input * candidate
        hidden' = output * tanh(carry')

    A sum or product of more than two becomes one of the first two, one of that and the third, and so on. A
    layer that is called several times is decomposed for each call into the same parts: weights stay shared.

    Models inside the model are taken apart (`flatten`). Layers and operations that have no integer operation
    but a substitute (`substitutes.py`, `operations.py`) are replaced by it; those that change images in
    training only, drop out. Several rescalings behind the input become one. Any other rescaling, and a
    `BatchNormalization` that `fold_batch_norm` cannot fold, becomes a depthwise convolution of 1 x 1, as at
    inference.

    Args:
        model: functional or Sequential, built `keras.Model`.

    Returns:
        `model` itself if there is nothing to decompose, else a new model with its own weights. All other
        layers keep their names; the parts are named after the layer they come from.

    Raises:
        ValueError: a subclassed model; an LSTM cell with dropout inside, which the dense layers cannot
            repeat; an operation with arguments for which there is no layer.
    """
    flat = flatten(model)
    if not any(map(_is_composed, flat.operations)) and not _linear_parts(flat):
        return flat
    unfolded = flat
    if flat is model:
        unfolded = copy_with_weights(model)
    while any(map(_is_composed, unfolded.operations)):  # CBAM contains attentions, which are decomposed next
        unfolded = _replaced(unfolded, _PartByPart())
    while parts := _linear_parts(unfolded):
        unfolded = _replaced(
            unfolded,
            lambda layer, *args, parts=parts, **kwargs: (
                parts[layer.name](*args) if layer.name in parts else layer(*args, **kwargs)
            ),
        )
    return unfolded


def check_known(model: keras.Model) -> None:
    """Raises ValueError for a layer or operation of which neither the recipe nor a substitute knows the type.

    Nothing is built before: a class of one's own may not say how to make another of it.
    """
    if not is_graph(model):
        return  # `flatten` says so
    for operation in leaves(model):
        if isinstance(operation, keras.Model):
            raise ValueError(
                f"Model {operation.name!r} inside {model.name!r} is subclassed, so Keras does not know its graph; "
                "make it with keras.Model(inputs, outputs), or say with skinkeras.quantization.register what "
                "layers compute the same."
            )
        if type(operation) not in (*LAYERS, *_KNOWN) and substitute_of(operation) is None:
            raise ValueError(refusal(operation))


def _replaced(model: keras.Model, call) -> keras.Model:
    return keras.models.clone_model(model, clone_function=lambda layer: layer, call_function=call)


def _linear_parts(model: keras.Model) -> dict:
    """By layer name, what takes the place of rescalings and of normalizations that do not fold."""
    foldable = foldable_norms(model).values()
    parts = {
        layer.name: standalone_batch_norm(layer)
        for layer in model.layers
        if type(layer) is layers.BatchNormalization and layer not in foldable
    }
    readers = consumers(model)
    for layer in model.layers:
        if type(layer) is layers.Rescaling and not _is_front(model, readers, layer.name):
            before = model.get_layer(producers(readers, layer.name)[0])
            alone = readers[before.name] == [layer.name]
            if alone and type(before) is layers.Rescaling and _is_front(model, readers, before.name):
                scale = np.multiply(before.scale, layer.scale)
                offset = np.multiply(before.offset, layer.scale) + layer.offset
                return {before.name: lambda tensor: tensor, layer.name: rescaling(scale, offset, before.name)}
            parts[layer.name] = PerChannel(layer.name, layer.scale, layer.offset, trainable=False)
    return parts


def _is_front(model, readers, name) -> bool:
    before = [model.get_layer(producer) for producer in producers(readers, name)]
    return all(isinstance(layer, (layers.InputLayer, *FLOAT_FRONT)) for layer in before)


def _is_composed(layer: keras.Operation) -> bool:
    composed = type(layer) in (*ATTENTION, layers.LSTMCell) or _has_several_pairs(layer)
    return composed or substitute_of(layer) is not None


def _has_several_pairs(layer: layers.Layer) -> bool:
    return type(layer) in PAIRWISE and len(layer.input) > 2


class _PartByPart:
    """`call_function` of `clone_model`: calls the layers that a layer consists of."""

    def __init__(self):
        self.parts = {}

    def __call__(self, layer: layers.Layer, *args, **kwargs):
        if type(layer) in ATTENTION:
            return layer.call(*args, **kwargs)
        if not _is_composed(layer):
            return layer(*args, **kwargs)
        if layer.name not in self.parts:  # created once, so that all calls share them
            if type(layer) is layers.LSTMCell:
                make = _UnfoldedLSTMCell
            else:
                make = _PairByPair if _has_several_pairs(layer) else substitute_of(layer)
            self.parts[layer.name] = make(layer)
        return self.parts[layer.name](*args)


class _PairByPair:
    """The steps of a sum or product of more than two. The last step has the name of the layer."""

    def __init__(self, layer: layers.Layer):
        names = [f"{layer.name}_of_{count}" for count in range(2, len(layer.input))]
        self.steps = [type(layer)(name=name) for name in (*names, layer.name)]

    def __call__(self, inputs):
        total = inputs[0]
        for step, operand in zip(self.steps, inputs[1:], strict=True):
            total = step([total, operand])
        return total


class _UnfoldedLSTMCell:
    """The layers of an LSTM cell, with its weights and its call signature."""

    GATES = ("input", "forget", "candidate", "output")  # the order in which Keras keeps their weights

    def __init__(self, cell: layers.LSTMCell):
        if cell.dropout or cell.recurrent_dropout:
            raise ValueError(
                f"LSTM cell {cell.name!r} has dropout inside, which cannot be decomposed; "
                "put a Dropout layer in front of it instead."
            )
        self.name = cell.name
        kernel, state_kernel, *bias = (np.split(weights, 4, axis=-1) for weights in cell.get_weights())
        self.of_input = self._dense("input", zip(kernel, *bias, strict=True))
        self.of_state = self._dense("state", zip(state_kernel, strict=True))
        self.sums = {gate: layers.Add(name=f"{self.name}_{gate}_sum") for gate in self.GATES}
        self.gates = {
            gate: layers.Activation(
                cell.activation if gate == "candidate" else cell.recurrent_activation,
                name=f"{self.name}_{gate}_gate",
            )
            for gate in self.GATES
        }
        self.kept = layers.Multiply(name=f"{self.name}_kept")
        self.added = layers.Multiply(name=f"{self.name}_added")
        self.carry = layers.Add(name=f"{self.name}_carry")
        self.carry_activation = layers.Activation(cell.activation, name=f"{self.name}_carry_activation")
        self.hidden = layers.Multiply(name=f"{self.name}_hidden")

    def _dense(self, source, weights) -> dict[str, layers.Dense]:
        made = {}
        for gate, values in zip(self.GATES, weights, strict=True):
            dense = layers.Dense(
                values[0].shape[1], use_bias=len(values) > 1, name=f"{self.name}_{gate}_of_{source}"
            )
            dense.build((None, values[0].shape[0]))
            dense.set_weights(values)
            made[gate] = dense
        return made

    def __call__(self, inputs, states):
        hidden, carry = states
        gates = {
            gate: self.gates[gate](
                self.sums[gate]([self.of_input[gate](inputs), self.of_state[gate](hidden)])
            )
            for gate in self.GATES
        }
        carry = self.carry(
            [self.kept([gates["forget"], carry]), self.added([gates["input"], gates["candidate"]])]
        )
        hidden = self.hidden([gates["output"], self.carry_activation(carry)])
        return hidden, [hidden, carry]
