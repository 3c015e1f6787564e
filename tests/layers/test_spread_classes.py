import keras
import numpy as np
import pytest
from exporting import assert_builtins, exported, run

from skinkeras.layers import SpreadClasses

COARSE = np.float32([[0.2, 0.8], [0.5, 0.5]])


def test_every_class_gets_the_value_of_the_one_it_belongs_to():
    spread = SpreadClasses((1, 1, 0, None))
    assert np.asarray(spread(COARSE)) == pytest.approx(np.array([[0.8, 0.8, 0.2, 1], [0.5, 0.5, 0.5, 1]]))
    assert spread.compute_output_shape((None, 2)) == (None, 4)


def test_it_does_not_learn_even_when_it_may():
    spread = SpreadClasses((0, 1))
    spread(COARSE)
    spread.trainable = True
    assert spread.trainable_weights == [] and len(spread.non_trainable_weights) == 2


def test_it_is_saved_and_exported(tmp_path):
    coarse = keras.Input((2,), name="image")
    model = keras.Model(coarse, SpreadClasses((1, None, 0), name="spread")(coarse))
    expected = np.float32([[0.8, 1, 0.2], [0.5, 1, 0.5]])
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert loaded.get_layer("spread").columns == (1, None, 0)
    assert np.asarray(loaded(COARSE)) == pytest.approx(expected)
    data = exported(model, tmp_path / "model.tflite")
    assert [op.name for op in assert_builtins(data)] == ["FULLY_CONNECTED"]
    assert run(data, COARSE) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: SpreadClasses(()), "needs columns >= 0 or None, not all None"),
        (lambda: SpreadClasses((None, None)), "not all None"),
        (lambda: SpreadClasses((0, -1)), r"columns >= 0.*Received: columns=\(0, -1\)"),
        (lambda: SpreadClasses((0, 2))(COARSE), "has column 2 but its input has 2 classes"),
    ],
)
def test_columns_that_do_not_fit_are_refused(make, sentence):
    with pytest.raises(ValueError, match=sentence):
        make()
