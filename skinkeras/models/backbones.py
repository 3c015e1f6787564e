"""The convolutional parts of the models, as flat graphs of plain Keras layers behind one normalisation.

Whatever builds the layers (keras-cv for Lite, keras.applications for B and VGG16), the result is the same
kind of model: an input named `image` (RGB float32, 0..255), one `Rescaling` named `rescale`, and core
Keras layers behind it. Quantization and export rely on that, and a saved model loads without keras-cv.
"""

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


def load_backbone(name, input_size=None, weights="imagenet", *, colour_constancy=False):
    """Builds the convolutional part of a model, up to its last feature map.

    Args:
        name: a key of `ARCHITECTURES`.
        input_size, weights, colour_constancy: as in `create`.

    Returns:
        A `keras.Model` from `image` to (batch, size/32, size/32, filters), and the path of the file that its
        weights are from, None for random ones.

    Raises:
        ValueError, WeightsUnavailableError, WeightsFileError: as `create`.
    """
    row = architecture(name)
    input_size = row.input_size if input_size is None else input_size
    check_input_size(name, input_size)
    path = check_available(name, weights)

    backbone = FAMILIES[row.family].backbone(name, input_size)
    if path is not None:
        pretrained.load(backbone, path)
    return _behind_colour_constancy(backbone) if colour_constancy else backbone, path


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


def _behind_colour_constancy(backbone):
    """The same layers, with a `ShadesOfGray` between the image and the first of them."""
    first = backbone.layers[1]  # layer 0 is the input; every backbone begins with one normalisation

    def call(layer, *args, **kwargs):
        if layer is first:
            args = (ShadesOfGray(name="colour_constancy")(args[0]),)
        return layer(*args, **kwargs)

    return keras.models.clone_model(backbone, clone_function=lambda layer: layer, call_function=call)
