"""A released model as a Keras model again, from its float `.tflite` file."""

import os

import keras
import numpy as np

from skinkeras import tflite
from skinkeras.layers import MergeClasses
from skinkeras.models.architectures import constructor_name, parse_name
from skinkeras.models.preset_table import Preset, find_preset
from skinkeras.models.registry import create
from skinkeras.models.tflite_weights import FileLayer, load_layers, read_layers
from skinkeras.models.torch_file import WeightsFileError

# A float file computes in float32 what Keras does, with other kernels.
_TOLERANCE = 1e-3


def load_preset(
    preset: str | os.PathLike, architecture: str | None = None, *, dropout: float | None = None
) -> keras.Model:
    """Builds a released model with its weights.

    They are read from the float16 file (float32 where that is there), so that the model answers as that file
    does, up to float32 rounding; on this package's golden images that is checked at once. The calibration is part of
    the last dense layer. Batch normalization is folded in the file: here its layers add a bias and nothing else, and
    are frozen (`trainable=False`). `model.trainable = True` would thaw them, and training would normalize by each
    batch: freeze them again after it.

    Args:
        preset: a key of `presets()`, or the path of a `NAME.json` with its files beside it.
        architecture: a key of `ARCHITECTURES` that the preset must have; None: any.
        dropout: rate in [0, 1) in front of the classifier; None is the architecture's own.

    Returns:
        A `keras.Model` as `create` builds it, with `MergeClasses` behind it where the model adds up the
        probabilities of finer classes.

    Raises:
        ValueError: there is no such preset, it has another architecture, or another head than a dense classifier.
        WeightsFileError: the file is damaged, or does not answer as the rebuilt model does.

    Example:
        >>> model = load_preset("melanoma_efficientnet_lite0_224")
        >>> model.input_shape, model.output_shape
        ((None, 224, 224, 3), (None, 2))
    """
    row = find_preset(preset)
    name = parse_name(row.model)
    if architecture not in (None, name.architecture):
        raise ValueError(
            f"{row.name} is no {constructor_name(architecture)}: use "
            f"models.{constructor_name(name.architecture)}.from_preset."
        )
    if name.head != "dense":
        raise ValueError(f"{row.name} cannot be rebuilt: only models with a dense classifier can.")
    if tflite.find_contract(row.weights) is None:
        raise ValueError(f"{row.contract} does not describe {row.weights.name}.")

    found = read_layers(row.weights)
    head = found[-2:] if _merges(found) else found[-1:]
    model = create(
        row.model, len(head[0].bias), input_size=row.input_size, weights=row.weights, dropout=dropout
    )
    load_layers([model.get_layer("logits")], head, row.weights)
    if len(head) > 1:
        groups = head[1].kernel.argmax(axis=0)
        model = keras.Model(model.input, MergeClasses(groups, name="merge")(model.output), name=model.name)
    _check_answers(model, row)
    return model


def _merges(found: list[FileLayer]) -> bool:
    """Whether a file ends in `MergeClasses`: a matrix with a single 1 for each fine class."""
    kernel = found[-1].kernel
    dense = len(found) > 1 and kernel.ndim == found[-2].kernel.ndim == 2
    return dense and set(np.unique(kernel)) == {0, 1} and bool((kernel.sum(axis=0) == 1).all())


def _check_answers(model: keras.Model, row: Preset) -> None:
    images = np.stack(list(tflite.golden_images(row.input_size).values()))
    expected = tflite.Classifier(row.weights, geometry=row.geometry).predict(images)
    answers = np.asarray(model(images.astype("float32"), training=False))
    difference = np.abs(answers - expected).max() if answers.shape == expected.shape else np.inf
    if not difference <= _TOLERANCE:
        raise WeightsFileError(
            f"{row.weights} does not answer as a plain {row.model} with its weights does (golden images, off by "
            f"{difference:.3g}): it computes something else, such as colour constancy."
        )
