"""Quantization-aware training: what is quantized (recipe), folding, fake-quantized layers, calibration."""

from skinkeras.quantization.biases import round_biases
from skinkeras.quantization.calibration_folding import fold_calibration
from skinkeras.quantization.decomposition import decompose_layers
from skinkeras.quantization.folding import fold_batch_norm
from skinkeras.quantization.layer_noise import LayerNoise, layer_noise
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
from skinkeras.quantization.quantize import calibrate, is_quantized, quantize

__all__ = [
    "FakeQuantize",
    "FixedFakeQuantize",
    "LayerNoise",
    "QuantizedConv2D",
    "QuantizedDense",
    "QuantizedDepthwiseConv2D",
    "QuantizedMergeClasses",
    "QuantizedRescaling",
    "QuantizedSpreadClasses",
    "calibrate",
    "decompose_layers",
    "fold_batch_norm",
    "fold_calibration",
    "is_quantized",
    "layer_noise",
    "quantize",
    "round_biases",
]
