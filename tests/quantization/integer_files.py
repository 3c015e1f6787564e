"""The int8 file of a network of any output, against its quantization-aware model."""

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from eager import answers

from skinkeras import quantization, tflite
from skinkeras.tflite.graph import read_graph
from skinkeras.tflite.verify import float_islands, int8_share


def run(data, images):
    interpreter = Interpreter(model_content=data)
    interpreter.allocate_tensors()
    inputs, outputs = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
    found = []
    for image in images:
        interpreter.set_tensor(inputs["index"], image[None])
        interpreter.invoke()
        found.append(interpreter.get_tensor(outputs["index"])[0])
    return np.array(found)


def assert_integers_agree(model, images, levels):
    """The int8 file has no float operation inside and is `levels` from its quantization-aware model at most."""
    expected = answers(model, images)
    quantized = quantization.quantize(model)
    quantization.calibrate(quantized, [images])
    quantization.round_biases(quantized)
    data = tflite.convert(quantized, "int8")
    graph = read_graph(data)
    assert (float_islands(graph), int8_share(graph)) == ((), 1)
    ours, step = answers(quantized, images), quantized.layers[-1].output_scale
    off = np.abs(run(data, images) - ours) / step
    print(f"off by {off.max():.1f} levels at most, {off.mean():.2f} in the mean")
    assert off.max() <= levels + 0.01
    # Rounding does not change what the network computes.
    assert np.corrcoef(ours.ravel(), expected.ravel())[0, 1] > 0.95
