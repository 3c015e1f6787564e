import keras
import numpy as np
import pytest
from exporting import assert_builtins, exported, run

from skinkeras.inputs import DecodedImages, shades_of_gray, training_dataset
from skinkeras.layers import ShadesOfGray


def pictures(count=4, height=13, width=10):
    """Noise in one tint each; the last tells nothing about the light."""
    images = np.random.default_rng(0).integers(0, 256, (count, height, width, 3)).astype("float32")
    images *= np.random.default_rng(1).uniform(0.5, 1, (count, 1, 1, 3)).astype("float32")
    images[-1] = 0
    return images


def model(**settings):
    inputs = keras.Input((13, 10, 3), name="image")
    return keras.Model(inputs, ShadesOfGray(**settings)(inputs))


@pytest.mark.parametrize("settings", [{}, {"p": 1, "black": 40}, {"p": 6.5}, {"sigma": 2.0}, {"gamma": 2.2}])
def test_layer_and_file_do_what_the_function_does(tmp_path, settings):
    expected = shades_of_gray(pictures(), **settings)
    assert model(**settings).predict(pictures(), verbose=0) == pytest.approx(expected, abs=1e-3)
    data = exported(model(**settings), tmp_path / "model.tflite")
    assert_builtins(data)
    assert run(data, pictures()) == pytest.approx(expected, abs=1e-2)
    assert np.abs(expected - pictures()).max() > 10


def test_it_has_no_weights_and_keeps_the_shape():
    assert model().weights == []
    assert model().output_shape == (None, 13, 10, 3)


@pytest.mark.parametrize("dtype", ["uint8", "float32"])
@pytest.mark.parametrize("policy", ["float32", "mixed_float16"])
def test_it_computes_in_float32_whatever_the_policy(dtype, policy):
    images = pictures().astype(dtype)
    corrected = ShadesOfGray(dtype=policy)(images)
    assert corrected.dtype == "float32"
    assert np.asarray(corrected) == pytest.approx(shades_of_gray(images), abs=1e-3)


def test_it_is_saved_and_loaded(tmp_path):
    saved = model(p=3, sigma=1.0, black=10, saturated=240, gamma=2.0, in_training=False)
    saved.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert loaded.layers[-1].settings == {"p": 3, "sigma": 1.0, "black": 10, "saturated": 240, "gamma": 2.0}
    assert not loaded.layers[-1].in_training
    assert np.array_equal(np.asarray(loaded(pictures())), np.asarray(saved(pictures())))


def test_a_wrong_setting_is_refused_when_the_model_is_built():
    with pytest.raises(ValueError, match=r"p must be in 1..12. Received: p=0"):
        ShadesOfGray(p=0)


def test_a_layer_of_an_earlier_version_corrects_in_training_too():
    earlier = {"name": "colour_constancy", "p": 6, "sigma": 0.0, "black": 20.0, "saturated": 250.0}
    layer = ShadesOfGray.from_config(earlier)
    assert np.asarray(layer(pictures(), training=True)) == pytest.approx(shades_of_gray(pictures()), abs=1e-3)


def test_corrected_before_training_it_leaves_training_images_alone_and_files_correct(tmp_path):
    front = model(in_training=False, gamma=2.2)
    expected = shades_of_gray(pictures(), gamma=2.2)
    assert np.array_equal(np.asarray(front(pictures(), training=True)), pictures())
    assert np.asarray(front(pictures(), training=False)) == pytest.approx(expected, abs=1e-3)
    assert run(exported(front, tmp_path / "model.tflite"), pictures()) == pytest.approx(expected, abs=1e-2)


def test_training_sees_images_corrected_and_then_augmented(tmp_path):
    images = pictures(8, 16, 16).astype("uint8")
    np.save(tmp_path / "images.npy", images)
    layer, labels = ShadesOfGray(in_training=False), np.eye(8, dtype="float32")

    def brighter(batch, seed):
        return batch + 100  # which colour constancy would change, were it applied to it

    decoded = DecodedImages(tmp_path / "images.npy")
    batches = training_dataset(
        decoded, np.arange(8), labels, 8, 0, 1, augmentation=brighter, correction=layer.correct
    )
    ((batch, targets),) = batches.as_numpy_iterator()
    seen = layer(batch, training=True)
    expected = shades_of_gray(images)[targets.argmax(axis=1)] + 100
    assert np.asarray(seen) == pytest.approx(expected, abs=1e-3)
