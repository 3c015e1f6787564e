"""How TensorFlow runs the datasets of this package."""

import tensorflow as tf


def reading_options(threads=None):
    """The `tf.data.Options` of every dataset here, which leave TensorFlow nothing to tune.

    All maps and prefetches name their parallelism. TensorFlow's tuner, left on, sleeps between its rounds, first
    10 ms, then twice as long each time up to a minute, and an iterator often cannot end before it wakes up: `fit`
    and `predict` then return up to twice as late as their last batch.

    Args:
        threads: int, threads of the dataset's own, beside those of the model's operations, which have only one to
            start them in a fixed order. None: the shared ones.
    """
    options = tf.data.Options()
    options.autotune.enabled = False
    if threads is not None:
        options.threading.private_threadpool_size = threads
    return options
