import cv2
import numpy as np
import pytest


@pytest.fixture(scope="session")
def noise(tmp_path_factory):
    """A function of class names that makes a folder of images of noise, sixteen of each class."""

    def make(*classes):
        folder = tmp_path_factory.mktemp("images")
        random = np.random.default_rng(len(classes))
        for name in classes:
            (folder / name).mkdir()
            for number in range(16):
                pixels = random.integers(0, 255, (40, 50, 3), np.uint8)
                assert cv2.imwrite(str(folder / name / f"{name}{number:02d}.jpg"), pixels)
        return folder

    return make
