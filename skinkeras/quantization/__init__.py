"""Quantization-aware training: what to quantize (recipe), folding, fake-quantized layers, calibration."""

from skinkeras.quantization.apply import calibrate, is_quantized, quantize
from skinkeras.quantization.biases import round_biases
from skinkeras.quantization.errors import LayerError, layer_errors
from skinkeras.quantization.folding import fold_batch_norm
from skinkeras.quantization.layers import (
    FakeQuantize,
    FixedFakeQuantize,
    QuantizedConv2D,
    QuantizedDense,
    QuantizedDepthwiseConv2D,
    QuantizedMergeClasses,
    QuantizedRescaling,
    QuantizedSpreadClasses,
)
from skinkeras.quantization.unfolding import unfold

__all__ = [
    "FakeQuantize",
    "FixedFakeQuantize",
    "LayerError",
    "QuantizedConv2D",
    "QuantizedDense",
    "QuantizedDepthwiseConv2D",
    "QuantizedMergeClasses",
    "QuantizedRescaling",
    "QuantizedSpreadClasses",
    "calibrate",
    "fold_batch_norm",
    "is_quantized",
    "layer_errors",
    "quantize",
    "round_biases",
    "unfold",
]
