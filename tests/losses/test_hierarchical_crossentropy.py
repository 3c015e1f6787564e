import math

import keras
import numpy as np
import pytest
import tensorflow as tf

from skinkeras.datasets import ISIC2018_TAXONOMY, Taxonomy
from skinkeras.losses import ClassWeighted, Curriculum, HierarchicalCrossentropy

# What the network says of the nodes of each level, in the order of the paper's hierarchy:
# melanocytic, non-melanocytic; melanoma, nevus, benign, malignant; bkl, df, vasc, bcc, akiec.
P = np.float32([0.5, 0.5, 0.1, 0.4, 0.3, 0.2, 0.5, 0.2, 0.1, 0.15, 0.05])
# Each class' probabilities along its path.
PATHS = {
    "akiec": (0.5, 0.2, 0.05),
    "bcc": (0.5, 0.2, 0.15),
    "bkl": (0.5, 0.3, 0.5),
    "df": (0.5, 0.3, 0.2),
    "mel": (0.5, 0.1),
    "nv": (0.5, 0.4),
    "vasc": (0.5, 0.3, 0.1),
}
ONE_OF_EACH = np.eye(7, dtype="float32")
PREDICTED = np.tile(P, (7, 1))


def losses(loss, y_true=ONE_OF_EACH, y_pred=PREDICTED):
    return np.asarray(loss.call(tf.constant(y_true), tf.constant(y_pred)))


def test_the_levels_add_up():
    # -ln(.5 * .2 * .05), -ln(.5 * .2 * .15), -ln(.5 * .3 * .5), ...; two levels for melanoma and nevus.
    expected = [5.298317, 4.199705, 2.590267, 3.506558, 2.995732, 1.609438, 4.199705]
    loss = HierarchicalCrossentropy(ISIC2018_TAXONOMY)
    assert losses(loss) == pytest.approx(expected, abs=1e-5)
    assert float(loss(ONE_OF_EACH, PREDICTED)) == pytest.approx(np.mean(expected), rel=1e-6)


def test_the_levels_of_focal_loss_add_up():
    loss = HierarchicalCrossentropy(
        ISIC2018_TAXONOMY, keras.losses.CategoricalFocalCrossentropy(alpha=1.0, gamma=2.0)
    )
    # Barata & Santiago 2021, eq. 6, along each path.
    expected = [sum(-((1 - p) ** 2) * math.log(p) for p in PATHS[name]) for name in PATHS]
    assert losses(loss) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("gap", [10.0, 17.0, 60.0])
def test_a_wrong_level_keeps_its_gradient_however_sure_the_network_is(gap):
    taxonomy = Taxonomy({"lesion": ("a", "x"), "x": ("b", "c")})
    logits = keras.Variable([[0.0, 0.0, gap, 0.0]])
    with tf.GradientTape() as tape:
        levels = [keras.ops.softmax(logits[:, :2]), keras.ops.softmax(logits[:, 2:])]
        value = HierarchicalCrossentropy(taxonomy)(
            np.float32([[0, 0, 1]]), keras.ops.concatenate(levels, axis=-1)
        )
    gradient = np.asarray(tape.gradient(value, logits.value))[0]
    assert gradient == pytest.approx([0.5, -0.5, 1, -1], abs=1e-4)


def test_predictions_below_the_end_of_a_branch_have_no_effect():
    # Label smoothing gives even an all-zero label a loss.
    loss = HierarchicalCrossentropy(
        ISIC2018_TAXONOMY, keras.losses.CategoricalCrossentropy(label_smoothing=0.1)
    )
    other = PREDICTED.copy()
    other[:, 6:] = [0.9, 0.025, 0.025, 0.025, 0.025]
    before, after = losses(loss), losses(loss, y_pred=other)
    same = before == after
    assert same.tolist() == [name in ("mel", "nv") for name in PATHS]
    with tf.GradientTape() as tape:
        tape.watch(y_pred := tf.constant(PREDICTED))
        value = loss(ONE_OF_EACH, y_pred)
    gradient = tape.gradient(value, y_pred).numpy()
    assert np.isfinite(gradient).all()
    assert (gradient[[4, 5], 6:] == 0).all() and (gradient[[0, 1, 2, 3, 6], 6:] != 0).any(axis=1).all()


def test_a_mixture_has_the_loss_of_the_mixture():
    loss = HierarchicalCrossentropy(ISIC2018_TAXONOMY)
    mixture = 0.25 * ONE_OF_EACH[:1] + 0.75 * ONE_OF_EACH[4:5]  # three levels and two
    assert losses(loss, mixture, P[None]) == pytest.approx([0.25 * 5.298317 + 0.75 * 2.995732], abs=1e-5)


def test_another_tree():
    taxonomy = Taxonomy({"root": ("a", "b"), "b": ("c", "d"), "d": ("e", "f")}, classes=("f", "e", "a", "c"))
    p = np.float32([[0.5, 0.5, 0.25, 0.75, 0.1, 0.9]])
    expected = [0.5 * 0.75 * 0.9, 0.5 * 0.75 * 0.1, 0.5, 0.5 * 0.25]
    found = losses(HierarchicalCrossentropy(taxonomy), np.eye(4, dtype="float32"), np.tile(p, (4, 1)))
    assert found == pytest.approx(-np.log(expected), abs=1e-5)


def test_weightings_wrap_it_as_any_other_loss():
    loss = HierarchicalCrossentropy(ISIC2018_TAXONOMY)
    plain, weights = losses(loss), [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]
    assert losses(ClassWeighted(loss, weights)) == pytest.approx(plain * weights)
    # Half of seven rounds to four: akiec, bcc and vasc (equal), df.
    kept = [1, 1, 0, 1, 0, 0, 1]
    assert losses(Curriculum(loss, "hardest", epochs=10)) == pytest.approx(plain * kept)
    weighted = ClassWeighted(Curriculum(loss, "hardest", epochs=10, per_class=True), weights)
    assert losses(weighted) == pytest.approx(plain * weights)


class OneNumber(keras.losses.Loss):
    def call(self, y_true, y_pred):
        return keras.ops.mean(y_pred)


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: HierarchicalCrossentropy({"a": ("b", "c")}), "must be a skinkeras.datasets.Taxonomy"),
        (lambda: HierarchicalCrossentropy(ISIC2018_TAXONOMY, "focal"), "base must be a keras.losses.Loss"),
        (
            lambda: HierarchicalCrossentropy(
                ISIC2018_TAXONOMY, ClassWeighted(keras.losses.CategoricalCrossentropy(), [1, 2])
            ),
            "a weighting goes around HierarchicalCrossentropy, not into it",
        ),
        (
            lambda: HierarchicalCrossentropy(ISIC2018_TAXONOMY, OneNumber())(ONE_OF_EACH, PREDICTED),
            r"one loss a sample, shape \(batch,\)\. Received: shape=\(\)",
        ),
        (
            lambda: HierarchicalCrossentropy(ISIC2018_TAXONOMY)(ONE_OF_EACH, ONE_OF_EACH),
            r"softmax over the nodes of each level, \[2, 4, 5\], shape \(batch, 11\)",
        ),
        (
            lambda: HierarchicalCrossentropy(ISIC2018_TAXONOMY)(ONE_OF_EACH[:, :6], PREDICTED),
            r"y_true must hold one-hot classes, shape \(batch, 7\)\. Received: shape=\(7, 6\)",
        ),
    ],
)
def test_invalid_arguments_and_shapes_are_refused(make, sentence):
    with pytest.raises(ValueError, match=sentence):
        make()
