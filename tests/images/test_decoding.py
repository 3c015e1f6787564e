"""Which files are read, and that none can hurt: every refusal is one sentence. Colours: test_image_colours.py."""

import os
import socket
import struct
import subprocess
import sys
import time
import zlib

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from mutated_images import SAMPLES, encoded, lesion, mutated_images
from PIL import Image

from skinkeras.images.decoding import FORMATS, IMAGE_ENDINGS, ImageError, decode

# What Pillow says of broken metadata: the decoder switches it off, and pytest on again.
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning", "ignore::PIL.Image.DecompressionBombWarning")

PIXELS = lesion(64, 64)


def write(path, data):
    path.write_bytes(data)
    return path


def refusal(path, size=64):
    """The sentence with which a file is refused."""
    with pytest.raises(ImageError) as caught:
        decode(path, size)
    text = str(caught.value)
    assert text.startswith(f"{path}: ") and text.endswith(".") and not text.endswith("..")
    assert "\n" not in text and "Errno" not in text and "Error" not in text
    return caught.value.problem


# What is read


FORMAT_OF = {ending: name.lower() for name, endings in FORMATS.items() for ending in endings} | {
    ".mpo": "mpo"
}
RAW = {
    ".j2k": {"no_jp2": True},
    ".j2c": {"no_jp2": True},
    ".jpc": {"no_jp2": True},
    ".mpo": {"save_all": True},
}
LOSSLESS = ("png", "tiff", "bmp", "jpeg2000")


@pytest.mark.parametrize("ending", IMAGE_ENDINGS)
def test_every_ending_is_read(tmp_path, ending):
    name = FORMAT_OF[ending]
    path = write(tmp_path / f"a{ending}", encoded(PIXELS, name, **RAW.get(ending, {})))
    difference = np.abs(decode(path, 64).astype(int) - PIXELS)
    assert not difference.any() if name in LOSSLESS else difference.mean() < 12


def test_the_content_counts_and_not_the_ending(tmp_path):
    assert np.array_equal(decode(write(tmp_path / "a.heic", encoded(PIXELS, "png")), 64), PIXELS)


@pytest.mark.parametrize("name", ["jpeg", "png", "tiff", "webp", "heif", "avif"])
def test_the_orientation_is_applied_once_in_every_format_that_has_one(tmp_path, name):
    left_half = np.zeros((64, 64, 3), np.uint8)
    left_half[:, :32] = 200
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by 90 degrees clockwise: left becomes top
    image = decode(write(tmp_path / "a", encoded(left_half, name, exif=exif.tobytes())), 64)
    assert image[:28].min() > 170 and image[36:].max() < 30


def test_an_entry_of_an_hdf5_file_is_an_image(tmp_path):
    import h5py

    with h5py.File(tmp_path / "images.hdf5", "w") as file:
        file["one"] = np.void(encoded(PIXELS, "png"))
        file["two"] = np.void(b"not an image")
    assert np.array_equal(decode(tmp_path / "images.hdf5" / "one", 64), PIXELS)
    assert "not an image" in refusal(tmp_path / "images.hdf5" / "two")
    assert refusal(tmp_path / "images.hdf5" / "three") == "no such file"


@pytest.mark.parametrize("name", ["gif", "webp", "tiff", "png"])
def test_of_several_frames_the_first_is_read(tmp_path, name):
    frames = [Image.fromarray(np.full((64, 64, 3), level, np.uint8)) for level in (30, 200)]
    data = encoded(frames[0], name, save_all=True, append_images=frames[1:])
    assert np.abs(decode(write(tmp_path / "a", data), 64).astype(int) - 30).max() <= 2


@pytest.mark.parametrize("name", ["png", "tiff"])
def test_16_bits_a_channel_keep_their_range(tmp_path, name):
    import cv2

    wide = PIXELS.astype(np.uint16) * 257
    for stored, expected in ((wide[..., ::-1], PIXELS), (wide[..., 0], PIXELS[..., :1].repeat(3, -1))):
        data = cv2.imencode(f".{name}", stored)[1].tobytes()
        assert np.array_equal(decode(write(tmp_path / "a", data), 64), expected)


@pytest.mark.parametrize("white", [1, 255])
def test_floats_are_read_with_their_range(tmp_path, white):
    grey = np.tile(np.arange(0, 256, 4, dtype=np.float32), (64, 1))
    data = encoded(grey / np.float32(255 / white), "tiff")
    assert np.array_equal(decode(write(tmp_path / "a.tif", data), 64)[..., 1], grey.astype(np.uint8))


def tiff(levels, photometric, sample_format=1):
    """A grey TIFF, by the tables of TIFF 6.0, section 3; photometric 0: white is zero."""
    height, width = levels.shape
    data, bits = levels.tobytes(), 8 * levels.itemsize
    tags = [(256, width), (257, height), (258, bits), (259, 1), (262, photometric), (273, 8), (277, 1)]
    tags += [(278, height), (279, len(data)), (339, sample_format)]
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags)
    directory = struct.pack("<H", len(tags)) + entries + bytes(4)
    return struct.pack("<2sHI", b"II", 42, 8 + len(data)) + data + directory


def test_white_may_be_zero_in_a_tiff(tmp_path):
    grey = PIXELS[..., 1]
    for black_is_zero, sample_format in (
        (grey, 1),
        (grey.astype("<u2") * 257, 1),
        (grey.astype("<f4") / np.float32(255), 3),
    ):
        white = {1: 255, 2: 65535, 4: 1}[black_is_zero.itemsize]
        for photometric, levels in (
            (1, black_is_zero),
            (0, (white - black_is_zero).astype(black_is_zero.dtype)),
        ):
            data = tiff(levels, photometric, sample_format)
            assert np.array_equal(decode(write(tmp_path / "a.tif", data), 64), grey[..., None].repeat(3, -1))


@pytest.mark.parametrize("name", ["png", "tiff"])
def test_12_bits_in_16_are_refused(tmp_path, name):
    import cv2

    stored = PIXELS.astype(np.uint16) * 4095 // 255
    opaque = np.full((64, 64, 1), 65535, np.uint16)
    for levels in (stored, stored[..., 0], np.concatenate([stored, opaque], -1)):
        data = cv2.imencode(f".{name}", levels)[1].tobytes()
        assert "at most 12 of 16 bits" in refusal(write(tmp_path / "a", data))


def test_a_tiff_of_colours_in_floats_is_refused_as_one(tmp_path):
    import cv2

    data = cv2.imencode(".tif", PIXELS.astype(np.float32) / 255)[1].tobytes()
    assert "a TIFF of a kind that is not read" in refusal(write(tmp_path / "a.tif", data))


@pytest.mark.parametrize("value", [-0.1, 300, np.nan, np.inf])
def test_floats_of_another_range_are_refused(tmp_path, value):
    levels = np.full((64, 64), 0.5, np.float32)
    levels[3, 3] = value
    assert "which of them is white" in refusal(write(tmp_path / "a.tif", encoded(levels, "tiff")))


def test_a_broken_exif_block_costs_no_image(tmp_path):
    data = encoded(PIXELS, "jpeg", exif=b"Exif\0\0MM\0*\xff\xff\xff\xff" + b"\xff" * 30, quality=95)
    assert np.abs(decode(write(tmp_path / "a.jpg", data), 64).astype(int) - PIXELS).mean() < 12


# What is refused


def test_what_is_no_file_is_never_opened(tmp_path, monkeypatch):
    os.mkfifo(tmp_path / "pipe.jpg")
    (tmp_path / "folder.jpg").mkdir()
    (tmp_path / "link.jpg").symlink_to(tmp_path / "nowhere.jpg")
    (tmp_path / "loop.jpg").symlink_to(tmp_path / "loop.jpg")
    (tmp_path / "empty.jpg").touch()
    assert "a pipe, a socket or a device" in refusal(tmp_path / "pipe.jpg")
    assert "a pipe, a socket or a device" in refusal("/dev/zero")
    assert "it is a folder" in refusal(tmp_path / "folder.jpg")
    assert "a link to nowhere" in refusal(tmp_path / "link.jpg")
    assert "too many" in refusal(tmp_path / "loop.jpg")
    assert "it is empty" in refusal(tmp_path / "empty.jpg")
    assert "no such file" in refusal(tmp_path / "missing.jpg")
    assert "no such file" in refusal(tmp_path / "empty.jpg" / "below.jpg")
    assert "too long" in refusal(tmp_path / ("a" * 300 + ".jpg"))
    with socket.socket(socket.AF_UNIX) as server:
        monkeypatch.chdir(tmp_path)  # the path of a socket may have 100 letters
        server.bind("socket.jpg")
        assert "a pipe, a socket or a device" in refusal("socket.jpg")


def test_names_need_not_be_text(tmp_path):
    path = tmp_path / os.fsdecode(b"na\xffme\n.png")
    assert np.array_equal(decode(write(path, encoded(PIXELS, "png")), 64), PIXELS)


@pytest.mark.parametrize(
    "data",
    [b"<!DOCTYPE html>", b"version https://git-lfs.github.com/spec/v1", b"%PDF-1.4", b"%!PS-Adobe", b"\0"],
)
def test_files_that_are_no_images_are_refused(tmp_path, data):
    assert "not an image in a format that is read (JPEG, PNG," in refusal(write(tmp_path / "a.jpg", data))


def test_images_with_less_than_one_cell_to_see_are_refused(tmp_path):
    for height, width in ((1, 1), (31, 500), (500, 31)):
        path = write(tmp_path / "a.png", encoded(lesion(height, width), "png"))
        assert f"it has {width} x {height} pixels, and the shorter side needs 32" in refusal(path, 224)
    assert decode(write(tmp_path / "a.png", encoded(lesion(32, 32), "png")), 224).shape == (224, 224, 3)
    # It fills the model's input.
    assert decode(write(tmp_path / "a.png", encoded(lesion(16, 16), "png")), 16).shape == (16, 16, 3)


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width, height, *chunks, colour=2):
    header = struct.pack(">IIBBBBB", width, height, 8, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + b"".join([chunk(b"IHDR", header), *chunks, chunk(b"IEND", b"")])


def test_images_that_would_fill_the_memory_are_refused_before_they_are_decoded(tmp_path):
    for width, height in ((12_000, 12_000), (60_000, 60_000), (2**31 - 1, 2**31 - 1)):
        path = write(tmp_path / "a.png", png(width, height, chunk(b"IDAT", zlib.compress(bytes(100)))))
        start = time.perf_counter()
        assert "save it smaller" in refusal(path)
        assert time.perf_counter() - start < 1
    huge = tmp_path / "huge.tif"
    with open(huge, "wb") as file:
        file.truncate(2**40)  # a hole
    assert "bytes, more than" in refusal(huge)


@pytest.mark.parametrize("kind", [b"zTXt", b"iCCP", b"iTXt"])
def test_a_bomb_in_a_text_of_a_png_is_refused(tmp_path, kind):
    bomb = zlib.compress(bytes(200 * 2**20), 9)
    text = {b"zTXt": b"a\0\0", b"iCCP": b"a\0\0", b"iTXt": b"a\0\1\0\0\0"}[kind] + bomb
    rows = chunk(b"IDAT", zlib.compress(b"".join(b"\0" + row.tobytes() for row in PIXELS)))
    path = write(tmp_path / "a.png", png(64, 64, chunk(kind, text), rows))
    start = time.perf_counter()
    assert "it is damaged (Decompressed data too large" in refusal(path)
    assert time.perf_counter() - start < 2


PEAK = """
import resource, sys
from skinkeras.images.decoding import decode
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
decode(sys.argv[1], 224)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024)
"""


@pytest.mark.slow
@pytest.mark.parametrize(("name", "side", "most"), [("png", 8192, 600), ("jpeg", 12_000, 100)])
def test_the_largest_images_take_this_much_memory(tmp_path, name, side, most):
    image = Image.fromarray(lesion()).resize((side, side))
    path = write(tmp_path / "a", encoded(image, name, compress_level=1))
    done = subprocess.run([sys.executable, "-c", PEAK, path], capture_output=True, text=True, check=True)
    assert float(done.stdout) < most  # MB
    assert done.stderr == ""


@pytest.mark.parametrize("name", [name for name in SAMPLES if not name.endswith(".bmp")])
def test_truncated_files_are_refused(tmp_path, name):
    data = SAMPLES[name]
    path = write(tmp_path / name, data[: len(data) * 2 // 3])
    assert refusal(path).startswith(
        ("it is damaged", "it is not an image", "it is a TIFF of a kind", "data inside it")
    )


def damaged(data, length, seed):
    """A JPEG in which `length` bytes of its code, somewhere, are replaced by zeros."""
    start = data.index(b"\xff\xda") + 14
    place = np.random.default_rng(seed).integers(start, len(data) - 2 - length)
    return data[:place] + bytes(length) + data[place + length :]


@pytest.mark.parametrize("progressive", [False, True])
def test_most_damage_inside_a_jpeg_is_noticed(tmp_path, progressive):
    noise = np.random.default_rng(0).integers(-12, 13, (240, 320, 3))
    data = encoded((lesion(240, 320) + noise).clip(0, 255).astype(np.uint8), "jpeg", progressive=progressive)
    noticed = 0
    for seed in range(40):
        try:
            decode(write(tmp_path / "a.jpg", damaged(data, 512, seed)), 64)
        except ImageError:
            noticed += 1
    assert noticed >= 30


def test_what_cameras_add_to_a_jpeg_is_no_damage(tmp_path):
    for data in (
        encoded(PIXELS, "jpeg") + os.urandom(5000),  # a film behind the image
        encoded(PIXELS, "jpeg")[:-2] + bytes(7) + b"\xff\xd9",  # padding
        encoded(Image.fromarray(PIXELS).convert("CMYK"), "jpeg"),
        encoded(PIXELS, "jpeg", restart_marker_blocks=2),
        encoded(PIXELS, "mpo", save_all=True, append_images=[Image.fromarray(PIXELS)]),
    ):
        assert decode(write(tmp_path / "a.jpg", data), 64).shape == (64, 64, 3)


def test_a_jpeg_of_very_many_scans_is_refused(tmp_path):
    data = encoded(lesion(1000, 1000), "jpeg", progressive=True)
    last = data[data.rindex(b"\xff\xda") : -2]
    path = write(tmp_path / "a.jpg", data[:-2] + last * 1000 + b"\xff\xd9")
    assert "too many passes" in refusal(path)


# Whatever bytes


def check_any_bytes(folder, name, data):
    """A file of any bytes is read or refused in one sentence, within 5 s, and nothing is printed."""
    path = write(folder / name, data)
    start = time.perf_counter()
    try:
        pixels = decode(path, 32)
        assert (pixels.shape, pixels.dtype) == ((32, 32, 3), np.uint8)
    except ImageError as error:
        assert "\n" not in str(error) and len(str(error)) < len(str(path)) + 250
    assert time.perf_counter() - start < 5


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("mutated")


CHECKS = {"database": None, "suppress_health_check": list(HealthCheck)}


@settings(max_examples=1000, derandomize=True, **CHECKS)
@given(sample=mutated_images)
def test_mutated_images_are_read_or_refused(folder, sample):
    check_any_bytes(folder, *sample)


@pytest.mark.long
@settings(max_examples=30_000, **CHECKS)
@given(sample=mutated_images)
def test_many_mutated_images_are_read_or_refused(folder, sample):
    check_any_bytes(folder, *sample)


def test_every_sample_is_read(folder):
    for name, data in SAMPLES.items():
        assert decode(write(folder / name, data), 32).std() > 10, name


def test_images_of_training_decode_to_the_same_pixels_as_ever(shared_data):
    """SHA-256 over 50 real images at two sizes, computed with the decoder of the released version 0.1.0."""
    import hashlib

    files = sorted((shared_data / "ham10000" / "images").glob("*.jpg"))[::200][:50]
    digest = hashlib.sha256(b"".join(decode(file, size).tobytes() for file in files for size in (96, 224)))
    assert digest.hexdigest() == "581ebfa3a4dd3f8449d4ba6b78134b077af2d25178690b8fade185372bb4d706"
