"""The last step before export: biases as the 32-bit integers that the file will hold."""

import keras

from skinkeras.quantization.graph import consumers, producers
from skinkeras.quantization.layers import FakeQuantize, FixedFakeQuantize, QuantizedRescaling


def round_biases(model: keras.Model) -> None:
    """Rounds the biases of a trained quantization-aware model to the integers of its file.

    TensorFlow Lite holds a bias in steps of the input's scale times the kernel's. An unrounded bias shifts
    each output by up to half such a step, which in a first layer of large kernels is several hundredths of a
    level. One value in a hundred is then rounded the other way, every later layer multiplies these, and in
    the end the model and its file differ by as much as two independent roundings. Accuracy does not depend on
    this, but agreement does. Call it when training has ended; a second call changes nothing.

    Args:
        model: from `skinkeras.quantization.quantize`, calibrated; changed in place. A layer that is called on
            inputs of several scales keeps its bias: its file has one per scale.
    """
    readers = consumers(model)
    for layer in model.layers:
        if hasattr(layer, "round_bias") and getattr(layer, "bias", None) is not None:
            scales = _input_scales(model, readers, layer.name)
            if len(scales) == 1:
                layer.round_bias(*scales)


def _input_scales(model, readers, name) -> set[float]:
    scales = set()
    for producer in producers(readers, name):
        layer = model.get_layer(producer)
        if isinstance(layer, FakeQuantize | FixedFakeQuantize | QuantizedRescaling):
            scales.add(layer.output_scale)
        else:  # a layer that only moves values
            scales |= _input_scales(model, readers, producer)
    return scales
