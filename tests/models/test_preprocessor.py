"""The preprocessor does what the contract of a released model says."""

import cv2
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from skinkeras import models, tflite
from skinkeras.images.decoding import ImageError
from skinkeras.images.geometries import GEOMETRIES

MELANOMA = "melanoma_efficientnet_lite0_224"


@pytest.fixture
def photo(tmp_path):
    """A JPEG of 300 x 200 pixels, blue on the left and red on the right, that EXIF turns by a right angle."""
    pixels = np.zeros((200, 300, 3), np.uint8)
    pixels[:, :150, 2] = pixels[:, 150:, 0] = 255
    image, exif = Image.fromarray(pixels), Image.Exif()
    exif[0x0112] = 6  # the stored image is shown turned clockwise
    path = tmp_path / "photo.jpg"
    image.save(path, exif=exif, quality=95)
    return path


def test_a_preset_says_size_and_geometry():
    preprocessor = models.Preprocessor.from_preset(MELANOMA)
    assert (preprocessor.image_size, preprocessor.geometry) == (224, "crop")


def test_a_file_becomes_upright_rgb_of_0_to_255(photo):
    prepared = models.Preprocessor(64)(photo)
    assert prepared.shape == (64, 64, 3) and prepared.dtype == np.float32
    assert prepared[4, 32] == pytest.approx([0, 0, 255], abs=12)  # blue is on top now
    assert prepared[-4, 32] == pytest.approx([255, 0, 0], abs=12)


@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_it_prepares_as_the_classifier_of_a_file_does(geometry, photo):
    preprocessor = models.Preprocessor(224, geometry)
    classifier = tflite.Classifier(models.find_preset(MELANOMA).weights, geometry=geometry)
    pixels = np.random.default_rng(0).integers(0, 256, (250, 400, 3), dtype=np.uint8)
    for image in (photo, str(photo), Image.open(photo), pixels, pixels.astype("float64")):
        assert np.array_equal(preprocessor(image), classifier.prepare(image))


def test_areas_are_averaged():
    pixels = np.random.default_rng(0).integers(0, 256, (128, 128, 3), dtype=np.uint8)
    expected = cv2.resize(pixels, (32, 32), interpolation=cv2.INTER_AREA)
    assert np.array_equal(models.Preprocessor(32)(pixels), expected)


def test_several_images_are_a_batch_and_labels_are_passed_on(photo):
    preprocessor = models.Preprocessor(32)
    images, labels = preprocessor([photo, np.zeros((40, 50, 3))], [0, 1])
    assert images.shape == (2, 32, 32, 3) and labels == [0, 1]
    assert len(preprocessor(np.zeros((3, 40, 40, 3)), [0, 1, 1], [1, 1, 2])) == 3


def test_it_maps_over_a_dataset_of_files_and_of_pixels(photo):
    preprocessor = models.Preprocessor(32)
    files = tf.data.Dataset.from_tensor_slices(([str(photo)] * 3, [0, 1, 0])).map(preprocessor).batch(2)
    images, labels = next(iter(files))
    assert np.array_equal(images[1], preprocessor(photo)) and labels.shape == (2,)
    assert files.element_spec[0].shape == (None, 32, 32, 3)
    pixels = np.random.default_rng(0).integers(0, 256, (2, 40, 60, 3), dtype=np.uint8)
    mapped = next(iter(tf.data.Dataset.from_tensor_slices(pixels).map(preprocessor).batch(2)))
    assert np.array_equal(mapped, preprocessor(pixels))
    assert np.array_equal(mapped, preprocessor(tf.constant(pixels)))


def test_it_maps_over_batches_and_over_no_images(photo):
    preprocessor = models.Preprocessor(32)
    batches = tf.data.Dataset.from_tensor_slices([str(photo)] * 3).batch(2).map(preprocessor)
    assert batches.element_spec.shape == (None, 32, 32, 3)
    assert np.array_equal(np.concatenate(list(batches)), preprocessor([photo] * 3))
    pixels = np.random.default_rng(0).integers(0, 256, (3, 40, 60, 3), dtype=np.uint8)
    mapped = tf.data.Dataset.from_tensor_slices(pixels).batch(2).map(preprocessor)
    assert np.array_equal(np.concatenate(list(mapped)), preprocessor(pixels))
    assert preprocessor([]).shape == (0, 32, 32, 3)


def test_what_is_wrong_is_said_in_a_sentence(tmp_path):
    with pytest.raises(ImageError, match=r"absent\.jpg: no such file"):
        models.Preprocessor(32)(tmp_path / "absent.jpg")
    with pytest.raises(ValueError, match="geometry must be one of crop, squash, pad"):
        models.Preprocessor(32, "stretch")
    for size in (0, 224.0, "224"):
        with pytest.raises(ValueError, match="image_size must be at least 1, and a whole number"):
            models.Preprocessor(size)
    with pytest.raises(ImageError, match=r"must be \(height, width, 3\) numbers. Received: \(30, 40\)"):
        models.Preprocessor(32)(np.zeros((30, 40), np.uint8))
    with pytest.raises(ImageError, match=r"use PIL\.Image\.open\(io\.BytesIO\(data\)\)"):
        models.Preprocessor(32)(b"the bytes of a file")
