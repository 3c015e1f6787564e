"""Keras model -> TensorFlow Lite file.

All files take the model's own input (RGB 0..255) for a batch of one, with the normalisation inside, and give
probabilities. In the int8 file the normalisation is integer arithmetic too: QUANTIZE with scale 1 comes
first (whole pixel values pass unchanged), then one integer MUL and ADD, as `QuantizedRescaling` rounds them
in training. Shifting the scale of QUANTIZE instead would need the zero point 127.5, and folding the offset
into the first convolution would change what its zero padding means.
"""

import tempfile
from pathlib import Path

from skinkeras.tflite.graph import pack, unpack

KINDS = ("float32", "float16", "int8")
IO_TYPES = ("float32", "uint8")


def convert(model, kind: str = "float32", io: str = "float32") -> bytes:
    """Converts a model to a TensorFlow Lite flatbuffer of builtin operations.

    Args:
        model: `keras.Model` from (batch, height, width, 3) float32 RGB 0..255 to (batch, classes)
            probabilities, of known height and width. For `"int8"` the calibrated and fine-tuned result of
            `skinkeras.quantization.quantize`, otherwise the float model.
        kind: `"float32"`; `"float16"`: weights of half the size, computed in float32 where the processor
            has no float16; `"int8"`: integers throughout.
        io: type of input and output. `"uint8"` (int8 files only): pixels as bytes in, probabilities times
            256 out.

    Returns:
        The file's bytes: input "image" (1, height, width, 3), output "probabilities" (1, classes). They
        hold no labels yet; `add_metadata` does that.

    Raises:
        ValueError: unknown or contradictory `kind` and `io`, a model of the wrong sort for `kind`, or of
            unknown size.
    """
    _check(model, kind, io)
    # Only conversion needs TensorFlow and Keras; whoever merely runs a file is spared their import.
    import keras
    import tensorflow as tf

    options = {"target_spec": {"supported_ops": [tf.lite.OpsSet.TFLITE_BUILTINS]}}
    if kind != "float32":
        options["optimizations"] = [tf.lite.Optimize.DEFAULT]
    if kind == "float16":
        options["target_spec"]["supported_types"] = [tf.float16]
    if io == "uint8":
        options.update(inference_input_type=tf.uint8, inference_output_type=tf.uint8)
    signature = [keras.InputSpec(shape=(1, *model.input_shape[1:]), dtype="float32", name="image")]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.tflite"
        model.export(path, format="litert", input_signature=signature, verbose=False, **options)
        return _named(path.read_bytes())


def _check(model, kind: str, io: str) -> None:
    from skinkeras.quantization import is_quantized

    if kind not in KINDS:
        raise ValueError(f"kind must be one of {', '.join(KINDS)}. Received: {kind!r}")
    if io not in IO_TYPES:
        raise ValueError(f"io must be one of {', '.join(IO_TYPES)}. Received: {io!r}")
    if io == "uint8" and kind != "int8":
        raise ValueError(f"io='uint8' needs kind='int8'. Received: kind={kind!r}")
    if (kind == "int8") != is_quantized(model):
        needed = (
            "the quantized model (skinkeras.quantization.quantize)" if kind == "int8" else "the float model"
        )
        raise ValueError(f"kind={kind!r} needs {needed}; {model.name!r} is the other one.")
    if len(model.inputs) != 1 or len(model.outputs) != 1 or None in model.input_shape[1:]:
        raise ValueError(
            "convert needs one input of known height and width, and one output. "
            f"Received: {model.input_shape} -> {model.output_shape}"
        )


def _named(data: bytes) -> bytes:
    """Gives input and output names that an app can rely on, in place of those of the exporting function."""
    model = unpack(data)
    subgraph, signature = model.subgraphs[0], model.signatureDefs[0]
    for name, index, entry in (
        (b"image", subgraph.inputs[0], signature.inputs[0]),
        (b"probabilities", subgraph.outputs[0], signature.outputs[0]),
    ):
        subgraph.tensors[index].name = name
        entry.name = name
    return pack(model)
