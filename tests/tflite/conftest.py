import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "quantization"))  # for small_efficientnet

from small_efficientnet import calibrated_b, fine_tuned, trained

from skinkeras import tflite

LABELS = ("benign", "malignant")
INFO = tflite.ModelInfo("Small", "A test.", "skinkeras", "1.0", "Apache-2.0")


@pytest.fixture(scope="session")
def files(tmp_path_factory):
    """Every kind of file, made once: {name: (path, the Keras model behind it)}."""
    folder = tmp_path_factory.mktemp("tflite")
    made = {}
    for name, model, kind, io in (
        ("float32", trained(), "float32", "float32"),
        ("float16", trained(), "float16", "float32"),
        ("int8", fine_tuned(), "int8", "float32"),
        ("uint8", fine_tuned(), "int8", "uint8"),
        ("b_int8", calibrated_b(), "int8", "float32"),
    ):
        path = folder / f"{name}.tflite"
        path.write_bytes(tflite.add_metadata(tflite.convert(model, kind, io), LABELS, INFO))
        made[name] = (path, model)
    return made
