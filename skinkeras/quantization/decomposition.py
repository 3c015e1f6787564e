"""Layers that compute in several steps, decomposed into one layer per step."""

import keras
import numpy as np
from keras import layers

from skinkeras.layers import CBAM, ChannelAttention, SpatialAttention

ATTENTION = (CBAM, ChannelAttention, SpatialAttention)
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

    Args:
        model: functional, built `keras.Model`.

    Returns:
        `model` itself if there is nothing to decompose, else a new model with its own weights. All other
        layers keep their names; the parts are named after the layer they come from.

    Raises:
        ValueError: an LSTM cell with dropout inside, which the dense layers cannot repeat.
    """
    if not any(map(_is_composed, model.layers)):
        return model
    unfolded = keras.models.clone_model(model)
    unfolded.set_weights(model.get_weights())
    while any(map(_is_composed, unfolded.layers)):  # CBAM contains attentions, which are decomposed next
        unfolded = keras.models.clone_model(
            unfolded, clone_function=lambda layer: layer, call_function=_PartByPart()
        )
    return unfolded


def _is_composed(layer: layers.Layer) -> bool:
    return type(layer) in (*ATTENTION, layers.LSTMCell) or _has_several_pairs(layer)


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
            make = _UnfoldedLSTMCell if type(layer) is layers.LSTMCell else _PairByPair
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
