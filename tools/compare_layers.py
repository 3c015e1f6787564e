"""Where an int8 file and its quantization-aware model differ, layer by layer.

    python tools/compare_layers.py RUN/model_qat.keras RUN/export/NAME_int8.tflite IMAGES...

For each rounding of the model it prints the share of values that differ in the file, and by how many levels
the values differ on average and at most. The file's tensors do not carry the names of layers; each rounding
is compared with the tensor of its shape that is nearest to it.
"""

import argparse
from pathlib import Path

import keras
import numpy as np
from ai_edge_litert.interpreter import Interpreter

from skinkeras import inputs
from skinkeras.quantization import FakeQuantize, FixedFakeQuantize

BATCH = 20


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("file", type=Path)
    parser.add_argument("images", type=Path, nargs="+")
    options = parser.parse_args()
    model = keras.models.load_model(options.model, compile=False)
    size = model.input_shape[1]
    images = np.stack([inputs.decode(path, size) for path in options.images]).astype("float32")
    held = tensors_of_file(options.file, images)
    print(f"{'layer':55} {'share':>9} {'mean':>7} {'most':>5}   levels, {len(images)} images")
    for name, values in roundings_of_model(model, images):
        found = [np.abs(read - values) / scale for read, scale in held if read.shape == values.shape]
        if not found:
            print(f"{name:55} no tensor of shape {values.shape[1:]}")
            continue
        levels = np.rint(min(found, key=np.mean))
        print(f"{name:55} {np.mean(levels > 0):9.5f} {levels.mean():7.3f} {levels.max():5.0f}")


def roundings_of_model(model, images):
    rounding = [layer for layer in model.layers if isinstance(layer, FakeQuantize | FixedFakeQuantize)]
    probe = keras.Model(model.input, [layer.output for layer in rounding])
    batches = [probe.predict_on_batch(images[at : at + BATCH]) for at in range(0, len(images), BATCH)]
    for layer, parts in zip(rounding, zip(*batches, strict=True), strict=True):
        yield layer.name, np.concatenate(parts)


def tensors_of_file(path, images):
    """[(values, scale)] of every 8-bit tensor of the file that the images move."""
    interpreter = Interpreter(str(path), experimental_preserve_all_tensors=True)
    interpreter.allocate_tensors()
    details = [
        detail
        for detail in interpreter.get_tensor_details()
        if detail["dtype"] == np.int8 and len(detail["shape"]) > 1 and detail["shape"][0] == 1
    ]
    read = {detail["index"]: [] for detail in details}
    for image in images:
        interpreter.set_tensor(interpreter.get_input_details()[0]["index"], image[None])
        interpreter.invoke()
        for index, values in read.items():
            try:
                values.append(interpreter.get_tensor(index)[0].copy())
            except ValueError:  # XNNPACK does not expose some tensors
                continue
    found = []
    for detail in details:
        scale, zero = detail["quantization"]
        values = read[detail["index"]]
        if len(values) == len(images) and scale:
            found.append(((np.stack(values).astype("float32") - zero) * scale, scale))
    return found


if __name__ == "__main__":
    main()
