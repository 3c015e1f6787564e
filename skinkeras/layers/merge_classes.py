"""Probabilities of fine classes, added up into coarse classes."""

import keras
import numpy as np
from keras import ops


@keras.saving.register_keras_serializable("skinkeras")
class MergeClasses(keras.layers.Layer):
    """Adds the probabilities of fine classes into the coarse classes they belong to.

    A network that has learned seven diagnoses answers "melanoma or not" with
    p(malignant) = the sum of the malignant diagnoses' probabilities. The sum is one product with a fixed
    0/1 matrix inside the exported graph, so that an app gets two classes.

    Args:
        groups: one int for every input class: the index of the output class that it is added to.
            Every output class from 0 to max(groups) needs at least one input class.

    Input: (batch, len(groups)) float, probabilities that sum to 1.
    Output: (batch, max(groups) + 1) float, probabilities that sum to 1.

    Raises:
        ValueError: groups is empty, negative, or leaves an output class without an input class.

    Example:
        >>> merge = MergeClasses(groups=(0, 0, 1))
        >>> merge(np.array([[0.2, 0.3, 0.5]]))   # [[0.5, 0.5]]
    """

    def __init__(self, groups, **kwargs):
        super().__init__(**kwargs)
        self.groups = tuple(int(group) for group in groups)
        if not self.groups or set(self.groups) != set(range(max(self.groups) + 1)):
            raise ValueError(
                "MergeClasses needs groups that use every output index from 0 upwards. "
                f"Received: groups={self.groups}"
            )

    def build(self, input_shape):
        if input_shape[-1] != len(self.groups):
            raise ValueError(
                f"MergeClasses has groups for {len(self.groups)} classes but its input has {input_shape[-1]}."
            )
        matrix = np.eye(max(self.groups) + 1, dtype="float32")[list(self.groups)]
        # A weight and not a constant, so that quantization treats it like any other kernel.
        self.kernel = self.add_weight(
            name="kernel",
            shape=matrix.shape,
            initializer=lambda shape, dtype=None: ops.convert_to_tensor(matrix, dtype=dtype),
            trainable=False,
        )
        super().build(input_shape)

    def call(self, inputs):
        return ops.matmul(inputs, self.kernel)

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], max(self.groups) + 1)

    def get_config(self):
        return {**super().get_config(), "groups": self.groups}
