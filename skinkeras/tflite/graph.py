"""What a TensorFlow Lite file says about itself: operations, tensors, types and shapes, read from the
flatbuffer."""

from dataclasses import dataclass

import flatbuffers
from ai_edge_litert import schema_py_generated as schema

_IDENTIFIER = b"TFL3"


@dataclass(frozen=True)
class Tensor:
    """One tensor: its type in lower case ("float32", "int8"), and its shape, -1 where that is not fixed."""

    name: str
    dtype: str
    shape: tuple[int, ...]


@dataclass(frozen=True)
class Op:
    """One operation, in the order of execution. `name` is the builtin's, or the custom operation's own."""

    name: str
    builtin: bool
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]


@dataclass(frozen=True)
class Graph:
    """The only subgraph of a model."""

    ops: tuple[Op, ...]
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]


def read_graph(data: bytes) -> Graph:
    """The operations of a model. Raises ValueError if `data` is no model, or one with several subgraphs."""
    model = unpack(data)
    if len(model.subgraphs) != 1:
        raise ValueError(f"The model has {len(model.subgraphs)} subgraphs; one is supported.")
    subgraph = model.subgraphs[0]
    tensors = [_tensor(tensor) for tensor in subgraph.tensors]

    def pick(indices) -> tuple[Tensor, ...]:
        # -1 stands for an optional input that is absent.
        return tuple(tensors[index] for index in indices if index >= 0)

    ops = []
    for op in subgraph.operators:
        code = model.operatorCodes[op.opcodeIndex]
        name = _BUILTINS[max(code.builtinCode, code.deprecatedBuiltinCode)]
        if name == "CUSTOM":
            ops.append(Op(code.customCode.decode(), False, pick(op.inputs), pick(op.outputs)))
        else:
            ops.append(Op(name, True, pick(op.inputs), pick(op.outputs)))
    return Graph(tuple(ops), pick(subgraph.inputs), pick(subgraph.outputs))


def unpack(data: bytes) -> schema.ModelT:
    """The flatbuffer as objects that can be changed. Raises ValueError if `data` is no model."""
    if data[4:8] != _IDENTIFIER:
        raise ValueError("This is not a TensorFlow Lite model.")
    try:
        return schema.ModelT.InitFromPackedBuf(data)
    except Exception as error:  # what an offset to nowhere raises is left to struct, NumPy or Python
        raise ValueError("The TensorFlow Lite model is damaged or cut off.") from error


def pack(model: schema.ModelT) -> bytes:
    """The opposite of `unpack`."""
    builder = _AlignedBuilder(1024)
    builder.Finish(model.Pack(builder), file_identifier=_IDENTIFIER)
    return bytes(builder.Output())


class _AlignedBuilder(flatbuffers.Builder):
    # The schema asks for weights at multiples of 16 bytes, because kernels read them in place; Python's
    # builder knows of no such wish.
    def StartVector(self, elem_size, count, alignment):
        return super().StartVector(elem_size, count, max(alignment, 16))


def _tensor(tensor: schema.TensorT) -> Tensor:
    shape = tensor.shape if tensor.shapeSignature is None else tensor.shapeSignature
    shape = () if shape is None else tuple(int(size) for size in shape)
    return Tensor((tensor.name or b"").decode(), _TYPES[tensor.type], shape)


def _names(enumeration: type) -> dict[int, str]:
    return {value: name for name, value in vars(enumeration).items() if not name.startswith("_")}


_BUILTINS = _names(schema.BuiltinOperator)
_TYPES = {value: name.lower() for value, name in _names(schema.TensorType).items()}
