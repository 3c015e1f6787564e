"""Running a .tflite file, with nothing but the file."""

import os
from pathlib import Path

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from skinkeras.tflite.metadata import read_labels


class Classifier:
    """An image classifier from one .tflite file, run by LiteRT on the CPU.

    Args:
        path: file with embedded labels, one input (1, height, width, 3) and one output (1, classes).
        num_threads: threads of LiteRT.

    Attributes:
        labels: class names, in the order of the probabilities.
        input_size: (height, width) in pixels.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is no TensorFlow Lite model, is cut off, lacks labels, or classifies no images.
    """

    def __init__(self, path: str | os.PathLike, num_threads: int = 1):
        # First, because LiteRT itself may crash on a file that is cut off.
        self.labels = read_labels(path)
        self._interpreter = _load(path, num_threads)
        inputs, outputs = self._interpreter.get_input_details(), self._interpreter.get_output_details()
        self._input, self._output = inputs[0], outputs[0]
        shape = [int(size) for size in self._input["shape"]]
        if len(inputs) != 1 or len(outputs) != 1 or len(shape) != 4 or shape[0] != 1 or shape[3] != 3:
            raise ValueError(
                f"{path} does not classify images one by one: its first input has shape {shape}."
            )
        if list(self._output["shape"]) != [1, len(self.labels)]:
            raise ValueError(
                f"{path} has {len(self.labels)} labels but an output of shape {list(self._output['shape'])}."
            )
        self.input_size = (shape[1], shape[2])

    def predict(self, images: np.ndarray) -> np.ndarray:
        """Class probabilities of images that already have the input's size.

        Args:
            images: (n, height, width, 3), RGB, 0..255; rounded to whole numbers for a file that takes bytes.

        Returns:
            (n, classes) float32.

        Raises:
            ValueError: the images have another shape.
        """
        images = np.asarray(images)
        if images.ndim != 4 or images.shape[1:] != (*self.input_size, 3):
            raise ValueError(
                f"Images must have shape (n, {self.input_size[0]}, {self.input_size[1]}, 3). "
                f"Received: {images.shape}"
            )
        if self._input["dtype"] == np.uint8:
            images = np.clip(np.rint(images), 0, 255)
        images = images.astype(self._input["dtype"])
        probabilities = np.empty((len(images), len(self.labels)), np.float32)
        for index in range(len(images)):
            self._interpreter.set_tensor(self._input["index"], images[index : index + 1])
            self._interpreter.invoke()
            probabilities[index] = self._interpreter.get_tensor(self._output["index"])[0]
        if self._output["dtype"] == np.uint8:
            scale, zero_point = self._output["quantization"]
            probabilities = (probabilities - np.float32(zero_point)) * np.float32(scale)
        return probabilities


def _load(path: str | os.PathLike, num_threads: int) -> Interpreter:
    try:
        interpreter = Interpreter(model_content=Path(path).read_bytes(), num_threads=num_threads)
        interpreter.allocate_tensors()
    except (ValueError, RuntimeError) as error:
        reason = str(error).splitlines()[0]
        raise ValueError(f"LiteRT cannot run {path}: {reason}") from error
    return interpreter
