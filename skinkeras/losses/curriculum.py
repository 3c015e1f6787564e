"""Self-paced learning and online hard example mining, as a weighting of any loss."""

import math

import keras
import tensorflow as tf
from keras import ops

from skinkeras.losses.checks import check_number
from skinkeras.losses.training_steps import device_number, gather_over_devices, weighed_samples
from skinkeras.losses.weighting import Weighting

# Samples on one device, at most: each device's places in the global batch begin at a multiple of it.
_LARGEST_BATCH = 2**20


@keras.saving.register_keras_serializable("skinkeras")
class Curriculum(Weighting):
    """Learns from the easiest, or the hardest, samples of each batch first, and from all of them later.

    In a batch of M samples the m of lowest loss (`order="easiest"`: self-paced learning, SPL) or of
    highest loss (`order="hardest"`: online hard example mining, OHEM) weigh 1, the others 0, with

        m = M * sigmoid(a e),    a = 2 ln(2M - 1) / E

    at epoch e of E: m starts at M/2 and reaches M - 1/2, which rounds to M, at e = E/2; from there on all
    samples weigh 1. A half rounds up, so that at least one sample is always kept. Barata & Santiago 2021,
    eq. 9, with their condition on a solved for it.

    The epoch is state, the `age`: it starts at 0 and is moved by `skinkeras.callbacks.CurriculumAge`. It is
    part of `get_config`, so that a saved model goes on where it stopped. After `age.assign(epochs)` all
    samples weigh alike.

    Samples are ranked by the base's own loss, with the class weights that the base may have:
    `Curriculum(ClassWeighted(...))` sees a rare class as harder, `ClassWeighted(Curriculum(...))` does not.
    `sample_weight` in `fit` acts after the ranking, but a sample whose weight is 0 is not ranked and not part of M.
    Of equal losses the sample that comes first in the batch is kept. Gradient flows through the kept samples only.
    In a `tf.distribute` strategy the batch is the global one: the samples of all devices are ranked together.

    The mean is over all M samples, not over the kept ones: the paper multiplies losses by their weights
    and changes nothing else, and the loss keeps one value a sample for whatever reduces or wraps it. So
    SGD's step is m/M times that of the mean over the kept samples: in effect, its learning rate rises from
    half its value to the whole of it. Adam mostly undoes this.

    Args:
        base: a `keras.losses.Loss` that gives one value a sample, such as cross-entropy, focal loss or
            another weighting. Its own reduction is not used.
        order: `"easiest"` or `"hardest"`.
        epochs: int >= 1, the epochs of the training, E. With 1, the only epoch keeps half of a batch.
        per_class: whether to keep the same share m/M of each class in the batch, rounded in the same
            way, so that a class in the batch always keeps a sample; future work in the paper.
        age: float in [0, 1e12], the age at the start.
        reduction, name: as in Keras.

    Call: y_true and y_pred as the base wants them; with `per_class`, y_true is (batch, classes) one-hot
    -> loss, float32. M is the size of the batch, which may differ from call to call.

    Raises:
        ValueError: a value outside the ranges above, or, when called with `per_class`, labels that are not
            one-hot.

    Example:
        >>> loss = Curriculum(keras.losses.CategoricalCrossentropy(), "hardest", epochs=10, reduction=None)
        >>> values = loss([[0.0, 1.0], [0.0, 1.0]], [[0.5, 0.5], [0.2, 0.8]])
        >>> [round(float(value), 4) for value in values]
        [0.6931, 0.0]
    """

    def __init__(
        self,
        base,
        order,
        epochs,
        *,
        per_class=False,
        age=0.0,
        reduction="sum_over_batch_size",
        name="curriculum",
    ):
        super().__init__(base, reduction, name)
        if order not in ("easiest", "hardest"):
            raise ValueError(f'order must be "easiest" or "hardest". Received: order={order!r}')
        if not (1 <= epochs < math.inf and epochs == int(epochs)):
            raise ValueError(f"epochs must be a whole number >= 1. Received: epochs={epochs}")
        check_number("age", age)
        self.order = order
        self.epochs = int(epochs)
        self.per_class = per_class
        self.age = keras.Variable(age, dtype="float32", trainable=False, name="age")
        # Above 0, all samples weigh alike at any age.
        self.evaluating = keras.Variable(0.0, dtype="float32", trainable=False, name="evaluating")

    @property
    def variables(self):
        return [self.age, *super().variables]

    def sample_weights(self, y_true, losses):
        classes = _classes(y_true) if self.per_class else ops.zeros(ops.shape(losses)[:1], "int32")
        # A sample that weighs nothing is no sample: it gets a class of its own, which no other one is compared with.
        classes = ops.where(weighed_samples(losses) > 0, ops.cast(classes, "int32"), -1)
        place = ops.cumsum(ops.ones_like(classes)) + device_number() * _LARGEST_BATCH
        key = tf.stop_gradient(-losses if self.order == "hardest" else losses)
        all_keys = gather_over_devices(key)
        all_classes, all_places = ops.unstack(
            gather_over_devices(ops.stack([classes, place], axis=1)), axis=1
        )
        rivals = ops.equal(classes[:, None], all_classes[None, :])
        # Whether the sample of the column comes before that of the row. Comparing pairs ranks within
        # classes at no further cost, and cannot break ties in more than one way.
        lower = all_keys[None, :] < key[:, None]
        equal = ops.equal(all_keys[None, :], key[:, None])
        ahead = ops.logical_or(lower, ops.logical_and(equal, all_places[None, :] < place[:, None]))
        rank = ops.sum(ops.cast(ops.logical_and(rivals, ahead), losses.dtype), axis=1)
        group = ops.sum(ops.cast(rivals, losses.dtype), axis=1)
        batch = ops.maximum(ops.sum(ops.cast(all_classes >= 0, losses.dtype)), 1)
        return ops.cast(rank < ops.floor(group * self._share(batch) + 0.5), losses.dtype)

    def _share(self, batch):
        """m/M of Barata & Santiago 2021, eq. 9, before rounding."""
        growth = 2 * ops.log(2 * batch - 1) / self.epochs
        share = ops.sigmoid(growth * self.age)
        # At E/2, m is M - 1/2, which float32 makes a little less for some M, 64 among them.
        whole = ops.logical_or(2 * self.age >= self.epochs, self.evaluating > 0)
        return ops.where(whole, ops.ones_like(share), share)

    def get_config(self):
        return {
            **super().get_config(),
            "order": self.order,
            "epochs": self.epochs,
            "per_class": self.per_class,
            "age": float(ops.convert_to_numpy(self.age)),
        }


def _classes(y_true):
    y_true = ops.convert_to_tensor(y_true)  # Keras leaves lists as they are
    if len(y_true.shape) != 2 or y_true.shape[-1] == 1:
        raise ValueError(
            f"per_class needs y_true one-hot, shape (batch, classes). Received: shape={tuple(y_true.shape)}"
        )
    return ops.argmax(y_true, axis=-1)
