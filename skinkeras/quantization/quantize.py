"""Trained float model -> the same model with 8-bit rounding inside, to be calibrated on real images."""

import keras
from keras import layers

from skinkeras.layers import CBAM
from skinkeras.quantization.decomposition import check_known, decompose_layers
from skinkeras.quantization.flattening import flatten
from skinkeras.quantization.folding import fold_batch_norm
from skinkeras.quantization.graph import ancestors, consumers
from skinkeras.quantization.input_range import rescale_pixels
from skinkeras.quantization.layers import QUANTIZED_LAYERS, FakeQuantize, QuantizedRescaling
from skinkeras.quantization.recipe import FLOAT_FRONT, layer_recipe
from skinkeras.quantization.wiring import Wiring, separate_activation


def quantize(
    model: keras.Model,
    *,
    input_range: tuple[float, float] | None = None,
    scale_channels: bool = False,
    integers_from: str | None = None,
) -> keras.Model:
    """Builds the quantization-aware version of a trained model (Jacob et al. 2018).

    Models inside the model are taken apart, augmentation drops out, attention, LSTM cells and whatever else has no
    integer operation of its own are decomposed (`decompose_layers`), batch normalization is folded, kernels and
    activations are rounded to 8 bits where the integer operations of the exported file round them, and gradients pass
    straight through the rounding.
    `calibrate` the result before use; then it can be compiled (on a CPU with `jit_compile=False`, which is
    faster), fitted, saved and loaded like any Keras model, and `skinkeras.tflite.convert(..., kind="int8")`
    turns it into integers.

    Args:
        model: functional or Sequential `keras.Model` of the layers that `docs/quantization.md` lists or that
            `register` added, from one input (batch, height, width, channels) with pixels 0..255 that
            `Rescaling` layers (or `Normalization`, or arithmetic such as `image / 255`) read, directly or behind
            `ShadesOfGray`, which stays float.
        input_range: for a model that does not rescale pixels itself, the values that 0 and 255 had in its
            training, such as (0, 1); (0, 255) if it was trained on pixels as they are. A `Rescaling` layer in
            front then makes them from pixels.
        scale_channels: True scales the channels between a convolution, a swish and a depthwise convolution to fill
            one range (`equalization`). A model that is not fine-tuned keeps more of its decisions, for one more
            product a swish; benchmarks/README.md has what that gains and costs.
        integers_from: the name of the first layer to become integers; all that it depends on stays float, as in
            the file (mixed precision). The first blocks of EfficientNet-B cause most of its noise and are quick:
            `"block4a_expand_conv"`. None: everything becomes integers.

    Returns:
        A new model with the same input and outputs, and `FakeQuantize` layers in between. Its layers have
        the names of `decompose_layers`'s. It shares no weight with `model`.

    Raises:
        ValueError: there is no recipe for a layer (it is named), the model is subclassed or does not begin as
            described, LiteRT cannot run the resulting file, or no layer is called `integers_from`.
    """
    check_known(model)
    model = flatten(model)
    if input_range is not None:
        model = flatten(rescale_pixels(model, *input_range))
    _check_runs(model)
    folded = fold_batch_norm(decompose_layers(model))
    readers = consumers(folded)
    front = _front(folded, readers, integers_from)
    _check(folded, readers, front)
    quantized = keras.models.clone_model(
        folded,
        clone_function=lambda layer: _same_layer(layer) if layer.name in front else _quantized_layer(layer),
        call_function=Wiring(folded, readers, front, scale_channels=scale_channels),
    )
    for layer in folded.layers:
        if type(layer) in QUANTIZED_LAYERS and layer.name not in front:
            _copy_weights(layer, quantized.get_layer(layer.name))
        elif layer.weights:
            quantized.get_layer(layer.name).set_weights(layer.get_weights())
    return quantized


def is_quantized(model: keras.Model) -> bool:
    """True if `model` comes from `quantize`."""
    return any(isinstance(layer, FakeQuantize) for layer in model.layers)


def _check_runs(model: keras.Model) -> None:
    # Found by elimination on LiteRT 2.3, x86: an int8 file that combines a gate that scales channels by their
    # mean (squeeze-and-excitation), CBAM and LSTM cells makes XNNPACK free memory twice, and the process
    # dies. The file runs without XNNPACK, in float32, and with any two of the three.
    kinds = {type(layer) for layer in model.layers}
    gates = [
        layer.name
        for layer in model.layers
        if type(layer) is layers.Multiply and len({tuple(tensor.shape[1:]) for tensor in layer.input}) > 1
    ]
    if gates and {CBAM, layers.LSTMCell} <= kinds:
        raise ValueError(
            f"Model {model.name!r} has squeeze-and-excitation ({gates[0]!r}) in front of CBAM and LSTM "
            "cells; as integers, that crashes LiteRT's XNNPACK. Use a backbone without: EfficientNet-Lite or "
            "VGG16."
        )


def float_layers(model: keras.Model) -> tuple[str, ...]:
    """Names of the layers with a kernel that `quantize` has left in float, in front of its `integers_from`."""
    return tuple(layer.name for layer in model.layers if type(layer) in QUANTIZED_LAYERS)


def _front(model: keras.Model, readers: dict[str, list[str]], integers_from: str | None) -> frozenset[str]:
    """Names of the layers that stay float."""
    if integers_from is None:
        return frozenset()
    if integers_from not in readers:
        raise ValueError(f"Model {model.name!r} has no layer {integers_from!r} for integers_from to name.")
    return ancestors(readers, integers_from)


def _check(model: keras.Model, readers: dict[str, list[str]], float_front: frozenset[str]) -> None:
    inputs = [layer for layer in model.layers if isinstance(layer, layers.InputLayer)]
    if len(inputs) != 1 or len(model.input_shape) != 4:
        raise ValueError(
            f"quantize needs a model of one batch of images. Received inputs: {model.input_shape}"
        )
    front = set()
    behind = list(readers[inputs[0].name])
    while behind:
        layer = model.get_layer(behind.pop())
        if type(layer) in FLOAT_FRONT:
            behind += readers[layer.name]
        elif type(layer) is not layers.Rescaling:
            raise ValueError(
                f"quantize needs a Rescaling layer behind the input {inputs[0].name!r}; "
                f"{layer.name!r} of type {type(layer).__name__} reads it: say what range the model was "
                "trained on, as input_range=(0, 1), (-1, 1) or (0, 255)."
            )
        front.add(layer.name)
    for layer in model.layers:
        if layer not in inputs and layer.name not in front | float_front:
            layer_recipe(layer)


def _same_layer(layer: layers.Layer) -> layers.Layer:
    return type(layer).from_config(layer.get_config())


def _quantized_layer(layer: layers.Layer) -> layers.Layer:
    config = layer.get_config()
    if type(layer) is layers.Rescaling:
        return QuantizedRescaling.from_config(config)
    if type(layer) not in QUANTIZED_LAYERS:
        return type(layer).from_config(config)
    if separate_activation(layer) is not None and "activation" in config:
        config["activation"] = "linear"  # it becomes a layer of its own, with its own range
    return QUANTIZED_LAYERS[type(layer)].from_config(config)


def _copy_weights(source: layers.Layer, target: layers.Layer) -> None:
    # The first weights of a quantized layer are those of the original; its ranges follow.
    for variable, values in zip(target.weights, source.get_weights(), strict=False):
        variable.assign(values)
    target.quantized_kernel(training=True)  # sets the kernel's range
