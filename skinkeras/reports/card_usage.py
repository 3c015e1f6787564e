"""The code examples of a model card."""

import json
from collections.abc import Sequence

_PYTHON = """\
import cv2
import numpy as np
from ai_edge_litert.interpreter import Interpreter

interpreter = Interpreter(model_path="{file}")
interpreter.allocate_tensors()
image = cv2.cvtColor(cv2.imread("lesion.jpg"), cv2.COLOR_BGR2RGB)
side = min(image.shape[:2])
top, left = (image.shape[0] - side) // 2, (image.shape[1] - side) // 2
square = image[top : top + side, left : left + side]
image = cv2.resize(square, ({size}, {size}), interpolation=cv2.INTER_AREA)
interpreter.set_tensor(interpreter.get_input_details()[0]["index"], image[None].astype(np.float32))
interpreter.invoke()
probabilities = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])[0]
{answer}"""

_PYTHON_BINARY = """\
benign, malignant = probabilities
print(f"{{malignant:.3f}}", "malignant" if malignant >= {threshold} else "benign")
"""

_PYTHON_MULTICLASS = """\
classes = {classes}
print(f"{{probabilities.max():.3f}}", classes[probabilities.argmax()])
"""

_ANDROID = """\
val model = CompiledModel.create(context.assets, "{file}", CompiledModel.Options(Accelerator.CPU))
val inputs = model.createInputBuffers()
val outputs = model.createOutputBuffers()
inputs[0].writeFloat(modelInput(lesion, {size}))
model.run(inputs, outputs)
val probabilities = outputs[0].readFloat()
{answer}
"""


def python_example(file: str, size: int, classes: Sequence[str], threshold: float | None) -> str:
    """A script that classifies one image with nothing but OpenCV and LiteRT."""
    answer = _PYTHON_MULTICLASS.format(classes=list(classes))
    if threshold is not None:
        answer = _PYTHON_BINARY.format(threshold=threshold)
    return _PYTHON.format(file=file, size=size, answer=answer)


def android_example(file: str, size: int, classes: Sequence[str], threshold: float | None) -> str:
    """The same in Kotlin. `modelInput`, which makes the square, is in tflite_models/README.md."""
    answer = f"val classes = listOf({', '.join(map(_quoted, classes))})\n"
    answer += "val answer = classes[probabilities.indices.maxBy { probabilities[it] }]"
    if threshold is not None:
        answer = f"val malignant = probabilities[1] >= {threshold}f"
    return _ANDROID.format(file=file, size=size, answer=answer)


def _quoted(name):
    return json.dumps(name).replace("$", "\\$")
