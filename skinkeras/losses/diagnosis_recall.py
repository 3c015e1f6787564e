"""Cost-weighted recall cross-entropy for networks that learn finer classes than the question has."""

import keras
import numpy as np
from keras import ops

from skinkeras.losses.checks import check_number
from skinkeras.losses.class_weighted import check_one_hot
from skinkeras.losses.logits import logits_of
from skinkeras.losses.recall import RecallCrossentropy


@keras.saving.register_keras_serializable("skinkeras")
class DiagnosisRecallCrossentropy(RecallCrossentropy):
    """Recall cross-entropy of the groups that classes add up to, plus plain cross-entropy of the classes.

        L = recall cross-entropy of (sums of p over the groups)  +  diagnosis_weight * cross-entropy of p

    A network that learns seven diagnoses ranks melanoma better than one that learns "melanoma or not"
    (SIIM-ISIC 2020's first place: Ha, Liu and Liu, arXiv:2010.05351). Yet the cost of a miss belongs to the
    question that is asked. So the first term is Gilal et al. 2023, eq. 6 and 7, on benign against malignant,
    and the second separates the diagnoses, which are all one to the first.

    Args:
        groups: one int for every class of the network: the group it belongs to, from 0 upwards
            (see `skinkeras.layers.MergeClasses`).
        gamma, costs, floor, update, momentum, from_logits, label_smoothing, miss_rates: as in
            `RecallCrossentropy`, of the groups; the last group is the positive one.
        diagnosis_weight: float in [0, 1e12]; 0 leaves the recall term alone.
        reduction, name: as in Keras.

    Call: y_true (batch, len(groups)) one-hot, y_pred (batch, len(groups)) -> loss, float32.

    Raises:
        ValueError: a value outside the ranges above.

    Example:
        >>> loss = DiagnosisRecallCrossentropy(groups=(0, 0, 1), gamma=10)
        >>> round(float(loss([[1.0, 0.0, 0.0]], [[0.25, 0.25, 0.5]])), 4)   # 1 * ln 2 + ln 4
        2.0794
    """

    def __init__(
        self,
        groups,
        gamma=1.0,
        diagnosis_weight=1.0,
        *,
        costs=None,
        floor=0.01,
        update="batch",
        momentum=0.95,
        from_logits=False,
        label_smoothing=0.0,
        miss_rates=None,
        reduction="sum_over_batch_size",
        name="diagnosis_recall_crossentropy",
    ):
        self.groups = tuple(int(group) for group in groups)
        count = max(self.groups, default=0) + 1
        if set(self.groups) != set(range(count)):
            raise ValueError(f"groups must use every number from 0 upwards. Received: groups={self.groups}")
        check_number("diagnosis_weight", diagnosis_weight)
        super().__init__(
            gamma=gamma,
            costs=costs,
            classes=count,
            floor=floor,
            update=update,
            momentum=momentum,
            from_logits=True,
            label_smoothing=label_smoothing,
            miss_rates=miss_rates,
            reduction=reduction,
            name=name,
        )
        if len(self.costs) != count:
            raise ValueError(f"costs has {len(self.costs)} values for {count} groups.")
        self.diagnosis_weight = float(diagnosis_weight)
        # The parent's predictions are the groups', whose probabilities are sums of the classes'.
        self.from_logits_of_diagnoses = from_logits
        self._members = np.eye(count, dtype="float32")[list(self.groups)]

    def call(self, y_true, y_pred):
        y_pred = ops.convert_to_tensor(y_pred)
        y_true = ops.cast(y_true, y_pred.dtype)
        check_one_hot(y_true, len(self.groups), f"the loss is of {len(self.groups)} classes")
        members = ops.cast(self._members, y_pred.dtype)
        probabilities = ops.softmax(y_pred) if self.from_logits_of_diagnoses else y_pred
        of_groups = super().call(ops.matmul(y_true, members), logits_of(ops.matmul(probabilities, members)))
        of_diagnoses = keras.losses.categorical_crossentropy(
            y_true,
            y_pred,
            from_logits=self.from_logits_of_diagnoses,
            label_smoothing=self.label_smoothing,
        )
        return of_groups + self.diagnosis_weight * of_diagnoses

    def get_config(self):
        return {
            **super().get_config(),
            "groups": self.groups,
            "diagnosis_weight": self.diagnosis_weight,
            "from_logits": self.from_logits_of_diagnoses,
        }
