"""How pretrained weights get into a model: from PyTorch's, Keras', `keras.applications`' and `.tflite` files."""

import keras
import numpy as np

from skinkeras.models.architectures import FAMILIES, architecture
from skinkeras.models.torch_file import WeightsFileError, read_torch_file
from skinkeras.models.weights import keras_application


def load(backbone, path):
    """Loads the weights in the file `path` (see `check_available`) into `backbone`.

    Raises:
        WeightsFileError: the file does not hold the weights of this architecture.
    """
    endings = FAMILIES[architecture(backbone.name).family].weight_files
    if not path.name.endswith(endings):
        raise WeightsFileError(f"{path} is no weights file of {backbone.name}: use {' or '.join(endings)}.")
    if path.suffix == ".tflite":
        from skinkeras.models.tflite_weights import load_layers, read_layers

        load_layers(backbone.layers, read_layers(path), path)
        return
    if path.suffix == ".pth":
        load_torch_weights(backbone, read_torch_file(path), path)
        return
    try:
        if path.name.endswith(".weights.h5"):
            backbone.load_weights(path)
        else:
            _load_keras_application(backbone, path)
    except (ValueError, OSError, KeyError) as error:
        reason = " ".join(str(error).split()).rstrip(".")
        raise WeightsFileError(f"{path} does not hold the weights of {backbone.name}: {reason}.") from error


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


def _load_keras_application(backbone, path):
    """Layer by layer by name: the file's three normalisation layers are one layer here."""
    original = keras_application(backbone.name)(include_top=False, weights=str(path))
    for layer in backbone.layers:
        if not layer.weights:
            continue
        values = original.get_layer(layer.name).get_weights()
        if layer.name == "block1_conv1":
            # VGG16 was trained on blue, green, red; here the kernel is reversed instead of the image.
            values[0] = values[0][:, :, ::-1]
        layer.set_weights(values)
