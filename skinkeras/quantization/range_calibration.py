"""The ranges of a quantized model, measured on real images."""

from collections.abc import Iterable
from operator import methodcaller

import keras
import numpy as np

from skinkeras.quantization.equalization import FakeQuantizeSwishInput, ScaleChannels, equalize
from skinkeras.quantization.layers import FakeQuantize


def calibrate(model: keras.Model, batches: Iterable[np.ndarray]) -> None:
    """Sets the measured ranges of `quantize`'s model to those that round real images with the least squared
    error: all values that occur, or a narrower range where a few values are far outside. In a network with swish
    the error of each image counts as a share of its own signal, because there a single image may have values
    twice as large as those of all others, whose steps would widen for it alone.

    Where `quantize` was to scale channels, their scales are set first.

    A few hundred training images are enough. Ranges of an earlier calibration or training are discarded.

    Args:
        model: from `quantize`; changed in place.
        batches: (batch, height, width, channels) float32 images 0..255, without labels; kept in memory and
            read twice, three times if the model has channels to scale.

    Raises:
        ValueError: the model has nothing to calibrate, or `batches` is empty.
    """
    quantizers = [layer for layer in model.layers if isinstance(layer, FakeQuantize)]
    if not quantizers:
        raise ValueError(f"Model {model.name!r} has no FakeQuantize layer; call quantize(model) first.")
    batches = list(batches)
    if not batches:
        raise ValueError("calibrate needs at least one batch of images. Received: none")
    if any(isinstance(layer, ScaleChannels) for layer in model.layers):
        _pass(model, quantizers, methodcaller("measure_extremes"), batches)
        equalize(model)
    _pass(model, quantizers, methodcaller("measure_extremes"), batches)
    images_alike = any(isinstance(layer, FakeQuantizeSwishInput) for layer in quantizers)
    _pass(model, quantizers, methodcaller("compare_ranges", images_alike=images_alike), batches)
    for layer in quantizers:
        layer.choose_range()


def _pass(model, quantizers, begin, batches):
    for layer in quantizers:
        begin(layer)
    for batch in batches:
        model(batch, training=False)
