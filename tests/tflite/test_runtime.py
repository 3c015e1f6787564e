import io
import subprocess
import sys
import zipfile

import keras
import numpy as np
import pytest
from exporting import exported
from icc_profiles import DISPLAY_P3
from PIL import Image, ImageCms
from small_efficientnet import pictures

from skinkeras import tflite
from skinkeras.images.decoding import decode


def test_a_file_alone_is_enough(files):
    images, labels = pictures(20, seed=5)
    classifier = tflite.Classifier(files["int8"][0], num_threads=2)
    probabilities = classifier.predict(images)
    assert (classifier.labels, classifier.input_size) == (("benign", "malignant"), (64, 64))
    assert (probabilities.shape, probabilities.dtype) == ((20, 2), np.float32)
    np.testing.assert_allclose(probabilities.sum(-1), 1, atol=0.02)
    assert (probabilities.argmax(-1) == labels.argmax(-1)).mean() > 0.9


def test_bytes_and_integers_are_images_too(files):
    images, _ = pictures(2, seed=5)
    for name in ("float32", "uint8"):
        classifier = tflite.Classifier(files[name][0])
        np.testing.assert_array_equal(classifier.predict(images.astype(np.uint8)), classifier.predict(images))


def test_images_of_another_size_are_refused(files):
    with pytest.raises(ValueError, match=r"shape \(n, 64, 64, 3\). Received: \(1, 32, 32, 3\)"):
        tflite.Classifier(files["int8"][0]).predict(np.zeros((1, 32, 32, 3)))


def test_benchmark_reports_each_number_of_threads(files):
    first, second = tflite.benchmark(files["int8"][0], threads=(1, 2), runs=20)
    assert (first.threads, second.threads, first.runs) == (1, 2, 20)
    assert 0 < first.p5_ms <= first.median_ms <= first.p95_ms
    assert first.load_ms > 0


@pytest.fixture
def photo(tmp_path):
    """An image larger and wider than the model's input, as a file without loss and as pixels."""
    pixels = np.repeat(pictures(1, seed=6)[0][0].astype(np.uint8), 4, axis=0)
    pixels = np.hstack([pixels[:, :20], np.repeat(pixels, 4, axis=1), pixels[:, -60:]])
    Image.fromarray(pixels).save(tmp_path / "photo.png")
    return tmp_path / "photo.png", pixels


def test_paths_arrays_and_pil_images_of_any_size_are_classified_as_training_sees_them(files, photo):
    path, pixels = photo
    classifier = tflite.Classifier(files["float32"][0])
    expected = classifier.predict(decode(path, 64)[None])
    ways = [
        path,
        str(path),
        pixels,
        pixels.astype(float) - 0.3 * (pixels > 0),
        Image.fromarray(pixels),
        Image.open(path),
    ]
    for way in ways:
        np.testing.assert_array_equal(classifier.classify(way), expected)
    np.testing.assert_array_equal(classifier.classify(ways), np.repeat(expected, 6, axis=0))
    # The largest centred square, averaged: rows of 4 x 4 equal pixels give the small image back exactly.
    np.testing.assert_array_equal(
        classifier.prepare(pixels[:, 20:-60]), pictures(1, seed=6)[0][0].astype(np.uint8)
    )


def test_the_camera_orientation_is_obeyed(files, photo, tmp_path):
    path, pixels = photo
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by 90 degrees clockwise
    turned = tmp_path / "turned.png"
    Image.fromarray(np.rot90(pixels)).save(turned, exif=exif)
    classifier = tflite.Classifier(files["float32"][0])
    np.testing.assert_array_equal(classifier.prepare(turned), classifier.prepare(path))
    np.testing.assert_array_equal(classifier.prepare(Image.open(turned)), classifier.prepare(path))


def test_a_colour_profile_is_converted_in_files_and_pil_images_alike(files, photo, tmp_path):
    path, pixels = photo
    profiled = tmp_path / "p3.png"
    Image.fromarray(pixels).save(profiled, icc_profile=DISPLAY_P3)
    classifier = tflite.Classifier(files["float32"][0])
    converted = classifier.prepare(profiled)
    np.testing.assert_array_equal(classifier.prepare(Image.open(profiled)), converted)
    assert np.abs(converted.astype(int) - classifier.prepare(path)).max() > 10
    srgb, p3 = ImageCms.createProfile("sRGB"), ImageCms.ImageCmsProfile(io.BytesIO(DISPLAY_P3))
    reference = ImageCms.profileToProfile(
        Image.fromarray(pixels), p3, srgb, ImageCms.Intent.RELATIVE_COLORIMETRIC
    )
    assert np.abs(converted.astype(int) - classifier.prepare(np.asarray(reference))).max() <= 1


def test_images_are_read_batch_by_batch(files):
    read = []

    def endless():
        while True:
            read.append(1)
            yield np.zeros((70, 80, 3), np.uint8)

    batches = tflite.Classifier(files["float32"][0]).batches(endless(), batch_size=5)
    assert next(batches).shape == (5, 2)
    assert len(read) == 5
    assert tflite.Classifier(files["float32"][0]).classify([]).shape == (0, 2)


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (np.full((9, 9, 3), 0.5), "multiply them by 255"),
        (np.zeros((9, 80, 3)), "it has 80 x 9 pixels, and the shorter side needs 32"),
        (Image.new("RGB", (9, 80)), "it has 9 x 80 pixels, and the shorter side needs 32"),
        (Image.fromarray(np.full((80, 80), -3, np.int32)), "which of them is white is unknown"),
        (np.full((9, 9, 3), 300), r"must be 0\.\.255. Received: 300"),
        (np.full((9, 9, 3), np.nan), "Received: nan"),
        (np.zeros((9, 9)), r"Received: \(9, 9\)"),
        (np.zeros((9, 9, 3), bool), "of bool"),
        ("nowhere.jpg", r"nowhere\.jpg: no such file"),
        (__file__, "not an image in a format that is read"),
    ],
)
def test_what_is_no_image_is_one_sentence(files, image, message):
    with pytest.raises(tflite.ImageError, match=message):
        tflite.Classifier(files["int8"][0]).classify([image])


def test_a_truncated_image_is_one_sentence(files, photo):
    path, _ = photo
    path.write_bytes(path.read_bytes()[:-2000])
    with pytest.raises(tflite.ImageError, match=r"photo\.png: it is damaged \(image file is truncated\)\.$"):
        tflite.Classifier(files["int8"][0]).classify(path)


def test_a_model_of_something_else_is_refused(tmp_path):
    sound = keras.Sequential([keras.Input((16,)), keras.layers.Dense(2)])
    path = tmp_path / "sound.tflite"
    data = bytearray(exported(sound, path))
    with io.BytesIO(data) as file:
        file.seek(0, io.SEEK_END)
        with zipfile.ZipFile(file, "a") as archive:
            archive.writestr("labels.txt", "a\nb\n")
        path.write_bytes(file.getvalue())
    with pytest.raises(ValueError, match=r"first input has shape \[1, 16\], not \(1, height, width, 3\)"):
        tflite.Classifier(path)


def test_running_a_file_needs_no_tensorflow():
    code = "import sys, skinkeras.tflite; sys.exit('tensorflow' in sys.modules or 'keras' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
