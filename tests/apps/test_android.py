import json
import os
import random
import re
import signal
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from skinkeras.images.decoding import decode, resize_to_square, rgb_pixels

ANDROID = Path(__file__).parents[2] / "apps" / "android"
sys.path.insert(0, str(ANDROID))

import golden  # noqa: E402

COMMITTED = json.loads(golden.FILE.read_text())


def pixels_of(case, size):
    return np.frombuffer(golden.unpacked(case["pixels_zlib_base64"]), np.uint8).reshape(size, size, 3)


def test_the_golden_vectors_are_those_that_golden_py_writes():
    fresh = golden.golden()
    for old, new in zip(COMMITTED["frames"], fresh["frames"], strict=True):
        # Another zlib packs otherwise, and on another processor OpenCV may round otherwise.
        difference = pixels_of(old, old["size"]).astype(int) - pixels_of(new, new["size"])
        assert np.abs(difference).max() <= 1, old["name"]
        assert golden.unpacked(old["frame_zlib_base64"]) == golden.unpacked(new["frame_zlib_base64"])
        assert {k: v for k, v in old.items() if "zlib" not in k} == {
            k: v for k, v in new.items() if "zlib" not in k
        }
    assert COMMITTED["answers"] == fresh["answers"]
    assert COMMITTED["wording"] == fresh["wording"]
    assert COMMITTED["quality_limits"] == fresh["quality_limits"]
    for old, new in zip(COMMITTED["quality"], fresh["quality"], strict=True):
        assert old["issue"] == new["issue"]
        assert [old[k] for k in ("brightness", "clipped", "blur")] == pytest.approx(
            [new[k] for k in ("brightness", "clipped", "blur")], rel=1e-3
        )


@pytest.mark.parametrize("case", COMMITTED["frames"], ids=lambda case: case["name"])
def test_a_frame_gives_the_pixels_that_training_decodes_from_a_file(case, tmp_path):
    width, height, stride = case["width"], case["height"], case["pixel_stride"]
    data = golden.unpacked(case["frame_zlib_base64"]).ljust(height * case["row_stride"], b"\0")
    rows = np.frombuffer(data, np.uint8).reshape(height, case["row_stride"])
    stored = rows[:, : width * stride].reshape(height, width, stride)[:, :, :3]
    exif = Image.Exif()
    exif[0x0112] = case["exif_orientation"]
    Image.fromarray(stored.copy()).save(tmp_path / "frame.png", exif=exif)
    with Image.open(tmp_path / "frame.png") as image:  # files as small as some frames are refused
        decoded = resize_to_square(rgb_pixels(image), case["size"], case["geometry"]).astype(int)
    assert np.abs(decoded - pixels_of(case, case["size"])).max() <= 1


@pytest.mark.parametrize("size", [128, 192, 320])
def test_the_gates_pass_dermoscopy_images_and_stop_blurred_and_dark_ones(shared_data, size):
    files = sorted((shared_data / "ham10000" / "images").iterdir())
    pictures = [decode(file, size) for file in random.Random(1).sample(files, 60)]

    def stopped(change, issue):
        return np.mean([golden.issue(golden.quality(change(picture))) == issue for picture in pictures])

    assert stopped(lambda picture: picture, None) >= 0.98
    assert stopped(lambda picture: cv2.GaussianBlur(picture, (0, 0), 1.5), "BLURRED") >= 0.98
    assert stopped(lambda picture: picture // 6, "TOO_DARK") == 1


@pytest.mark.long
def test_the_kotlin_code_compiles_and_passes_its_tests():
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    # A session of its own: whoever interrupts the test ends the compiler too, not the script alone.
    with subprocess.Popen([ANDROID / "check.sh"], start_new_session=True, **pipes) as check:
        try:
            output, errors = check.communicate()
        except BaseException:
            os.killpg(check.pid, signal.SIGKILL)
            raise
    if check.returncode == 3:
        pytest.skip(errors.strip())
    assert check.returncode == 0, output + errors
    assert "0 tests failed" in output
    assert int(re.search(r"(\d+) tests successful", output)[1]) >= 110
