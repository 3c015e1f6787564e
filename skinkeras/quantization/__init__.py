"""Quantization-aware training: what is quantized (recipe), folding, fake-quantized layers, calibration."""

from skinkeras.quantization.biases import round_biases
from skinkeras.quantization.calibration_folding import fold_calibration
from skinkeras.quantization.decomposition import decompose_layers
from skinkeras.quantization.equalization import FakeQuantizeSwishInput, ScaleChannels
from skinkeras.quantization.folding import fold_batch_norm
from skinkeras.quantization.input_range import ignores_pixel_range, rescale_pixels
from skinkeras.quantization.layer_noise import LayerNoise, layer_noise
from skinkeras.quantization.layers import (
    FakeQuantize,
    FixedFakeQuantize,
    QuantizedConv2D,
    QuantizedConv2DTranspose,
    QuantizedDense,
    QuantizedDepthwiseConv2D,
    QuantizedMergeClasses,
    QuantizedRescaling,
    QuantizedSpreadClasses,
)
from skinkeras.quantization.quantize import float_layers, is_quantized, quantize
from skinkeras.quantization.range_calibration import calibrate
from skinkeras.quantization.recipe import PER_AXIS, PER_TENSOR, LayerRecipe, Output
from skinkeras.quantization.registration import register

__all__ = [
    "PER_AXIS",
    "PER_TENSOR",
    "FakeQuantize",
    "FakeQuantizeSwishInput",
    "FixedFakeQuantize",
    "LayerNoise",
    "LayerRecipe",
    "Output",
    "QuantizedConv2D",
    "QuantizedConv2DTranspose",
    "QuantizedDense",
    "QuantizedDepthwiseConv2D",
    "QuantizedMergeClasses",
    "QuantizedRescaling",
    "QuantizedSpreadClasses",
    "ScaleChannels",
    "calibrate",
    "decompose_layers",
    "float_layers",
    "fold_batch_norm",
    "fold_calibration",
    "ignores_pixel_range",
    "is_quantized",
    "layer_noise",
    "quantize",
    "register",
    "rescale_pixels",
    "round_biases",
]
