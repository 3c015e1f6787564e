import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter
from small_efficientnet import fine_tuned, pictures, trained

from skinkeras import tflite
from skinkeras.tflite.graph import read_graph


@pytest.mark.parametrize(("name", "dtype"), [("float32", "float32"), ("int8", "float32"), ("uint8", "uint8")])
def test_input_and_output_are_what_an_app_expects(files, name, dtype):
    interpreter = Interpreter(model_path=str(files[name][0]))
    assert interpreter.get_signature_list() == {
        "serving_default": {"inputs": ["image"], "outputs": ["probabilities"]}
    }
    graph = read_graph(files[name][0].read_bytes())
    assert [(tensor.name, tensor.dtype, tensor.shape) for tensor in graph.inputs + graph.outputs] == [
        ("image", dtype, (1, 64, 64, 3)),
        ("probabilities", dtype, (1, 2)),
    ]


@pytest.mark.parametrize("name", ["int8", "b_int8"])
def test_int8_begins_with_quantize_and_is_integers_until_the_last_dequantize(files, name):
    ops = read_graph(files[name][0].read_bytes()).ops
    assert [op.name for op in ops[:3]] == ["QUANTIZE", "MUL", "ADD"]
    assert ops[-1].name == "DEQUANTIZE"
    assert {tensor.dtype for op in ops[1:-1] for tensor in op.inputs + op.outputs} == {"int8", "int32"}


def test_the_pixels_pass_quantize_unchanged_and_bytes_are_pixels(files):
    details = {detail["index"]: detail for detail in Interpreter(str(files["int8"][0])).get_tensor_details()}
    assert details[Interpreter(str(files["int8"][0]))._get_ops_details()[0]["outputs"][0]][
        "quantization"
    ] == (1, -128)
    uint8 = Interpreter(str(files["uint8"][0]))
    assert uint8.get_input_details()[0]["quantization"] == (1, 0)
    assert uint8.get_output_details()[0]["quantization"] == (1 / 256, 0)


def test_int8_is_smaller_than_float16_and_that_than_float32(files):
    size = {name: path.stat().st_size for name, (path, _) in files.items()}
    assert size["int8"] < size["float16"] < 0.75 * size["float32"]


def test_weights_lie_at_multiples_of_16_bytes(files):
    data = files["float32"][0].read_bytes()
    model = schema.Model.GetRootAs(data)
    vectors = [model.Buffers(i)._tab for i in range(model.BuffersLength()) if model.Buffers(i).DataLength()]
    assert vectors
    assert all(table.Vector(table.Offset(4)) % 16 == 0 for table in vectors)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("int4",), "kind must be one of"),
        (("float32", "int8"), "io must be one of"),
        (("float32", "uint8"), "needs kind='int8'"),
        (("int8",), "needs the quantized model"),
    ],
)
def test_contradictions_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        tflite.convert(trained(), *arguments)


def test_a_quantized_model_makes_no_float_file():
    with pytest.raises(ValueError, match="needs the float model"):
        tflite.convert(fine_tuned(), "float16")


def test_whole_pixels_give_the_same_through_floats_and_bytes(files):
    images, _ = pictures(16, seed=4)
    floats, integers = (tflite.Classifier(files[name][0]).predict(images) for name in ("int8", "uint8"))
    np.testing.assert_array_equal(floats, integers)
