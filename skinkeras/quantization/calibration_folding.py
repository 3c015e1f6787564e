"""Calibrated probabilities without an operation more: temperature and biases inside the last dense layer."""

import keras
import numpy as np
from keras import layers

from skinkeras.quantization.biases import round_biases
from skinkeras.quantization.graph import consumers, producers
from skinkeras.quantization.layers import FakeQuantize, QuantizedDense


def fold_calibration(model: keras.Model, calibration) -> None:
    """Puts a calibration into the dense layer in front of the softmax, so that every form of the model has it.

    softmax((x W + v) / T + b) is the softmax of a dense layer of kernel W / T and bias v / T + b.

    In a quantization-aware model the kernel's range is divided by T with the kernel, whose integers stay the same.
    The logits' range [low, high] becomes [low / T + min b, high / T + max b], so that no logit is clipped that was
    not clipped before; with biases the step between two logits therefore grows a little. The new bias is rounded as
    by `round_biases`. Logits are then rounded to other levels: the probabilities of two trained models differ from
    those of `calibration.apply` by a quarter of an int8 step on average and by up to five steps; without biases, by
    nothing. Fold when training has ended, after `round_biases`: further training would unlearn it.

    Fold once, into the uncalibrated model: two calibrations add up. `calibration.inverse` takes a float model back to
    what it was, up to rounding in float32, and a quantization-aware one too, except that its logits' range stays as
    wide as the biases made it. To train on, start from the uncalibrated model.

    Args:
        model: from `skinkeras.models.create` or `quantize` of such a model, with or without
            `skinkeras.layers.MergeClasses` behind the softmax; changed in place.
        calibration: a `skinkeras.evaluation.Calibration` of the classes of the softmax.

    Raises:
        ValueError: the model has no single softmax behind a dense layer, as a hierarchical model, whose levels would
            need a calibration each; or the calibration has another number of classes. The model is not changed.

    Example:
        >>> fold_calibration(model, fit_calibration(labels, model.predict(images)))  # doctest: +SKIP
    """
    dense, quantizer = _logits(model)
    temperature, bias = calibration.temperature, np.asarray(calibration.bias, np.float64)
    if bias.shape != (dense.units,):
        raise ValueError(
            f"Model {model.name!r} has {dense.units} classes in front of its softmax, the calibration {len(bias)}."
        )
    dense.bias.assign(np.asarray(dense.bias, np.float64) / temperature + bias)
    if quantizer is None:
        dense.kernel.assign(np.asarray(dense.kernel, np.float64) / temperature)
        return
    dense.scale_kernel(1 / temperature)
    low, high = quantizer.get_weights()
    # A range has to include 0.
    quantizer.set_weights(
        [min(low / temperature + bias.min(), 0.0), max(high / temperature + bias.max(), 0.0)]
    )
    round_biases(model)


def _logits(model: keras.Model) -> tuple[layers.Dense, FakeQuantize | None]:
    """The dense layer in front of the softmax, and the quantizer between them."""
    softmaxes = [layer for layer in model.layers if type(layer) is layers.Softmax]
    if len(softmaxes) == 1:
        readers = consumers(model)

        def producer(layer):
            return model.get_layer(producers(readers, layer.name)[0])

        before, quantizer = producer(softmaxes[0]), None
        if type(before) is FakeQuantize:
            before, quantizer = producer(before), before
        if type(before) is (layers.Dense if quantizer is None else QuantizedDense) and before.use_bias:
            return before, quantizer
    raise ValueError(
        f"Model {model.name!r} cannot be calibrated: that takes a dense layer with a bias in front of the only "
        f"softmax, and the model has {len(softmaxes)} softmax layers, as hierarchical models do, or another layer "
        "there."
    )
