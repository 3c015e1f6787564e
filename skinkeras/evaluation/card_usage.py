"""The code that a model card gives to whoever picks the file up."""

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
benign, malignant = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])[0]
print(f"{{malignant:.3f}}", "malignant" if malignant >= {threshold} else "benign")
"""

_ANDROID = """\
val interpreter = Interpreter(loadAsset("{file}"))  // a MappedByteBuffer of the file

fun malignant(lesion: Bitmap): Float {{
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
    val output = Array(1) {{ FloatArray(2) }}
    interpreter.run(input.rewind(), output)
    return output[0][1]  // call it malignant at {threshold} or more
}}
"""


def python_example(file: str, size: int, threshold: float) -> str:
    """A script that classifies one picture with nothing but OpenCV and LiteRT."""
    return _PYTHON.format(file=file, size=size, threshold=threshold)


def android_example(file: str, size: int, threshold: float) -> str:
    """The same in Kotlin."""
    return _ANDROID.format(file=file, size=size, threshold=threshold)
