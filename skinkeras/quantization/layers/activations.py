"""Keras 3 layers that round activations to 8 bits, with the quantizers of tensorflow-model-optimization."""

import functools

import keras
import numpy as np
import tensorflow as tf
from keras import layers, ops

from skinkeras.quantization.averages import decide_halves
from skinkeras.quantization.fake_quantization import fake_quantize
from skinkeras.quantization.tfmot import RangeVariables, quantizers

_OUTPUT = {"num_bits": 8, "per_axis": False, "symmetric": False, "narrow_range": False}


def _fixed_quantizer(low: float, high: float):
    return functools.partial(fake_quantize, low=float(low), high=float(high), name="FixedQuantize")


def _scale(low: float, high: float) -> float:
    return float((np.float32(high) - np.float32(low)) / np.float32(255))


# Candidates for the end of a calibrated range, as shares of the greatest absolute value: 1 down to a 45th.
_SHARES = 2.0 ** -(np.arange(12) / 2)
# How far one batch may widen the range, as a multiple of it. Without a limit, an outlier that calibration cut
# off at a 30th makes the range five times as wide in 149 batches; with 1 the range cannot follow the weights.
_GROWTH = 2.0


@keras.saving.register_keras_serializable("skinkeras")
class FakeQuantize(layers.Layer):
    """Rounds its input to 256 levels of a measured range (asymmetric, per tensor).

    `calibrate` sets the range in two passes over the same images: `measure_extremes` lets it grow to all
    values that occur, then `compare_ranges` adds up the squared errors of rounding to it and to narrower
    ranges, and `choose_range` takes the range of the least error. A few values far outside (a swish behind a
    gate has some 50 times as large as the others) then no longer make the step between two levels wider than
    the signal.

    In training the range follows the batches' minimum and maximum as a moving average (decay 0.999), in which
    no batch counts for more than twice the range: the range follows the weights, and what was cut off does
    not come back at once. At inference it is fixed. Gradients pass straight through inside the range (Jacob
    et al. 2018, section 3).

    Called with `keep_range=True`, it rounds averages of values that it has rounded before, as integers do, and
    the range does not follow them.
    """

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self._measuring = False
        self._candidates, self._errors, self._error = [], [], _squared_error
        self._moving_average = quantizers().MovingAverageQuantizer(**_OUTPUT)
        self._all_values = quantizers().AllValuesQuantizer(**_OUTPUT)

    def build(self, input_shape):
        self._range = self._moving_average.build(None, "range", RangeVariables(self))

    def call(self, inputs, training=False, keep_range=False):
        if keep_range:
            ends = self._range.values()
            return fake_quantize(decide_halves(inputs, *ends), *ends, name="MovingAvgQuantize")
        if self._measuring:
            return self._measured(inputs)
        if self._candidates:
            relevant = self.relevant(inputs)
            self._errors += [self._error(relevant, *limits) for limits in self._candidates]
        if training:
            # Only the extremes are passed: for a clipped copy of all inputs, the quantizer would keep that
            # copy for the backward pass.
            most = _GROWTH * ops.maximum(-self._range["min_var"], self._range["max_var"])
            extremes = self.relevant(ops.stack([ops.min(inputs), ops.max(inputs)]))
            extremes = ops.clip(extremes, -most, most)
            self._moving_average(extremes, True, weights=self._range)
        return fake_quantize(inputs, *self._range.values(), name="MovingAvgQuantize")

    def relevant(self, inputs):
        """The values that the range is to cover."""
        return inputs

    def _measured(self, inputs):
        """Lets the range grow to all relevant inputs; what the next layer reads."""
        return self._all_values(self.relevant(inputs), True, weights=self._range)

    def compute_output_shape(self, input_shape):
        return input_shape

    def measure_extremes(self):
        """Resets the range, which then grows with every batch."""
        self._measuring, self._candidates = True, []
        self._set_range(0.0, 0.0)

    def compare_ranges(self, *, images_alike=False):
        """Fixes the range; calls outside of a graph then add up the errors of candidate ranges.

        Args:
            images_alike: True divides the error of each image by its own sum of squares.
        """
        self._error = _relative_error if images_alike else _squared_error
        low, high = (float(variable) for variable in self._range.values())
        most = max(-low, high)
        self._measuring = False
        self._candidates = [(max(low, -most * share), min(high, most * share)) for share in _SHARES]
        self._errors = np.zeros(len(_SHARES))

    def choose_range(self):
        """Sets the range to the candidate of the least error."""
        self._set_range(*self._candidates[np.argmin(self._errors)])
        self._candidates = []

    def _set_range(self, low, high):
        self._range["min_var"].assign(low)
        self._range["max_var"].assign(high)

    @property
    def output_scale(self):
        """The distance between two levels of the output."""
        return _scale(*map(ops.convert_to_numpy, self.weights))


def _squared_error(values, low: float, high: float) -> float:
    # TensorFlow's operation refuses an empty range, whose only level is 0.
    rounded = tf.quantization.fake_quant_with_min_max_args(values, low, high) if low < high else 0.0
    return float(ops.sum(ops.square(values - rounded)))


def _relative_error(values, low: float, high: float) -> float:
    rounded = tf.quantization.fake_quant_with_min_max_args(values, low, high) if low < high else 0.0
    axes = range(1, len(values.shape))
    noise, signal = (ops.sum(ops.square(part), axis=tuple(axes)) for part in (values - rounded, values))
    return float(ops.sum(noise / ops.maximum(signal, keras.config.epsilon())))


@keras.saving.register_keras_serializable("skinkeras")
class FixedFakeQuantize(layers.Layer):
    """Rounds its input to 256 levels of the range low..high, shifted by less than one level so that 0 is one
    of them.

    Args:
        low: float <= 0.
        high: float >= 0.

    Called with `keep_range=True`, it rounds averages of values that it has rounded before, as integers do.
    """

    def __init__(self, low, high, **kwargs):
        super().__init__(**kwargs)
        self.low, self.high = float(low), float(high)
        self._quantizer = _fixed_quantizer(self.low, self.high)

    def call(self, inputs, keep_range=False):
        return self._quantizer(decide_halves(inputs, self.low, self.high) if keep_range else inputs)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "low": self.low, "high": self.high}

    @property
    def output_scale(self):
        """The distance between two levels of the output."""
        return _scale(self.low, self.high)


@keras.saving.register_keras_serializable("skinkeras")
class QuantizedRescaling(layers.Rescaling):
    """Normalization of pixels 0..255 that starts from the pixels' own 256 levels and stays in integers.

    The pixels are quantized with scale 1 (whole numbers stay exact), multiplied, and shifted by the offset;
    each result has the fixed range that 0..255 maps to. In the exported file these are an integer MUL and
    ADD after the first QUANTIZE, so that a file with uint8 input has no float at all.
    """

    def build(self, input_shape):
        pixels = np.array([[0.0], [255.0]])
        products = pixels * np.asarray(self.scale)
        sums = products + np.asarray(self.offset)
        self._products = _fixed_quantizer(min(products.min(), 0), max(products.max(), 0))
        limits = range_around_zero(sums.min(), sums.max())
        self._sums = _fixed_quantizer(*limits)
        self.limits = limits
        self.output_scale = _scale(*limits)

    def call(self, inputs):
        pixels = _fixed_quantizer(0, 255)(inputs)
        products = self._products(pixels * _rounded_constant(self.scale))
        return self._sums(products + _rounded_constant(self.offset))


def _rounded_constant(values: float | list[float]):
    # One number is always a level of its own range; three, one per colour, share a scale and are rounded.
    values = np.asarray(values, "float32")
    if not values.any():
        return values
    return _fixed_quantizer(min(values.min(), 0), max(values.max(), 0))(values)


def range_around_zero(low: float, high: float) -> tuple[float, float]:
    """A range of 256 levels that covers low..high and has a level at exactly 0.

    One of the levels is given up for the shift. Without the shift, -1..1 would put the pixels of 0..255
    halfway between two levels, where Keras and LiteRT round differently.

    Example:
        >>> range_around_zero(-1, 1)   # 127 levels below zero, 128 above, 1/127 apart
        (-1.0, 1.0078740157480315)
    """
    low, high = min(low, 0.0), max(high, 0.0)
    step = (high - low) / 254
    below = round(-low / step)
    return -below * step, (255 - below) * step
