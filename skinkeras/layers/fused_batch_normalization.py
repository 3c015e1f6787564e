"""Batch normalisation that trains in one kernel instead of a dozen."""

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable("skinkeras")
class FusedBatchNormalization(keras.layers.BatchNormalization):
    """Keras' batch normalisation with TensorFlow's fused kernel for the training step.

    Keras 3 computes moments, normalisation and their gradients as separate operations, each of which
    reads and writes the whole activation: on a CPU, EfficientNet-Lite spends about half of its training
    step there. The numbers are the same up to float32 rounding, moving statistics included (of the
    biased variance, as Keras has them); prediction and saving are Keras' own.

    Args: those of `keras.layers.BatchNormalization`.

    Input and output: (batch, height, width, channels), float32. Anything else is computed by Keras' code.
    """

    def call(self, inputs, training=None, mask=None):
        if not (training and self.trainable and mask is None and self._fits(inputs)):
            return super().call(inputs, training=training, mask=mask)
        gamma, beta = tf.convert_to_tensor(self.gamma), tf.convert_to_tensor(self.beta)
        output, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
            x=inputs, scale=gamma, offset=beta, mean=[], variance=[], epsilon=self.epsilon, is_training=True
        )
        count = tf.cast(tf.reduce_prod(tf.shape(inputs)[:3]), variance.dtype)
        variance *= (count - 1) / count  # the kernel's is unbiased, Keras' is not
        for average, value in ((self.moving_mean, mean), (self.moving_variance, variance)):
            average.assign(average * self.momentum + tf.stop_gradient(value) * (1 - self.momentum))
        return output

    def _fits(self, inputs):
        return (
            len(inputs.shape) == 4
            and self.axis in (-1, 3)
            and inputs.dtype == self.compute_dtype == "float32"
            and self.scale
            and self.center
            and not (self.renorm or self.synchronized)
        )
