"""On how many devices a training runs, and in which precision."""

from contextlib import suppress

import keras
import tensorflow as tf

from skinkeras import layers, models
from skinkeras.errors import UsageError


def make_virtual_devices(count):
    """Divides the processor into `count` virtual devices where there is no GPU; before TensorFlow has used it."""
    if count is None or tf.config.list_physical_devices("GPU"):
        return
    processor = tf.config.list_physical_devices("CPU")[0]
    if len(tf.config.get_logical_device_configuration(processor) or [None]) >= count:
        return
    try:
        tf.config.set_logical_device_configuration(
            processor, [tf.config.LogicalDeviceConfiguration()] * count
        )
    except RuntimeError as error:  # TensorFlow has started
        raise UsageError(
            f"--devices {count} must be known before TensorFlow starts: start a new process."
        ) from error


def compute_in_order():
    """Makes TensorFlow add up in the same order every time, on one device of this machine; before TensorFlow starts.

    `enable_op_determinism` is not enough: where three or more gradients meet, as in batch normalization that learns
    and in attention, TensorFlow begins the sum with the one whose memory it can use again, and that depends on which
    other operations have finished. So they run one at a time, each still on all cores. Where TensorFlow has already
    started, only `enable_op_determinism` takes effect.
    """
    tf.config.experimental.enable_op_determinism()
    with suppress(RuntimeError):  # TensorFlow has started
        tf.config.threading.set_inter_op_parallelism_threads(1)


def strategy_of(name, devices=None):
    """The `tf.distribute` strategy in whose scope a model is made that is trained on these devices.

    Args:
        name: "one": TensorFlow's default; "mirrored": the same weights on each device of this machine, which shares
            the batch with the others.
        devices: how many; None: all GPUs.

    Raises:
        UsageError: there are not that many, or fewer than two.
    """
    if name == "one":
        return tf.distribute.get_strategy()
    kind = "GPU" if tf.config.list_logical_devices("GPU") else "CPU"
    names = [device.name for device in tf.config.list_logical_devices(kind)]
    if len(names) < (devices or 2):
        raise UsageError(
            f"--strategy mirrored needs {devices or 'two or more'} devices, and this machine has {len(names)} "
            f"{kind}{'s' * (len(names) != 1)}: choose --strategy one, or without a GPU --devices 2 to try it on "
            "virtual ones."
        )
    # On processors, collective operations (the default) only cost time.
    reduction = tf.distribute.ReductionToOneDevice() if kind == "CPU" else None
    return tf.distribute.MirroredStrategy(names[:devices], cross_device_ops=reduction)


def set_precision(model, precision):
    """Lets the layers in front of the head compute in another precision; their weights stay float32.

    The head stays float32, whose softmax and loss need its range, and so does colour constancy.

    Args:
        model: from `models.create`, changed in place, before it is compiled.
        precision: a Keras policy: "float32", "mixed_bfloat16" or "mixed_float16".
    """
    for layer in models.backbone_layers(model):
        fixed = isinstance(layer, keras.layers.InputLayer | layers.ShadesOfGray)
        if not fixed and layer.dtype_policy.name != precision:
            layer.dtype_policy = precision
