"""Weight-only quantization: a float file whose weights are stored as 8-bit integers."""

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from skinkeras.tflite.graph import pack, unpack

# The operations whose second input is a kernel, and the axis of its output channels.
_CHANNEL_AXIS = {
    schema.BuiltinOperator.CONV_2D: 0,
    schema.BuiltinOperator.DEPTHWISE_CONV_2D: 3,
    schema.BuiltinOperator.FULLY_CONNECTED: 0,
}


def with_int8_weights(data: bytes) -> bytes:
    """The same float model with its kernels as symmetric 8-bit integers, one scale an output channel.

    A DEQUANTIZE in front of each operation makes floats of its kernel again, once, when the file is loaded:
    activations are not rounded, and the answers do not depend on the processor, unlike those of dynamic-range
    quantization, whose integer kernels do.

    Args:
        data: a float32 file.
    """
    model = unpack(data)
    subgraph = model.subgraphs[0]
    axes = {}
    for op in subgraph.operators:
        code = model.operatorCodes[op.opcodeIndex]
        axis = _CHANNEL_AXIS.get(max(code.builtinCode, code.deprecatedBuiltinCode))
        if axis is not None and _is_float_constant(model, subgraph.tensors[op.inputs[1]]):
            axes[int(op.inputs[1])] = axis
    dequantize = schema.OperatorCodeT()
    dequantize.builtinCode = dequantize.deprecatedBuiltinCode = schema.BuiltinOperator.DEQUANTIZE
    dequantize.version = 5  # the first with one scale a channel
    model.operatorCodes.append(dequantize)
    opcode = len(model.operatorCodes) - 1
    subgraph.operators = [
        _dequantized(model, index, axis, opcode) for index, axis in axes.items()
    ] + subgraph.operators
    return pack(model)


def _is_float_constant(model: schema.ModelT, tensor: schema.TensorT) -> bool:
    return tensor.type == schema.TensorType.FLOAT32 and model.buffers[tensor.buffer].data is not None


def _dequantized(model: schema.ModelT, index: int, axis: int, opcode: int) -> schema.OperatorT:
    """Moves the values of a tensor into a new one, as integers, and returns the operation in between."""
    subgraph = model.subgraphs[0]
    floats = subgraph.tensors[index]
    values = np.frombuffer(bytes(model.buffers[floats.buffer].data), "<f4").reshape(floats.shape)
    others = tuple(number for number in range(values.ndim) if number != axis)
    largest = np.abs(values).max(axis=others, keepdims=True)
    scales = np.where(largest > 0, largest, 1).astype(np.float32) / np.float32(127)

    integers = schema.TensorT()
    integers.name, integers.shape, integers.type = (
        floats.name + b"_int8",
        floats.shape,
        schema.TensorType.INT8,
    )
    integers.quantization = schema.QuantizationParametersT()
    integers.quantization.scale = scales.ravel()
    integers.quantization.zeroPoint = np.zeros(scales.size, np.int64)
    integers.quantization.quantizedDimension = axis
    buffer = schema.BufferT()
    buffer.data = np.rint(values / scales).astype(np.int8).view(np.uint8).ravel()
    model.buffers.append(buffer)
    integers.buffer = len(model.buffers) - 1
    subgraph.tensors.append(integers)
    model.buffers[floats.buffer].data = None
    floats.buffer = 0

    op = schema.OperatorT()
    op.opcodeIndex = opcode
    op.inputs, op.outputs = [len(subgraph.tensors) - 1], [index]
    op.builtinOptionsType = schema.BuiltinOptions.DequantizeOptions
    op.builtinOptions = schema.DequantizeOptionsT()
    return op
