import io
import os

import numpy as np
import pytest
from PIL import Image

from skinkeras.images.decoding import ImageError
from skinkeras.inputs import BadImagesError, decode, decode_all, decoded_images

RED, GREEN, BLUE, WHITE, BLACK = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255), (0, 0, 0)
# EXIF 2.3, tag 0x0112: what has been done to the upright image before it was stored.
STORED = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


def quadrants(height=80, width=120):
    """Red, green / blue, white in the centred square, black around it."""
    image = np.zeros((height, width, 3), np.uint8)
    side, half = min(height, width), min(height, width) // 2
    top, left = (height - side) // 2, (width - side) // 2
    square = image[top : top + side, left : left + side]
    square[:half, :half], square[:half, half:] = RED, GREEN
    square[half:, :half], square[half:, half:] = BLUE, WHITE
    return image


def assert_quadrants(image, tolerance=0):
    size = len(image)
    quarter = size // 4
    for (row, column), colour in zip(
        ((1, 1), (1, 3), (3, 1), (3, 3)), (RED, GREEN, BLUE, WHITE), strict=True
    ):
        found = image[row * quarter, column * quarter].astype(int)
        assert np.abs(found - colour).max() <= tolerance
    assert image.max(axis=2).min() >= 127 - tolerance  # nothing of the black margins


def save(path, image, **options):
    Image.fromarray(image).save(path, **options)
    return path


def psnr(a, b):
    return 10 * np.log10(255**2 / np.mean((a.astype(float) - b.astype(float)) ** 2))


def dermoscopy(height, width):
    """A smooth, wavy image with a dark spot, in three different channels."""
    y, x = np.mgrid[:height, :width] / max(height, width)
    waves = [np.sin(2 * np.pi * (k * x + (k + 2) * y)) for k in (3, 5, 7)]
    spot = np.exp(-((x - 0.5) ** 2 + (y - 0.4) ** 2) / 0.02)
    return np.stack([140 + 60 * wave - 60 * spot for wave in waves], axis=-1).clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize(("height", "width"), [(80, 120), (120, 80), (80, 80)])
def test_the_centred_square_is_seen_the_right_way_round(tmp_path, height, width):
    path = save(tmp_path / "a.png", quadrants(height, width))
    image = decode(path, 40)
    assert image.shape == (40, 40, 3)
    assert image.dtype == np.uint8
    assert_quadrants(image)


@pytest.mark.parametrize("orientation", STORED)
def test_the_cameras_orientation_mark_is_obeyed(tmp_path, orientation):
    upright = Image.fromarray(quadrants(160, 240))
    stored = upright if STORED[orientation] is None else upright.transpose(STORED[orientation])
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored.save(tmp_path / "a.jpg", exif=exif, quality=95, subsampling=0)
    # At 20 pixels the decoder shrinks by DCT scaling, too.
    assert_quadrants(decode(tmp_path / "a.jpg", 20), tolerance=12)


def test_averaging_when_shrinking_and_nothing_to_do_at_the_same_size(tmp_path):
    image = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    path = save(tmp_path / "a.png", image)
    assert np.array_equal(decode(path, 64), image)
    means = image.reshape(16, 4, 16, 4, 3).mean(axis=(1, 3))
    assert np.abs(decode(path, 16) - means).max() <= 0.5


def test_a_large_jpeg_decoded_small_is_close_to_the_full_decode(tmp_path):
    path = save(tmp_path / "a.jpg", dermoscopy(1536, 2048), quality=92)
    with Image.open(path) as file:
        full = np.asarray(file.convert("RGB"))
    for size in (96, 224):
        block = full[:, 256:1792]
        reference = np.asarray(Image.fromarray(block).resize((size, size), Image.Resampling.BOX))
        assert psnr(decode(path, size), reference) > 42


def test_a_small_image_is_enlarged(tmp_path):
    assert_quadrants(decode(save(tmp_path / "a.png", quadrants(40, 60)), 80), tolerance=2)


def test_grey_and_transparent_images_become_rgb(tmp_path):
    grey = np.tile(np.arange(0, 128, 4, dtype=np.uint8), (32, 1))
    assert np.array_equal(decode(save(tmp_path / "grey.png", grey), 32), np.stack([grey] * 3, axis=-1))
    rgba = np.dstack([quadrants(32, 32), np.full((32, 32), 255, np.uint8)])
    assert np.array_equal(decode(save(tmp_path / "rgba.png", rgba), 32), quadrants(32, 32))


@pytest.fixture
def folder(tmp_path):
    """Two good images, a cut-off one, one that is not an image and one that is missing."""
    for name in ("good1.jpg", "good2.jpg"):
        save(tmp_path / name, dermoscopy(60, 80))
    buffer = io.BytesIO()
    Image.fromarray(dermoscopy(300, 300)).save(buffer, "jpeg")
    (tmp_path / "cut.jpg").write_bytes(buffer.getvalue()[: len(buffer.getvalue()) // 2])
    (tmp_path / "html.jpg").write_text("<!DOCTYPE html>")
    return tmp_path


BAD = ("cut.jpg", "html.jpg", "missing.jpg")
ALL = ("good1.jpg", *BAD, "good2.jpg")


def test_every_bad_image_is_listed_at_once_and_nothing_is_kept(folder):
    with pytest.raises(BadImagesError) as caught:
        decode_all([folder / name for name in ALL], 32, folder / "cache")
    assert set(caught.value.problems) == {str(folder / name) for name in BAD}
    message = str(caught.value)
    assert message.startswith("3 image(s) cannot be read")
    assert "--skip-bad-images" in message
    assert all(str(folder / name) in message for name in BAD)
    assert caught.value.problems[str(folder / "missing.jpg")] == "no such file"
    assert os.listdir(folder / "cache") == []


def test_a_list_of_bad_images_fits_a_screen(tmp_path):
    paths = [tmp_path / f"{number}.jpg" for number in range(1000)]
    with pytest.raises(BadImagesError) as caught:
        decode_all(paths, 32, tmp_path / "cache")
    assert len(caught.value.problems) == 1000
    assert str(caught.value).startswith("1,000 image(s) cannot be read")
    assert len(str(caught.value).splitlines()) < 25 and str(caught.value).endswith("and 980 more")


def test_names_that_are_not_text_are_decoded(tmp_path):
    path = save(tmp_path / os.fsdecode(b"a\xff.png"), np.full((32, 32, 3), 7, np.uint8))
    missing = tmp_path / os.fsdecode(b"b\xff.png")
    for _ in range(2):
        decoded, problems = decode_all([path, missing], 32, tmp_path / "cache", skip_bad=True)
        assert problems == {str(missing): "no such file"}
        assert decoded.read([0]).max() == 7


def test_bad_images_are_left_black_and_named_on_request(folder):
    for _ in range(2):  # the second time from the cache
        decoded, problems = decode_all([folder / name for name in ALL], 32, folder / "cache", skip_bad=True)
        assert set(problems) == {str(folder / name) for name in BAD}
        assert decoded.shape == (5, 32, 32, 3)
        rows = decoded.read(range(5))
        assert np.array_equal(rows[0], decode(folder / "good1.jpg", 32))
        assert np.array_equal(rows[4], decode(folder / "good2.jpg", 32))
        assert not rows[1:4].any()
    # Whoever does not ask for it is not served from that cache.
    with pytest.raises(BadImagesError, match="3 image"):
        decode_all([folder / name for name in ALL], 32, folder / "cache")


def test_rows_are_read_in_any_order_and_more_than_once(tmp_path):
    paths = [save(tmp_path / f"{n}.png", np.full((8, 8, 3), 10 * n, np.uint8)) for n in range(5)]
    decoded, problems = decode_all(paths, 8, tmp_path / "cache")
    assert problems == {}
    assert len(decoded) == 5
    assert decoded.read([4, 0, 4, 2])[:, 0, 0, 0].tolist() == [40, 0, 40, 20]
    assert decoded.read([]).shape == (0, 8, 8, 3)


def test_images_are_decoded_once_and_again_when_one_changes(tmp_path, monkeypatch):
    decoded_paths = []
    original = decoded_images.decode_with_shape

    def spy(path, *further):
        decoded_paths.append(path.name)
        return original(path, *further)

    monkeypatch.setattr(decoded_images, "decode_with_shape", spy)
    paths = [save(tmp_path / f"{n}.png", np.full((8, 8, 3), 50, np.uint8)) for n in range(3)]

    def call(size=8):
        decoded_paths.clear()
        decoded, _ = decode_all(paths, size, tmp_path / "cache", workers=1)
        return decoded.read(range(3))[:, 0, 0, 0].tolist()

    assert call() == [50, 50, 50]
    assert len(decoded_paths) == 3
    assert call() == [50, 50, 50]
    assert decoded_paths == []

    save(paths[1], np.full((8, 8, 3), 51, np.uint8))
    later = paths[1].stat().st_mtime + 5
    os.utime(paths[1], (later, later))
    assert call() == [50, 51, 50]
    assert call(size=4) == [50, 51, 50]  # another size is another file
    assert len(decoded_paths) == 3


def test_progress_ends_at_the_total(tmp_path):
    paths = [save(tmp_path / f"{n}.png", np.zeros((4, 4, 3), np.uint8)) for n in range(3)]
    told = []
    decode_all(paths, 4, tmp_path / "cache", progress=lambda done, total: told.append((done, total)))
    assert told[-1] == (3, 3)


def test_grey_levels_of_16_bits_keep_their_tones(tmp_path):
    levels = np.linspace(0, 255, 64 * 64).reshape(64, 64).astype(np.uint8)
    for number, dtype in enumerate(("<u2", ">u2")):
        path = tmp_path / f"{number}.tif"
        Image.fromarray((levels.astype(np.uint16) * 257).astype(dtype)).save(path)
        assert np.array_equal(decode(path, 64), np.repeat(levels[..., None], 3, axis=2))
    Image.fromarray(levels.astype(np.int32) * 257).save(tmp_path / "wide.tif")
    with pytest.raises(ImageError, match="0 to 65535, and which of them is white is unknown"):
        decode(tmp_path / "wide.tif", 64)
