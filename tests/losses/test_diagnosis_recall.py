import math

import keras
import numpy as np
import pytest
import tensorflow as tf

from skinkeras.callbacks import RecallTerms
from skinkeras.losses import DiagnosisRecallCrossentropy, RecallCrossentropy

GROUPS = (0, 0, 1)
PREDICTIONS = np.float32([[0.25, 0.25, 0.5], [0.1, 0.7, 0.2], [0.2, 0.2, 0.6]])
LABELS = np.eye(3, dtype="float32")


def test_without_diagnoses_it_is_the_binary_loss_of_the_merged_probabilities():
    loss = DiagnosisRecallCrossentropy(GROUPS, gamma=3, diagnosis_weight=0)
    merged = PREDICTIONS @ np.eye(2, dtype="float32")[list(GROUPS)]
    expected = RecallCrossentropy(gamma=3)(np.eye(2, dtype="float32")[list(GROUPS)], merged)
    assert float(loss(LABELS, PREDICTIONS)) == pytest.approx(float(expected), rel=1e-6)


def test_only_the_group_counts_as_hit():
    # A benign lesion taken for another benign lesion is no miss.
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(3, kernel_initializer="identity")])
    loss = DiagnosisRecallCrossentropy(GROUPS)
    model.compile("sgd", loss, jit_compile=False)
    wrong_diagnosis = np.float32([[0.2, 0.7, 0.1], [0.7, 0.2, 0.1], [0.6, 0.1, 0.3]])
    terms = RecallTerms(loss, momentum=0.0, class_names=("benign", "malignant"))
    history = model.fit(wrong_diagnosis, LABELS, batch_size=3, verbose=0, callbacks=[terms]).history
    assert history["miss_rate_benign"] == [0.0]
    assert history["miss_rate_malignant"] == [1.0]


@pytest.mark.parametrize("gap", [10.0, 16.2, 20.0, 60.0])
def test_a_miss_costs_its_gradient_however_sure_the_network_is(gap):
    """Keras clips probabilities at 1e-7, which a gap of 16.2 between two logits is below."""
    logits = keras.Variable([[gap, -40.0, 0.0]])
    with tf.GradientTape() as tape:
        value = DiagnosisRecallCrossentropy(GROUPS, gamma=100)(LABELS[2:], keras.ops.softmax(logits))
    # 100 times that of benign against malignant, and once that of the diagnoses; both are 1 - p.
    assert np.asarray(tape.gradient(value, logits.value))[0] == pytest.approx([101, 0, -101], rel=1e-3)


def test_gradient_tells_diagnoses_of_one_group_apart():
    logits = tf.Variable(np.log(PREDICTIONS))
    with tf.GradientTape() as tape:
        value = DiagnosisRecallCrossentropy(GROUPS, from_logits=True)(LABELS, logits)
    benign = tape.gradient(value, logits)[0]
    assert benign[0] < benign[1] - 0.1


@pytest.mark.parametrize(
    "settings, sentence",
    [
        ({"groups": ()}, "groups must use every number"),
        ({"groups": (0, 2)}, "groups must use every number"),
        ({"groups": GROUPS, "diagnosis_weight": -1}, "diagnosis_weight must be"),
        ({"groups": GROUPS, "diagnosis_weight": math.nan}, "diagnosis_weight must be"),
        ({"groups": GROUPS, "costs": [1, 1, 1]}, "costs has 3 values for 2 groups"),
        ({"groups": GROUPS, "gamma": -1}, "gamma must be"),
        ({"groups": (0, 0, 0)}, "classes must be at least 2"),
    ],
)
def test_wrong_arguments_are_refused(settings, sentence):
    with pytest.raises(ValueError, match=sentence):
        DiagnosisRecallCrossentropy(**settings)
