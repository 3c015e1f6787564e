"""Small models through TensorFlow Lite, for the tests of layers."""

import keras
import numpy as np
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter

from skinkeras.tflite.graph import read_graph


def exported(model, path, examples=None):
    """The bytes of a file for a batch of one: float32, or, with example inputs, integers alone."""
    options = {"target_spec": {"supported_ops": [tf.lite.OpsSet.TFLITE_BUILTINS]}}
    if examples is not None:
        options = {
            "target_spec": {"supported_ops": [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]},
            "optimizations": [tf.lite.Optimize.DEFAULT],
            "representative_dataset": lambda: ([example[None]] for example in examples),
        }
    signature = [keras.InputSpec(shape=(1, *model.input_shape[1:]), dtype="float32", name="image")]
    model.export(path, format="litert", input_signature=signature, verbose=False, **options)
    return path.read_bytes()


def run(data, inputs):
    """What the file answers to each of the inputs, as one array."""
    interpreter = Interpreter(model_content=data)
    interpreter.allocate_tensors()
    answers = []
    for example in inputs:
        interpreter.set_tensor(interpreter.get_input_details()[0]["index"], example[None])
        interpreter.invoke()
        answers.append(interpreter.get_tensor(interpreter.get_output_details()[0]["index"]))
    return np.concatenate(answers)


def assert_builtins(data):
    """Every operation is one of TensorFlow Lite's own, and no shape is computed while running."""
    ops = read_graph(data).ops
    assert all(op.builtin for op in ops)
    assert not {op.name for op in ops} & {"SHAPE", "PACK", "GATHER", "WHILE", "BROADCAST_TO"}
    return ops
