"""Which images a figure of attention shows."""

import numpy as np

# Bounds the loss of one image of one model, as that of a probability of 0 is infinite.
_LEAST = 1e-7


def hard_and_easy(labels, probabilities, count=3):
    """The images that several models together find hardest, and those that they find easiest.

    Difficulty is the mean over the models of the cross-entropy, -log of the probability of the true class. Classes
    take turns, or all easy images would be of the commonest: first the hardest (easiest) image of each class, in
    order of difficulty, then the second of each. Images of equal loss are taken in order of position, so that the
    choice depends on the predictions alone.

    Args:
        labels: index of each image's class, 0..c-1, shape (n,).
        probabilities: in 0..1, shape (models, n, c), or (n, c) of a single model.
        count: images of each kind, at most n / 2, as no image is both.

    Returns:
        Rows of the hard and of the easy images, each int64 of shape (count,), hardest and easiest first.

    Raises:
        ValueError: shapes that do not fit, or more images asked for than there are.
    """
    labels = np.asarray(labels)
    probabilities = np.asarray(probabilities, dtype=np.float64)
    if labels.ndim != 1 or probabilities.ndim not in (2, 3) or probabilities.shape[-2] != len(labels):
        raise ValueError(
            "n labels need probabilities of shape (models, n, classes). "
            f"Received shapes: {labels.shape} and {probabilities.shape}"
        )
    if not 1 <= count <= len(labels) // 2:
        raise ValueError(f"count must be in 1..{len(labels) // 2}, half of the images. Received: {count}")
    of_truth = probabilities[..., np.arange(len(labels)), labels]
    losses = -np.log(np.maximum(of_truth, _LEAST)).reshape(-1, len(labels)).mean(axis=0)
    hard, easy = _in_turns(-losses, labels)[:count], _in_turns(losses, labels)
    return hard, easy[~np.isin(easy, hard)][:count]


def _in_turns(keys, labels):
    """Rows by their rank within their class, then by ascending key."""
    order = np.argsort(keys, kind="stable")
    rank = np.empty(len(keys), np.int64)
    for value in np.unique(labels):
        rows = order[labels[order] == value]
        rank[rows] = np.arange(len(rows))
    return np.lexsort((keys, rank))
