import subprocess
import sys

import numpy as np
import pytest
from small_efficientnet import pictures

from skinkeras import tflite


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


def test_running_a_file_needs_no_tensorflow():
    code = "import sys, skinkeras.tflite; sys.exit('tensorflow' in sys.modules or 'keras' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
