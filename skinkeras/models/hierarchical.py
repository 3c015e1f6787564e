"""The hierarchical model of Barata & Santiago 2021: an LSTM that diagnoses level by level, with attention.

What the levels say and what the classes get are two readings of the same logits. A softmax over all nodes
of a level is what is trained (the paper's eq. 10). Renormalised among siblings, that softmax is the
softmax of the siblings' logits alone, exp(z_i) / sum over siblings of exp(z_j): the others cancel. So each
level's dense layer is built as one dense layer for each parent, and nothing is ever divided, in Keras or on
a phone.
"""

import keras
from keras import layers

from skinkeras.layers import CBAM, SpreadClasses
from skinkeras.models.backbones import backbone


def create_hierarchical(
    name,
    taxonomy,
    *,
    input_size=None,
    weights="imagenet",
    lstm_units=256,
    dropout=0.5,
    feature_dropout=0.0,
    colour_constancy=False,
):
    """Builds a classifier that diagnoses level by level, on the backbone of any architecture.

    An LSTM makes one step a level. It reads the mean over places of the last feature map, weighed by a CBAM
    whose channel and spatial attention depend on the LSTM's state so far; its first state is a dense
    layer of the unweighed mean. From its state come the logits of the level's nodes. The probability of a
    class is the product, along its path, of each node's probability among its siblings, so that those of
    all classes sum to 1.

    The model is trained through `level_model`, which has the same layers and the softmaxes of the levels as
    output: from the product alone they cannot be computed.

        model = create_hierarchical("efficientnet_lite0", ISIC2018_TAXONOMY)
        levels = level_model(model, ISIC2018_TAXONOMY)
        levels.compile("adam", HierarchicalCrossentropy(ISIC2018_TAXONOMY))
        levels.fit(images, one_hot_classes)
        probabilities = model.predict(images)

    Args:
        name: a key of `ARCHITECTURES`.
        input_size, weights, feature_dropout, colour_constancy: as in `create`.
        taxonomy: a `skinkeras.datasets.Taxonomy`; its `classes` are the order of the output.
        lstm_units: int >= 1, size of the LSTM's state; the default keeps the head smaller than the backbones.
        dropout: rate in [0, 1), on what the LSTM reads and on what the logits read.

    Returns:
        A `keras.Model` from `image` (batch, size, size, 3), float32 RGB in 0..255, to (batch, classes),
        float32 probabilities. Normalisation is inside the graph, and the LSTM's steps are written out.

    Keras warns of a softmax over an only child, which is 1 and should be.

    Raises:
        ValueError: an unknown name, a size that the model cannot take, lstm_units below 1.
        WeightsUnavailableError: the weights are not on this machine and cannot be fetched; nothing has been
            built.
        WeightsFileError: the file does not hold the weights of this architecture.
    """
    if lstm_units < 1:
        raise ValueError(f"lstm_units must be at least 1. Received: {lstm_units}")
    base = backbone(name, input_size=input_size, weights=weights, colour_constancy=colour_constancy)
    features = with_feature_dropout(base.output, feature_dropout)
    probabilities = hierarchical_head(features, taxonomy, lstm_units, dropout)
    return keras.Model(base.input, probabilities, name=f"{name}_hierarchical")


def HierarchicalVGG16(
    taxonomy,
    *,
    input_size=None,
    weights="imagenet",
    lstm_units=256,
    dropout=0.5,
    feature_dropout=0.0,
    colour_constancy=False,
):
    """Builds the hierarchical model of Barata & Santiago 2021: `create_hierarchical("vgg16", ...)`.

    Args, returns and raises: as `create_hierarchical`.
    """
    return create_hierarchical(
        "vgg16",
        taxonomy,
        input_size=input_size,
        weights=weights,
        lstm_units=lstm_units,
        dropout=dropout,
        feature_dropout=feature_dropout,
        colour_constancy=colour_constancy,
    )


def with_feature_dropout(features, rate):
    """A symbolic feature map behind a Dropout named `feature_dropout`; with a rate of 0, the map itself."""
    return layers.Dropout(rate, name="feature_dropout")(features) if rate else features


def hierarchical_head(features, taxonomy, lstm_units, dropout):
    """The layers that `create_hierarchical` puts on a backbone.

    Args:
        features: (batch, height, width, channels >= 16), a symbolic Keras tensor.
        taxonomy, lstm_units, dropout: as in `create_hierarchical`.

    Returns:
        (batch, classes) probabilities, symbolic.
    """
    pool, drop = layers.GlobalAveragePooling2D(name="pool"), layers.Dropout(dropout, name="dropout")
    cbam, lstm = CBAM(name="cbam"), layers.LSTMCell(lstm_units, name="lstm")
    mean = pool(features)
    hidden = layers.Dense(lstm_units, activation="tanh", name="first_hidden")(mean)
    carry = layers.Dense(lstm_units, activation="tanh", name="first_carry")(mean)
    factors = []
    for level, columns in enumerate(taxonomy.columns):
        attended = drop(pool(cbam(features, hidden)))
        hidden, (_, carry) = lstm(attended, [hidden, carry])
        # A layer of its own a level, so that `get_layer(...).input` is the state behind this level.
        state = layers.Dropout(dropout, name=f"level{level + 1}_dropout")(hidden)
        shares = [
            layers.Softmax(name=name)(layers.Dense(siblings, name=f"{name}_logits")(state))
            for name, siblings in _sibling_layers(taxonomy, level).items()
        ]
        spread = SpreadClasses(columns, name=f"level{level + 1}_factors")
        factors.append(spread(_concatenate(shares, f"level{level + 1}_shares")))
    return layers.Multiply(name="probs")(factors) if len(factors) > 1 else factors[0]


def level_model(model, taxonomy):
    """The same network, layer for layer, with the softmax of every level as output: what is trained.

    It shares all weights with `model`. That may also be one from `skinkeras.quantization.quantize`, as
    long as it kept the names of the layers.

    Args:
        model: from `create_hierarchical`.
        taxonomy: the one it was built for.

    Returns:
        A `keras.Model` from `image` to (batch, nodes), float32: side by side, for each level of
        `taxonomy.levels` the probabilities of its nodes, which sum to 1.

    Raises:
        ValueError: `model` was not built for this taxonomy.
    """
    levels = [_sibling_layers(taxonomy, level) for level in range(len(taxonomy.levels))]
    expected = {name: siblings for level in levels for name, siblings in level.items()}
    found = {layer.name: layer.input.shape[-1] for layer in model.layers if layer.name.endswith(_SIBLINGS)}
    if found != expected:
        raise ValueError(
            f"Model {model.name!r} was not built for this taxonomy: the taxonomy has {expected}, "
            f"the model {found or 'no levels'}."
        )
    softmaxes = []
    for number, names in enumerate(levels, 1):
        logits = _concatenate([model.get_layer(name).input for name in names], f"level{number}_logits")
        softmaxes.append(layers.Softmax(name=f"level{number}")(logits))
    return keras.Model(model.input, _concatenate(softmaxes, "levels"), name=f"{model.name}_levels")


_SIBLINGS = "_siblings"


def _sibling_layers(taxonomy, level):
    """{name of the layer: number of children} for each parent whose children are at `level`, from 0.

    Numbers and not the nodes' names, which may hold what TensorFlow does not allow in a name.
    """
    return {
        f"level{level + 1}_{number}{_SIBLINGS}": len(taxonomy.children[parent])
        for number, parent in enumerate(taxonomy.parents[level], 1)
    }


def _concatenate(tensors, name):
    return layers.Concatenate(name=name)(tensors) if len(tensors) > 1 else tensors[0]
