"""The forms of a model (float, quantization-aware, each `.tflite` file) and their predictions."""

from dataclasses import dataclass

import numpy as np

_BATCH = 64


@dataclass(frozen=True)
class ModelForm:
    """One form of a model.

    Attributes:
        name: "float", "QAT", or the kind of a file.
        predict: function (n, size, size, 3) float32 in 0..255 -> (n, classes) probabilities.
    """

    name: str
    predict: object


def probabilities(form, subset):
    """The probabilities that a form predicts for the images of a subset.

    Args:
        form: `ModelForm`.
        subset: `skinkeras.inputs.subsets.Subset`, n images.

    Returns:
        (n, classes) float32 in 0..1.
    """
    answers = np.concatenate([form.predict(images.numpy()) for images, _ in subset.dataset(_BATCH)])
    # The float32 sum of several classes can be slightly above 1.
    return np.minimum(answers, 1.0)
