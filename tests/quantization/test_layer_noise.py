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
    before = {error.layer: error for error in quantization.layer_noise(trained(), quantized, [images])}
    bad = quantized.get_layer("block1_p_quantized")
    bad.set_weights([value / 8 for value in bad.get_weights()])
    errors = quantization.layer_noise(trained(), quantized, np.split(images, 2))
    assert errors[0].layer == "block1_p"
    assert errors[0].own < 10 < before["block1_p"].own
    after = {error.layer: error for error in errors}
    assert after["block2_e_relu"].own == pytest.approx(before["block2_e_relu"].own, abs=6)
    assert after["block2_e_relu"].total < before["block2_e_relu"].total - 6
    assert after["stem_relu"].total == pytest.approx(before["stem_relu"].total)


def test_by_hand():
    image = keras.Input((1, 2, 1), name="image")
    x = layers.Rescaling(1.0, name="rescale")(image)
    x = layers.Conv2D(1, 1, use_bias=False, kernel_initializer="ones", name="copy")(x)
    model = keras.Model(image, x)
    images = np.float32([[[[10], [40]]]])
    errors = quantization.layer_noise(model, calibrated(model, images), [images])
    # Pixels are rounded to steps of 255/254: 10.0394 and 40.1575. From these comes the range 0..40.1575 of
    # the copy, whose steps of 0.1575 turn the first number into 10.0787.
    assert [error.layer for error in errors] == ["rescale", "copy"]
    assert errors[0].own == errors[0].total == pytest.approx(ratio((10, 40), (0.03937, 0.15748)), abs=0.02)
    assert errors[1].own == pytest.approx(ratio((10.0394, 40.1575), (0.03937, 0)), abs=0.02)
    assert errors[1].total == pytest.approx(ratio((10, 40), (0.07874, 0.15748)), abs=0.02)


def ratio(signal, noise):
    return 10 * np.log10(sum(value**2 for value in signal) / sum(value**2 for value in noise))


def test_another_model_is_refused():
    with pytest.raises(ValueError, match="'small_lite' was not quantized from 'small_b'"):
        quantization.layer_noise(build("b"), fine_tuned(), [])
    with pytest.raises(ValueError, match="at least one batch"):
        quantization.layer_noise(trained(), fine_tuned(), [])
