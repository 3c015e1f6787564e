"""Precision and devices of a training."""

import keras
import numpy as np
import pytest

from skinkeras import layers, models, training
from skinkeras.errors import UsageError
from skinkeras.inputs import steps_per_epoch
from skinkeras.training import Phase

RNG = np.random.default_rng(0)
IMAGES = RNG.uniform(0, 255, (4, 32, 32, 3)).astype("float32")


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(0)
    return models.create("efficientnet_lite0_cbam", 3, input_size=32, weights=None, colour_constancy=True)


def test_layers_compute_in_mixed_precision_and_weights_and_head_do_not(model):
    exact = model(IMAGES).numpy()
    training.set_precision(model, "mixed_bfloat16")
    rounded = model(IMAGES)
    assert rounded.dtype == "float32"
    assert {weight.dtype for weight in model.weights} == {"float32"}
    assert rounded.numpy() != pytest.approx(exact, abs=1e-7)
    assert rounded.numpy() == pytest.approx(exact, abs=0.05)
    training.set_precision(model, "float32")
    assert np.array_equal(model(IMAGES).numpy(), exact)


def test_colour_constancy_and_head_keep_float32(model):
    training.set_precision(model, "mixed_float16")
    kept = {layer.name for layer in model.layers if layer.dtype_policy.name == "float32"}
    assert {"probs", "logits", "pool", "cbam", model.layers[1].name} <= kept
    assert isinstance(model.layers[1], layers.ShadesOfGray)
    assert len(kept) < 12
    training.set_precision(model, "float32")


def test_a_model_trained_in_mixed_precision_is_saved_as_any_other(model, tmp_path):
    before = model.get_config()
    training.set_precision(model, "mixed_float16")
    training.set_precision(model, "float32")
    assert model.get_config() == before


@pytest.mark.parametrize(
    ("precision", "optimizer", "name"),
    [
        ("float32", "one_cycle", "CyclicalAdam"),
        ("mixed_bfloat16", "one_cycle_adamw", "CyclicalAdamW"),
        ("mixed_float16", "sgd", "LossScaleOptimizer"),
    ],
)
def test_the_loss_is_scaled_where_gradients_could_vanish(precision, optimizer, name):
    phase = Phase("all", 1, 0.1, 0, optimizer, precision=precision)
    assert type(phase.new_optimizer()).__name__ == name


def test_too_few_devices_are_refused():
    with pytest.raises(UsageError, match=r"--strategy mirrored needs 99 devices, and this machine has .*\."):
        training.strategy_of("mirrored", 99)


def test_one_device_is_no_strategy():
    assert training.strategy_of("one").num_replicas_in_sync == 1


def test_whole_batches():
    assert [steps_per_epoch(count, 4, whole=True) for count in (3, 4, 7, 8)] == [0, 1, 1, 2]
