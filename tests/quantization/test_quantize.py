import keras
import numpy as np
import pytest
from eager import answers
from keras import layers
from small_efficientnet import SIZE, build, calibrated_b, fine_tuned, pictures, trained

from skinkeras import quantization
from skinkeras.quantization import FakeQuantize


def ranges(model):
    return np.array([layer.get_weights() for layer in model.layers if isinstance(layer, FakeQuantize)])


def test_contract_stays_and_the_result_is_near():
    model = quantization.quantize(trained())
    images, _ = pictures(64, seed=3)
    quantization.calibrate(model, [images])
    assert model.input_shape == (None, SIZE, SIZE, 3)
    assert model.inputs[0].name == "image"
    ours, theirs = answers(model, images), answers(trained(), images)
    assert (ours.argmax(-1) == theirs.argmax(-1)).mean() > 0.95
    assert quantization.is_quantized(model)
    assert not quantization.is_quantized(trained())


def test_relu_is_absorbed_and_nothing_stands_in_front_of_it():
    names = [layer.name for layer in fine_tuned().layers]
    assert "stem_relu_quantized" in names
    assert "stem_quantized" not in names  # a convolution and its ReLU are one integer operation
    assert "block0_p_quantized" in names  # a linear convolution is one by itself
    assert "dropout_quantized" not in names


def test_swish_and_gates_are_taken_apart():
    names = [layer.name for layer in calibrated_b().layers]
    for name in ("stem", "stem_swish_sigmoid", "stem_swish", "block0_reduce", "block0_reduce_activation"):
        assert f"{name}_quantized" in names
    assert calibrated_b().get_layer("block0_expand_activation_quantized").high == 255 / 256


def test_calibration_takes_the_extremes_over_all_batches_and_forgets_earlier_ones():
    image = layers.Input((1, 1, 1), name="image")
    x = layers.Dense(1, use_bias=False, kernel_initializer="ones")(layers.Rescaling(1.0)(image))
    model = quantization.quantize(keras.Model(image, x))
    for largest in (200.0, 90.0):
        batches = [np.full((2, 1, 1, 1), value, np.float32) for value in (10.0, largest, 30.0)]
        quantization.calibrate(model, batches)
        np.testing.assert_allclose(
            ranges(model), [[0, largest]], atol=0.6
        )  # half a pixel level; 0 belongs to every range
    with pytest.raises(ValueError, match="at least one batch"):
        quantization.calibrate(model, [])
    with pytest.raises(ValueError, match="no FakeQuantize"):
        quantization.calibrate(trained(), batches)


def test_calibration_cuts_off_the_few_values_whose_cover_costs_the_others_more():
    model = keras.Sequential([layers.Input((4,)), FakeQuantize()])
    values = np.random.default_rng(0).normal(size=(200_000, 4)).astype("float32")
    values[0, 0] = 60.0
    quantization.calibrate(model, np.split(values, 4))
    # 800,000 values x step^2 / 12 + what is cut off: 4300 at 60; 1230 + 30^2 at 30; 680 + 39^2 at 21.
    np.testing.assert_allclose(ranges(model), [[values.min(), 30.0]])
    covering = (60 - values.min()) / 255
    covered = np.square(np.round(values / covering) * covering - values).sum()
    assert np.square(np.asarray(model(values)) - values).sum() == pytest.approx(covered / 2, rel=0.05)


def test_a_batch_pulls_a_range_no_further_than_to_its_double():
    model = keras.Sequential([layers.Input((1,)), FakeQuantize()])
    quantization.calibrate(model, [np.linspace(-1, 1, 64, dtype="float32")[:, None]])
    for _ in range(3):
        model(np.array([[-100.0], [100.0]], "float32"), training=True)
    # 0.999 of the range and 0.001 of its double, three times.
    np.testing.assert_allclose(ranges(model), [[-(1.001**3), 1.001**3]], rtol=1e-6)


def test_ranges_move_in_fit_and_stay_in_predict_and_evaluate(tmp_path):
    model = quantization.quantize(build(merged=False))
    images, labels = pictures(32, seed=2)
    quantization.calibrate(model, [images])
    model.compile("sgd", "categorical_crossentropy", jit_compile=False)
    calibrated = ranges(model)
    model.predict(images, verbose=0)
    model.evaluate(images, labels, verbose=0)
    np.testing.assert_array_equal(ranges(model), calibrated)
    model.fit(images, labels, batch_size=16, verbose=0)
    assert (ranges(model) != calibrated).any(axis=1).mean() > 0.9


def test_the_kernels_of_merged_classes_stay_fixed_in_fit():
    model = fine_tuned()
    expected = [[1, 0], [0, 1], [1, 0], [0, 1]]
    np.testing.assert_array_equal(model.get_layer("merged").kernel, expected)
    assert all(weight is not model.get_layer("merged").kernel for weight in model.trainable_weights)


def test_every_range_is_a_variable_of_the_model():
    variables = {id(variable) for variable in fine_tuned().variables}
    layers_ = fine_tuned().layers
    assert {id(weight) for layer in layers_ for weight in layer.weights} <= variables
    assert sum("range_m" in weight.path for weight in fine_tuned().weights) == 2 * len(ranges(fine_tuned()))


def test_saved_and_loaded_is_bit_identical(tmp_path):
    images, _ = pictures(8, seed=3)
    for model in (fine_tuned(), calibrated_b()):
        model.save(tmp_path / "model.keras")
        loaded = keras.models.load_model(tmp_path / "model.keras")
        np.testing.assert_array_equal(answers(loaded, images), answers(model, images))
        for ours, theirs in zip(loaded.weights, model.weights, strict=True):
            np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize(
    ("layer", "named"),
    [
        (layers.LayerNormalization(name="odd"), "'odd' of type LayerNormalization.* weight_int8"),
        (layers.BatchNormalization(axis=1, name="odd"), "'odd' normalizes along axis 1"),
        (layers.Activation("mish", name="odd"), r"'odd' of type Activation\(mish\)"),
        (
            layers.Conv2D(3, 1, activation="softplus", name="odd"),
            r"'odd' of type Conv2D\(activation=softplus\)",
        ),
        (layers.ReLU(negative_slope=0.1, threshold=1, name="odd"), "'odd' of type ReLU"),
        (layers.RandomCrop(4, 4, name="odd"), "'odd' of type RandomCrop"),
        (
            layers.Lambda(lambda x: x, name="odd"),
            "'odd' of type Lambda cannot .* skinkeras.quantization.register",
        ),
    ],
)
def test_a_layer_outside_the_recipe_is_named(layer, named):
    image = layers.Input((8, 8, 3), name="image")
    x = layers.MaxPooling2D()(layers.Rescaling(1 / 255)(image))
    with pytest.raises(ValueError, match=named):
        quantization.quantize(keras.Model(image, layer(x)))


def test_a_model_that_does_not_begin_with_an_image_and_its_normalisation_is_refused():
    image, vector = layers.Input((8, 8, 3), name="image"), layers.Input((8,), name="vector")
    with pytest.raises(ValueError, match=r"Rescaling layer behind the input 'image'; 'conv'.* input_range="):
        quantization.quantize(keras.Model(image, layers.Conv2D(2, 1, name="conv")(image)))
    with pytest.raises(ValueError, match="one batch of images"):
        quantization.quantize(keras.Model(vector, layers.Dense(2)(layers.Rescaling(1.0)(vector))))


def test_a_layer_that_is_used_twice_gets_two_ranges():
    image = layers.Input((4, 4, 2), name="image")
    shared = layers.Dense(2, name="shared")
    x = layers.Rescaling(1 / 255)(image)
    merged = layers.Add()(
        [shared(layers.GlobalAveragePooling2D()(x)), shared(layers.GlobalMaxPooling2D()(x))]
    )
    names = [layer.name for layer in quantization.quantize(keras.Model(image, merged)).layers]
    assert {"shared_quantized", "shared_2_quantized"} <= set(names)
