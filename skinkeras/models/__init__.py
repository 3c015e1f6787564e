"""Image classifiers by name: `create("efficientnet_lite0", classes=2)` or `EfficientNetLite0(classes=2)`."""

from skinkeras.models.architectures import ARCHITECTURES, Architecture, architecture, check_input_size
from skinkeras.models.hierarchical import HierarchicalVGG16, create_hierarchical, level_model
from skinkeras.models.registry import CONSTRUCTORS, VGG16CBAM, backbone_layers, create
from skinkeras.models.torch_file import WeightsFileError, read_torch_file
from skinkeras.models.weights import WeightsUnavailableError, check_available

# EfficientNetLite0 .. EfficientNetLite4, EfficientNetB0 .. EfficientNetB7, VGG16
globals().update(CONSTRUCTORS)

__all__ = [
    "ARCHITECTURES",
    "VGG16CBAM",
    "HierarchicalVGG16",
    "Architecture",
    "WeightsFileError",
    "WeightsUnavailableError",
    "backbone_layers",
    "check_available",
    "check_input_size",
    "create",
    "create_hierarchical",
    "level_model",
    "read_torch_file",
    "architecture",
    *CONSTRUCTORS,
]
