"""What all tests share."""

import fcntl
import os
import subprocess
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import settings

# Before anything imports TensorFlow.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

# How long an example takes says more about what else the machine does than about the code.
settings.register_profile("without deadline", deadline=None)
settings.load_profile("without deadline")


def pytest_collection_modifyitems(items):
    """Files with most long and slow tests come first: one process would else be left with the longest."""
    marked = {mark: Counter(i.path for i in items if i.get_closest_marker(mark)) for mark in ("long", "slow")}
    items.sort(key=lambda item: (-marked["long"][item.path], -marked["slow"][item.path]))


@pytest.fixture(scope="session")
def shared_data():
    """The folder with real images and label files; tests that need it are skipped where it is absent."""
    root = Path(__file__).parent.parent
    folder = Path(os.environ.get("SKINKERAS_DATA", root.parent / "shared" / "data"))
    if not (folder / "ham10000" / "labels.csv").is_file():
        pytest.skip(f"no real images in {folder}: set SKINKERAS_DATA")
    return folder


@pytest.fixture(scope="session")
def cache_dir(tmp_path_factory):
    """A `--cache-dir` for all jobs, in which the synthetic images lie: generated once, whatever `-n` says."""
    from pipelines.common.groups import DataOptions
    from pipelines.common.loading import ImageLoader

    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent  # of all workers of this session
    folder = folder / "cache"
    folder.mkdir(exist_ok=True)
    with open(folder / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        ImageLoader(DataOptions(), 32, folder, data_seed=0).manifest()
    return folder


@pytest.fixture
def tiny_disk(tmp_path):
    """A real file system of 64 KiB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    try:
        mount = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", disk], capture_output=True)
    except FileNotFoundError:
        pytest.skip("no mount command")
    if mount.returncode:
        pytest.skip("mounting needs root")
    yield disk
    subprocess.run(["umount", "-l", disk], check=True)
