"""`create`: any model of the table, by name, with or without pretrained weights."""

import functools

import keras

from skinkeras.models import weights as pretrained
from skinkeras.models.backbones import b_backbone, lite_backbone
from skinkeras.models.torch_file import read_torch_file
from skinkeras.models.variants import VARIANTS, check_input_size, variant

# The number of classes of the ImageNet classifier, which is loaded with the rest if asked for.
_IMAGENET_CLASSES = 1000


def create(name, classes=2, input_size=None, weights="imagenet", dropout=None):
    """Builds an image classifier.

    Args:
        name: a row of `VARIANTS`, such as `"efficientnet_lite0"`.
        classes: int >= 2, the number of classes.
        input_size: pixels, height and width of the input; None is the architecture's own size.
        weights: `"imagenet"`, `"none"` (or None) for random ones, or a file (see `weights.check_available`).
        dropout: rate in [0, 1) in front of the classifier; None is the architecture's own.

    Returns:
        A `keras.Model` from `image` (batch, size, size, 3), float32 RGB in 0..255, to `probs`
        (batch, classes), float32 softmax probabilities. Normalisation is inside the graph. The
        classifier is `Dropout`, `Dense` named `logits` and `Softmax`; with 1,000 classes an
        EfficientNet-Lite keeps its ImageNet classifier.

    Raises:
        ValueError: an unknown name, a size that the model cannot take, fewer than two classes.
        WeightsUnavailableError: the weights are not to be had here; nothing has been built.
        WeightsFileError: the file does not hold the weights of this architecture.
    """
    row = variant(name)
    input_size = row.input_size if input_size is None else input_size
    check_input_size(name, input_size)
    if classes < 2:
        raise ValueError(f"classes must be at least 2. Received: {classes}")
    path = pretrained.check_available(name, weights)

    backbone = (lite_backbone if row.family == "lite" else b_backbone)(name, input_size)
    if path is not None:
        pretrained.load(backbone, path)
    model = _with_classifier(backbone, classes, row.dropout if dropout is None else dropout)
    if path is not None and path.suffix == ".pth" and classes == _IMAGENET_CLASSES:
        pretrained.load_torch_weights(model, read_torch_file(path), path)
    return model


def _with_classifier(backbone, classes, dropout):
    features = keras.layers.GlobalAveragePooling2D(name="pool")(backbone.output)
    features = keras.layers.Dropout(dropout, name="dropout")(features)
    logits = keras.layers.Dense(classes, name="logits")(features)
    return keras.Model(backbone.input, keras.layers.Softmax(name="probs")(logits), name=backbone.name)


def backbone_layers(model):
    """The layers in front of the classifier: what stays frozen while the classifier alone is trained."""
    names = [layer.name for layer in model.layers]
    return model.layers[: names.index("pool")]


_NAMES = {
    name: "EfficientNet" + name.removeprefix("efficientnet_").replace("lite", "Lite").replace("b", "B")
    for name in VARIANTS
}


def _constructor(name):
    @functools.wraps(create)
    def build(classes=2, input_size=None, weights="imagenet", dropout=None):
        return create(name, classes, input_size, weights, dropout)

    build.__name__ = build.__qualname__ = _NAMES[name]
    build.__doc__ = f"`create({name!r}, ...)`: see `skinkeras.models.create`."
    return build


CONSTRUCTORS = {_NAMES[name]: _constructor(name) for name in VARIANTS}
