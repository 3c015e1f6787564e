"""Loads TensorFlow and Keras when work begins: commands that are refused before answer in a fraction of a second."""

import os
from contextlib import contextmanager

import skinkeras


def start_keras(seed=0, *, deterministic=True, strategy="one", devices=None):
    """Imports TensorFlow and Keras without their noise, and fixes every random seed.

    Args:
        seed: int.
        deterministic: whether threads have to add up in a fixed order.
        strategy: of the training. On several devices, operations wait for those of other devices, and have to run at
            the same time.
        devices: how many virtual ones the processor is divided into, if there is no GPU; None: it is not divided.

    Raises:
        ValueError: Keras' global settings are not those that the models need, or the machine cannot do what is
            asked for.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    skinkeras.check_keras_settings()
    with _quiet():
        import tensorflow as tf
    import keras

    from skinkeras.training import devices as of_training

    tf.get_logger().setLevel("ERROR")
    if devices:
        of_training.make_virtual_devices(devices)
    if deterministic and strategy == "one":
        of_training.compute_in_order()
    elif deterministic:
        tf.config.experimental.enable_op_determinism()
    keras.utils.set_random_seed(seed)


@contextmanager
def _quiet():
    """Sends the process's error stream nowhere: no setting silences what TensorFlow writes while loading."""
    stream, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(stream, 2)
        os.close(stream)
        os.close(nowhere)
