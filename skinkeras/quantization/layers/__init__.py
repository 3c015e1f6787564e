"""Keras 3 layers that host the quantizers of tensorflow-model-optimization."""

from skinkeras.quantization.layers.activations import (
    FakeQuantize,
    FixedFakeQuantize,
    QuantizedRescaling,
    range_around_zero,
)
from skinkeras.quantization.layers.kernels import (
    QUANTIZED_LAYERS,
    QuantizedConv2D,
    QuantizedConv2DTranspose,
    QuantizedDense,
    QuantizedDepthwiseConv2D,
    QuantizedMergeClasses,
    QuantizedSpreadClasses,
)

__all__ = [
    "QUANTIZED_LAYERS",
    "FakeQuantize",
    "FixedFakeQuantize",
    "QuantizedConv2D",
    "QuantizedConv2DTranspose",
    "QuantizedDense",
    "QuantizedDepthwiseConv2D",
    "QuantizedMergeClasses",
    "QuantizedRescaling",
    "QuantizedSpreadClasses",
    "range_around_zero",
]
