"""Which images Figures 3 and 4 of Barata & Santiago 2021 show."""

import numpy as np

from pipelines.sweeps.barata2021.hard_and_easy import figure_classes, one_of_each

HAM10000 = ("akiec", "bcc", "bkl", "df", "mel", "nv", "vasc")


def of_true_class(right, labels, classes=2):
    """(models, n, classes) probabilities in which the true class has those of `right`, (models, n)."""
    right = np.asarray(right)
    probabilities = np.repeat(((1 - right) / (classes - 1))[..., None], classes, axis=-1)
    probabilities[:, np.arange(len(labels)), labels] = right
    return probabilities


def test_the_classes_are_the_papers():
    hard, easy = figure_classes(HAM10000, np.zeros(7))
    assert [HAM10000[n] for n in hard] == ["mel", "df", "bkl", "akiec"]
    assert [HAM10000[n] for n in easy] == ["nv", "vasc", "bcc"]


def test_other_classes_are_told_by_their_recall():
    assert figure_classes(("plain", "streaks", "network"), [0.4, 0.9, 0.2]) == ([2, 0], [1])


def test_a_class_has_its_hardest_or_its_easiest_image():
    labels = np.array([0, 0, 0, 1, 1])
    probabilities = of_true_class([[0.9, 0.1, 0.2, 0.7, 0.3]], labels)
    assert one_of_each(labels, probabilities, [1, 0], hardest=True) == [4, 1]
    assert one_of_each(labels, probabilities, [1, 0], hardest=False) == [3, 0]


def test_several_models_count_by_their_mean_loss_and_not_by_their_mean_probability():
    # Image 0: mean loss -log(.5); image 1: -(log(.9) + log(.2)) / 2, more, for a higher mean probability.
    labels = np.array([0, 0])
    probabilities = of_true_class([[0.5, 0.9], [0.5, 0.2]], labels)
    assert one_of_each(labels, probabilities, [0], hardest=True) == [1]


def test_a_class_without_test_images_is_left_out_and_a_probability_of_zero_is_a_loss_like_others():
    labels = np.array([0, 0])
    probabilities = of_true_class([[0.0, 0.4]], labels)
    assert one_of_each(labels, probabilities, [1, 0], hardest=True) == [0]
