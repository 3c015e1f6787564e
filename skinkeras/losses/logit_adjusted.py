"""Any loss of probabilities, as if every class were equally common."""

import keras
import numpy as np
from keras import ops

from skinkeras.losses.checks import check_counts, check_number
from skinkeras.losses.logits import logits_of, takes_logits, with_from_logits
from skinkeras.losses.training_steps import KnowsSampleWeights


@keras.saving.register_keras_serializable("skinkeras")
class LogitAdjusted(KnowsSampleWeights, keras.losses.Loss):
    """A loss of the predictions that the model would make at the class frequencies of the training set.

        q_c = pi_c^tau p_c / sum over classes d of pi_d^tau p_d        L = base(y, q)

    with pi_c = N_c / N. It adds tau ln pi_c to the logits, in training only. `q` has to learn how likely each
    class is in the training data, so that `p`, the model's own prediction, is how likely it would be if every
    class were equally common (tau = 1): the likeliest class of `p` is the right one for balanced accuracy.
    Unlike with class weights, no rare image outweighs many others in a step. Menon et al. 2021
    (arXiv:2007.07314), eq. 10, where `base` is cross-entropy.

    Args:
        base: a `keras.losses.Loss` of one-hot labels that has `from_logits`, such as cross-entropy or focal
            loss; it says whether predictions are logits or probabilities. Its own reduction is not used.
        class_counts: one finite number > 0 for every class: its training samples, N_c.
        tau: float in [0, 1e12]; 0 leaves the base as it is.
        reduction, name: as in Keras.

    Call: y_true (batch, classes) one-hot, y_pred (batch, classes) -> loss, float32.

    Raises:
        ValueError: a value outside the ranges above, or, when called, predictions of another number of
            classes.

    Example:
        >>> loss = LogitAdjusted(keras.losses.CategoricalCrossentropy(), [75, 25])
        >>> round(float(loss([[0.0, 1.0]], [[0.5, 0.5]])), 4)   # -ln(1/4)
        1.3863
    """

    def __init__(self, base, class_counts, tau=1.0, reduction="sum_over_batch_size", name="logit_adjusted"):
        super().__init__(name=name, reduction=reduction)
        if not (isinstance(base, keras.losses.Loss) and takes_logits(base)):
            raise ValueError(
                f"base must be a keras.losses.Loss that has from_logits. Received: base={base!r}"
            )
        check_number("tau", tau)
        self.class_counts = check_counts(class_counts)
        self.tau = float(tau)
        self.from_logits = base.get_config()["from_logits"]
        self.base = with_from_logits(base, from_logits=True)
        self._shifts = (self.tau * np.log(np.array(self.class_counts) / np.sum(self.class_counts))).tolist()

    @property
    def variables(self):
        """The state of the base, which a resumed run needs, as a list of Keras variables."""
        return list(getattr(self.base, "variables", []))

    def call(self, y_true, y_pred):
        y_pred = ops.convert_to_tensor(y_pred)
        if len(y_pred.shape) != 2 or y_pred.shape[1] not in (None, len(self._shifts)):
            raise ValueError(
                f"y_pred must have the shape (batch, {len(self._shifts)}): there are that many class "
                f"counts. Received: shape={tuple(y_pred.shape)}"
            )
        logits = y_pred if self.from_logits else logits_of(y_pred)
        y_true = ops.cast(y_true, logits.dtype)
        return self.base.call(y_true, logits + ops.cast(self._shifts, logits.dtype))

    def get_config(self):
        base = keras.saving.serialize_keras_object(with_from_logits(self.base, from_logits=self.from_logits))
        return {**super().get_config(), "base": base, "class_counts": self.class_counts, "tau": self.tau}

    @classmethod
    def from_config(cls, config):
        return cls(**{**config, "base": keras.saving.deserialize_keras_object(config["base"])})
