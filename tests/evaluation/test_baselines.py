"""What the source, the file's size, dark corners and the mean colour reach."""

import numpy as np
import pytest
from sklearn import metrics as sk

from skinkeras.evaluation import BaselineImages, binary_baselines, file_sizes, image_features, source_scores


def sets(n=800, seed=0):
    """Training and test images whose sources and sizes say something; a lesion has two images."""
    rng = np.random.default_rng(seed)
    sources = rng.choice(["a", "b", "c"], n)
    labels = (rng.random(n) < np.where(sources == "a", 0.1, 0.4)).astype(int)
    features = {
        "file size": rng.normal(0, 1, n) - labels,
        "mean colour": rng.normal(0, 1, (n, 3)) + labels[:, None],
    }
    halves = []
    for rows in (slice(None, n // 2), slice(n // 2, None)):
        parts = {name: values[rows] for name, values in features.items()}
        halves.append(BaselineImages(labels[rows], sources[rows], parts))
    return halves


def test_a_source_scores_its_training_share():
    scores = source_scores(["a", "a", "a", "b", None], [0, 0, 1, 1, 0], ["b", "a", "new", None])
    np.testing.assert_allclose(scores, [1, 1 / 3, 2 / 5, 2 / 5])


def test_rows_are_the_baselines_on_test_images():
    train, test = sets()
    rows = {row["name"]: row for row in binary_baselines(train, test, np.arange(400) // 2)}
    assert list(rows) == ["source", "file size", "mean colour", "file size + mean colour"]
    expected = source_scores(train.sources, train.labels, test.sources)
    assert rows["source"]["roc_auc"] == pytest.approx(sk.roc_auc_score(test.labels, expected))
    # The source says nothing about images of one source.
    assert rows["source"]["within_source_auc"] == 0.5
    assert rows["source"]["within_source_auc_interval"] == (0.5, 0.5)
    # Smaller files are malignant here: a regression of one number keeps or turns its order.
    assert rows["file size"]["roc_auc"] == pytest.approx(
        sk.roc_auc_score(test.labels, -test.features["file size"])
    )
    assert rows["file size + mean colour"]["roc_auc"] > rows["mean colour"]["roc_auc"]
    for row in rows.values():
        low, high = row["roc_auc_interval"]
        assert 0 < low < row["roc_auc"] < high < 1


def test_labels_of_test_images_decide_nothing():
    train, test = sets()
    swapped = test._replace(labels=1 - np.asarray(test.labels))
    for first, second in zip(binary_baselines(train, test), binary_baselines(train, swapped), strict=True):
        assert first["roc_auc"] == pytest.approx(1 - second["roc_auc"])


def test_without_sources_there_is_no_row_and_no_pair():
    train, test = (images._replace(sources=None) for images in sets())
    rows = binary_baselines(train, test)
    assert [row["name"] for row in rows] == ["file size", "mean colour", "file size + mean colour"]
    assert all(row["within_source_auc"] is row["within_source_auc_interval"] is None for row in rows)
    assert binary_baselines(train._replace(features=None), test) == []


def test_features_by_hand():
    images = np.full((3, 20, 30, 3), 100, np.uint8)
    images[1, :2, :2] = 0  # one of the four corners, 2 x 2 pixels each
    images[2, 5, 5] = (100, 100, 160)
    features = image_features(images, [1, 10, 100])
    np.testing.assert_allclose(features["dark corners"], [100, 75, 100])
    np.testing.assert_allclose(features["mean colour"][0], [100, 100, 100])
    np.testing.assert_allclose(features["mean colour"][1], 100 - 100 * 4 / 600)
    np.testing.assert_allclose(features["mean colour"][2], [100, 100, 100.1])
    np.testing.assert_allclose(np.diff(features["file size"]), np.log(10))
    assert "file size" not in image_features(images)


def test_corners_have_the_luminance_of_their_colours():
    image = np.zeros((1, 10, 10, 3), np.uint8)
    image[..., 1] = 200
    np.testing.assert_allclose(image_features(image)["dark corners"], [0.587 * 200])


def test_blocks_of_images_are_all_images():
    images = np.random.default_rng(0).integers(0, 256, (600, 4, 4, 3), dtype=np.uint8)
    np.testing.assert_allclose(image_features(images)["mean colour"], images.mean(axis=(1, 2)))


def test_sizes_are_those_of_the_files(tmp_path):
    for name, size in (("a", 3), ("b", 5000)):
        (tmp_path / name).write_bytes(bytes(size))
    assert file_sizes([tmp_path / "a", str(tmp_path / "b")]).tolist() == [3, 5000]


def test_wrong_shapes_are_refused():
    with pytest.raises(ValueError, match="height, width, 3"):
        image_features(np.zeros((3, 8, 8), np.uint8))
    with pytest.raises(ValueError, match="one number per image"):
        image_features(np.zeros((3, 8, 8, 3), np.uint8), [1, 2])
