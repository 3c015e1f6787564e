"""The quantizers of tensorflow-model-optimization, imported when first used and without side effects.

That package's API takes only Keras 2 models, but its quantizers are plain functions of variables
that a Keras 3 layer can create. Its import, however, sets TF_USE_LEGACY_KERAS=1, which turns `tf.keras`
into Keras 2 for all later imports; keras-cv uses `tf.keras`, and would then fail to import.
"""

import functools
import os

import tensorflow as tf


@functools.cache
def quantizers():
    """The module `tensorflow_model_optimization.quantization.keras.quantizers`."""
    # TensorFlow decides what `tf.keras` is at its first use: here, before the variable is set.
    _ = tf.keras.version
    before = os.environ.get("TF_USE_LEGACY_KERAS")
    from tensorflow_model_optimization.quantization.keras import quantizers as module

    if before is None:
        os.environ.pop("TF_USE_LEGACY_KERAS", None)
    else:
        os.environ["TF_USE_LEGACY_KERAS"] = before
    return module
