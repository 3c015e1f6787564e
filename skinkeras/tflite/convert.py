"""Keras model -> TensorFlow Lite file.

All files take the model's own input (RGB 0..255) for a batch of one, with the normalisation inside, and give
probabilities. In the int8 file the normalisation is integer arithmetic too: QUANTIZE with scale 1 comes
first (whole pixel values pass unchanged), then one integer MUL and ADD, as `QuantizedRescaling` rounds them
in training. Shifting the scale of QUANTIZE instead would need the zero point 127.5, and folding the offset
into the first convolution would change what its zero padding means.
"""

import warnings

from ai_edge_litert import schema_py_generated as schema

from skinkeras.tflite.graph import pack, read_graph, unpack
from skinkeras.tflite.weight_only import with_int8_weights

KINDS = ("float32", "float16", "weight_int8", "int8")
IO_TYPES = ("float32", "uint8")


def convert(model, kind: str = "float32", io: str = "float32") -> bytes:
    """Converts a model to a TensorFlow Lite flatbuffer of builtin operations.

    Args:
        model: `keras.Model` from (batch, height, width, 3) float32 RGB 0..255 to (batch, classes)
            probabilities, of known height and width. For `"int8"` the calibrated and fine-tuned result of
            `skinkeras.quantization.quantize`, otherwise the float model.
        kind: `"float32"`; `"float16"`: weights of half the size, computed in float32 where the processor
            has no float16; `"weight_int8"`: weights of a quarter of the size, computed in float32;
            `"int8"`: integers throughout, or behind the float layers of a model that `quantize` was given
            `integers_from`.
        io: type of input and output. `"uint8"` (int8 files only): pixels as bytes in, probabilities times
            256 out. Not for a model with colour constancy in front, which computes on floats.

    Returns:
        The file's bytes: input "image" (1, height, width, 3), output "probabilities" (1, classes). They
        hold no labels yet; `add_metadata` does that.

    Raises:
        ValueError: unknown or contradictory `kind` and `io`, a model of the wrong sort for `kind`, or of
            unknown size.
    """
    _check(model, kind, io)
    # Only conversion needs TensorFlow and Keras; whoever merely runs a file is spared their import.
    import tensorflow as tf

    from skinkeras.quantization.averages import converting

    function = tf.function(lambda image: model(image, training=False), autograph=False, jit_compile=False)
    image = tf.TensorSpec((1, *model.input_shape[1:]), tf.float32, name="image")
    with converting():
        traced = function.get_concrete_function(image)
    converter = tf.lite.TFLiteConverter.from_concrete_functions([traced], model)
    # Keras' own export, and the converter's default, go over a SavedModel, which is traced and loaded several
    # times: the same operations and weights, in five times the time.
    converter.experimental_lower_to_saved_model = False
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
    if kind in ("float16", "int8"):
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if kind == "float16":
        converter.target_spec.supported_types = [tf.float16]
    if io == "uint8":
        converter.inference_input_type = converter.inference_output_type = tf.uint8
    with warnings.catch_warnings():
        # The ranges are in the model: no representative data set is missing.
        warnings.filterwarnings("ignore", message="Statistics for quantized inputs")
        data = _named(converter.convert())
    if read_graph(data).inputs[0].dtype != io:
        raise ValueError(
            f"io={io!r} needs a model that begins with the normalisation; {model.name!r} computes on floats "
            "in front of it."
        )
    return with_int8_weights(data) if kind == "weight_int8" else data


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
    """Gives input and output names that an app can rely on, in the tensors and as a signature."""
    model = unpack(data)
    subgraph = model.subgraphs[0]
    signature = schema.SignatureDefT()
    signature.signatureKey, signature.subgraphIndex = b"serving_default", 0
    signature.inputs = [_entry(subgraph, b"image", subgraph.inputs[0])]
    signature.outputs = [_entry(subgraph, b"probabilities", subgraph.outputs[0])]
    model.signatureDefs = [signature]
    return pack(model)


def _entry(subgraph, name: bytes, index: int) -> schema.TensorMapT:
    subgraph.tensors[index].name = name
    entry = schema.TensorMapT()
    entry.name, entry.tensorIndex = name, index
    return entry
