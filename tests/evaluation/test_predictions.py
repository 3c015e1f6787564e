import numpy as np
import pytest

from skinkeras.evaluation import predictions_table

BINARY = ("benign", "malignant")


def test_the_second_of_two_classes_is_predicted_from_the_threshold_on():
    p = np.array([[0.8, 0.2], [0.7, 0.3], [0.4, 0.6]], dtype=np.float32)
    table = predictions_table(["a", "b", "c"], [0, 1, 0], p, BINARY, threshold=0.25)
    assert list(table.columns) == [
        "image_id",
        "label",
        "predicted",
        "correct",
        "probability_benign",
        "probability_malignant",
    ]
    assert list(table.image_id) == ["a", "b", "c"]
    assert list(table.label) == ["benign", "malignant", "benign"]
    assert list(table.predicted) == ["benign", "malignant", "malignant"]
    assert list(table.correct) == [True, True, False]
    np.testing.assert_array_equal(table.probability_malignant, p[:, 1])


def test_more_classes_take_the_most_probable_one():
    p = [[0.2, 0.45, 0.35], [0.1, 0.2, 0.7]]
    table = predictions_table(["a", "b"], [1, 0], p, ("bkl", "mel", "nv"))
    assert list(table.predicted) == ["mel", "nv"]


@pytest.mark.parametrize(
    ("labels", "probabilities", "message"),
    [
        ([0, 2], [[0.5, 0.5]] * 2, r"class indices in 0\.\.1"),
        ([0.0, 1.0], [[0.5, 0.5]] * 2, "class indices"),
        ([0, 1, 1], [[0.5, 0.5]] * 2, "Received shapes"),
        ([0, 1], [[2.3, -1.1]] * 2, "logits"),
    ],
)
def test_bad_input_is_refused(labels, probabilities, message):
    with pytest.raises(ValueError, match=message):
        predictions_table(["a", "b"], labels, probabilities, BINARY)
