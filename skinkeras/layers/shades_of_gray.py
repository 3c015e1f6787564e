"""Colour constancy inside the model, so that an app applies it as training did."""

import keras
from keras import ops

from skinkeras.inputs.colour_constancy import check_shades_of_gray, shades_of_gray


@keras.saving.register_keras_serializable("skinkeras")
class ShadesOfGray(keras.layers.Layer):
    """Removes the colour of the light from images: `skinkeras.inputs.shades_of_gray` as a layer.

    It has no weights, computes in float32 under any dtype policy, and belongs directly after the input,
    before the normalization.

    Args:
        p, sigma, black, saturated, gamma: as for the function.
        in_training: whether images are corrected in training, too. False if the training images have been, by
            `correct`, before they were augmented, as in both papers: `skinkeras.training.train_phase` then does so.
            Evaluation and exported files correct them here in any case.

    Input: (batch, height, width, 3) RGB, float or uint8 in 0..255.
    Output: the same shape, float32 in 0..255.

    Raises:
        ValueError: an argument outside its range.

    Example:
        >>> inputs = keras.Input((224, 224, 3))
        >>> pixels = ShadesOfGray(p=6)(inputs)
    """

    def __init__(self, p=6, sigma=0.0, black=20.0, saturated=250.0, gamma=1.0, *, in_training=True, **kwargs):
        # With autocast, a half-precision policy would round the pixels before this layer.
        super().__init__(autocast=False, **kwargs)
        self.settings = {"p": p, "sigma": sigma, "black": black, "saturated": saturated, "gamma": gamma}
        self.in_training = in_training
        check_shades_of_gray(**self.settings)

    def correct(self, images):
        """What the layer makes of images (batch, height, width, 3) outside training: float32 in 0..255."""
        return shades_of_gray(images, **self.settings)

    def call(self, images, training=False):
        if training and not self.in_training:
            return ops.cast(images, "float32")
        return self.correct(images)

    def get_config(self):
        return {**super().get_config(), **self.settings, "in_training": self.in_training}
