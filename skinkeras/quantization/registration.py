"""Recipes for layers of one's own."""

from collections.abc import Callable

import keras

from skinkeras.quantization.layers import QUANTIZED_LAYERS
from skinkeras.quantization.recipe import ACTIVATIONS, LAYERS, LayerRecipe
from skinkeras.quantization.substitutes import SUBSTITUTES


def register(
    kind: type[keras.layers.Layer] | Callable,
    recipe: LayerRecipe | Callable,
    quantized: type[keras.layers.Layer] | None = None,
) -> None:
    """Says how `quantize` treats a type of layer, or an activation function, of one's own.

    It holds for this process and takes the place of an earlier recipe for `kind`. Call it before `quantize`,
    and check the file with `skinkeras.tflite.verify`, which finds what did not become integers.

    Args:
        kind: a layer class (not its subclasses), or an activation function.
        recipe: a function that takes the layer and returns a layer, or a function of the layer's inputs, that
            computes the same from layers that have a recipe: it is called once a layer. Weights are set once
            the new layers are built. Or a `LayerRecipe`, if TensorFlow Lite has an integer operation for the
            layer as it is: it says which range the output has.
        quantized: for a `LayerRecipe` with `weights`, the layer class that computes with the rounded kernel, as
            `QuantizedConv2D` does for `Conv2D`; it is made from the config of the layer and begins with the
            same weights.

    Raises:
        TypeError: `kind` is neither a layer class nor a function, or `recipe` is something else.
        ValueError: a `LayerRecipe` with weights comes without `quantized`, or the reverse.

    Example:
        >>> class Scaled(keras.layers.Layer):
        ...     def __init__(self, factor, **kwargs):
        ...         super().__init__(**kwargs)
        ...         self.factor = factor
        ...     def call(self, inputs):
        ...         return self.factor * inputs
        ...     def get_config(self):
        ...         return {**super().get_config(), "factor": self.factor}
        >>> register(Scaled, lambda layer: keras.layers.Rescaling(layer.factor, name=layer.name))
        >>> image = keras.Input((8, 8, 3))
        >>> features = keras.layers.Conv2D(4, 3)(keras.layers.Rescaling(1 / 255)(image))
        >>> model = quantize(keras.Model(image, Scaled(0.5, name="scaled")(features)))
        >>> type(model.get_layer("scaled")).__name__
        'QuantizedDepthwiseConv2D'
    """
    is_layer = isinstance(kind, type) and issubclass(kind, keras.layers.Layer)
    if not is_layer and (isinstance(kind, type) or not callable(kind)):
        raise TypeError(f"register takes a layer class or an activation function. Received: {kind!r}")
    if not isinstance(recipe, LayerRecipe):
        if not callable(recipe) or quantized is not None:
            raise TypeError(f"The recipe must be a LayerRecipe or, alone, a function. Received: {recipe!r}")
        SUBSTITUTES[kind] = recipe
        return
    if (recipe.weights is None) != (quantized is None):
        raise ValueError(
            f"A recipe with weights needs the layer that rounds them, as quantized=, and no other does. "
            f"Received: recipe={recipe}, quantized={quantized}"
        )
    SUBSTITUTES.pop(kind, None)
    (LAYERS if is_layer else ACTIVATIONS)[kind] = recipe
    if quantized is not None:
        QUANTIZED_LAYERS[kind] = quantized
