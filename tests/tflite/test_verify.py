import dataclasses

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score
from small_efficientnet import fine_tuned, pictures, trained

from skinkeras import tflite
from skinkeras.tflite.graph import Graph, Op, Tensor
from skinkeras.tflite.verify import _aucs, float_islands, int8_share

IMAGES, LABELS = pictures(200, seed=4)


def test_float32_computes_what_keras_does(files):
    report = tflite.verify(files["float32"][0], trained(), IMAGES)
    assert report.max_difference < 1e-5
    assert (report.images, report.agreement, report.int8_share) == (200, 1, 0)
    tflite.check(report, tflite.TOLERANCES["float32"])


def test_float16_is_near(files):
    tflite.check(tflite.verify(files["float16"][0], trained(), IMAGES), tflite.TOLERANCES["float16"])


@pytest.mark.parametrize("name", ["int8", "uint8"])
def test_int8_agrees_with_its_quantization_aware_model(files, name):
    report = tflite.verify(files[name][0], fine_tuned(), IMAGES, LABELS)
    assert report.agreement >= 0.99
    assert (report.float_islands, report.custom_ops, report.int8_share) == ((), (), 1)
    expected = roc_auc_score(LABELS[:, 1], fine_tuned().predict(IMAGES, verbose=0)[:, 1])
    assert report.auc_keras == pytest.approx(expected)
    io = "uint8" if name == "uint8" else "float32"
    tflite.check(report, tflite.TOLERANCES["int8"], io)
    with pytest.raises(tflite.VerificationError, match=f"input {io} and output {io}, asked for was"):
        tflite.check(report, tflite.TOLERANCES["int8"], "float32" if io == "uint8" else "uint8")


def test_batches_and_class_numbers_give_the_same_report(files):
    path, model = files["float32"]
    batches = tflite.verify(path, model, iter(np.split(IMAGES, 4)), LABELS.argmax(-1))
    assert dataclasses.replace(batches, mean_difference=0) == dataclasses.replace(
        tflite.verify(path, model, IMAGES, LABELS), mean_difference=0
    )


def test_the_squeeze_excite_network_is_integers_too(files):
    path, model = files["b_int8"]
    report = tflite.verify(path, model, IMAGES[:32])
    assert (report.float_islands, report.int8_share) == ((), 1)
    assert report.mean_difference < 0.02


def test_a_file_of_another_model_is_refused(files):
    report = tflite.verify(files["int8"][0], files["b_int8"][1], IMAGES[:32])
    with pytest.raises(tflite.VerificationError, match=r"int8\.tflite disagrees .* top-1 agreement"):
        tflite.check(report, tflite.TOLERANCES["int8"])


def test_a_float_file_does_not_pass_for_an_integer_one(files):
    report = tflite.verify(files["float32"][0], trained(), IMAGES[:8])
    with pytest.raises(tflite.VerificationError, match=r"only 0\.0% of its multiply-accumulates in int8"):
        tflite.check(report, tflite.TOLERANCES["int8"])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"mean_difference": float("nan")}, "mean_difference nan"),
        ({"custom_ops": ("FlexErf",)}, "not builtin: FlexErf"),
        ({"dynamic_tensors": ("x",)}, "1 tensors without a fixed shape"),
        ({"float_islands": ("MUL",)}, "float operations between its integers: MUL"),
        ({"auc_keras": 0.9, "auc_file": 0.88, "images": 200}, r"AUC 0\.8800 against 0\.9000"),
    ],
)
def test_each_fault_is_said(files, change, message):
    report = tflite.verify(files["int8"][0], fine_tuned(), IMAGES[:8])
    with pytest.raises(tflite.VerificationError, match=message):
        tflite.check(dataclasses.replace(report, **change), tflite.TOLERANCES["int8"])


def test_labels_that_have_no_auc_are_refused(files):
    with pytest.raises(ValueError, match="two of them present"):
        tflite.verify(*files["float32"], IMAGES[:4], np.zeros(4))
    with pytest.raises(ValueError, match="at least one image"):
        tflite.verify(*files["float32"], IMAGES[:0])


def test_the_auc_of_many_classes_is_the_mean_of_each_against_the_rest():
    # Class 0 ranks perfectly (1), class 1 has one pair of four wrong (3/4), class 2 two of three (1/3); class
    # 3 has no image and no say. The file's rows need not sum to 1.
    labels = np.array([0, 1, 1, 2])
    scores = np.array([[0.9, 0.5, 0.3, 0], [0.1, 0.6, 0.4, 0], [0.2, 0.4, 0.1, 0], [0.3, 0.2, 0.2, 0]])
    ours, files = _aucs(labels, scores, 0.5 * scores)
    assert ours == files == pytest.approx((1 + 3 / 4 + 1 / 3) / 3)
    assert _aucs(np.eye(4)[labels], scores, scores)[0] == ours
    with pytest.raises(ValueError, match="class number below 4"):
        _aucs([0, 1, 1, 4], scores, scores)


def chain(*ops):
    """Ops of the given (name, dtype in, dtype out) on 2 x 2 x 4 values, kernels 3 x 3."""
    made = []
    for name, before, after in ops:
        weights = Tensor("w", before, (4, 3, 3, 4))
        made.append(
            Op(name, True, (Tensor("x", before, (1, 2, 2, 4)), weights), (Tensor("y", after, (1, 2, 2, 4)),))
        )
    return Graph(tuple(made), (), ())


def test_a_float_island_is_found_and_floats_at_the_ends_are_not():
    ends = [("MUL", "float32", "float32"), ("QUANTIZE", "float32", "int8")]
    island = [
        ("DEQUANTIZE", "int8", "float32"),
        ("ERF", "float32", "float32"),
        ("QUANTIZE", "float32", "int8"),
    ]
    tail = [("CONV_2D", "int8", "int8"), ("DEQUANTIZE", "int8", "float32"), ("SOFTMAX", "float32", "float32")]
    assert float_islands(chain(*ends, *tail)) == ()
    assert float_islands(chain(*ends, *island, *tail)) == ("DEQUANTIZE", "ERF", "QUANTIZE")


def test_multiply_accumulates_by_hand():
    # Convolution: 16 outputs x 36 weights = 576; depthwise: 16 x 9 = 144.
    graph = chain(
        ("CONV_2D", "int8", "int8"), ("DEPTHWISE_CONV_2D", "float32", "float32"), ("ADD", "int8", "int8")
    )
    assert int8_share(graph) == 576 / (576 + 144)
