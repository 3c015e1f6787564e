import math

import numpy as np
import pytest
from sklearn.utils.class_weight import compute_class_weight

from skinkeras.losses import InverseFrequencyCrossentropy


def value(loss, y_true, y_pred):
    return float(loss(np.float32(y_true), np.float32(y_pred)))


def test_the_weights_are_scikit_learns_balanced_class_weights():
    # The training images of the seven diagnoses of HAM10000.
    counts = [6705, 1113, 115, 327, 1099, 514, 142]
    labels = np.repeat(np.arange(7), counts)
    expected = compute_class_weight("balanced", classes=np.arange(7), y=labels)
    assert InverseFrequencyCrossentropy(counts).class_weights == pytest.approx(expected)


def test_a_rare_malignant_image_by_hand():
    # 90 and 10 images: weights 100 / 180 and 5; the mean of 5/9 * -ln 0.8 and 5 * -ln 0.4.
    loss = InverseFrequencyCrossentropy([90, 10])
    assert value(loss, np.eye(2), [[0.8, 0.2], [0.6, 0.4]]) == pytest.approx(2.3527110, abs=1e-6)


def test_over_the_training_set_each_class_is_averaged_over_its_own_images():
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1, 2], [50, 30, 5])
    probabilities = rng.dirichlet((1, 1, 1), len(labels))
    logs = -np.log(probabilities[np.arange(len(labels)), labels])
    # Gilal et al. 2023, eq. 4, over the number of classes: the mean of the class means.
    expected = np.mean([logs[labels == c].mean() for c in range(3)])
    loss = InverseFrequencyCrossentropy([50, 30, 5])
    assert value(loss, np.eye(3)[labels], probabilities) == pytest.approx(expected, rel=1e-5)


def test_equal_counts_are_plain_crossentropy():
    loss = InverseFrequencyCrossentropy([7, 7])
    assert value(loss, [[0, 1]], [[0.5, 0.5]]) == pytest.approx(math.log(2), rel=1e-6)


@pytest.mark.parametrize("counts", [[5, 0], [5, -1], [5], [], [5, float("nan")]])
def test_a_class_without_images_is_refused(counts):
    with pytest.raises(ValueError, match="class_counts must be two or more numbers above 0"):
        InverseFrequencyCrossentropy(counts)
