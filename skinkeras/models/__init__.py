"""Image classifiers by name: `create("efficientnet_lite0", classes=2)` or `EfficientNetLite0(classes=2)`."""

from skinkeras.models.registry import CONSTRUCTORS, backbone_layers, create
from skinkeras.models.torch_file import WeightsFileError, read_torch_file
from skinkeras.models.variants import VARIANTS, Variant, check_input_size, variant
from skinkeras.models.weights import WeightsUnavailableError, check_available

globals().update(CONSTRUCTORS)  # EfficientNetLite0 .. EfficientNetLite4, EfficientNetB0 .. EfficientNetB7

__all__ = [
    "VARIANTS",
    "Variant",
    "WeightsFileError",
    "WeightsUnavailableError",
    "backbone_layers",
    "check_available",
    "check_input_size",
    "create",
    "read_torch_file",
    "variant",
    *CONSTRUCTORS,
]
