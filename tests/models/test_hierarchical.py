import keras
import numpy as np
import pytest
import tensorflow as tf
from exporting import assert_builtins, exported, run

from skinkeras import models
from skinkeras.datasets import ISIC2018_TAXONOMY, Taxonomy
from skinkeras.layers import CBAM, SpreadClasses
from skinkeras.losses import HierarchicalCrossentropy
from skinkeras.models.hierarchical import hierarchical_head

# Branches that end at the first, second and third level; one node with one child; a space in a name.
UNEVEN = Taxonomy(
    {
        "skin": ("nevus", "a tumour", "vessel"),
        "a tumour": ("malignant",),
        "malignant": ("melanoma", "carcinoma"),
        "vessel": ("angioma", "other"),
    },
    classes=("melanoma", "carcinoma", "nevus", "other", "angioma"),
)


def pixels(count=2, size=32, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (count, size, size, 3)).astype("float32")


def small(taxonomy=ISIC2018_TAXONOMY, units=6, dropout=0.0):
    """The head on one convolution, with weights (biases, too) that show every mistake."""
    image = keras.Input((32, 32, 3), name="image")
    x = keras.layers.Rescaling(1 / 127.5, -1, name="rescale")(image)
    features = keras.layers.Conv2D(64, 3, 8, activation="relu", name="features")(x)
    model = keras.Model(image, hierarchical_head(features, taxonomy, units, dropout), name="small")
    rng = np.random.default_rng(3)
    for variable in model.trainable_variables:
        variable.assign(rng.normal(size=variable.shape) * 0.3)
    return model


def answers(model, images):
    return np.asarray(model(images, training=False), "float64")


def level_outputs(model, taxonomy, images):
    """{node: (batch,) probability} as the softmax of its level has it."""
    output = answers(models.level_model(model, taxonomy), images)
    nodes = [node for level in taxonomy.levels for node in level]
    assert output.shape == (len(images), len(nodes))
    return dict(zip(nodes, output.T, strict=True))


@pytest.mark.parametrize("taxonomy", [ISIC2018_TAXONOMY, UNEVEN])
def test_the_nodes_of_each_level_share_one_softmax(taxonomy):
    nodes = level_outputs(small(taxonomy), taxonomy, pixels())
    for level in taxonomy.levels:
        assert sum(nodes[node] for node in level) == pytest.approx(np.ones(2), abs=1e-6)
        assert len(level) == 1 or np.ptp([nodes[node][0] for node in level]) > 0.01


def test_a_class_gets_the_product_along_its_path():
    model = small()
    p = level_outputs(model, ISIC2018_TAXONOMY, pixels())

    def among(node, *siblings):
        return p[node] / sum(p[sibling] for sibling in (node, *siblings))

    moles, others = p["melanocytic"], p["non-melanocytic"]
    benign, malignant = among("benign", "malignant"), among("malignant", "benign")
    expected = [
        others * malignant * among("akiec", "bcc"),
        others * malignant * among("bcc", "akiec"),
        others * benign * among("bkl", "df", "vasc"),
        others * benign * among("df", "bkl", "vasc"),
        moles * among("mel", "nv"),
        moles * among("nv", "mel"),
        others * benign * among("vasc", "bkl", "df"),
    ]
    found = answers(model, pixels())
    assert found == pytest.approx(np.stack(expected, axis=1), abs=1e-6)
    assert found.sum(axis=1) == pytest.approx(np.ones(2), abs=1e-6)


def test_another_tree_with_an_only_child():
    model = small(UNEVEN)
    p = level_outputs(model, UNEVEN, pixels())
    malignant = p["melanoma"] + p["carcinoma"]
    vessels = p["angioma"] + p["other"]
    expected = [
        p["a tumour"] * p["melanoma"] / malignant,
        p["a tumour"] * p["carcinoma"] / malignant,
        p["nevus"],
        p["vessel"] * p["other"] / vessels,
        p["vessel"] * p["angioma"] / vessels,
    ]
    found = answers(model, pixels())
    assert found == pytest.approx(np.stack(expected, axis=1), abs=1e-6)
    assert found.sum(axis=1) == pytest.approx(np.ones(2), abs=1e-6)


def test_a_tree_of_one_level_is_a_flat_classifier():
    taxonomy = Taxonomy({"skin": ("a", "b", "c")}, classes=("b", "c", "a"))
    model = small(taxonomy)
    levels = answers(models.level_model(model, taxonomy), pixels())
    assert answers(model, pixels()) == pytest.approx(levels[:, [1, 2, 0]], abs=1e-7)


def step_by_step(model, images):
    """The hidden state behind each level, with the equations of the LSTM written out."""

    def sigmoid(x):
        return 1 / (1 + np.exp(-x))

    def dense(name, x):
        kernel, bias = model.get_layer(name).get_weights()
        return np.tanh(x @ kernel + bias)

    features = keras.Model(model.input, model.get_layer("features").output)(images)
    mean = np.asarray(features).mean(axis=(1, 2))
    hidden, carry = dense("first_hidden", mean), dense("first_carry", mean)
    kernel, recurrent, bias = (np.asarray(w, "float64") for w in model.get_layer("lstm").trainable_weights)
    for _ in range(3):
        attended = np.asarray(model.get_layer("cbam")(features, hidden.astype("float32"))).mean(axis=(1, 2))
        i, f, g, o = np.split(attended @ kernel + hidden @ recurrent + bias, 4, axis=1)
        carry = sigmoid(f) * carry + sigmoid(i) * np.tanh(g)
        hidden = sigmoid(o) * np.tanh(carry)
        yield hidden


def test_each_level_is_one_step_of_the_lstm_with_attention_that_its_state_directs():
    model, images = small(), pixels()
    for level, hidden in enumerate(step_by_step(model, images), 1):
        state = keras.Model(model.input, model.get_layer(f"level{level}_dropout").input)
        assert answers(state, images) == pytest.approx(hidden, abs=1e-5)


def test_the_attention_changes_from_level_to_level():
    model, images = small(), pixels()
    cbam, features = model.get_layer("cbam"), model.get_layer("features").output
    states = [model.get_layer("first_hidden").output, model.get_layer("level1_dropout").input]
    maps = keras.Model(model.input, [cbam.attention(features, state) for state in states])
    (channels, places), (channels_later, places_later) = maps(images)
    assert np.abs(channels - channels_later).max() > 0.01
    assert np.abs(places - places_later).max() > 0.01


def one_hot(classes, count):
    return np.eye(classes, dtype="float32")[np.arange(count) % classes]


def test_the_gradient_reaches_every_weight():
    model = small()
    levels, loss = models.level_model(model, ISIC2018_TAXONOMY), HierarchicalCrossentropy(ISIC2018_TAXONOMY)
    with tf.GradientTape() as tape:
        value = loss(one_hot(7, 7), levels(pixels(7), training=True))
    gradients = tape.gradient(value, [variable.value for variable in model.trainable_variables])
    paths = [variable.path for variable in model.trainable_variables]
    assert [p for p, g in zip(paths, gradients, strict=True) if g is None or not np.abs(g).max() > 0] == []
    assert {path.split("/")[0] for path in paths} >= {"lstm", "cbam", "first_hidden", "first_carry"}
    assert len(levels.trainable_variables) == len(model.trainable_variables)


def test_two_steps_of_training_make_the_classes_better():
    model = small(dropout=0.1)
    levels, loss = models.level_model(model, ISIC2018_TAXONOMY), HierarchicalCrossentropy(ISIC2018_TAXONOMY)
    levels.compile(keras.optimizers.Adam(0.02), loss, jit_compile=False)
    images, labels = pixels(14), one_hot(7, 14)
    crossentropy = keras.losses.CategoricalCrossentropy()
    before = float(loss(labels, levels(images))), float(crossentropy(labels, model(images)))
    levels.fit(images, labels, epochs=2, batch_size=14, verbose=0)
    after = float(loss(labels, levels(images))), float(crossentropy(labels, model(images)))
    assert after[0] < before[0] - 0.1 and after[1] < before[1] - 0.1


def test_both_readings_are_saved_and_loaded(tmp_path):
    model, images = small(UNEVEN), pixels()
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert np.array_equal(answers(loaded, images), answers(model, images))
    found = models.level_model(loaded, UNEVEN)
    expected = models.level_model(model, UNEVEN)
    assert np.array_equal(answers(found, images), answers(expected, images))

    expected.compile("adam", HierarchicalCrossentropy(UNEVEN))
    expected.save(tmp_path / "levels.keras")
    levels = keras.models.load_model(tmp_path / "levels.keras")
    assert np.array_equal(answers(levels, images), answers(expected, images))
    assert levels.loss.taxonomy.get_config() == UNEVEN.get_config()


@pytest.mark.parametrize("taxonomy", [ISIC2018_TAXONOMY, UNEVEN])
def test_the_exported_file_agrees_and_holds_builtins_only(taxonomy, tmp_path):
    model, images = small(taxonomy), pixels(4)
    data = exported(model, tmp_path / "model.tflite")
    assert_builtins(data)
    assert run(data, images) == pytest.approx(answers(model, images), abs=1e-5)


def test_it_consists_of_layers_of_keras_attention_and_fixed_sums():
    foreign = {type(layer) for layer in small().layers if type(layer).__module__.split(".")[0] != "keras"}
    assert foreign == {CBAM, SpreadClasses}
    assert not any(isinstance(layer, keras.Model) for layer in small().layers)


def test_lite0_with_a_hierarchical_head():
    model = models.create_hierarchical("efficientnet_lite0", ISIC2018_TAXONOMY, input_size=32, weights="none")
    assert model.name == "efficientnet_lite0_hierarchical"
    assert model.input_shape == (None, 32, 32, 3) and model.output_shape == (None, 7)
    assert answers(model, pixels()).sum(axis=1) == pytest.approx(np.ones(2), abs=1e-5)
    backbone = models.backbone_layers(model)
    assert sum(layer.count_params() for layer in backbone) == 3_413_024
    assert len({id(layer) for layer in backbone}) == len(backbone) and backbone[0].name == "image"


def test_lite0_with_cbam():
    model = models.create("efficientnet_lite0_cbam", classes=7, input_size=32, weights="none")
    assert isinstance(model.get_layer("cbam"), CBAM) and model.name == "efficientnet_lite0_cbam"
    assert model.output_shape == (None, 7)
    assert sum(layer.count_params() for layer in models.backbone_layers(model)) == 3_413_024
    names = [layer.name for layer in model.layers]
    assert names[-5:] == ["cbam", "pool", "dropout", "logits", "probs"]


def test_the_sizes_of_the_models_of_the_paper():
    # VGG16's 13 convolutions have 14,714,688 weights. CBAM on 512 channels: 512 x 32 and 32 x 512 with their
    # biases, and 7 x 7 x 2 with one. A state of 256 units adds 256 x 512 and 256 x 1 to it.
    vgg, cbam = 14_714_688, 33_312 + 99
    flat = models.VGG16CBAM(classes=7, input_size=32, weights=None)
    assert flat.count_params() == vgg + cbam + 512 * 7 + 7
    assert flat.get_layer("dropout").rate == 0.5 and flat.output_shape == (None, 7)
    hierarchical = models.HierarchicalVGG16(ISIC2018_TAXONOMY, input_size=32, weights=None)
    first_state, lstm = 2 * (512 * 256 + 256), 4 * ((512 + 256) * 256 + 256)
    levels = (256 + 1) * 11
    trained = sum(np.prod(variable.shape) for variable in hierarchical.trainable_variables)
    assert trained == vgg + cbam + 256 * 513 + first_state + lstm + levels
    for model in (flat, hierarchical):
        assert answers(model, pixels()).sum(axis=1) == pytest.approx(np.ones(2), abs=1e-5)
        assert sum(layer.count_params() for layer in models.backbone_layers(model)) == vgg


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: models.create_hierarchical("vgg", ISIC2018_TAXONOMY), "no model 'vgg'"),
        (lambda: models.HierarchicalVGG16(ISIC2018_TAXONOMY, lstm_units=0), "lstm_units must be at least 1"),
        (lambda: models.HierarchicalVGG16(ISIC2018_TAXONOMY, input_size=31), "at least 32 pixels"),
        (lambda: models.HierarchicalVGG16(ISIC2018_TAXONOMY, weights="mine.h5"), "no weights file mine.h5"),
        (lambda: models.VGG16CBAM(classes=1), "classes must be at least 2"),
        (lambda: models.level_model(small(), UNEVEN), "'small' was not built for this taxonomy"),
        (
            lambda: models.level_model(
                models.create("efficientnet_lite0", 7, input_size=32, weights="none"), ISIC2018_TAXONOMY
            ),
            "the model no levels",
        ),
    ],
)
def test_what_does_not_fit_is_refused(make, sentence):
    with pytest.raises(ValueError, match=sentence):
        make()
