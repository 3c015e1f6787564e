"""The loss of every training image, by which cleaning ranks."""

import numpy as np
from sklearn.model_selection import StratifiedGroupKFold

from skinkeras import inputs

_EPSILON = 1e-7  # Keras' epsilon: smaller probabilities are replaced by it


def example_losses(model, images, rows, labels, batch_size=64):
    """Cross-entropy of every image (Gilal et al. 2023, eq. 2), in one pass without augmentation.

    Args:
        model: Keras model of softmax probabilities.
        images: `inputs.DecodedImages` or `inputs.VariantImages`.
        rows: (n,) int, rows of `images`.
        labels: (n, classes) float, one-hot.
        batch_size: int.

    Returns:
        (n,) float64, in nats, at least 0.
    """
    dataset = inputs.evaluation_dataset(images, rows, labels, batch_size)
    probabilities = np.concatenate([model.predict_on_batch(batch) for batch, _ in dataset])
    return -np.log(np.maximum(np.sum(probabilities * labels, axis=1, dtype=np.float64), _EPSILON))


def out_of_fold(labels, groups, folds, seed):
    """Divides training rows into folds, so that each row can be ranked by a model that was not trained on it.

    A model memorises its training images, mislabelled ones included; the loss of a model trained
    on other images reveals them better (Northcutt et al. 2021, *Confident Learning*).

    Args:
        labels: (n,) int.
        groups: (n,) int; rows of a group (a lesion and all its variants) are in the same fold.
        folds: int >= 2.
        seed: int.

    Returns:
        (n,) int, the fold of each row, 0..folds-1.

    Raises:
        ValueError: fewer than two folds, or a class in fewer groups than folds.
    """
    if folds < 2:
        raise ValueError(f"Out-of-fold ranking needs at least 2 folds. Received: {folds}")
    for label in np.unique(labels):
        found = len(np.unique(groups[labels == label]))
        if found < folds:
            raise ValueError(f"A class is in {found} group(s) of training images, too few for {folds} folds.")
    fold_of = np.empty(len(labels), int)
    splitter = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
    for fold, (_, rows) in enumerate(splitter.split(labels, labels, groups)):
        fold_of[rows] = fold
    return fold_of
