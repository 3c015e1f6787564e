"""Colour constancy inside the model, so that an app applies it as training did."""

import keras

from skinkeras.inputs.colour_constancy import check_shades_of_gray, shades_of_gray


@keras.saving.register_keras_serializable("skinkeras")
class ShadesOfGray(keras.layers.Layer):
    """Removes the colour of the light from images: `skinkeras.inputs.shades_of_gray` as a layer.

    It has no weights, computes in float32 under any dtype policy, and belongs directly after the input,
    before the normalization.

    Args:
        p, sigma, black, saturated: as for the function.

    Input: (batch, height, width, 3) RGB, float or uint8 in 0..255.
    Output: the same shape, float32 in 0..255.

    Raises:
        ValueError: an argument outside its range.

    Example:
        >>> inputs = keras.Input((224, 224, 3))
        >>> pixels = ShadesOfGray(p=6)(inputs)
    """

    def __init__(self, p=6, sigma=0.0, black=20.0, saturated=250.0, **kwargs):
        # With autocast, a half-precision policy would round the pixels before this layer.
        super().__init__(autocast=False, **kwargs)
        self.settings = {"p": p, "sigma": sigma, "black": black, "saturated": saturated}
        check_shades_of_gray(**self.settings)

    def call(self, images):
        return shades_of_gray(images, **self.settings)

    def get_config(self):
        return {**super().get_config(), **self.settings}
