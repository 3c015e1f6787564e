import keras
import numpy as np
import pytest

from skinkeras.cleaning import example_losses, out_of_fold
from skinkeras.inputs import DecodedImages


def test_the_losses_are_keras_cross_entropy_in_the_order_of_the_rows(tmp_path):
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (50, 8, 8, 3), np.uint8)
    np.save(tmp_path / "pictures.npy", images)
    keras.utils.set_random_seed(0)
    inputs = keras.Input((8, 8, 3))
    scaled = keras.layers.Rescaling(1 / 255)(inputs)
    model = keras.Model(inputs, keras.layers.Dense(3, activation="softmax")(keras.layers.Flatten()(scaled)))
    rows = rng.permutation(50)[:41]
    labels = np.eye(3, dtype="float32")[rng.integers(0, 3, 41)]
    losses = example_losses(model, DecodedImages(tmp_path / "pictures.npy"), rows, labels, batch_size=16)
    predicted = model.predict_on_batch(images[rows].astype("float32"))
    assert losses == pytest.approx(
        np.asarray(keras.losses.categorical_crossentropy(labels, predicted)), rel=1e-5
    )


def test_every_row_is_in_one_fold_and_a_group_in_the_same():
    groups = np.repeat(np.arange(60), 4)
    labels = np.repeat(np.arange(60) % 3 == 0, 4).astype(int)
    fold_of = out_of_fold(labels, groups, 4, seed=0)
    assert set(fold_of) == {0, 1, 2, 3}
    assert all(len(set(fold_of[groups == group])) == 1 for group in range(60))
    assert [labels[fold_of == fold].sum() for fold in range(4)] == [20] * 4


def test_too_few_groups_or_folds_are_refused():
    with pytest.raises(ValueError, match="in 2 group"):
        out_of_fold(np.array([0, 0, 0, 1, 1, 1]), np.array([0, 1, 2, 3, 3, 4]), 3, seed=0)
    with pytest.raises(ValueError, match="at least 2 folds"):
        out_of_fold(np.zeros(4), np.arange(4), 1, seed=0)
