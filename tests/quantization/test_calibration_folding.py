"""A calibration inside the last dense layer: the same probabilities, in every form of the model."""

import functools

import keras
import numpy as np
import pytest
from eager import answers
from exporting import run
from small_efficientnet import pictures, trained

from skinkeras import models, quantization, tflite
from skinkeras.datasets import ISIC2018_TAXONOMY
from skinkeras.evaluation import Calibration
from skinkeras.layers import MergeClasses
from skinkeras.quantization import FakeQuantize, fold_calibration

SIZE = 32
SEVEN = Calibration(1.7, (0.3, -0.5, 0.0, 1.1, 0.2, -0.9, 0.4))


def images(count, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (count, SIZE, SIZE, 3)).astype("float32")


def tiny(classes=7, *, merged=False):
    keras.utils.set_random_seed(0)
    model = models.create("efficientnet_tiny", classes, input_size=SIZE, weights="none")
    kernel, _ = model.get_layer("logits").get_weights()
    # Random features are small; a trained model's logits are several units apart.
    model.get_layer("logits").set_weights([20 * kernel, np.linspace(-1, 1, classes)])
    if merged:
        merge = MergeClasses((0, 1, 0, 0, 1, 0, 0), name="merge")(model.output)
        model = keras.Model(model.input, merge, name=model.name)
    return model


def quantized(model, examples):
    model = quantization.quantize(model)
    quantization.calibrate(model, [examples])
    quantization.round_biases(model)
    return model


def in_front_of_the_last_rounding(model, examples):
    return answers(keras.Model(model.input, model.get_layer("probs").output), examples)


@pytest.mark.parametrize("calibration", [SEVEN, Calibration(0.4, (0.0,) * 7), Calibration(1.0, SEVEN.bias)])
def test_a_folded_model_answers_with_calibrated_probabilities(calibration):
    model, examples = tiny(), images(32)
    before = answers(model, examples)
    fold_calibration(model, calibration)
    np.testing.assert_allclose(answers(model, examples), calibration.apply(before), atol=1e-5)
    assert np.abs(answers(model, examples) - before).max() > 0.05


def test_classes_are_merged_after_the_calibration():
    plain, merged, examples = tiny(), tiny(merged=True), images(32)
    expected = SEVEN.apply(answers(plain, examples))[:, [1, 4]].sum(axis=1)
    fold_calibration(merged, SEVEN)
    np.testing.assert_allclose(answers(merged, examples)[:, 1], expected, atol=1e-5)


def test_the_inverse_takes_it_back():
    model, examples = tiny(), images(8)
    before, weights = answers(model, examples), model.get_weights()
    fold_calibration(model, SEVEN)
    fold_calibration(model, SEVEN.inverse)
    np.testing.assert_allclose(answers(model, examples), before, atol=1e-5)
    for ours, theirs in zip(model.get_weights(), weights, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)


def test_a_temperature_changes_no_integer_of_a_quantized_model():
    examples = images(64)
    model = quantized(tiny(), examples)
    before = in_front_of_the_last_rounding(model, examples)
    fold_calibration(model, Calibration(2.5, (0.0,) * 7))
    expected = Calibration(2.5, (0.0,) * 7).apply(before)
    np.testing.assert_allclose(in_front_of_the_last_rounding(model, examples), expected, atol=1e-5)


def test_a_quantized_model_is_within_a_step_of_its_calibrated_probabilities():
    examples = images(64)
    model = quantized(tiny(), examples)
    before = in_front_of_the_last_rounding(model, examples)
    fold_calibration(model, SEVEN)
    differences = np.abs(answers(model, examples) - SEVEN.apply(before))
    assert differences.max() <= 1.5 / 256  # a step, and half a one of the output's own rounding
    assert differences.mean() < 0.5 / 256


def test_no_logit_is_clipped_that_was_not_before():
    examples = images(64)
    model = quantized(tiny(), examples)
    quantizer = next(
        layer for layer in model.layers if isinstance(layer, FakeQuantize) and layer.name.startswith("logits")
    )
    low, high = quantizer.get_weights()
    fold_calibration(model, SEVEN)
    logits = answers(keras.Model(model.input, model.get_layer("logits").output), examples)
    inside = quantizer.get_weights()
    assert inside[0] <= low / 1.7 - 0.9 + 1e-6 and inside[1] >= high / 1.7 + 1.1 - 1e-6
    assert np.mean((logits < inside[0]) | (logits > inside[1])) < 0.01


@functools.cache
def folded_and_exported():
    """A model of four classes, two of them malignant, that has learned; its probabilities, sharpened and shifted."""
    calibration = Calibration(0.8, (0.2, -0.6, 0.2, -0.6))
    model = quantization.quantize(trained())
    quantization.calibrate(model, np.split(pictures(128, seed=2)[0], 4))
    quantization.round_biases(model)
    before = in_front_of_the_last_rounding(model, pictures(64, seed=3)[0])
    fold_calibration(model, calibration)
    return model, calibration.apply(before), tflite.convert(model, "int8")


def test_the_int8_file_agrees_with_the_folded_model():
    model, expected, data = folded_and_exported()
    examples = pictures(64, seed=3)[0]
    theirs, ours = answers(model, examples), run(data, examples)
    assert (ours.argmax(-1) == theirs.argmax(-1)).mean() >= 0.98
    assert np.abs(ours - theirs).mean() < 0.005
    assert np.abs(ours[:, 1] - expected[:, [1, 3]].sum(axis=1)).mean() < 0.01


def test_a_tiny_file_of_integers_agrees_with_the_folded_model():
    examples = images(32)
    model = quantized(tiny(merged=True), examples)
    fold_calibration(model, SEVEN)
    ours = run(tflite.convert(model, "int8"), examples)
    assert np.abs(ours - answers(model, examples)).max() <= 2 / 256


def test_rounding_the_biases_again_changes_nothing():
    examples = images(16)
    model = quantized(tiny(), examples)
    fold_calibration(model, SEVEN)
    before = model.get_weights()
    quantization.round_biases(model)
    for ours, theirs in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_what_cannot_be_calibrated_is_refused_and_left_alone():
    model = tiny()
    before = model.get_weights()
    with pytest.raises(ValueError, match="has 7 classes in front of its softmax, the calibration 2"):
        fold_calibration(model, Calibration(2.0, (0.0, 0.0)))
    for ours, theirs in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    hierarchical = models.create(
        "hierarchical_efficientnet_tiny",
        input_size=SIZE,
        weights="none",
        taxonomy=ISIC2018_TAXONOMY,
        lstm_units=8,
    )
    with pytest.raises(ValueError, match=r"cannot be calibrated: .* as hierarchical models do"):
        fold_calibration(hierarchical, SEVEN)
