"""The code that a model card gives to whoever picks the file up."""

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
val interpreter = Interpreter(loadAsset("{file}"))  // a MappedByteBuffer of the file

fun {function}(lesion: Bitmap): {result} {{
    val side = minOf(lesion.width, lesion.height)
    val left = (lesion.width - side) / 2
    val top = (lesion.height - side) / 2
    val square = Bitmap.createBitmap(lesion, left, top, side, side)
    // Bilinear without antialiasing: halve a large photo a few times first, or its details alias.
    val small = Bitmap.createScaledBitmap(square, {size}, {size}, true)
    val pixels = IntArray({size} * {size})
    small.getPixels(pixels, 0, {size}, 0, 0, {size}, {size})
    val input = ByteBuffer.allocateDirect(4 * 3 * {size} * {size}).order(ByteOrder.nativeOrder())
    for (pixel in pixels) {{
        input.putFloat((pixel shr 16 and 255).toFloat())
        input.putFloat((pixel shr 8 and 255).toFloat())
        input.putFloat((pixel and 255).toFloat())
    }}
    val output = Array(1) {{ FloatArray({count}) }}
    interpreter.run(input.rewind(), output)
    return output[0]{answer}
}}
"""


def python_example(file: str, size: int, classes: Sequence[str], threshold: float | None) -> str:
    """A script that classifies one picture with nothing but OpenCV and LiteRT."""
    answer = _PYTHON_MULTICLASS.format(classes=list(classes))
    if threshold is not None:
        answer = _PYTHON_BINARY.format(threshold=threshold)
    return _PYTHON.format(file=file, size=size, answer=answer)


def android_example(file: str, size: int, count: int, threshold: float | None) -> str:
    """The same in Kotlin, for `count` classes."""
    words = {"function": "probabilities", "result": "FloatArray", "answer": "  // in the order of the labels"}
    if threshold is not None:
        answer = f"[1]  // call it malignant at {threshold} or more"
        words = {"function": "malignant", "result": "Float", "answer": answer}
    return _ANDROID.format(file=file, size=size, count=count, **words)
