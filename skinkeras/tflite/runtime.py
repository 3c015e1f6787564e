"""Running a .tflite file, with nothing but the file."""

import os
import subprocess
import sys
from collections.abc import Iterable, Iterator
from functools import cached_property
from itertools import islice
from pathlib import Path

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from skinkeras.images.decoding import ImageError, check_geometry
from skinkeras.images.geometries import DEFAULT_GEOMETRY
from skinkeras.images.preparation import ImageInput, is_one_image, prepare_image
from skinkeras.tflite.contract import find_contract, geometry_of, read_contract
from skinkeras.tflite.metadata import read_labels

_BATCH = 32
_TRIAL = Path(__file__).with_name("trial_process.py")
_LONGEST_TRIAL = 120  # seconds


class Classifier:
    """An image classifier from one .tflite file, run by LiteRT on the CPU.

    Args:
        path: file with embedded labels, one input (1, height, width, 3) and one output (1, classes).
        num_threads: threads of LiteRT.
        geometry: "crop", "squash" or "pad", see `skinkeras.images.decoding.resize_to_square`; by default what the
            `NAME.json` beside the file says, or "crop" without one.

    Attributes:
        labels: class names, in the order of the probabilities.
        input_size: (height, width) in pixels.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is no TensorFlow Lite model, is cut off, lacks labels, or classifies no images; or there
            is no such geometry.
    """

    def __init__(self, path: str | os.PathLike, num_threads: int = 1, *, geometry: str | None = None):
        if geometry is not None:
            check_geometry(geometry)
        self._path, self._geometry = Path(path), geometry
        # First, because LiteRT itself may crash on a file that is cut off.
        self.labels = read_labels(path)
        self._interpreter = _load(path, num_threads)
        inputs, outputs = self._interpreter.get_input_details(), self._interpreter.get_output_details()
        self._input, self._output = inputs[0], outputs[0]
        shape = [int(size) for size in self._input["shape"]]
        if len(inputs) != 1 or len(outputs) != 1 or len(shape) != 4 or shape[0] != 1 or shape[3] != 3:
            raise ValueError(
                f"{path} does not classify images one by one: its first input has shape {shape}, "
                "not (1, height, width, 3)."
            )
        if list(self._output["shape"]) != [1, len(self.labels)]:
            raise ValueError(
                f"{path} has {len(self.labels)} labels but an output of shape {list(self._output['shape'])}."
            )
        dtypes = {np.dtype(detail["dtype"]).name for detail in (self._input, self._output)}
        if not dtypes <= {"float32", "uint8"}:
            raise ValueError(f"{path} takes or gives {' and '.join(sorted(dtypes))}, not float32 or uint8.")
        self.input_size = (shape[1], shape[2])

    @cached_property
    def geometry(self) -> str:
        """What of an image the model takes: "crop", "squash" or "pad".

        Raises:
            ValueError: the `NAME.json` beside the file, which is read now, cannot be read or describes another file.
        """
        if self._geometry is not None:
            return self._geometry
        beside = find_contract(self._path)
        return DEFAULT_GEOMETRY if beside is None else geometry_of(read_contract(beside))

    def classify(self, images: ImageInput | Iterable[ImageInput]) -> np.ndarray:
        """Class probabilities of images of any size.

        Args:
            images: one, or any number of: paths, PIL images, arrays (height, width, 3) of sRGB 0..255. An
                iterable is read as it goes: at most 32 decoded images are held at once.

        Returns:
            (n, classes) float32.

        Raises:
            ImageError: as `prepare`.
            ValueError: as `geometry`.
        """
        rows = list(self.batches(images))
        return np.concatenate(rows) if rows else np.empty((0, len(self.labels)), np.float32)

    def batches(
        self, images: ImageInput | Iterable[ImageInput], batch_size: int = _BATCH
    ) -> Iterator[np.ndarray]:
        """As `classify`, but yields the probabilities of `batch_size` images at a time."""
        if is_one_image(images):
            images = [images]
        prepared = map(self.prepare, images)
        while batch := list(islice(prepared, batch_size)):
            yield self.predict(np.stack(batch))

    def prepare(self, image: ImageInput) -> np.ndarray:
        """An image as the model sees it: `skinkeras.images.preparation.prepare_image` at the model's size.

        Args:
            image: path, PIL image, or array (height, width, 3) of sRGB 0..255, integers or floats.

        Returns:
            (height, width, 3) uint8 of the model's size.

        Raises:
            ImageError: one sentence that says what is wrong with the image.
            ValueError: as `geometry`.
        """
        height, width = self.input_size
        if height != width:
            raise ImageError(f"the model takes {width} x {height} pixels; and images become squares")
        return prepare_image(image, height, self.geometry)

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


def check_runs(path: str | os.PathLike) -> None:
    """Runs a file of unknown origin once in a process of its own: damage can end the process that runs the file.

    Args:
        path: .tflite file.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is no TensorFlow Lite model, or LiteRT cannot run it.
    """
    read_labels(path)  # most damage, and in words
    command = [sys.executable, str(_TRIAL), os.path.abspath(path)]
    try:
        done = subprocess.run(command, capture_output=True, timeout=_LONGEST_TRIAL, check=False)
    except subprocess.TimeoutExpired as error:
        raise ValueError(f"{path} does not run within {_LONGEST_TRIAL} s: use another file.") from error
    # What LiteRT says of a file, `Classifier` repeats.
    if done.returncode < 0:
        raise ValueError(f"{path} is damaged: it makes LiteRT crash. Copy or export it again.")


def _load(path: str | os.PathLike, num_threads: int) -> Interpreter:
    try:
        interpreter = Interpreter(model_content=Path(path).read_bytes(), num_threads=num_threads)
        interpreter.allocate_tensors()
        interpreter.invoke()  # some faults only show there
    except (ValueError, RuntimeError) as error:
        reason = str(error).splitlines()[0]
        raise ValueError(f"LiteRT cannot run {path}: {reason}") from error
    return interpreter
