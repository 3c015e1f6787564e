import numpy as np
import pytest

from pipelines.sweeps.barata2021.hard_and_easy import hard_and_easy

LABELS = np.array([0, 0, 0, 0, 1, 1])
# Probability of the true class.
RIGHT = np.array([0.9, 0.8, 0.1, 0.2, 0.7, 0.3])


def of_two_classes(right, labels=LABELS):
    probabilities = np.stack([1 - np.asarray(right)] * 2, axis=-1)
    probabilities[..., np.arange(len(labels)), labels] = right
    return probabilities


def test_classes_take_turns():
    hard, easy = hard_and_easy(LABELS, of_two_classes(RIGHT), count=3)
    assert hard.tolist() == [2, 5, 3]  # the hardest of each class, then the second of class 0
    assert easy.tolist() == [0, 4, 1]


def test_several_models_count_by_their_mean_loss_and_not_by_their_mean_probability():
    # Image 0: mean loss -log(.5); image 1: -(log(.9) + log(.2)) / 2, more, for a higher mean probability.
    models = of_two_classes([[0.5, 0.9, 0.99, 0.99], [0.5, 0.2, 0.99, 0.99]], np.array([0, 0, 0, 0]))
    hard, easy = hard_and_easy([0, 0, 0, 0], models, count=2)
    assert hard.tolist() == [1, 0]
    assert easy.tolist() == [2, 3]  # equal: by position


def test_no_image_is_both_hard_and_easy():
    labels = np.array([0, 1, 2, 3])
    hard, easy = hard_and_easy(labels, np.full((4, 4), 0.25), count=2)
    assert sorted([*hard, *easy]) == [0, 1, 2, 3]


def test_a_probability_of_zero_is_a_loss_like_others():
    hard, _ = hard_and_easy([0, 0], [[[1.0, 0.0], [0.0, 1.0]], [[0.5, 0.5], [1.0, 0.0]]], count=1)
    assert hard.tolist() == [1]


@pytest.mark.parametrize(
    ("labels", "count", "message"),
    [([0, 1], 2, r"count must be in 1\.\.1"), ([0, 1], 0, "Received: 0"), ([0, 1, 1], 1, r"shapes: \(3,\)")],
)
def test_what_cannot_be_chosen_is_refused(labels, count, message):
    with pytest.raises(ValueError, match=message):
        hard_and_easy(labels, np.full((2, 2), 0.5), count)
