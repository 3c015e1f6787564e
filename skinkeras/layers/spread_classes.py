"""Values of coarse classes, copied to the fine classes that belong to them."""

import keras
import numpy as np
from keras import ops


@keras.saving.register_keras_serializable("skinkeras")
class SpreadClasses(keras.layers.Layer):
    """Gives every fine class the value of the coarse class it belongs to, and 1 to those that have none.

    The reverse of `MergeClasses`. The product of such values along a hierarchy of classes is the probability
    of the fine class; a 1 leaves the product unchanged where a branch has ended. One product with a fixed 0/1
    matrix plus a fixed 0/1 vector is one operation of the exported graph.

    Args:
        columns: for every fine class the index of its coarse class, or None for the value 1. At least one
            is not None.

    Input: (batch, coarse classes) float.
    Output: (batch, len(columns)) float.

    Raises:
        ValueError: columns has no index, a negative one, or, when called, one past the input's classes.

    Example:
        >>> spread = SpreadClasses(columns=(1, 1, 0, None))
        >>> spread(np.array([[0.2, 0.8]]))   # [[0.8, 0.8, 0.2, 1.0]]
    """

    def __init__(self, columns, **kwargs):
        super().__init__(**kwargs)
        self.columns = tuple(None if column is None else int(column) for column in columns)
        used = [column for column in self.columns if column is not None]
        if not used or min(used) < 0:
            raise ValueError(
                f"SpreadClasses needs columns >= 0 or None, not all None. Received: columns={self.columns}"
            )

    def build(self, input_shape):
        classes = input_shape[-1]
        kernel = np.zeros((classes, len(self.columns)), "float32")
        bias = np.zeros(len(self.columns), "float32")
        for fine, coarse in enumerate(self.columns):
            if coarse is None:
                bias[fine] = 1
            elif coarse < classes:
                kernel[coarse, fine] = 1
            else:
                raise ValueError(
                    f"SpreadClasses has column {coarse} but its input has {classes} classes, from 0 upwards."
                )
        # Weights and not constants, so that quantization treats them like those of any other layer.
        self.kernel = self._fixed("kernel", kernel)
        self.bias = self._fixed("bias", bias)
        super().build(input_shape)

    def _fixed(self, name, values):
        return self.add_weight(
            name=name,
            shape=values.shape,
            initializer=lambda shape, dtype=None: ops.convert_to_tensor(values, dtype=dtype),
            trainable=False,
        )

    def call(self, inputs):
        return ops.matmul(inputs, self.kernel) + self.bias

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], len(self.columns))

    def get_config(self):
        return {**super().get_config(), "columns": self.columns}
