"""Image classifiers by name: `create("efficientnet_lite0", classes=2)` or `EfficientNetLite0(classes=2)`.

Keras is imported with the first model that is built; the tables and checks of names do without.
"""

import lazy_loader

from skinkeras.models.architectures import ARCHITECTURES as _ARCHITECTURES
from skinkeras.models.architectures import constructor_name as _constructor_name

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "architectures": [
            "ARCHITECTURES",
            "FAMILIES",
            "HEADS",
            "MINIMUM_INPUT_SIZE",
            "Architecture",
            "Family",
            "Head",
            "ModelName",
            "architecture",
            "check_input_size",
            "model_names",
            "parse_name",
        ],
        "backbones": ["backbone", "pyramid_outputs"],
        "constructors": ["VGG16CBAM", *map(_constructor_name, _ARCHITECTURES)],
        "hierarchical": ["HierarchicalVGG16", "create_hierarchical", "level_model"],
        "image_classifier": ["ImageClassifier"],
        "preprocessor": ["Preprocessor"],
        "preset_table": ["Preset", "find_preset", "presets"],
        "registry": ["backbone_layers", "create"],
        "torch_file": ["WeightsFileError", "read_torch_file"],
        "weights": ["WeightsUnavailableError", "check_available"],
    },
)
