import keras
import numpy as np
import pytest
import tensorflow as tf
from exporting import assert_builtins, exported, run

from skinkeras.layers import CBAM, ChannelAttention, ChannelPooling, SpatialAttention

COMPOSED = (CBAM, ChannelAttention, SpatialAttention)


def normal(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def with_random_weights(layer, *inputs):
    """The layer, built and with weights (biases, too) that show every mistake."""
    layer(*inputs)
    for number, variable in enumerate(layer.weights):
        variable.assign(0.5 * normal(*variable.shape, seed=number + 1))
    return layer


def weights(attention):
    """{"hidden/kernel": values, ...} of a channel or spatial attention, in float64."""
    named = {}
    for variable in attention.weights:
        owner, name = variable.path.split("/")[-2:]
        named[f"{owner.removeprefix(attention.name + '_')}/{name}"] = np.asarray(variable, np.float64)
    return named


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def channel_map(features, w, state=None):
    """Woo et al. 2018, eq. 2, image by image."""
    maps = []
    for n, image in enumerate(features.astype(np.float64)):
        logits = 0
        for pooled in (image.mean(axis=(0, 1)), image.max(axis=(0, 1))):
            hidden = np.maximum(pooled @ w["hidden/kernel"] + w["hidden/bias"], 0)
            logits = logits + hidden @ w["logits/kernel"] + w["logits/bias"]
        if state is not None:
            logits = logits + state[n] @ w["state_logits/kernel"]
        maps.append(sigmoid(logits))
    return np.array(maps)


def spatial_map(features, w, state=None):
    """Woo et al. 2018, eq. 3, place by place."""
    kernel = w["logits/kernel"][..., 0]
    reach = kernel.shape[0] // 2
    maps = np.empty((*features.shape[:3], 1))
    for n, image in enumerate(features.astype(np.float64)):
        pooled = np.stack([image.mean(axis=-1), image.max(axis=-1)], axis=-1)
        padded = np.pad(pooled, ((reach, reach), (reach, reach), (0, 0)))
        for y, x in np.ndindex(image.shape[:2]):
            window = padded[y : y + kernel.shape[0], x : x + kernel.shape[1]]
            logit = (window * kernel).sum() + w["logits/bias"][0]
            if state is not None:
                logit += (state[n] @ w["state_logits/kernel"])[0]
            maps[n, y, x, 0] = sigmoid(logit)
    return maps


@pytest.mark.parametrize("state", [None, normal(2, 5, seed=9)])
@pytest.mark.parametrize(("height", "width", "kernel_size"), [(9, 6, 7), (5, 11, 3), (1, 1, 7), (4, 4, 1)])
def test_it_is_the_papers_formula(height, width, kernel_size, state):
    features = normal(2, height, width, 12)
    inputs = (features,) if state is None else (features, state)
    cbam = with_random_weights(CBAM(reduction=5, kernel_size=kernel_size, name="cbam"), *inputs)
    channels = channel_map(features, weights(cbam.channel), state)
    weighed = features * channels[:, None, None, :]
    places = spatial_map(weighed, weights(cbam.spatial), state)
    assert np.asarray(cbam(*inputs)) == pytest.approx(weighed * places, abs=1e-5)
    for found, expected in zip(cbam.attention(*inputs), (channels, places), strict=True):
        assert found.shape == expected.shape
        assert np.asarray(found) == pytest.approx(expected, abs=1e-5)


def test_by_hand():
    # Two channels, one hidden unit that adds them up; every other number is 1 or 0.
    features = np.float32([[[[1, 0], [3, 0]]]])
    channel = ChannelAttention(reduction=2)
    channel(features)
    channel.hidden.set_weights([np.float32([[1], [1]]), np.zeros(1)])
    channel.logits.set_weights([np.float32([[1, -1]]), np.zeros(2)])
    # Mean 2 and maximum 3 of the first channel: 5 and -5.
    assert np.asarray(channel(features)) == pytest.approx(np.array([[0.993307, 0.006693]]), abs=1e-6)
    spatial = SpatialAttention(kernel_size=1)
    spatial(features)
    spatial.logits.set_weights([np.float32([[[[2], [-1]]]]), np.zeros(1)])
    # Twice the mean less the maximum: nothing is left.
    assert np.asarray(spatial(features)).ravel() == pytest.approx(np.array([0.5, 0.5]))


def test_with_zero_weights_every_map_is_one_half():
    features = normal(1, 3, 3, 16)
    cbam = CBAM()
    cbam(features)
    cbam.set_weights([np.zeros(variable.shape) for variable in cbam.weights])
    assert np.asarray(cbam(features)) == pytest.approx(features / 4)


def test_one_mlp_serves_both_poolings():
    cbam = CBAM(reduction=16, kernel_size=7)
    cbam.build((None, 7, 7, 512))
    # 512 x 32 and 32 x 512 with their biases, and 7 x 7 x 2 with one.
    assert cbam.count_params() == (512 * 32 + 32) + (32 * 512 + 512) + (7 * 7 * 2 + 1)


def test_the_state_of_one_image_does_not_touch_another():
    features, state = normal(3, 4, 4, 8), normal(3, 5)
    cbam = with_random_weights(CBAM(4), features, state)
    before = [np.asarray(a) for a in cbam.attention(features, state)]
    state[1] += 1
    for old, new in zip(before, cbam.attention(features, state), strict=True):
        changed = np.abs(old - np.asarray(new)).reshape(3, -1).max(axis=1)
        assert changed[1] > 1e-3
        assert changed[0] == changed[2] == 0


def test_a_batch_with_as_many_images_as_rows_is_no_special_case():
    features, state = normal(4, 4, 4, 8), normal(4, 5)
    cbam = with_random_weights(CBAM(4), features, state)
    together = np.asarray(cbam(features, state))
    one_by_one = [np.asarray(cbam(features[n : n + 1], state[n : n + 1])) for n in range(4)]
    assert together == pytest.approx(np.concatenate(one_by_one), abs=1e-6)


def model_with_cbam(height=9, width=7, reduction=2, state=False):
    image = keras.Input((height, width, 3), name="image")
    features = keras.layers.Conv2D(8, 3, activation="relu", name="features")(image)
    extra = [keras.Input((5,), name="state")] if state else []
    attended = CBAM(reduction, name="cbam")(features, *extra)
    pooled = keras.layers.GlobalAveragePooling2D(name="pool")(attended)
    probabilities = keras.layers.Dense(3, activation="softmax", name="probs")(pooled)
    return keras.Model([image, *extra] if state else image, probabilities)


@pytest.mark.parametrize("state", [False, True])
def test_a_model_with_it_is_saved_and_loaded(tmp_path, state):
    model = model_with_cbam(state=state)
    inputs = [normal(2, 9, 7, 3), normal(2, 5)] if state else normal(2, 9, 7, 3)
    for number, variable in enumerate(model.weights):
        variable.assign(normal(*variable.shape, seed=number))
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert np.array_equal(np.asarray(loaded(inputs)), np.asarray(model(inputs)))
    assert loaded.get_layer("cbam").get_config() == model.get_layer("cbam").get_config()


def test_the_maps_of_a_loaded_model_are_a_model(tmp_path):
    model_with_cbam().save(tmp_path / "model.keras")
    model = keras.models.load_model(tmp_path / "model.keras")
    cbam, images = model.get_layer("cbam"), normal(2, 9, 7, 3)
    maps = keras.Model(model.input, cbam.attention(cbam.input)).predict(images, verbose=0)
    features = keras.Model(model.input, cbam.input)(images)
    assert [found.shape for found in maps] == [(2, 8), (2, 7, 5, 1)]
    for found, expected in zip(maps, cbam.attention(features), strict=True):
        assert found == pytest.approx(np.asarray(expected), abs=1e-6)


@pytest.mark.parametrize("state", [False, True])
def test_every_weight_learns(state):
    inputs = (normal(4, 6, 6, 16), normal(4, 5)) if state else (normal(4, 6, 6, 16),)
    cbam = with_random_weights(CBAM(4), *inputs)
    with tf.GradientTape() as tape:
        tape.watch(features := tf.constant(inputs[0]))
        loss = tf.reduce_sum(cbam(features, *inputs[1:]) ** 2)
    for gradient in tape.gradient(loss, [features, *(v.value for v in cbam.trainable_weights)]):
        assert np.abs(np.asarray(gradient)).max() > 1e-4
    assert len(cbam.trainable_weights) == len(cbam.weights) == (8 if state else 6)


def test_half_precision_reaches_all_of_it():
    cbam = CBAM(4, dtype="mixed_float16")
    assert cbam(normal(1, 4, 4, 8)).dtype == "float16"
    assert {variable.dtype for variable in cbam.weights} == {"float32"}


def unfolded(model):
    """The same model, of the layers that the attention modules are made of."""
    while any(isinstance(layer, COMPOSED) for layer in model.layers):
        model = keras.models.clone_model(
            model,
            clone_function=lambda layer: layer,
            call_function=lambda layer, *args, **kwargs: (
                layer.call(*args, **kwargs) if isinstance(layer, COMPOSED) else layer(*args, **kwargs)
            ),
        )
    return model


@pytest.mark.parametrize("state", [False, True])
def test_it_unfolds_into_layers_that_can_be_rounded_one_by_one(state):
    model = model_with_cbam(state=state)
    inputs = [normal(2, 9, 7, 3), normal(2, 5)] if state else normal(2, 9, 7, 3)
    flat = unfolded(model)
    assert np.array_equal(np.asarray(flat(inputs)), np.asarray(model(inputs)))
    assert all(type(layer).__module__.startswith("keras.") for layer in flat.layers if not pooling(layer))
    assert sum(map(pooling, flat.layers)) == 2


def pooling(layer):
    return isinstance(layer, ChannelPooling)


def test_the_float_file_has_builtins_only_and_agrees(tmp_path):
    model, images = model_with_cbam(), normal(4, 9, 7, 3)
    with_random_weights(model, images)
    data = exported(model, tmp_path / "model.tflite")
    assert_builtins(data)
    assert run(data, images) == pytest.approx(np.asarray(model(images)), abs=1e-5)


def test_the_integer_file_has_no_float_operation_and_agrees(tmp_path):
    model, images = model_with_cbam(), normal(32, 9, 7, 3)
    with_random_weights(model, images)
    data = exported(model, tmp_path / "model.tflite", examples=images)
    ops = assert_builtins(data)
    assert (ops[0].name, ops[-1].name) == ("QUANTIZE", "DEQUANTIZE")
    assert {tensor.dtype for op in ops[1:-1] for tensor in op.inputs + op.outputs} == {"int8", "int32"}
    assert np.abs(run(data, images) - np.asarray(model(images))).mean() < 0.02


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: CBAM(reduction=0), "reduction must be a whole number >= 1"),
        (lambda: ChannelAttention(2.5), "reduction must be a whole number >= 1"),
        (lambda: CBAM(kernel_size=4), "kernel_size must be an odd whole number"),
        (lambda: SpatialAttention(-1), "kernel_size must be an odd whole number"),
        (lambda: ChannelPooling("sum"), 'statistic must be "mean" or "max"'),
        (lambda: CBAM(reduction=16)(normal(1, 2, 2, 8)), "reduction=16 leaves no hidden unit for 8 channels"),
        (lambda: CBAM().attention(normal(1, 2, 2, 16)), "call it before attention"),
    ],
)
def test_wrong_settings_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize("first", [True, False])
def test_a_state_is_given_always_or_never(first):
    features, state = normal(1, 2, 2, 8), normal(1, 5)
    cbam = CBAM(4)
    cbam(features, state if first else None)
    with pytest.raises(ValueError, match="takes a state always or never"):
        cbam(features, None if first else state)
