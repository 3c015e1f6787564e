"""What all tests share."""

import os
from pathlib import Path

import pytest

# Before anything imports TensorFlow.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


@pytest.fixture(scope="session")
def shared_data():
    """The folder with real images and label files; tests that need it are skipped where it is absent."""
    root = Path(__file__).parent.parent
    folder = Path(os.environ.get("SKINKERAS_DATA", root.parent / "shared" / "data"))
    if not (folder / "ham10000" / "labels.csv").is_file():
        pytest.skip(f"no real images in {folder}: set SKINKERAS_DATA")
    return folder
