"""What of an image becomes a model's input: against arrays worked out by hand, Pillow and OpenCV."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from skinkeras.images.decoding import ImageError, decode, decode_with_shape, resize_to_square
from skinkeras.images.geometries import GEOMETRIES
from skinkeras.inputs import decode_all


def grey(rows):
    """Grey levels as an image."""
    return np.repeat(np.array(rows, np.uint8)[..., None], 3, axis=2)


def levels(image):
    assert (image == image[..., :1]).all()
    return image[..., 0].tolist()


WIDE = grey([[10, 20, 30, 40], [50, 60, 70, 80]])


@pytest.mark.parametrize(
    ("geometry", "expected"),
    [
        ("crop", [[20, 30], [60, 70]]),
        ("squash", [[15, 35], [55, 75]]),  # means of two neighbours
        # A row of black above and one below: each mean is of two pixels and two black ones.
        ("pad", [[8, 18], [28, 38]]),
    ],
)
def test_an_image_of_two_rows_and_four_columns(geometry, expected):
    assert levels(resize_to_square(WIDE, 2, geometry)) == expected
    upright = resize_to_square(WIDE.swapaxes(0, 1), 2, geometry)
    assert levels(upright) == np.transpose(expected).tolist()


def test_an_odd_margin_is_longer_below_and_on_the_right():
    assert levels(resize_to_square(grey([[9, 9, 9, 9]] * 3), 4, "pad")) == [[9] * 4] * 3 + [[0] * 4]
    assert levels(resize_to_square(grey([[1, 2, 3, 4]]), 1, "crop")) == [[2]]


def test_the_default_is_to_crop(tmp_path):
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 96, 3), np.uint8)).save(tmp_path / "a.png")
    assert next(iter(GEOMETRIES)) == "crop"
    assert np.array_equal(decode(tmp_path / "a.png", 32), decode(tmp_path / "a.png", 32, "crop"))


@pytest.mark.parametrize(("height", "width"), [(64, 96), (96, 64), (50, 121), (33, 200)])
def test_shrinking_is_that_of_opencv_and_within_a_level_of_pillows_box(height, width):
    image = np.random.default_rng(width).integers(0, 256, (height, width, 3), np.uint8)
    squashed = resize_to_square(image, 32, "squash")
    assert np.array_equal(squashed, cv2.resize(image, (32, 32), interpolation=cv2.INTER_AREA))
    side = max(height, width)
    square = Image.new("RGB", (side, side))
    square.paste(Image.fromarray(image), ((side - width) // 2, (side - height) // 2))
    assert np.array_equal(
        resize_to_square(image, 32, "pad"),
        cv2.resize(np.asarray(square), (32, 32), interpolation=cv2.INTER_AREA),
    )
    # Pillow's box filter averages whole pixels alone: equal where the sides are multiples.
    box = np.asarray(Image.fromarray(image).resize((32, 32), Image.Resampling.BOX)).astype(int)
    if height % 32 == width % 32 == 0:
        assert np.abs(box - squashed).max() <= 1


def test_a_side_that_grows_is_bicubic_and_one_that_shrinks_is_averaged():
    image = np.random.default_rng(1).integers(0, 256, (12, 96, 3), np.uint8)
    averaged = cv2.resize(image, (24, 12), interpolation=cv2.INTER_AREA)
    expected = cv2.resize(averaged, (24, 24), interpolation=cv2.INTER_CUBIC)
    assert np.array_equal(resize_to_square(image, 24, "squash"), expected)
    small = image[:, :20]
    grown = cv2.resize(small, (24, 24), interpolation=cv2.INTER_CUBIC)
    assert np.array_equal(resize_to_square(small, 24, "squash"), grown)


@given(
    side=st.integers(1, 40),
    size=st.integers(1, 40),
    geometry=st.sampled_from(list(GEOMETRIES)),
    seed=st.integers(0, 9),
)
def test_of_a_square_every_geometry_takes_the_same(side, size, geometry, seed):
    image = np.random.default_rng(seed).integers(0, 256, (side, side, 3), np.uint8)
    assert np.array_equal(resize_to_square(image, size, geometry), resize_to_square(image, size))


@given(height=st.integers(1, 60), width=st.integers(1, 60), size=st.integers(1, 40))
def test_an_even_colour_stays_and_padding_is_black(height, width, size):
    image = np.full((height, width, 3), (200, 100, 50), np.uint8)
    for geometry in ("crop", "squash"):
        assert (resize_to_square(image, size, geometry) == (200, 100, 50)).all()
    padded = resize_to_square(image, size, "pad").mean(axis=(0, 1))
    share = min(height, width) / max(height, width)
    if max(height, width) >= size:  # areas are averaged: the light is kept
        np.testing.assert_allclose(padded, np.array([200, 100, 50]) * share, atol=1)


def test_the_cameras_orientation_is_applied_before_the_shape_changes(tmp_path):
    stored = np.random.default_rng(2).integers(0, 256, (64, 128, 3), np.uint8)
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned clockwise
    Image.fromarray(stored).save(tmp_path / "a.png", exif=exif)
    for geometry in GEOMETRIES:
        upright = resize_to_square(np.rot90(stored, -1), 32, geometry)
        assert np.array_equal(decode(tmp_path / "a.png", 32, geometry), upright)
    assert decode_with_shape(tmp_path / "a.png", 32)[1] == (64, 128)


def test_a_large_jpeg_is_squashed_as_if_it_were_read_in_full(tmp_path):
    y, x = np.mgrid[:900, :1600] / 900
    image = np.stack([128 + 100 * np.sin(6 * x + k) * np.cos(5 * y) for k in range(3)], axis=2).astype(
        np.uint8
    )
    Image.fromarray(image).save(tmp_path / "a.jpg", quality=95)
    for geometry in GEOMETRIES:
        difference = decode(tmp_path / "a.jpg", 64, geometry).astype(int) - resize_to_square(
            image, 64, geometry
        )
        assert np.abs(difference).mean() < 2, geometry


def test_a_geometry_that_there_is_not_is_refused(tmp_path):
    Image.fromarray(WIDE).save(tmp_path / "a.png")
    for call in (
        lambda: resize_to_square(WIDE, 2, "stretch"),
        lambda: decode(tmp_path / "a.png", 2, "stretch"),
        lambda: decode_all([tmp_path / "a.png"], 2, tmp_path / "cache", geometry="stretch"),
    ):
        with pytest.raises(ValueError, match=r"must be one of crop, squash, pad\. Received: 'stretch'\."):
            call()
    assert not (tmp_path / "cache").exists()


def test_a_strip_that_is_too_long_to_be_padded_is_refused():
    strip = np.zeros((32, 20_000, 3), np.uint8)
    with pytest.raises(ImageError, match="20,000 x 32 pixels, too long to be padded to a square"):
        resize_to_square(strip, 32, "pad")
    assert resize_to_square(strip, 32, "squash").shape == (32, 32, 3)


def test_each_geometry_has_a_cache_of_its_own_and_an_old_cache_is_made_anew(tmp_path):
    path, cache = tmp_path / "a.png", tmp_path / "cache"
    Image.fromarray(np.random.default_rng(3).integers(0, 256, (40, 64, 3), np.uint8)).save(path)

    def first(geometry):
        return decode_all([path], 32, cache, geometry=geometry)[0]

    for _ in range(2):  # the second time from the cache
        for geometry in GEOMETRIES:
            assert np.array_equal(first(geometry).read([0])[0], decode(path, 32, geometry))
    files = sorted(cache.glob("*.npy"))
    assert len([file for file in files if not file.name.endswith(".shapes.npy")]) == 3
    for file in files:  # as an earlier version left it, with other pixels
        if file.name.endswith(".shapes.npy"):
            file.unlink()
        else:
            np.save(file, np.zeros((1, 32, 32, 3), np.uint8))
    assert np.array_equal(first("crop").read([0])[0], decode(path, 32))
    assert len(list(cache.glob("*.npy"))) == 4  # the crop's own file was written again


def test_images_of_which_a_crop_drops_more_than_a_quarter_are_counted(tmp_path):
    paths = []
    for width, height in ((40, 40), (40, 30), (41, 30), (30, 60)):  # a quarter itself is not more
        paths.append(tmp_path / f"{width}.{height}.png")
        Image.fromarray(np.zeros((height, width, 3), np.uint8)).save(paths[-1])
    images, problems = decode_all([*paths, tmp_path / "none.png"], 8, tmp_path / "cache", skip_bad=True)
    assert list(problems) == [str(tmp_path / "none.png")]
    assert images.original_shapes.tolist() == [[40, 40], [30, 40], [30, 41], [60, 30], [0, 0]]
    assert images.count_cut([0, 1]) == 0
    assert images.count_cut([0, 1, 2, 3]) == 2
