"""Operations of `keras.ops` inside a functional model, such as `x / 255` or `ops.mean(x, (1, 2))`, as layers.

Keras keeps them by class and name as it does layers, but has no public type for them: the table goes by the
names of their classes.
"""

from dataclasses import dataclass

import keras
import numpy as np
from keras import layers


def rescaling(scale, offset, name: str) -> layers.Rescaling:
    """A `Rescaling` layer of one number, or of one number a channel."""

    def plain(values):
        values = np.asarray(values, np.float64).ravel()
        return float(values[0]) if len(values) == 1 else [float(value) for value in values]

    return layers.Rescaling(plain(scale), plain(offset), name=name)


def _arithmetic(with_tensor, with_constant):
    """What makes `a + b` or the like a layer; either argument may be a constant.

    Args:
        with_tensor: layer class for two tensors, or None if there is none.
        with_constant: (constant, is first) -> scale and offset of the tensor.
    """

    def substitute(operation):
        def call(first, second):
            tensors = [isinstance(value, keras.KerasTensor) for value in (first, second)]
            if all(tensors):
                if with_tensor is None:
                    raise ValueError(f"Operation {operation.name!r} divides by a tensor, {_ADVICE}")
                return with_tensor(name=operation.name)([first, second])
            tensor, constant = (first, second) if tensors[0] else (second, first)
            constant = np.asarray(constant, np.float64)
            if constant.size not in (1, tensor.shape[-1]) or constant.shape[-1:] not in (
                (),
                (constant.size,),
            ):
                raise ValueError(
                    f"Operation {operation.name!r} has a constant of shape {constant.shape}, which is neither "
                    f"one number nor one a channel, {_ADVICE}"
                )
            scale, offset = with_constant(constant.ravel(), not tensors[0])
            return rescaling(scale, offset, operation.name)(tensor)

        return call

    return substitute


_ADVICE = "for which TensorFlow Lite has no integer operation here; build the model without it."


def _add(constant, is_first):
    return np.ones_like(constant), constant


def _subtract(constant, is_first):
    return (-np.ones_like(constant), constant) if is_first else (np.ones_like(constant), -constant)


def _multiply(constant, is_first):
    return constant, np.zeros_like(constant)


def _divide(constant, is_first):
    if is_first:
        raise ValueError(f"A functional model divides {constant} by a tensor, {_ADVICE}")
    return 1 / constant, np.zeros_like(constant)


def _activation(function):
    return lambda operation: layers.Activation(function, name=operation.name)


def _relu(operation):
    return layers.ReLU(
        getattr(operation, "max_value", None),
        getattr(operation, "negative_slope", 0.0),
        getattr(operation, "threshold", 0.0),
        name=operation.name,
    )


def _leaky(operation):
    return layers.LeakyReLU(operation.negative_slope, name=operation.name)


def _softmax(operation):
    return layers.Softmax(operation.axis, name=operation.name)


def _gelu(operation):
    if operation.approximate:
        raise ValueError(f"Operation {operation.name!r} is an approximate gelu, {_ADVICE}")
    return layers.Activation("gelu", name=operation.name)


def _clip(operation):
    if operation.x_min != 0:
        raise ValueError(f"Operation {operation.name!r} does not clip at 0 from below, {_ADVICE}")
    return layers.ReLU(operation.x_max, name=operation.name)


def _over_image(pooling):
    def substitute(operation):
        axes = {axis % 4 for axis in operation.axis or ()}
        if axes != {1, 2}:
            raise ValueError(
                f"Operation {operation.name!r} is over the axes {operation.axis}, not over height and width, "
                f"{_ADVICE}"
            )
        return pooling(keepdims=operation.keepdims, name=operation.name)

    return substitute


def _concatenate(operation):
    return layers.Concatenate(operation.axis, name=operation.name)


def _reshape(operation):
    return layers.Reshape(operation.newshape[1:], name=operation.name)


def _cast(operation):
    return lambda tensor: tensor  # everything is computed in float32


@dataclass(frozen=True)
class _Channel:
    """One channel, on its way into a `Stack`."""

    tensor: keras.KerasTensor
    index: int


def _get_item(operation):
    def call(tensor, key):
        key = tuple(key) if isinstance(key, list | tuple) else (key,)
        if len(key) == 2 and key[0] is Ellipsis and isinstance(key[1], int):
            return _Channel(tensor, key[1])
        if key == (Ellipsis, slice(None, None, -1)):
            return _reordered(tensor, range(tensor.shape[-1])[::-1], operation.name)
        raise ValueError(
            f"Operation {operation.name!r} takes [{', '.join(map(str, key))}] of a tensor, {_ADVICE}"
        )

    return call


def _stack(operation):
    def call(values):
        tensors = {id(value.tensor) for value in values if isinstance(value, _Channel)}
        if len(tensors) != 1 or operation.axis not in (-1, len(values[0].tensor.shape) - 1):
            raise ValueError(f"Operation {operation.name!r} stacks other things than channels, {_ADVICE}")
        return _reordered(values[0].tensor, [value.index for value in values], operation.name)

    return call


def _reordered(tensor, order, name):
    """Channels in another order, as the caffe models of keras.applications want them: a 1 x 1 convolution."""
    convolution = layers.Conv2D(len(order), 1, use_bias=False, name=name, trainable=False)
    outputs = convolution(tensor)
    convolution.set_weights([np.eye(tensor.shape[-1], dtype=np.float32)[:, list(order)][None, None]])
    return outputs


# What makes a layer, or a function of the inputs, of an operation.
OPERATIONS = {
    "Add": _arithmetic(layers.Add, _add),
    "Subtract": _arithmetic(layers.Subtract, _subtract),
    "Multiply": _arithmetic(layers.Multiply, _multiply),
    "Divide": _arithmetic(None, _divide),
    "TrueDivide": _arithmetic(None, _divide),
    "Negative": lambda operation: rescaling(-1.0, 0.0, operation.name),
    "Relu": _relu,
    "ReLU": _relu,
    "Relu6": _activation("relu6"),
    "LeakyRelu": _leaky,
    "Elu": lambda operation: layers.ELU(operation.alpha, name=operation.name),
    "Selu": _activation("selu"),
    "Gelu": _gelu,
    "Sigmoid": _activation("sigmoid"),
    "HardSigmoid": _activation("hard_sigmoid"),
    "Silu": _activation("silu"),
    "HardSilu": _activation("hard_silu"),
    "Tanh": _activation("tanh"),
    "Exp": _activation("exponential"),
    "Softmax": _softmax,
    "Clip": _clip,
    "Mean": _over_image(layers.GlobalAveragePooling2D),
    "Max": _over_image(layers.GlobalMaxPooling2D),
    "Concatenate": _concatenate,
    "Reshape": _reshape,
    "Cast": _cast,
    "ConvertToTensor": _cast,  # what Keras puts in front of a model inside a model
    "GetItem": _get_item,
    "Stack": _stack,
}
