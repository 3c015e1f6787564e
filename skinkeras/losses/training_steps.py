"""What a loss with state needs to know of the step that it is called in.

Keras calls a loss in the same way for training and for evaluation, on each device with that device's samples, and
keeps the sample weights to itself. Here a loss learns whether a gradient is taken, what all devices counted, and
which samples weigh nothing.
"""

from contextvars import ContextVar

import tensorflow as tf
from keras import ops

# A context variable is a thread's own: each device of a `tf.distribute` strategy has a thread.
_sample_weight = ContextVar("sample_weight", default=None)


class KnowsSampleWeights:
    """For a `keras.losses.Loss`: inside its `call`, `weighed_samples` knows the sample weights.

    A loss that wraps another one and calls its `call` needs this, too: only the outermost one is given weights.
    """

    def __call__(self, y_true, y_pred, sample_weight=None):
        token = _sample_weight.set(sample_weight)
        try:
            return super().__call__(y_true, y_pred, sample_weight)
        finally:
            _sample_weight.reset(token)


def weighed_samples(like):
    """(batch,) of the dtype of `like`, which has that shape: 1, or 0 for a sample whose `sample_weight` is 0."""
    weights = _sample_weight.get()
    if weights is None:
        return ops.ones_like(like)
    # Keras takes weights of the shape (batch,), (batch, 1) or ().
    weighed = ops.reshape(ops.not_equal(ops.convert_to_tensor(weights), 0), (-1,))
    return ops.ones_like(like) * ops.cast(weighed, like.dtype)


def sum_over_devices(values):
    """The sum of `values` over the devices of the `tf.distribute` strategy that the step runs in."""
    context = tf.distribute.get_replica_context()
    if context is None or context.num_replicas_in_sync == 1:
        return values
    return context.all_reduce(tf.distribute.ReduceOp.SUM, values)


def when_learning(losses, update, values):
    """`losses`, unchanged. When their gradient is taken, `update` is called.

    Evaluation takes no gradient. So `update` sees the samples that training learns from, whoever evaluates meanwhile,
    however many steps an execution has, and in a custom `train_step` too.

    Args:
        losses: tensor.
        update: function (sum of `values` over all devices), called once a step.
        values: tensor.
    """

    @tf.custom_gradient
    def identity(losses):
        def gradient(upstream):
            _once(update, tf.stop_gradient(values))
            return upstream

        return tf.identity(losses), gradient

    return identity(losses)


def _once(update, values):
    context = tf.distribute.get_replica_context()
    if context is None or context.num_replicas_in_sync == 1:
        update(values)
    else:
        # In here all devices meet: variables are read and written once, wherever they are kept.
        context.merge_call(
            lambda strategy, values: update(strategy.reduce(tf.distribute.ReduceOp.SUM, values, axis=None)),
            args=(values,),
        )


def gather_over_devices(values):
    """`values`, (n, ...), of all devices of the `tf.distribute` strategy that the step runs in, in their order."""
    context = tf.distribute.get_replica_context()
    if context is None or context.num_replicas_in_sync == 1:
        return values
    return context.all_gather(values, axis=0)


def device_number():
    """Which device of the `tf.distribute` strategy this is, from 0: an int32 tensor."""
    context = tf.distribute.get_replica_context()
    if context is None or context.num_replicas_in_sync == 1:
        return tf.constant(0)
    return tf.cast(context.replica_id_in_sync_group, tf.int32)
