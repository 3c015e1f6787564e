"""What every augmentation and every oversampling policy must have."""

import re
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from skinkeras.inputs import AUGMENTATIONS, OVERSAMPLING, variant_table

ROOT = Path(__file__).parents[2]
DOCUMENTS = "\n".join(path.read_text() for path in (ROOT / "README.md", *(ROOT / "docs").rglob("*.md")))


@pytest.mark.parametrize("name", [*AUGMENTATIONS, *OVERSAMPLING])
def test_the_documents_name_it(name):
    assert re.search(rf"\b{name}\b", DOCUMENTS), f"say in README.md or docs/ what {name} does"


@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_an_augmentation_keeps_shape_range_and_dtype(name):
    row = AUGMENTATIONS[name]
    assert row.title
    images = np.random.default_rng(0).integers(0, 256, (4, 16, 16, 3)).astype("float32")
    augmented = row.build()(tf.constant(images), tf.constant([1, 2], tf.int64))
    assert augmented.shape == images.shape and augmented.dtype == tf.float32
    assert float(tf.reduce_min(augmented)) >= 0 and float(tf.reduce_max(augmented)) <= 255
    assert np.abs(augmented - images).mean() > 1


@pytest.mark.parametrize("name", OVERSAMPLING)
def test_a_policy_shows_each_image_as_it_is_and_as_often_as_it_says(name):
    policy = OVERSAMPLING[name]
    assert policy.title
    table = variant_table(["a", "b"], ["benign", "malignant"], policy, seed=0)
    shown = table.groupby("label")["variant"].apply(list)
    for label in ("benign", "malignant"):
        assert "itself" in shown[label]
        assert len(shown[label]) == len(policy.variants.get(label, ["itself"]))
