"""skinkeras: dermoscopy images into small, honest, on-device classifiers (Keras 3, TensorFlow, TFLite)."""

__version__ = "0.1.0"
