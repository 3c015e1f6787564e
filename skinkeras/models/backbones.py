"""The convolutional parts of the models, as flat graphs of plain Keras layers behind one normalisation.

Whatever builds the layers (keras-cv for Lite, keras.applications for B and VGG16), the result is the same
kind of model: an input named `image` (RGB float32, 0..255), one `Rescaling` named `rescale`, and core
Keras layers behind it. Quantization and export rely on that, and a saved model loads without keras-cv.
"""

import os
import re

import keras

from skinkeras.layers import ShadesOfGray
from skinkeras.models import pretrained
from skinkeras.models.architectures import FAMILIES, architecture, check_input_size
from skinkeras.models.weights import check_available, keras_application

# EfficientNet-Lite takes pixels in -1..1 (as timm has it: 127.5, 127.5).
_LITE_NORMALISATION = (1 / 127.5, -1.0)
# keras.applications spreads (x / 255 - mean) / std of ImageNet over three layers; this is their product.
_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_B_NORMALISATION = ([1 / (255 * s) for s in _STD], [-m / s for m, s in zip(_MEAN, _STD, strict=True)])
# VGG16 was trained on pixels less the mean of ImageNet's, and no more.
_VGG_NORMALISATION = (1.0, [-123.68, -116.779, -103.939])

BATCH_NORM_MOMENTUM = 0.9

_HALVINGS = 5

# Stages of EfficientNet-Lite0 (and B0): kernel, repeats, filters in, filters out, expansion, stride.
_STAGES = (
    (3, 1, 32, 16, 1, 1),
    (3, 2, 16, 24, 6, 2),
    (5, 2, 24, 40, 6, 2),
    (3, 3, 40, 80, 6, 2),
    (5, 3, 80, 112, 6, 1),
    (5, 4, 112, 192, 6, 2),
    (3, 1, 192, 320, 6, 1),
)


def backbone(
    name: str,
    *,
    input_size: int | None = None,
    weights: str | os.PathLike | None = "imagenet",
    colour_constancy: bool | ShadesOfGray = False,
) -> keras.Model:
    """Builds the convolutional part of a model, up to its last feature map.

    Args:
        name: a key of `ARCHITECTURES`.
        input_size: height and width in pixels, at least 32; None is the architecture's own.
        weights: as in `create`; the name of a released model takes its features.
        colour_constancy: as in `create`.

    Returns:
        A `keras.Model` from `image` (batch, size, size, 3), float32 RGB in 0..255, to (batch, size/32, size/32,
        filters), float32. `pyramid_outputs` of it are the feature maps on the way.

    Raises:
        ValueError, WeightsUnavailableError, WeightsFileError: as `create`.

    Example:
        >>> features = backbone("efficientnet_lite0", input_size=64, weights="none")
        >>> features.output_shape
        (None, 2, 2, 1280)
        >>> pyramid = keras.Model(features.input, pyramid_outputs(features))
        >>> pyramid(np.zeros((1, 64, 64, 3)))["P3"].shape
        TensorShape([1, 8, 8, 40])
    """
    row = architecture(name)
    input_size = row.input_size if input_size is None else input_size
    check_input_size(name, input_size)
    path = check_available(name, weights)

    built = FAMILIES[row.family].backbone(name, input_size)
    if path is not None:
        pretrained.load(built, path)
    if not colour_constancy:
        return built
    front = colour_constancy
    if not isinstance(front, ShadesOfGray):
        front = ShadesOfGray(name="colour_constancy")
    return _behind_colour_constancy(built, front)


def pyramid_outputs(model: keras.Model) -> dict[str, keras.KerasTensor]:
    """The feature maps of a model, one for each halving of the image: what a detector or a segmenter reads.

    Args:
        model: from `backbone`, `create` or `from_preset`.

    Returns:
        {"P1": tensor, ..., "P5": tensor}, where Pn is (batch, size/2^n, size/2^n, filters): the output of the last
        block of that size; P5 is the backbone's own output.

    Raises:
        ValueError: the model is none of this package's.

    Example:
        >>> model = models.VGG16(classes=2, input_size=64, weights="none")
        >>> [tensor.shape[1] for tensor in pyramid_outputs(model).values()]
        [32, 16, 8, 4, 2]
    """
    ends = "|".join(family.block_ends for family in FAMILIES.values())
    tensors = _layer_outputs(model)
    by_size = {tensors[name].shape[1:3]: tensors[name] for name in tensors if re.fullmatch(ends, name)}
    if len(by_size) != _HALVINGS:
        raise ValueError(
            f"{model.name} has no feature pyramid: pass a model from models.backbone or models.create."
        )
    return {f"P{level}": tensor for level, tensor in enumerate(by_size.values(), 1)}


def _layer_outputs(model: keras.Model) -> dict[str, keras.KerasTensor]:
    """{name of a layer: what it gives in this model}, in the order of the model's layers.

    `layer.output` is what it gave when it was first called, which is in another model if that shares the layer.
    """
    found, waiting = {}, list(model.outputs)
    while waiting:
        tensor = waiting.pop()
        layer, node, _ = tensor._keras_history
        if layer.name not in found:
            found[layer.name] = tensor
            waiting += layer._inbound_nodes[node].input_tensors
    return {layer.name: found[layer.name] for layer in model.layers}


def lite_backbone(name, input_size):
    """EfficientNet-Lite features: (batch, size, size, 3) in 0..255 -> (batch, size/32, size/32, 1280)."""
    # keras-cv is slow to import and no longer developed, but the only package with all five architectures;
    # this is the only place that imports it.
    import keras_cv

    row = architecture(name)
    kernels, repeats, filters_in, filters_out, expansions, strides = zip(*_STAGES, strict=True)
    original = keras_cv.models.EfficientNetLiteBackbone(
        include_rescaling=False,
        width_coefficient=row.width,
        depth_coefficient=row.depth,
        stackwise_kernel_sizes=list(kernels),
        stackwise_num_repeats=list(repeats),
        stackwise_input_filters=list(filters_in),
        stackwise_output_filters=list(filters_out),
        stackwise_expansion_ratios=list(expansions),
        stackwise_strides=list(strides),
        input_shape=(input_size, input_size, 3),
    )
    return _behind_normalisation(original, _LITE_NORMALISATION, name)


def b_backbone(name, input_size):
    """EfficientNet features: (batch, size, size, 3) in 0..255 -> (batch, size/32, size/32, filters)."""
    original = keras_application(name)(
        include_top=False, weights=None, input_shape=(input_size, input_size, 3)
    )
    return _behind_normalisation(original, _B_NORMALISATION, name)


def vgg_backbone(name, input_size):
    """VGG16 features behind the last pooling: (batch, size, size, 3) -> (batch, size/32, size/32, 512)."""
    original = keras_application(name)(
        include_top=False, weights=None, input_shape=(input_size, input_size, 3)
    )
    return _behind_normalisation(original, _VGG_NORMALISATION, name, stem="block1_conv1")


def _behind_normalisation(original, normalisation, name, stem="stem_conv_pad"):
    """The same layers from the one called `stem` on, fed by an input called `image` and one Rescaling."""
    scale, offset = normalisation
    image = keras.Input(original.input_shape[1:], name="image")
    rescale = keras.layers.Rescaling(scale, offset, name="rescale")
    own_normalisation = (keras.layers.Rescaling, keras.layers.Normalization)

    def call(layer, *args, **kwargs):
        if isinstance(layer, own_normalisation):
            return args[0]
        if layer.name == stem:
            return layer(rescale(args[0]), **kwargs)
        return layer(*args, **kwargs)

    plain = keras.Model(original.input, original.output, name=name)
    return keras.models.clone_model(
        plain, input_tensors=image, clone_function=_with_quick_statistics, call_function=call
    )


def _with_quick_statistics(layer):
    """The layer again; batch normalisation with statistics that follow a short training.

    Keras' momentum of 0.99 averages over some hundred steps. While the weights move as fast as in fine-tuning
    it lags behind them: on HAM10000 (4,767 training images) it cost 0.06 of the validation AUC.
    """
    config = layer.get_config()
    if isinstance(layer, keras.layers.BatchNormalization):
        config["momentum"] = BATCH_NORM_MOMENTUM
    return type(layer).from_config(config)


def _behind_colour_constancy(model, front):
    """The same layers, with `front`, a `ShadesOfGray`, between the image and the first of them."""
    first = model.layers[1]  # layer 0 is the input; every backbone begins with one normalisation

    def call(layer, *args, **kwargs):
        if layer is first:
            args = (front(args[0]),)
        return layer(*args, **kwargs)

    return keras.models.clone_model(model, clone_function=lambda layer: layer, call_function=call)
