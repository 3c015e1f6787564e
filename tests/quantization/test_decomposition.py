import keras
import numpy as np
import pytest
from keras import layers

from skinkeras import models
from skinkeras.datasets import Taxonomy
from skinkeras.layers import CBAM
from skinkeras.models.hierarchical import hierarchical_head
from skinkeras.quantization import decompose_layers

# Three levels, so that their factors are a product of three.
TAXONOMY = Taxonomy({"skin": ("mole", "other"), "other": ("wart", "tumour"), "tumour": ("mel", "bcc")})


def with_random_weights(model):
    """Weights (biases, too) that show every mistake."""
    rng = np.random.default_rng(0)
    for variable in model.trainable_variables:
        variable.assign(rng.normal(size=variable.shape) * 0.3)
    return model


def hierarchical():
    image = keras.Input((16, 16, 3), name="image")
    features = layers.Conv2D(32, 3, 4, activation="relu", name="features")(image)
    return with_random_weights(keras.Model(image, hierarchical_head(features, TAXONOMY, 6, 0.5)))


def flat():
    image = keras.Input((16, 16, 3), name="image")
    features = layers.Conv2D(32, 3, 4, activation="relu", name="features")(image)
    pooled = layers.GlobalAveragePooling2D(name="pool")(CBAM(name="cbam")(features))
    return with_random_weights(keras.Model(image, layers.Dense(3, name="logits")(pooled)))


def cell(**settings):
    image, state = keras.Input((5,)), [keras.Input((4,)), keras.Input((4,))]
    lstm = layers.LSTMCell(4, name="lstm", **settings)
    hidden, (_, carry) = lstm(image, state)
    hidden, _ = lstm(layers.Dense(5, name="between")(hidden), [hidden, carry])
    return with_random_weights(keras.Model([image, *state], hidden))


def trainable_values(model):
    return sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)


def answers(model, seed=1):
    rng = np.random.default_rng(seed)
    inputs = [rng.normal(size=(8, *tensor.shape[1:])).astype("float32") for tensor in model.inputs]
    return np.asarray(model(inputs if len(inputs) > 1 else inputs[0]))


@pytest.mark.parametrize(
    "model",
    [
        hierarchical(),
        flat(),
        cell(),
        cell(use_bias=False),
        cell(activation="relu", recurrent_activation="hard_sigmoid", implementation=1),
    ],
    ids=["hierarchical", "flat", "cell", "cell without bias", "cell with other activations"],
)
def test_the_parts_compute_the_same(model):
    unfolded = decompose_layers(model)
    assert answers(unfolded) == pytest.approx(answers(model), abs=1e-6)
    assert np.ptp(answers(model)) > 1e-3
    kinds = {type(layer).__name__ for layer in unfolded.layers}
    assert not kinds & {"CBAM", "ChannelAttention", "SpatialAttention", "LSTMCell"}
    # What was shared still is; a hard sigmoid brings constants.
    assert trainable_values(unfolded) == trainable_values(model)


def test_sums_and_products_have_two_operands():
    pairs = [
        layer
        for layer in decompose_layers(hierarchical()).layers
        if isinstance(layer, layers.Add | layers.Multiply)
    ]
    assert {len(layer.input) for layer in pairs} == {2}
    assert {"probs_of_2", "probs"} <= {layer.name for layer in pairs}


def test_a_sum_of_three_that_is_used_twice():
    left, right = keras.Input((3,)), keras.Input((3,))
    total = layers.Add(name="total")
    model = keras.Model([left, right], layers.Concatenate()([total([left, left, right]), total([right] * 3)]))
    found = decompose_layers(model)([np.float32([[1, 2, 3]]), np.float32([[10, 20, 30]])])
    assert np.asarray(found).tolist() == [[12, 24, 36, 30, 60, 90]]


def test_it_leaves_the_model_alone():
    model = hierarchical()
    before = [np.array(weight) for weight in model.get_weights()]
    unfolded = decompose_layers(model)
    for weight in unfolded.weights:
        weight.assign(weight + 1)
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
    models.level_model(model, TAXONOMY)  # still finds the layers' inputs


def test_with_nothing_to_unfold_it_is_the_model():
    image = keras.Input((4,))
    model = keras.Model(image, layers.Add()([image, layers.Dense(4)(image)]))
    assert decompose_layers(model) is model


def test_dropout_inside_a_cell_is_refused():
    with pytest.raises(ValueError, match="'lstm' has dropout inside"):
        decompose_layers(cell(recurrent_dropout=0.1))
