"""`create`: any model of the table, by name, with or without pretrained weights."""

import functools

import keras

from skinkeras.layers import CBAM, ShadesOfGray
from skinkeras.models import weights as pretrained
from skinkeras.models.architectures import ARCHITECTURES, architecture, check_input_size
from skinkeras.models.backbones import b_backbone, lite_backbone, vgg_backbone
from skinkeras.models.torch_file import read_torch_file

# The number of classes of the ImageNet classifier, which is loaded with the rest if asked for.
_IMAGENET_CLASSES = 1000


def create(
    name, classes=2, input_size=None, weights="imagenet", dropout=None, cbam=False, colour_constancy=False
):
    """Builds an image classifier.

    Args:
        name: a row of `ARCHITECTURES`, such as `"efficientnet_lite0"`.
        classes: int >= 2, the number of classes.
        input_size: pixels, height and width of the input; None is the architecture's own size.
        weights: `"imagenet"`, `"none"` (or None) for random ones, or a file (see `weights.check_available`).
        dropout: rate in [0, 1) in front of the classifier; None is the architecture's own.
        cbam: whether to put a `skinkeras.layers.CBAM` named `cbam` between the last feature map and the
            classifier: the flat model of Barata & Santiago 2021. It always starts from random weights.
        colour_constancy: whether a `skinkeras.layers.ShadesOfGray` named `colour_constancy` takes the light's
            colour out of the picture, first of all.

    Returns:
        A `keras.Model` from `image` (batch, size, size, 3), float32 RGB in 0..255, to `probs`
        (batch, classes), float32 softmax probabilities. Normalisation is inside the graph. The
        classifier is `GlobalAveragePooling2D`, `Dropout`, `Dense` named `logits` and `Softmax`; with
        1,000 classes and without CBAM an EfficientNet-Lite keeps its ImageNet classifier.

    Raises:
        ValueError: an unknown name, a size that the model cannot take, fewer than two classes.
        WeightsUnavailableError: the weights are not to be had here; nothing has been built.
        WeightsFileError: the file does not hold the weights of this architecture.
    """
    if classes < 2:
        raise ValueError(f"classes must be at least 2. Received: {classes}")
    backbone, path = load_backbone(name, input_size, weights, colour_constancy)
    model = _with_classifier(
        backbone, classes, architecture(name).dropout if dropout is None else dropout, cbam
    )
    if path is not None and path.suffix == ".pth" and classes == _IMAGENET_CLASSES and not cbam:
        pretrained.load_torch_weights(model, read_torch_file(path), path)
    return model


def load_backbone(name, input_size=None, weights="imagenet", colour_constancy=False):
    """The convolutional part of a model, up to its last feature map, for a head to be put on.

    Args:
        name, input_size, weights, colour_constancy: as in `create`.

    Returns:
        A `keras.Model` from `image` to (batch, size/32, size/32, filters), and the file that its weights
        are from, None for random ones.

    Raises:
        ValueError, WeightsUnavailableError, WeightsFileError: as `create`.
    """
    row = architecture(name)
    input_size = row.input_size if input_size is None else input_size
    check_input_size(name, input_size)
    path = pretrained.check_available(name, weights)

    builders = {"lite": lite_backbone, "b": b_backbone, "vgg": vgg_backbone}
    backbone = builders[row.family](name, input_size)
    if path is not None:
        pretrained.load(backbone, path)
    return _behind_colour_constancy(backbone) if colour_constancy else backbone, path


def _behind_colour_constancy(backbone):
    """The same layers, with a `ShadesOfGray` between the picture and the first of them."""
    first = backbone.layers[1]  # layer 0 is the input; every backbone begins with one normalisation

    def call(layer, *args, **kwargs):
        if layer is first:
            args = (ShadesOfGray(name="colour_constancy")(args[0]),)
        return layer(*args, **kwargs)

    return keras.models.clone_model(backbone, clone_function=lambda layer: layer, call_function=call)


def _with_classifier(backbone, classes, dropout, cbam):
    features = CBAM(name="cbam")(backbone.output) if cbam else backbone.output
    features = keras.layers.GlobalAveragePooling2D(name="pool")(features)
    features = keras.layers.Dropout(dropout, name="dropout")(features)
    logits = keras.layers.Dense(classes, name="logits")(features)
    name = f"{backbone.name}_cbam" if cbam else backbone.name
    return keras.Model(backbone.input, keras.layers.Softmax(name="probs")(logits), name=name)


def backbone_layers(model):
    """The layers in front of the head: what stays frozen while the head alone is trained.

    The head begins with attention or with the pooling, in the models of this package.
    """
    names = [layer.name for layer in model.layers]
    return model.layers[: min(names.index(name) for name in ("cbam", "pool") if name in names)]


def VGG16CBAM(classes=7, input_size=None, weights="imagenet", dropout=0.5, colour_constancy=False):
    """The flat model of Barata & Santiago 2021: `create("vgg16", ..., cbam=True)`.

    VGG16's convolutions, CBAM on the output of the last pooling, and a fully connected softmax layer on
    its mean over places. The mean instead of all places keeps the layer small (512 inputs, not 25,088) and
    free of the input size.
    """
    return create("vgg16", classes, input_size, weights, dropout, True, colour_constancy)


_NAMES = {
    name: "EfficientNet" + name.removeprefix("efficientnet_").replace("lite", "Lite").replace("b", "B")
    for name in ARCHITECTURES
    if name.startswith("efficientnet")
} | {"vgg16": "VGG16"}


def _constructor(name):
    @functools.wraps(create)
    def build(
        classes=2, input_size=None, weights="imagenet", dropout=None, cbam=False, colour_constancy=False
    ):
        return create(name, classes, input_size, weights, dropout, cbam, colour_constancy)

    build.__name__ = build.__qualname__ = _NAMES[name]
    build.__doc__ = f"`create({name!r}, ...)`: see `skinkeras.models.create`."
    return build


CONSTRUCTORS = {_NAMES[name]: _constructor(name) for name in ARCHITECTURES}
