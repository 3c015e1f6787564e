"""Weights out of a float `.tflite` file, back into the Keras model that it was made from.

The converter folds batch normalization into the convolution before it, so that the file has one kernel and one bias
where the model has a convolution and a normalization. Here the kernel goes into the convolution, the bias into the
normalization's beta, and the normalization is made to do nothing else (mean 0, variance 1, gamma 1). The function is
the same; the statistics of the training images are gone. These layers are therefore frozen: in training, too, they
use what they hold.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
from ai_edge_litert import schema_py_generated as schema

from skinkeras.models.torch_file import WeightsFileError
from skinkeras.tflite.graph import unpack

_WEIGHTED = {
    schema.BuiltinOperator.CONV_2D,
    schema.BuiltinOperator.DEPTHWISE_CONV_2D,
    schema.BuiltinOperator.FULLY_CONNECTED,
}
_FLOATS = {schema.TensorType.FLOAT32: np.float32, schema.TensorType.FLOAT16: np.float16}


@dataclass(frozen=True)
class FileLayer:
    """A convolution or dense layer of a file.

    Attributes:
        kernel: float32, as the file has it: (out, height, width, in), (1, height, width, channels) of a depthwise
            convolution, (out, in) of a dense layer.
        bias: (out,) float32; zeros if it has none.
    """

    kernel: np.ndarray
    bias: np.ndarray


def read_layers(path: Path) -> list[FileLayer]:
    """The layers with weights of a float `.tflite` file, in the order of execution.

    Raises:
        WeightsFileError: it is no such file, or its weights are integers.
    """
    try:
        model = unpack(Path(path).read_bytes())
    except ValueError as error:
        raise WeightsFileError(f"{path} holds no weights: {str(error).rstrip('.')}.") from error
    graph = model.subgraphs[0]
    # Weights in float16 pass through a DEQUANTIZE.
    origin = {
        op.outputs[0]: op.inputs[0]
        for op in graph.operators
        if _code(model, op) == schema.BuiltinOperator.DEQUANTIZE
    }

    def values(index: int) -> np.ndarray:
        tensor = graph.tensors[origin.get(index, index)]
        data = model.buffers[tensor.buffer].data
        if tensor.type not in _FLOATS or data is None:
            raise WeightsFileError(
                f"{path} does not hold its weights as floats: name the float16 or float32 file."
            )
        return np.frombuffer(data, _FLOATS[tensor.type]).reshape(tensor.shape).astype(np.float32)

    layers = []
    for op in graph.operators:
        if (code := _code(model, op)) in _WEIGHTED:
            _, index, *bias = op.inputs
            kernel = values(index)
            count = kernel.shape[-1 if code == schema.BuiltinOperator.DEPTHWISE_CONV_2D else 0]
            bias = values(bias[0]) if bias and bias[0] >= 0 else np.zeros(count, np.float32)
            layers.append(FileLayer(kernel, bias))
    return layers


def _code(model: schema.ModelT, op: schema.OperatorT) -> int:
    code = model.operatorCodes[op.opcodeIndex]
    return max(code.builtinCode, code.deprecatedBuiltinCode)


def load_layers(layers: Iterable[keras.layers.Layer], found: list[FileLayer], path: Path) -> list[FileLayer]:
    """Puts the first of a file's layers into as many layers with a kernel, in the order of both.

    Args:
        layers: of a Keras model, in its order; changed in place.
        found: from `read_layers`.
        path: of the file, for messages.

    Returns:
        The layers that are left over.

    Raises:
        WeightsFileError: there are too few layers, or one has another shape.
    """
    bias = None
    found = list(found)
    for layer in layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            _do_nothing_but_add(layer, bias)
            bias = None
        elif layer.weights:
            bias = _load_layer(layer, found.pop(0) if found else None, path)
    return found


def _load_layer(layer: keras.layers.Layer, found: FileLayer | None, path: Path) -> np.ndarray | None:
    """Sets a layer's weights; the bias, if the layer has none."""
    needed = tuple(layer.kernel.shape)
    kernel = None if found is None else _keras_layout(found.kernel, len(needed))
    if kernel is None or kernel.shape != needed:
        received = "no further one" if found is None else f"one of {found.kernel.shape}"
        raise WeightsFileError(
            f"{path} does not hold the weights of this model: layer {layer.name} needs a kernel of {needed}, the "
            f"file has {received}."
        )
    if layer.use_bias:
        layer.set_weights([kernel, found.bias])
        return None
    layer.set_weights([kernel])
    return found.bias


def _keras_layout(kernel: np.ndarray, axes: int) -> np.ndarray:
    """(out, in) -> (in, out); (out, h, w, in) -> (h, w, in, out), and depthwise (1, h, w, c) -> (h, w, c, 1)."""
    if kernel.ndim == 2:  # a dense layer, or a convolution of one pixel that the converter made one
        return kernel.T if axes == 2 else kernel.T[None, None]
    return kernel.transpose(1, 2, 3, 0)


def _do_nothing_but_add(norm: keras.layers.BatchNormalization, bias: np.ndarray) -> None:
    one = np.ones_like(bias)
    norm.set_weights([one, bias, 0 * one, one - np.float32(norm.epsilon)])
    norm.trainable = False
