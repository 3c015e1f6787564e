"""A second model for the web page: seven classes by an image's mean colour, made without training."""

import hashlib
import json

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from skinkeras import tflite
from skinkeras.tflite.graph import pack

CONTRACT = {
    "name": "seven",
    "task": "diagnosis",
    "not_a_medical_device": True,
    "synthetic": True,
    "input": {
        "name": "image",
        "shape": [1, 128, 128, 3],
        "dtype": "float32",
        "colour": "RGB",
        "range": [0, 255],
    },
    "output": {"name": "probabilities", "shape": [1, 7], "dtype": "float32"},
    "classes": ["akiec", "bcc", "bkl", "df", "mel", "nv", "vasc"],
    "class_titles": {"nv": "melanocytic nevus"},
    "positive_class": None,
    "threshold": None,
    "schema_version": 1,
    "data": {"name": "synthetic", "licence": "none"},
    "versions": {},
    "files": {
        "float16": {
            "file": "seven_float16.tflite",
            "sha256": "0" * 64,
            "size_bytes": 1,
            "test": {"n": 100, "reliability": [{"low": 0.8, "high": 1.0, "n": 77, "share": 0.915}]},
        },
        "float32": {"file": "seven_float32.tflite", "sha256": "0" * 64, "size_bytes": 1, "shipped": False},
    },
}


def add_to(models):
    """Adds the model to a folder of models."""
    path = models / CONTRACT["files"]["float16"]["file"]
    information = tflite.ModelInfo("Seven", "Synthetic.", "nobody", "1", "none")
    path.write_bytes(tflite.add_metadata(colour_model(), CONTRACT["classes"], information))
    contract = json.loads(json.dumps(CONTRACT))
    contract["files"]["float16"] |= described(path) | {"golden": tflite.golden(path)}
    (models / "seven.json").write_text(json.dumps(contract))
    (models / "seven.card.md").write_text("Synthetic.")


def described(path):
    """What a contract says about a file."""
    content = path.read_bytes()
    return {"sha256": hashlib.sha256(content).hexdigest(), "size_bytes": len(content)}


def colour_model(softmax=True):
    """A .tflite file that takes no training, and no TensorFlow: mean colour, seven weights each, softmax."""
    weights = np.random.default_rng(7).normal(0, 0.02, (7, 3))
    constants = [np.array([1, 2], np.int32), weights.astype(np.float32), np.zeros(7, np.float32)]
    model, graph = schema.ModelT(), schema.SubGraphT()
    model.version, model.subgraphs, model.operatorCodes = 3, [graph], []
    model.buffers = [schema.BufferT()]
    graph.tensors, graph.operators, graph.inputs, graph.name = [], [], [0], b"main"

    def tensor(shape, content=None):
        new = schema.TensorT()
        new.shape, new.type, new.buffer = np.array(shape, np.int32), schema.TensorType.FLOAT32, 0
        new.name = f"tensor_{len(graph.tensors)}".encode()
        if content is not None:
            new.type = schema.TensorType.INT32 if content.dtype == np.int32 else schema.TensorType.FLOAT32
            new.buffer = len(model.buffers)
            model.buffers.append(schema.BufferT())
            model.buffers[-1].data = np.frombuffer(content.tobytes(), np.uint8)
        graph.tensors.append(new)
        return len(graph.tensors) - 1

    def operator(code, inputs, shape, options=None):
        kind, new = schema.OperatorCodeT(), schema.OperatorT()
        kind.builtinCode = kind.deprecatedBuiltinCode = code
        kind.version = 1
        new.opcodeIndex, new.inputs, new.outputs = len(model.operatorCodes), inputs, [tensor(shape)]
        if options is not None:
            new.builtinOptionsType = getattr(schema.BuiltinOptions, type(options).__name__[:-1])
            new.builtinOptions = options
        model.operatorCodes.append(kind)
        graph.operators.append(new)
        return new.outputs[0]

    image = tensor((1, 128, 128, 3))
    axes, dense, bias = (tensor(content.shape, content) for content in constants)
    reducer, softener = schema.ReducerOptionsT(), schema.SoftmaxOptionsT()
    reducer.keepDims, softener.beta = False, 1.0
    colour = operator(schema.BuiltinOperator.MEAN, [image, axes], (1, 3), reducer)
    whole = schema.FullyConnectedOptionsT()
    answer = operator(schema.BuiltinOperator.FULLY_CONNECTED, [colour, dense, bias], (1, 7), whole)
    if softmax:
        answer = operator(schema.BuiltinOperator.SOFTMAX, [answer], (1, 7), softener)
    graph.outputs = [answer]
    return pack(model)
