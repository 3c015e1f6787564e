import cv2
import numpy as np
import pytest


@pytest.fixture
def folder_of_images(tmp_path):
    """A function that makes a folder of classes, each of twelve noisy images."""

    def make(*classes):
        random = np.random.default_rng(0)
        for name in classes:
            folder = tmp_path / "images" / name
            folder.mkdir(parents=True)
            for number in range(12):
                pixels = random.integers(0, 255, (40, 50, 3), np.uint8)
                assert cv2.imwrite(str(folder / f"{name}{number:02d}.jpg"), pixels)
        return tmp_path / "images"

    return make


@pytest.fixture
def images(folder_of_images):
    """A folder of twelve benign and twelve malignant images."""
    return folder_of_images("benign", "malignant")
