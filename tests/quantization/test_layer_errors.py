import keras
import numpy as np
import pytest
from keras import layers
from small_efficientnet import build, fine_tuned, pictures, trained

from skinkeras import quantization


def calibrated(model, images):
    quantized = quantization.quantize(model)
    quantization.calibrate(quantized, [images])
    return quantized


def test_a_range_that_is_too_narrow_is_found_and_told_from_what_it_does_downstream():
    images, _ = pictures(16, seed=3)
    quantized = calibrated(trained(), images)
    before = {error.layer: error for error in quantization.layer_errors(trained(), quantized, [images])}
    bad = quantized.get_layer("block1_p_quantized")
    bad.set_weights([value / 8 for value in bad.get_weights()])
    errors = quantization.layer_errors(trained(), quantized, np.split(images, 2))
    assert errors[0].layer == "block1_p"
    assert errors[0].own < 10 < before["block1_p"].own
    after = {error.layer: error for error in errors}
    assert after["block2_e_relu"].own == pytest.approx(before["block2_e_relu"].own, abs=6)
    assert after["block2_e_relu"].total < before["block2_e_relu"].total - 6
    assert after["stem_relu"].total == pytest.approx(before["stem_relu"].total)


def test_by_hand():
    # Pixels 10 and 20, times one: the measured range 0..20 has levels 20/255 apart; 10 lies between two.
    image = keras.Input((1, 2, 1), name="image")
    x = layers.Rescaling(1.0, name="rescale")(image)
    x = layers.Conv2D(1, 1, use_bias=False, kernel_initializer="ones", name="copy")(x)
    model = keras.Model(image, x)
    images = np.float32([[[[10], [20]]]])
    (error,) = quantization.layer_errors(model, calibrated(model, images), [images])
    step = 20 / 255
    expected = 10 * np.log10((10**2 + 20**2) / (step / 2) ** 2)
    assert error.layer == "copy"
    assert error.own == pytest.approx(expected, abs=0.05)
    assert error.total == pytest.approx(expected, abs=0.05)


def test_another_model_is_refused():
    with pytest.raises(ValueError, match="'small_lite' was not quantized from 'small_b'"):
        quantization.layer_errors(build("b"), fine_tuned(), [])
    with pytest.raises(ValueError, match="at least one batch"):
        quantization.layer_errors(trained(), fine_tuned(), [])
