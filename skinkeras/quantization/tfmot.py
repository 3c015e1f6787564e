"""The quantizers of tensorflow-model-optimization, imported when first used and without side effects.

That package's API takes only Keras 2 models, but its quantizers are plain functions of variables
that a Keras 3 layer can create. Its import, however, sets TF_USE_LEGACY_KERAS=1, which turns `tf.keras`
into Keras 2 for all later imports; keras-cv uses `tf.keras`, and would then fail to import.
"""

import functools
import os

import keras
import tensorflow as tf
from keras import layers


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


class RangeVariables:
    """Passed to a quantizer's `build` as its layer: creates the range as weights of a Keras 3 layer."""

    def __init__(self, layer: layers.Layer):
        self.layer = layer

    def add_weight(self, name, shape=None, initializer=None, trainable=False):
        variable = self.layer.add_weight(
            name=name,
            shape=() if shape is None else (shape,),
            initializer=keras.initializers.Constant(initializer.value),
            trainable=trainable,
        )
        return variable.value  # the tf.Variable: the quantizers assign to it
