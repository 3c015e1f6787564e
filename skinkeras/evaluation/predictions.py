"""One row an image: what the model said."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike


def predictions_table(
    image_ids: Sequence[str],
    labels: ArrayLike,
    probabilities: ArrayLike,
    classes: Sequence[str],
    threshold: float = 0.5,
) -> pd.DataFrame:
    """Columns image_id, label, predicted, correct, and probability_<class> for each class in order.

    Args:
        image_ids: names of the images, n of them.
        labels: index of the true class, int, shape (n,).
        probabilities: softmax output in 0..1, shape (n, number of classes).
        classes: class names in the order of the model's output.
        threshold: with two classes, the second is predicted when its probability is at least this. With more
            classes the most probable one is predicted, and the threshold plays no part.

    Raises:
        ValueError: lengths differ, a label is no class index, or a probability lies outside 0..1.
    """
    labels, probabilities = np.asarray(labels), np.asarray(probabilities)
    n, c = len(image_ids), len(classes)
    if labels.shape != (n,) or probabilities.shape != (n, c):
        raise ValueError(
            f"{n} images of {c} classes need labels of shape {(n,)} and probabilities of shape {(n, c)}. "
            f"Received shapes: {labels.shape} and {probabilities.shape}"
        )
    if n and (not np.issubdtype(labels.dtype, np.integer) or labels.min() < 0 or labels.max() >= c):
        raise ValueError(
            f"labels must be class indices in 0..{c - 1}. Received: {np.unique(labels).tolist()}"
        )
    if not np.all((probabilities >= 0) & (probabilities <= 1)):
        raise ValueError("probabilities must be in 0..1: hand over the softmax output, not logits")
    predicted = probabilities[:, 1] >= threshold if c == 2 else probabilities.argmax(axis=1)
    names = np.asarray(classes, dtype=object)
    table = pd.DataFrame(
        {
            "image_id": list(image_ids),
            "label": names[labels.astype(np.int64)],
            "predicted": names[predicted.astype(np.int64)],
            "correct": labels == predicted,
        }
    )
    for i, name in enumerate(classes):
        table[f"probability_{name}"] = probabilities[:, i]
    return table
