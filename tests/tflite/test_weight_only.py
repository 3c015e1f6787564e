import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from exporting import assert_builtins, run
from small_efficientnet import calibrated_b, pictures, trained

from skinkeras import tflite


@pytest.fixture(scope="module")
def made():
    return {kind: tflite.convert(trained(), kind) for kind in ("float32", "weight_int8")}


def test_the_kernels_are_integers_and_nothing_else_is(made):
    ops = assert_builtins(made["weight_int8"])
    dequantized = [op for op in ops if op.name == "DEQUANTIZE"]
    kernels = {
        op.inputs[1].name for op in ops if op.name in ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")
    }
    assert {op.outputs[0].name for op in dequantized} == kernels
    assert {op.inputs[0].dtype for op in dequantized} == {"int8"}
    rest = [op for op in ops if op.name != "DEQUANTIZE"]
    assert {tensor.dtype for op in rest for tensor in op.inputs + op.outputs} <= {"float32", "int32"}
    assert "QUANTIZE" not in {op.name for op in ops}


def test_it_answers_as_the_float_file_to_the_rounding_of_its_weights(made):
    images, _ = pictures(32, seed=3)
    exact, rounded = run(made["float32"], images), run(made["weight_int8"], images)
    assert 0 < np.abs(exact - rounded).max() < 0.05
    assert len(made["weight_int8"]) < 0.65 * len(made["float32"])  # a small graph; of weights alone 0.25


def test_a_kernel_is_rounded_channel_by_channel(made):
    details = {
        detail["name"]: detail
        for detail in Interpreter(model_content=made["weight_int8"]).get_tensor_details()
    }
    kernels = [detail for name, detail in details.items() if name.endswith("_int8")]
    for detail in kernels:
        parameters = detail["quantization_parameters"]
        axis = parameters["quantized_dimension"]
        assert len(parameters["scales"]) == detail["shape"][axis]
        assert not parameters["zero_points"].any()
    assert {detail["quantization_parameters"]["quantized_dimension"] for detail in kernels} == {0, 3}


def test_it_does_not_depend_on_the_kernels_that_run_it(made):
    images, _ = pictures(4, seed=3)
    interpreter = Interpreter(
        model_content=made["weight_int8"],
        experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
    )
    interpreter.allocate_tensors()
    answers = []
    for image in images:
        interpreter.set_tensor(interpreter.get_input_details()[0]["index"], image[None])
        interpreter.invoke()
        answers.append(interpreter.get_tensor(interpreter.get_output_details()[0]["index"])[0])
    assert np.array(answers) == pytest.approx(run(made["weight_int8"], images), abs=1e-6)


def test_a_quantized_model_has_no_float_weights():
    with pytest.raises(ValueError, match="needs the float model"):
        tflite.convert(calibrated_b(), "weight_int8")
