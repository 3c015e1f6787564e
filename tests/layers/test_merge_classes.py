import keras
import numpy as np
import pytest

from skinkeras.layers import MergeClasses


def test_seven_diagnoses_into_benign_and_malignant():
    probabilities = np.float32([[0.05, 0.1, 0.15, 0.2, 0.1, 0.3, 0.1]])
    merged = MergeClasses(groups=(1, 1, 0, 0, 1, 0, 0))(probabilities)
    assert np.asarray(merged) == pytest.approx(np.array([[0.75, 0.25]]), abs=1e-6)


def test_the_output_classes_may_be_in_any_order_and_more_than_two():
    merged = MergeClasses(groups=(2, 0, 1, 0))(np.float32([[0.1, 0.2, 0.3, 0.4], [1, 0, 0, 0]]))
    assert np.asarray(merged) == pytest.approx(np.array([[0.6, 0.3, 0.1], [0, 0, 1]]), abs=1e-6)


def test_probabilities_still_sum_to_one():
    probabilities = np.random.default_rng(0).dirichlet(np.ones(7), 50).astype("float32")
    merged = np.asarray(MergeClasses(groups=(0, 1, 0, 1, 1, 0, 2))(probabilities))
    assert merged.sum(axis=1) == pytest.approx(np.ones(50), abs=1e-6)


def test_the_matrix_is_not_trained():
    merge = MergeClasses(groups=(0, 1, 1))
    merge.build((None, 3))
    assert merge.trainable_weights == []
    assert len(merge.non_trainable_weights) == 1


def test_a_model_with_it_is_saved_and_loaded(tmp_path):
    inputs = keras.Input((3,))
    probabilities = keras.layers.Dense(3, activation="softmax")(inputs)
    model = keras.Model(inputs, MergeClasses(groups=(0, 1, 1), name="merge")(probabilities))
    assert model.output_shape == (None, 2)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    pixels = np.random.default_rng(0).normal(size=(4, 3)).astype("float32")
    assert np.array_equal(np.asarray(loaded(pixels)), np.asarray(model(pixels)))
    assert loaded.get_layer("merge").groups == (0, 1, 1)


@pytest.mark.parametrize("groups", [(), (0, 2), (1, 1), (-1, 0)])
def test_groups_with_a_gap_are_refused(groups):
    with pytest.raises(ValueError, match="use every output index from 0 upwards"):
        MergeClasses(groups=groups)


def test_an_input_with_another_number_of_classes_is_refused():
    with pytest.raises(ValueError, match="groups for 2 classes but its input has 3"):
        MergeClasses(groups=(0, 1))(np.zeros((1, 3), "float32"))
