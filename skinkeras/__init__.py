"""skinkeras: dermoscopy images into small, honest, on-device classifiers (Keras 3, TensorFlow, TFLite).

Its packages are imported when they are first used: `skinkeras.losses.RecallCrossentropy` works after
`import skinkeras`, which itself takes no time.
"""

import lazy_loader

from skinkeras.keras_registration import register_with_keras as _register_with_keras

__version__ = "0.1.0"

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submodules=[
        "callbacks",
        "cleaning",
        "datasets",
        "evaluation",
        "experiments",
        "files",
        "images",
        "inputs",
        "layers",
        "losses",
        "models",
        "quantization",
        "reports",
        "tflite",
        "training",
    ],
    submod_attrs={"keras_settings": ["check_keras_settings"]},
)

_register_with_keras()
