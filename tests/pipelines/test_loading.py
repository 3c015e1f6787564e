"""From a folder or a label file to decoded images with labels and a split."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from pipelines.common.groups import BinaryDataOptions
from pipelines.common.loading import ImageLoader
from skinkeras import inputs
from skinkeras.datasets import DATASETS
from skinkeras.decoding import decode
from skinkeras.inputs.subsets import SUBSETS


@pytest.fixture
def load(tmp_path):
    """A function that loads the images of a folder."""

    def call(folder, data="folder", positive=("malignant",), split_file=tmp_path / "no split", **more):
        policy = more.pop("policy", inputs.OVERSAMPLING["none"])
        options = BinaryDataOptions(data=data, data_dir=folder, positive=positive, **more)
        loader = ImageLoader(options, 32, tmp_path / "cache", 0, options.positive, policy)
        return loader.load(split_file)

    return call


def test_good_data_is_split_whole(load, images):
    data = load(images)
    subsets = [data.subset(name) for name in SUBSETS]
    names = [name for subset in subsets for name in subset.table["image_id"]]
    assert sorted(names) == sorted(data.manifest.table["image_id"])
    for subset in subsets:  # what is read is what the table says
        paths = subset.table["image"].tolist()
        assert np.array_equal(subset.images.read(subset.rows), [decode(path, 32) for path in paths])
    train = data.subset("train")
    assert train.one_hot[:, 1].tolist() == train.malignant.tolist()
    assert train.labels.tolist() == train.malignant.tolist()


def test_counts_are_those_of_the_subsets(load, images):
    data = load(images, policy=inputs.OVERSAMPLING["g23"])
    counts = data.counts()
    assert counts["train"]["benign"] % 2 == 0 and counts["train"]["malignant"] % 4 == 0
    assert counts["train"]["benign"] / 2 + counts["validation"]["benign"] + counts["test"]["benign"] == 12
    for name in SUBSETS:
        assert sum(counts[name].values()) == len(data.subset(name).rows)


def test_variants_that_are_left_carry_their_own_image_and_label(load, images):
    (images / "benign" / "benign03.jpg").write_bytes(b"no image")
    data = load(images, policy=inputs.OVERSAMPLING["g23"], skip_bad_images=True)
    rows = data.variants.table
    assert rows["label"].value_counts()["malignant"] % 4 == 0
    assert "benign/benign03.jpg" not in set(rows["image_id"])
    kept = np.random.default_rng(0).random(len(rows)) < 0.6
    train = replace(data, kept=kept).subset("train")
    assert train.table["image_id"].tolist() == rows["image_id"][kept].tolist()
    assert train.labels.tolist() == (rows["label"][kept] == "malignant").astype(int).tolist()
    shown = train.images.read(train.rows)
    for image, path, variant in zip(shown, train.table["image"], rows["variant"][kept], strict=True):
        if variant == "itself":
            assert np.array_equal(image, decode(path, 32))
        else:  # turned and blurred noise keeps its mean colour
            assert image.mean(axis=(0, 1)) == pytest.approx(decode(path, 32).mean(axis=(0, 1)), abs=6)


def test_two_classes_whose_malignant_one_comes_first_are_put_in_order(load, folder_of_images):
    data = load(folder_of_images("malignant", "nevus"))
    assert data.manifest.classes == ("benign", "malignant")
    for subset in map(data.subset, SUBSETS):
        is_malignant = [Path(path).parent.name == "malignant" for path in subset.table["image"]]
        assert is_malignant == (subset.one_hot[:, 1] == 1).tolist()
        assert subset.malignant.tolist() == subset.one_hot[:, 1].tolist()


def test_finer_classes_are_learned_as_they_are_or_as_two(load, folder_of_images):
    data = load(folder_of_images("bcc", "mel", "nv"), positive=("bcc", "mel"))
    assert (data.manifest.classes, data.output_classes) == (("bcc", "mel", "nv"), ("benign", "malignant"))
    assert data.class_groups == (1, 1, 0)
    two = data.binary()
    assert two.manifest.classes == ("benign", "malignant")
    for name in SUBSETS:
        assert two.subset(name).labels.tolist() == data.subset(name).malignant.tolist()
    assert two.counts() == data.counts()


def test_missing_images_of_a_label_file_are_listed_or_left_out(load, tmp_path):
    classes = DATASETS["ham10000"].taxonomy.classes
    root = tmp_path / "ham"
    (root / "images").mkdir(parents=True)
    rows = [f"{name}{i},{name}{i},{name}" for name in classes for i in range(10)]
    (root / "labels.csv").write_text("\n".join(["image_id,lesion_id,dx", *rows]) + "\n")
    missing = {"mel3", "nv7", "df0"}
    random = np.random.default_rng(0)
    for name in sorted({row.split(",")[0] for row in rows} - missing):
        pixels = random.integers(0, 255, (40, 50, 3), np.uint8)
        assert cv2.imwrite(str(root / "images" / f"{name}.jpg"), pixels)
    with pytest.raises(
        FileNotFoundError, match=r"^3 of 70 images are missing: df0, mel3, nv7[.] .*--skip-bad-im"
    ):
        load(root, "ham10000", ("mel",))

    data = load(root, "ham10000", ("mel",), skip_bad_images=True)
    used = {name for subset in map(data.subset, SUBSETS) for name in subset.table["image_id"]}
    assert used == set(data.manifest.table["image_id"]) - missing
    assert len(used) == 67


def test_loading_writes_nothing_but_the_cache(load, images, tmp_path):
    before = set(tmp_path.iterdir())
    load(images)
    assert set(tmp_path.iterdir()) - before == {tmp_path / "cache"}
