"""The loss of a network that diagnoses level by level."""

import keras
import numpy as np
from keras import ops

from skinkeras.datasets.taxonomy import Taxonomy
from skinkeras.losses.logits import logits_of, takes_logits, with_from_logits


@keras.saving.register_keras_serializable("skinkeras")
class HierarchicalCrossentropy(keras.losses.Loss):
    """The sum of a loss over the levels of a taxonomy that a sample has.

        L_n = sum over levels l = 1 .. L_n of  base(y_n^l, p_n^l)

    Barata & Santiago 2021, eq. 10. L_n is the level at which the branch of the sample's class ends; what
    the network says of deeper levels has no effect. Labels stay those of the classes: the node of each
    level follows from them. So a weighting wraps this loss as it wraps any other, for example
    `ClassWeighted(HierarchicalCrossentropy(taxonomy), weights)`.

    The paper sums, so that a class at the third level has about one and a half times the loss, and the
    gradient, of one at the second.

    Args:
        taxonomy: a `skinkeras.datasets.Taxonomy`.
        base: a `keras.losses.Loss` without state that gives one value a sample for any number of classes,
            such as focal loss; None is cross-entropy. Keras' focal loss has alpha=0.25, the paper's has
            none: `keras.losses.CategoricalFocalCrossentropy(alpha=1.0)`.
        reduction, name: as in Keras.

    Call: y_true (batch, classes), one-hot in the order of `taxonomy.classes` (or a mixture: its loss is
    the mixture's, for a base that is linear in the labels); y_pred (batch, nodes): side by side the softmax
    of each level, as `skinkeras.models.level_model` gives them -> loss, float32.

    Raises:
        ValueError: `taxonomy` or `base` is of another type, or, when called, a shape is not as above.

    Example:
        >>> taxonomy = Taxonomy({"lesion": ("nevus", "other"), "other": ("benign", "malignant")})
        >>> loss = HierarchicalCrossentropy(taxonomy, reduction=None)
        >>> p = [0.5, 0.5, 0.25, 0.75]   # nevus, other; benign, malignant
        >>> values = loss([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]], [p, p])   # ln 2; ln 2 + ln 4
        >>> [round(float(value), 4) for value in values]
        [0.6931, 2.0794]
    """

    def __init__(
        self, taxonomy, base=None, reduction="sum_over_batch_size", name="hierarchical_crossentropy"
    ):
        super().__init__(name=name, reduction=reduction)
        if not isinstance(taxonomy, Taxonomy):
            raise ValueError(f"taxonomy must be a skinkeras.datasets.Taxonomy. Received: {taxonomy!r}")
        self.taxonomy = taxonomy
        self.base = keras.losses.CategoricalCrossentropy() if base is None else base
        # Losses of this package with state or class weights are for one set of classes, not for several levels.
        if not isinstance(self.base, keras.losses.Loss) or hasattr(self.base, "variables"):
            raise ValueError(
                "base must be a keras.losses.Loss for any number of classes, such as focal loss; a weighting "
                f"goes around HierarchicalCrossentropy, not into it. Received: base={base!r}"
            )
        self._on_logits = takes_logits(self.base) and with_from_logits(self.base, from_logits=True)
        self._members = [
            _members(columns, len(level))
            for columns, level in zip(taxonomy.columns, taxonomy.levels, strict=True)
        ]

    def call(self, y_true, y_pred):
        y_pred = ops.convert_to_tensor(y_pred)
        y_true = ops.cast(y_true, y_pred.dtype)
        sizes = [members.shape[1] for members in self._members]
        _check_width("y_true", y_true, len(self.taxonomy.classes), "one-hot classes,")
        _check_width("y_pred", y_pred, sum(sizes), f"a softmax over the nodes of each level, {sizes},")
        levels = ops.split(y_pred, np.cumsum(sizes)[:-1].tolist(), axis=-1)
        return sum(self._of_level(y_true, *level) for level in zip(self._members, levels, strict=True))

    def _of_level(self, y_true, members, y_pred):
        labels = ops.matmul(y_true, ops.cast(members, y_pred.dtype))
        # 1 where the sample has this level, 0 where it has none: an all-zero label is not enough, because
        # label smoothing in the base would give it a loss.
        present = ops.sum(labels, axis=-1)
        labels = labels / ops.where(present > 0, present, ops.ones_like(present))[:, None]
        if self._on_logits:
            losses = self._on_logits.call(labels, logits_of(y_pred))
        else:
            losses = self.base.call(labels, y_pred)
        if len(losses.shape) != 1:
            raise ValueError(
                f"base must give one loss a sample, shape (batch,). Received: shape={tuple(losses.shape)} "
                f"from base={self.base.name}"
            )
        return present * losses

    def get_config(self):
        return {
            **super().get_config(),
            "taxonomy": self.taxonomy.get_config(),
            "base": keras.saving.serialize_keras_object(self.base),
        }

    @classmethod
    def from_config(cls, config):
        taxonomy = Taxonomy(**config["taxonomy"])
        base = keras.saving.deserialize_keras_object(config["base"])
        return cls(**{**config, "taxonomy": taxonomy, "base": base})


def _members(columns, nodes):
    """(classes, nodes) of 0 and 1: which node of a level each class counts towards, if any."""
    members = np.zeros((len(columns), nodes), "float32")
    for row, column in enumerate(columns):
        if column is not None:
            members[row, column] = 1
    return members


def _check_width(name, values, width, meaning):
    if len(values.shape) != 2 or values.shape[1] not in (None, width):
        raise ValueError(
            f"{name} must hold {meaning} shape (batch, {width}). Received: shape={tuple(values.shape)}"
        )
