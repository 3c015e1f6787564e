"""A head of one's own on a backbone of this package: training, saving, quantizing, presets."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from eager import answers

from skinkeras import models, quantization, tflite

MELANOMA = "melanoma_efficientnet_lite0_224"


def features():
    return models.backbone("efficientnet_tiny", input_size=32, weights="none")


def raw_images(count=3):
    rng = np.random.default_rng(0)
    return [rng.integers(0, 256, (40 + index, 60, 3), dtype=np.uint8) for index in range(count)]


def test_the_default_head_is_that_of_create():
    classifier = models.ImageClassifier(features(), num_classes=5, dropout=0.3)
    created = models.create("efficientnet_tiny", 5, input_size=32, weights="none", dropout=0.3)
    assert [(layer.name, type(layer)) for layer in classifier.layers] == [
        (layer.name, type(layer)) for layer in created.layers
    ]
    assert classifier.get_layer("dropout").rate == 0.3
    assert isinstance(classifier, keras.Model) and classifier.count_params() == created.count_params()


def test_predict_takes_raw_images_and_agrees_with_the_prepared_ones():
    preprocessor = models.Preprocessor(32)
    classifier = models.ImageClassifier(features(), 4, preprocessor=preprocessor)
    probabilities = classifier.predict(iter(raw_images()), batch_size=2, verbose=0)
    prepared = preprocessor(raw_images())
    assert probabilities == pytest.approx(answers(classifier, prepared), abs=1e-5)
    dataset = tf.data.Dataset.from_tensor_slices(prepared).batch(2)
    assert classifier.predict(dataset, verbose=0) == pytest.approx(probabilities, abs=1e-5)
    assert classifier.predict(raw_images()[0], verbose=0).shape == (1, 4)
    assert classifier.predict([], verbose=0).shape == (0, 4)


def test_without_a_preprocessor_predict_is_that_of_keras():
    classifier = models.ImageClassifier(features(), 2)
    assert classifier.predict(np.zeros((3, 32, 32, 3)), verbose=0).shape == (3, 2)


@pytest.mark.parametrize("kind", ["layer", "layers"])
def test_a_head_of_ones_own_is_trained_and_saved(kind, tmp_path):
    layers = [
        keras.layers.GlobalMaxPooling2D(),
        keras.layers.Dense(8, "relu"),
        keras.layers.Dense(3, "softmax"),
    ]
    head = layers if kind == "layers" else keras.Sequential(layers)
    classifier = models.ImageClassifier(features(), 3, preprocessor=models.Preprocessor(32, "pad"), head=head)
    classifier.compile("adam", "categorical_crossentropy", jit_compile=False)
    before = classifier.get_weights()[-1].copy()
    classifier.fit(*classifier.preprocessor(raw_images(), np.eye(3)), verbose=0)
    assert np.abs(classifier.get_weights()[-1] - before).max() > 0

    classifier.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert type(loaded) is models.ImageClassifier
    assert loaded.preprocessor.get_config() == {"image_size": 32, "geometry": "pad"}
    assert np.array_equal(
        loaded.predict(raw_images(), verbose=0), classifier.predict(raw_images(), verbose=0)
    )


def test_a_head_that_does_not_fit_is_refused():
    with pytest.raises(ValueError, match=r"The head must give \(None, 4\).*Received: \(None, 3\)"):
        models.ImageClassifier(features(), 4, head=[keras.layers.GlobalMaxPooling2D(), keras.layers.Dense(3)])
    with pytest.raises(ValueError, match="num_classes must be at least 2"):
        models.ImageClassifier(features(), 1)


def test_a_preprocessor_of_another_size_is_refused():
    with pytest.raises(ValueError, match="makes images of 64 x 64 pixels, and the backbone takes 32 x 32"):
        models.ImageClassifier(features(), 2, preprocessor=models.Preprocessor(64))


def test_it_is_quantized_and_exported_like_any_model():
    classifier = models.ImageClassifier(features(), 3, preprocessor=models.Preprocessor(32))
    prepared = classifier.preprocessor(raw_images())
    quantized = quantization.quantize(classifier)
    quantization.calibrate(quantized, [prepared])
    assert quantized.output_shape == (None, 3)
    assert tflite.convert(classifier)


@pytest.mark.slow
def test_a_preset_keeps_its_head_or_gets_a_new_one():
    released = models.ImageClassifier.from_preset(MELANOMA)
    expected = tflite.Classifier(models.find_preset(MELANOMA).weights).classify(raw_images())
    assert released.predict(raw_images(), verbose=0) == pytest.approx(expected, abs=2e-5)

    fresh = models.ImageClassifier.from_preset(MELANOMA, num_classes=5, dropout=0.1)
    assert fresh.output_shape == (None, 5) and fresh.get_layer("dropout").rate == 0.1
    same = np.array_equal(
        *(one.get_layer("top_conv").get_weights()[0] for one in (released, fresh)),
    )
    assert same
    own = [keras.layers.GlobalMaxPooling2D(), keras.layers.Dense(2, "softmax")]
    assert models.ImageClassifier.from_preset(MELANOMA, head=own).layers[-1] is own[-1]
