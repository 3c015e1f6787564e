"""The code examples of a model card."""

import json
from collections.abc import Sequence

from skinkeras.images.geometries import DEFAULT_GEOMETRY

_PYTHON = """\
import cv2
import numpy as np
from ai_edge_litert.interpreter import Interpreter

interpreter = Interpreter(model_path="{file}")
interpreter.allocate_tensors()
image = cv2.cvtColor(cv2.imread("lesion.jpg"), cv2.COLOR_BGR2RGB)
{square}image = cv2.resize({resized}, ({size}, {size}), interpolation=cv2.INTER_AREA)
interpreter.set_tensor(interpreter.get_input_details()[0]["index"], image[None].astype(np.float32))
interpreter.invoke()
probabilities = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])[0]
{answer}"""

# What is resized, by geometry.
_PYTHON_SQUARES = {
    "crop": """\
side = min(image.shape[:2])
top, left = (image.shape[0] - side) // 2, (image.shape[1] - side) // 2
square = image[top : top + side, left : left + side]
""",
    "squash": "",
    "pad": """\
side = max(image.shape[:2])
top, left = (side - image.shape[0]) // 2, (side - image.shape[1]) // 2
bottom, right = side - image.shape[0] - top, side - image.shape[1] - left
square = cv2.copyMakeBorder(image, top, bottom, left, right, cv2.BORDER_CONSTANT)
""",
}

_PYTHON_BINARY = """\
side = "Above" if probabilities[1] >= {threshold} else "Below"
print(side, "the model's line for", {target})
"""

_PYTHON_MULTICLASS = """\
classes = {classes}
print("Highest score:", classes[probabilities.argmax()])
"""

_ANDROID = """\
val model = CompiledModel.create(context.assets, "{file}", CompiledModel.Options(Accelerator.CPU))
val inputs = model.createInputBuffers()
val outputs = model.createOutputBuffers()
inputs[0].writeFloat(modelInput(lesion, {arguments}))
model.run(inputs, outputs)
val probabilities = outputs[0].readFloat()
{answer}
"""


def python_example(
    file: str,
    size: int,
    classes: Sequence[str],
    threshold: float | None,
    target: str | None,
    geometry: str = DEFAULT_GEOMETRY,
) -> str:
    """A script that classifies one image with nothing but OpenCV and LiteRT.

    Args:
        file: name of the .tflite file.
        size: of its input, in pixels.
        classes: its classes; of two, the second is the positive one.
        threshold, target: the line and what the model looks for; None for a model that ranks its classes.
        geometry: key of `skinkeras.images.geometries.GEOMETRIES`.
    """
    answer = _PYTHON_MULTICLASS.format(classes=list(classes))
    if threshold is not None:
        answer = _PYTHON_BINARY.format(threshold=threshold, target=json.dumps(target))
    square = _PYTHON_SQUARES[geometry]
    resized = "square" if square else "image"
    return _PYTHON.format(file=file, size=size, answer=answer, square=square, resized=resized)


def android_example(
    file: str, size: int, classes: Sequence[str], threshold: float | None, geometry: str = DEFAULT_GEOMETRY
) -> str:
    """The same in Kotlin. `modelInput`, which makes the square, is in tflite_models/README.md."""
    answer = f"val classes = listOf({', '.join(map(_quoted, classes))})\n"
    answer += "val answer = classes[probabilities.indices.maxBy { probabilities[it] }]"
    if threshold is not None:
        answer = f"val aboveTheLine = probabilities[1] >= {threshold}f"
    arguments = str(size) if geometry == DEFAULT_GEOMETRY else f'{size}, "{geometry}"'
    return _ANDROID.format(file=file, arguments=arguments, answer=answer)


def _quoted(name):
    return json.dumps(name).replace("$", "\\$")
