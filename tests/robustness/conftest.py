import cv2
import numpy as np
import pytest


@pytest.fixture(scope="session")
def images(tmp_path_factory):
    """A folder of twelve benign and twelve malignant images of noise."""
    folder = tmp_path_factory.mktemp("images")
    random = np.random.default_rng(0)
    for name in ("benign", "malignant"):
        (folder / name).mkdir()
        for number in range(12):
            pixels = random.integers(0, 255, (40, 50, 3), np.uint8)
            assert cv2.imwrite(str(folder / name / f"{name}{number:02d}.jpg"), pixels)
    return folder


@pytest.fixture
def small_run(images, tmp_path):
    """The words of a binary run that takes seconds, without `--out`."""
    return (
        *("--data", "folder", "--data-dir", images, "--image-size", "32", "--weights", "none"),
        *("--batch-size", "8", "--epochs", "3", "--no-export", "--cache-dir", tmp_path / "cache"),
    )
