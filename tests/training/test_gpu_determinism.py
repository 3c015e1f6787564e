"""What the jobs train has a deterministic gradient on a GPU, as far as the names of its operations tell."""

import keras
import pytest
from graph_operations import RAISING, REDUCTIONS, determinism, matching, training_operations

from skinkeras import callbacks, losses, models
from skinkeras.datasets import ISIC2018_TAXONOMY


def operations_of(model, loss, optimizer=callbacks.CyclicalAdamW):
    with determinism():
        keras.utils.set_random_seed(0)
        model.compile(optimizer(), loss, jit_compile=False)
        return training_operations(model, model.output_shape[1])


@pytest.mark.parametrize(
    "name, more",
    [
        ("efficientnet_tiny", {"colour_constancy": True, "dropout": 0.4}),
        pytest.param("efficientnet_b0", {}, marks=pytest.mark.long),
        ("vgg16_cbam", {}),
    ],
)
def test_networks(name, more):
    model = models.create(name, 2, input_size=32, weights="none", **more)
    found = operations_of(model, losses.RecallCrossentropy(gamma=10))
    assert {"Conv2DBackpropFilter"} <= found
    assert not matching(RAISING, found) + matching(REDUCTIONS, found)


@pytest.mark.long
def test_diagnosis_level_by_level():
    model = models.create(
        "hierarchical_efficientnet_tiny",
        taxonomy=ISIC2018_TAXONOMY,
        input_size=32,
        weights="none",
        lstm_units=8,
    )
    levels = models.level_model(model, ISIC2018_TAXONOMY)
    levels.compile(callbacks.CyclicalAdam(), losses.HierarchicalCrossentropy(ISIC2018_TAXONOMY))
    with determinism():
        found = training_operations(levels, 7)
    assert not matching(RAISING, found) + matching(REDUCTIONS, found)


@pytest.mark.parametrize("optimizer", [callbacks.CyclicalAdam, callbacks.CyclicalAdamW, keras.optimizers.SGD])
@pytest.mark.parametrize(
    "loss, classes",
    [
        (lambda: losses.RecallCrossentropy(gamma=10, update="epoch"), 2),
        (lambda: losses.DiagnosisRecallCrossentropy((0, 0, 1), gamma=3), 3),
        (lambda: losses.Curriculum(keras.losses.CategoricalCrossentropy(), "hardest", 4, per_class=True), 3),
        (lambda: losses.LogitAdjusted(keras.losses.CategoricalCrossentropy(), (5, 3, 2)), 3),
        (lambda: losses.InverseFrequencyCrossentropy((5, 2)), 2),
        (lambda: keras.losses.CategoricalFocalCrossentropy(), 3),
    ],
)
def test_losses_and_optimizers(loss, classes, optimizer):
    model = keras.Sequential(
        [
            keras.Input((4, 4, 3)),
            keras.layers.Flatten(),
            keras.layers.Dropout(0.2),
            keras.layers.Dense(classes, "softmax"),
        ]
    )
    found = operations_of(model, loss(), optimizer)
    assert not matching(RAISING, found) + matching(REDUCTIONS, found)
