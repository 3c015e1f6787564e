import keras
import numpy as np
import pytest

from skinkeras.callbacks import CyclicalAdamW, OneCycle


def by_hand(weight, gradients, rate, momentums, decay=0.01, beta_2=0.99, epsilon=1e-5):
    """The weight after each step, by the lines of PyTorch's documentation of AdamW in float64."""
    first, second, found = 0.0, 0.0, []
    for step, (gradient, momentum) in enumerate(zip(gradients, momentums, strict=True), 1):
        weight = weight - rate * decay * weight
        first = momentum * first + (1 - momentum) * gradient
        second = beta_2 * second + (1 - beta_2) * gradient**2
        corrected = first / (1 - momentum**step), second / (1 - beta_2**step)
        weight = weight - rate * corrected[0] / (np.sqrt(corrected[1]) + epsilon)
        found.append(weight)
    return found


def stepped(optimizer, variable, gradients, momentums):
    found = []
    for gradient, momentum in zip(gradients, momentums, strict=True):
        optimizer.beta_1.assign(momentum)
        optimizer.apply([keras.ops.full(variable.shape, gradient)], [variable])
        found.append(float(np.asarray(variable).ravel()[0]))
    return found


@pytest.mark.parametrize("momentums", [(0.9,) * 5, (0.95, 0.9, 0.85, 0.9, 0.95)])
@pytest.mark.parametrize("size", [1.0, 1e-5])  # of the gradients: at the second one, epsilon counts
def test_steps_are_those_of_torch_and_fastai(momentums, size):
    gradients = [size * g for g in (0.5, -1.0, 2.0, 0.25, 1.0)]
    found = stepped(CyclicalAdamW(0.1), keras.Variable([[1.5]]), gradients, momentums)
    assert found == pytest.approx(by_hand(1.5, gradients, 0.1, momentums), rel=1e-5)


def test_the_first_step_in_numbers():
    # 1.5 * (1 - .1 * .01) = 1.4985; minus .1 * 1e-5 / (1e-5 + 1e-5) = .05. Keras' own epsilon would give .1 / 11.
    assert stepped(CyclicalAdamW(0.1), keras.Variable([[1.5]]), [1e-5], [0.9]) == pytest.approx([1.4485])


def test_vectors_do_not_decay():
    gradients, momentums = (0.5, -1.0), (0.9, 0.9)
    found = stepped(CyclicalAdamW(0.1), keras.Variable([1.5]), gradients, momentums)
    assert found == pytest.approx(by_hand(1.5, gradients, 0.1, momentums, decay=0), rel=1e-5)


def test_which_weights_of_a_network_decay():
    model = keras.Sequential(
        [keras.Input((4, 4, 1)), keras.layers.DepthwiseConv2D(2), keras.layers.BatchNormalization()]
    )
    model.build()
    optimizer = CyclicalAdamW(0.1)
    for weight in model.trainable_weights:
        weight.assign(keras.ops.ones(weight.shape))
    optimizer.build(model.trainable_weights)
    optimizer.apply([keras.ops.zeros(weight.shape) for weight in model.trainable_weights])
    after = {weight.name: float(np.asarray(weight).ravel()[0]) for weight in model.trainable_weights}
    assert after == pytest.approx({"kernel": 0.999, "bias": 1, "gamma": 1, "beta": 1})


def test_it_follows_a_one_cycle_and_is_saved_with_its_place(tmp_path):
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile(CyclicalAdamW(), "mse", jit_compile=False)
    points = np.ones((16, 2), "float32")
    cycle = OneCycle(0.1, 8)
    model.fit(points, points[:, :1], batch_size=4, epochs=1, callbacks=[cycle], verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert isinstance(loaded.optimizer, CyclicalAdamW)
    assert loaded.optimizer.cycle.start == 0
    for each in (model, loaded):
        each.fit(
            points,
            points[:, :1],
            batch_size=4,
            initial_epoch=1,
            epochs=2,
            callbacks=[OneCycle(0.1, 8)],
            verbose=0,
        )
    assert float(loaded.optimizer.learning_rate) == pytest.approx(cycle.at(7)[0])
    for ours, theirs in zip(loaded.get_weights(), model.get_weights(), strict=True):
        assert np.array_equal(ours, theirs)


def test_what_fastai_has_not_is_refused():
    with pytest.raises(ValueError, match="has no amsgrad"):
        CyclicalAdamW(amsgrad=True)
    with pytest.raises(ValueError, match="weight_decay must be a number >= 0"):
        CyclicalAdamW(weight_decay=-1)
