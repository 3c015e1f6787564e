"""The quantizers of tensorflow-model-optimization, imported without its side effects.

That package's own API takes Keras 2 models only, but its quantizers are plain functions over variables
that a layer of ours can create. Its import, however, sets TF_USE_LEGACY_KERAS=1, which turns `tf.keras`
into Keras 2 for everybody who looks at it later; keras-cv does, and then fails to import.
"""

import os

import tensorflow as tf


def _import_quantizers():
    # `tf.keras` is decided at its first use: here, before the variable is set.
    _ = tf.keras.version
    before = os.environ.get("TF_USE_LEGACY_KERAS")
    from tensorflow_model_optimization.quantization.keras import quantizers

    if before is None:
        os.environ.pop("TF_USE_LEGACY_KERAS", None)
    else:
        os.environ["TF_USE_LEGACY_KERAS"] = before
    return quantizers


quantizers = _import_quantizers()
