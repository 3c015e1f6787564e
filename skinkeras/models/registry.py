"""`create`: any model by name, with or without pretrained weights."""

import keras

from skinkeras.layers import CBAM
from skinkeras.models import pretrained
from skinkeras.models.architectures import HEADS, parse_name
from skinkeras.models.backbones import backbone
from skinkeras.models.hierarchical import create_hierarchical, with_feature_dropout
from skinkeras.models.torch_file import read_torch_file
from skinkeras.models.weights import check_available

# The number of classes of the ImageNet classifier, which is loaded with the rest if asked for.
_IMAGENET_CLASSES = 1000


def create(
    name,
    classes=None,
    *,
    input_size=None,
    weights="imagenet",
    dropout=None,
    feature_dropout=0.0,
    colour_constancy=False,
    taxonomy=None,
    lstm_units=256,
):
    """Builds an image classifier.

    Args:
        name: one of `model_names()`: an architecture such as `"efficientnet_lite0"` for a dense classifier on
            it; `"efficientnet_lite0_cbam"` for one behind a `skinkeras.layers.CBAM` named `cbam` (the flat
            model of Barata & Santiago 2021; attention starts from random weights);
            `"hierarchical_efficientnet_lite0"` for the head of `create_hierarchical`.
        classes: int >= 2, the number of classes; None is as many as the taxonomy has, or 2 without one.
        input_size: height and width in pixels, at least 32; None is the architecture's own.
        weights: `"imagenet"`, `"none"` (or None) for random ones, a file, or the name of a released model, whose
            features are taken (see `check_available`).
        dropout: rate in [0, 1) in front of the classifier; None is that of `parse_name(name).dropout`.
        feature_dropout: rate in [0, 1) on the last feature map, in front of attention and pooling (0.5 in the
            experiments of Barata & Santiago 2021, who have dropout in several layers); with 0 there is no such layer.
        colour_constancy: whether a `skinkeras.layers.ShadesOfGray` named `colour_constancy` first takes the
            colour of the light out of the image; or that layer, with settings of your own.
        taxonomy: a `skinkeras.datasets.Taxonomy`; needed by hierarchical models.
        lstm_units: int >= 1, size of a hierarchical model's state.

    Returns:
        A `keras.Model` from `image` (batch, size, size, 3), float32 RGB in 0..255, to `probs`
        (batch, classes), float32 probabilities that sum to 1. Normalisation is inside the graph. The dense
        classifier is `GlobalAveragePooling2D`, `Dropout`, `Dense` named `logits` and `Softmax`; with 1,000
        classes and without CBAM an EfficientNet-Lite keeps its ImageNet classifier.

    Raises:
        ValueError: an unknown name, a size that the model cannot take, fewer than two classes, a hierarchical
            model without a taxonomy or with another number of classes.
        WeightsUnavailableError: the weights are not on this machine and cannot be fetched; nothing has been
            built.
        WeightsFileError: the file does not hold the weights of this architecture.

    Example:
        >>> model = create("efficientnet_lite0_cbam", classes=7, input_size=128)
        >>> model.output_shape
        (None, 7)
    """
    parts = parse_name(name)
    dropout = parts.dropout if dropout is None else dropout
    if taxonomy is not None:
        _check_taxonomy(taxonomy, classes)
        classes = len(taxonomy.classes)
    if HEADS[parts.head].needs_taxonomy:
        if taxonomy is None:
            raise ValueError(f"{name} needs a tree of its classes: pass a taxonomy.")
        return create_hierarchical(
            parts.architecture,
            taxonomy,
            input_size=input_size,
            weights=weights,
            lstm_units=lstm_units,
            dropout=dropout,
            feature_dropout=feature_dropout,
            colour_constancy=colour_constancy,
        )
    classes = 2 if classes is None else classes
    if classes < 2:
        raise ValueError(f"classes must be at least 2. Received: {classes}")
    base = backbone(
        parts.architecture, input_size=input_size, weights=weights, colour_constancy=colour_constancy
    )
    model = _with_classifier(base, name, classes, dropout, feature_dropout)
    if classes == _IMAGENET_CLASSES and parts.head == "dense":
        _load_imagenet_classifier(model, weights)
    return model


def _load_imagenet_classifier(model, weights):
    path = check_available(model.name, weights)
    if path is not None and path.suffix == ".pth":
        pretrained.load_torch_weights(model, read_torch_file(path), path)


def _check_taxonomy(taxonomy, classes):
    if classes not in (None, len(taxonomy.classes)):
        raise ValueError(
            f"classes must be the taxonomy's {len(taxonomy.classes)}, or left out. Received: {classes}"
        )


def _with_classifier(base, name, classes, dropout, feature_dropout):
    features = with_feature_dropout(base.output, feature_dropout)
    if parse_name(name).head == "cbam":
        features = CBAM(name="cbam")(features)
    features = keras.layers.GlobalAveragePooling2D(name="pool")(features)
    features = keras.layers.Dropout(dropout, name="dropout")(features)
    logits = keras.layers.Dense(classes, name="logits")(features)
    return keras.Model(base.input, keras.layers.Softmax(name="probs")(logits), name=name)


def backbone_layers(model):
    """The layers in front of the head: what stays frozen while the head alone is trained.

    Args:
        model: from `create`, where the head begins with attention or with the pooling.
    """
    names = [layer.name for layer in model.layers]
    return model.layers[: min(names.index(name) for name in ("cbam", "pool") if name in names)]
