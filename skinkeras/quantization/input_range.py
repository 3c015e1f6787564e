"""The range of the values that a network was trained on, put into its graph."""

import keras
from keras import layers

from skinkeras.quantization.flattening import flatten, is_graph, leaves
from skinkeras.quantization.graph import consumers
from skinkeras.quantization.substitutes import AUGMENTATION

# What computes on values without bringing them to another range, and is trained on the range it gets.
_COMPUTES = (
    layers.Conv2D,
    layers.DepthwiseConv2D,
    layers.SeparableConv2D,
    layers.Dense,
    layers.BatchNormalization,
)
# What leaves the range as it is.
_PASSES = (
    *AUGMENTATION,
    layers.ZeroPadding2D,
    layers.Cropping2D,
    layers.Dropout,
    layers.Flatten,
    layers.Identity,
    layers.Permute,
    layers.Reshape,
    layers.MaxPooling2D,
    layers.AveragePooling2D,
)


def rescale_pixels(model: keras.Model, low: float, high: float) -> keras.Model:
    """The model behind a `Rescaling` of pixels 0..255 to the range that it was trained on.

    Apps and `.tflite` files here take pixels of 0..255. A network that was trained on images divided by 255 in
    the data pipeline gets these from a layer of its own.

    Args:
        model: functional or Sequential, built `keras.Model` of one image.
        low: the value that 0 had in training, such as 0 or -1.
        high: the value that 255 had in training, > `low`, such as 1.

    Returns:
        A model of the same layers, which shares its weights; its input is named `"image"`.

    Raises:
        ValueError: `high` is not above `low`, or the model has no single input.

    Example:
        >>> image = keras.Input((8, 8, 3))
        >>> model = keras.Model(image, keras.layers.GlobalMaxPooling2D()(image))
        >>> rescale_pixels(model, -1, 1)(np.full((1, 8, 8, 3), 255.0)).numpy().tolist()
        [[1.0, 1.0, 1.0]]
    """
    if not low < high:
        raise ValueError(f"The input range must be low < high. Received: {low} and {high}")
    if len(getattr(model, "inputs", None) or ()) != 1:
        raise ValueError(f"Model {model.name!r} has no single input to rescale.")
    image = keras.Input(model.inputs[0].shape[1:], name="image")
    rescaled = layers.Rescaling((high - low) / 255, float(low), name="rescale_pixels")(image)
    return keras.Model(image, model(rescaled), name=model.name)


def ignores_pixel_range(model: keras.Model) -> bool:
    """True if a convolution, dense layer or batch normalization reads the input as it is.

    The model was then trained on whatever range its images had: 0..255 or, as in most tutorials, 0..1.

    Args:
        model: any `keras.Model`; of one whose graph Keras does not know, the answer is False.
    """
    if not is_graph(model) or not all(map(is_graph, _inner_models(model))):
        return False
    flat = flatten(model)
    readers = consumers(flat)
    operations = {operation.name: operation for operation in flat.operations}
    behind = [layer.name for layer in flat.layers if isinstance(layer, layers.InputLayer)]
    while behind:
        operation = operations[behind.pop()]
        if isinstance(operation, _COMPUTES):
            return True
        if isinstance(operation, (layers.InputLayer, *_PASSES)) or type(operation).__name__ in (
            "Cast",
            "ConvertToTensor",
        ):
            behind += filter(None, readers[operation.name])
    return False


def _inner_models(model: keras.Model) -> list[keras.Model]:
    return [operation for operation in leaves(model) if isinstance(operation, keras.Model)]
