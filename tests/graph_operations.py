"""The operations of a training step as TensorFlow runs them."""

import re
from contextlib import contextmanager

import tensorflow as tf
from tensorflow.python.framework import config

# Raise `UnimplementedError` on a GPU after `tf.config.experimental.enable_op_determinism()`, by the messages in
# TensorFlow 2.21's library; FusedBatchNormGrad only with `is_training=False`.
RAISING = re.compile(
    "FakeQuantWithMinMaxVars(PerChannel)?Gradient|(Dense)?Bincount|Dilation2DBackprop(Input|Filter)|MaxPoolGradWithArgmax|"
    "Svd|ResizeNearestNeighborGrad|AdjustContrast(v2)?|SparseTensorDenseMatMul|CropAndResizeGrad(Boxes|Image)|"
    "FusedBatchNormGrad(V2|V3)?|(Sparse)?SoftmaxCrossEntropyWithLogits|Scatter(Add|Sub|Mul|Div|Min|Max|Update)|"
    "DebugNumericSummaryV2|Timestamp"
)
#: Raise for some types of numbers, and have no order that TensorFlow's documentation warrants for others.
REDUCTIONS = re.compile("(Unsorted|Sparse)?Segment.*")


def training_operations(model, classes=2):
    """The types of all operations of one training step of a compiled model, those of nested functions included."""
    model.optimizer.build(model.trainable_variables)
    images = tf.TensorSpec((4, *model.input_shape[1:]), tf.float32)
    labels = tf.TensorSpec((4, classes), tf.float32)
    step = tf.function(lambda images, labels: model.train_step((images, labels)), autograph=False)
    graph = step.get_concrete_function(images, labels).graph.as_graph_def()
    nodes = [*graph.node, *(node for function in graph.library.function for node in function.node_def)]
    return {node.op for node in nodes}


@contextmanager
def determinism():
    """TensorFlow's deterministic mode, in which some operations are traced as others; it has no public way back."""
    tf.config.experimental.enable_op_determinism()
    try:
        yield
    finally:
        config.disable_op_determinism()


def matching(pattern, operations):
    """Those of `operations` that `pattern` describes as a whole, in order."""
    return sorted(name for name in operations if pattern.fullmatch(name))
