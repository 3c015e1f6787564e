"""Profiles, transparency and colour spaces: what a pixel is in sRGB, by the formulas of CSS Color 4."""

import struct
import zlib

import numpy as np
import pytest
from icc_profiles import ADOBE_RGB, DISPLAY_P3, GREY_GAMMA_1, SRGB_ROUNDED
from mutated_images import encoded, lesion
from PIL import Image, ImageCms

from skinkeras.images.decoding import ImageError, decode
from skinkeras.images.preparation import prepare_image

PIXELS = lesion(64, 64)


def write(path, data):
    path.write_bytes(data)
    return path


def srgb_curve(value):
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def adobe_curve(value):
    return value ** (563 / 256)


def to_srgb(rgb, primaries, gamma):
    """sRGB 0..255 of a colour in another RGB space with white D65, by the formulas of CSS Color 4."""
    to_xyz_of_srgb = np.array(
        [
            [0.4123908, 0.3575843, 0.1804808],
            [0.2126390, 0.7151687, 0.0721923],
            [0.0193308, 0.1191948, 0.9505322],
        ]
    )
    linear = np.linalg.inv(to_xyz_of_srgb) @ primaries @ gamma(np.asarray(rgb) / 255)
    linear = linear.clip(0, 1)
    return 255 * np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)


# RGB to XYZ (D65), as CSS Color 4 gives them.
P3_TO_XYZ = np.array(
    [[0.4865709, 0.2656677, 0.1982173], [0.2289746, 0.6917385, 0.0792869], [0.0, 0.0451134, 1.0439444]]
)
ADOBE_TO_XYZ = np.array(
    [[0.5766690, 0.1855582, 0.1882286], [0.2973450, 0.6273636, 0.0752915], [0.0270314, 0.0706889, 0.9913375]]
)
COLOURS = [(200, 120, 90), (90, 60, 50), (120, 120, 120), (250, 10, 20), (20, 200, 40), (255, 255, 255)]


@pytest.mark.parametrize(
    ("icc", "primaries", "curve"),
    [(DISPLAY_P3, P3_TO_XYZ, srgb_curve), (ADOBE_RGB, ADOBE_TO_XYZ, adobe_curve)],
    ids=["Display P3", "Adobe RGB"],
)
@pytest.mark.parametrize("name", ["png", "tiff", "webp", "heif", "avif", "jpeg"])
def test_a_profile_is_converted_to_srgb(tmp_path, icc, primaries, curve, name):
    options = {"webp": {"lossless": True}, "jpeg": {"quality": 100, "subsampling": 0}}.get(
        name, {"quality": 100}
    )
    for colour in COLOURS:
        data = encoded(np.full((64, 64, 3), colour, np.uint8), name, icc_profile=icc, **options)
        given_colour = decode(write(tmp_path / "a", data), 64)[32, 32].astype(float)
        tolerance = 2 if name in ("png", "tiff", "webp") else 4
        np.testing.assert_allclose(given_colour, to_srgb(colour, primaries, curve), atol=tolerance)


def test_a_grey_profile_is_converted(tmp_path):
    grey = np.tile(np.arange(0, 256, 4, dtype=np.uint8), (64, 1))
    for stored in (grey, grey.astype(np.uint16) * 257):
        data = encoded(stored, "png", icc_profile=GREY_GAMMA_1)
        linear = np.arange(0, 256, 4) / 255
        expected = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055) * 255
        np.testing.assert_allclose(decode(write(tmp_path / "a.png", data), 64)[5, :, 1], expected, atol=1)


def numbered(data, primaries, transfer=13):
    """A PNG, AVIF or HEIC file that names its colours by their numbers in ITU-T H.273."""
    if data.startswith(b"\x89PNG"):
        chunk = b"cICP" + bytes([primaries, transfer, 0, 1])
        return data[:33] + struct.pack(">I", 4) + chunk + struct.pack(">I", zlib.crc32(chunk)) + data[33:]
    at = data.index(b"colrnclx") + 8
    return data[:at] + struct.pack(">HH", primaries, transfer) + data[at + 4 :]


BT_2020_TO_XYZ = np.array(
    [[0.6369580, 0.1446169, 0.1688810], [0.2627002, 0.6779981, 0.0593017], [0.0, 0.0280727, 1.0609851]]
)


@pytest.mark.parametrize(
    ("primaries", "to_xyz"), [(12, P3_TO_XYZ), (9, BT_2020_TO_XYZ)], ids=["P3", "BT.2020"]
)
@pytest.mark.parametrize("name", ["png", "avif", "heif"])
def test_colours_named_by_a_number_are_converted(tmp_path, name, primaries, to_xyz):
    for colour in [(200, 120, 90), (180, 170, 160), (120, 120, 120)]:
        data = encoded(
            np.full((64, 64, 3), colour, np.uint8), name, **({} if name == "png" else {"quality": 100})
        )
        given_colour = decode(write(tmp_path / "a", numbered(data, primaries)), 64)[32, 32].astype(float)
        expected = to_srgb(colour, to_xyz, srgb_curve)
        np.testing.assert_allclose(given_colour, expected, atol=1 if name == "png" else 4)
        plain = decode(write(tmp_path / "b", data), 64)
        assert np.array_equal(decode(write(tmp_path / "c", numbered(data, 1)), 64), plain)  # those of sRGB


@pytest.mark.parametrize("name", ["png", "avif", "heif"])
def test_tones_for_a_brighter_screen_are_refused(tmp_path, name):
    for transfer in (16, 18):
        path = write(tmp_path / "a", numbered(encoded(PIXELS, name), 9, transfer))
        with pytest.raises(ImageError, match=r"its tones are HDR \((PQ|HLG)\): export it as a JPEG\.$"):
            decode(path, 64)


def test_the_profile_of_a_jpeg_2000_file_is_converted(tmp_path):
    data = encoded(np.full((64, 64, 3), (200, 120, 90), np.uint8), "jpeg2000")
    at = data.index(b"colr") - 4
    length = struct.unpack_from(">I", data, at)[0]
    box = struct.pack(">I", 11 + len(DISPLAY_P3)) + b"colr\2\0\0" + DISPLAY_P3
    around = data.index(b"jp2h") - 4
    longer = struct.pack(">I", struct.unpack_from(">I", data, around)[0] + len(box) - length)
    data = data[:around] + longer + data[around + 4 : at] + box + data[at + length :]
    expected = to_srgb((200, 120, 90), P3_TO_XYZ, srgb_curve)
    np.testing.assert_allclose(decode(write(tmp_path / "a.jp2", data), 64)[9, 9], expected, atol=1)


def test_an_open_image_has_the_colours_of_its_file(tmp_path):
    data = numbered(encoded(PIXELS, "png"), 12)
    with Image.open(write(tmp_path / "a.png", data)) as image:
        assert np.array_equal(prepare_image(image, 64), decode(tmp_path / "a.png", 64))


@pytest.mark.parametrize("name", ["png", "jpeg", "tiff"])
def test_grey_with_a_profile_of_colours_is_converted(tmp_path, name):
    for level in (30, 120, 240):
        data = encoded(np.full((64, 64), level, np.uint8), name, icc_profile=ADOBE_RGB)
        expected = to_srgb((level,) * 3, ADOBE_TO_XYZ, adobe_curve)
        np.testing.assert_allclose(decode(write(tmp_path / "a", data), 64)[5, 5], expected, atol=2)


def test_srgb_profiles_change_no_bit(tmp_path):
    made = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    everything = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    for icc in (made, SRGB_ROUNDED):
        data = encoded(everything, "png", icc_profile=icc)
        assert np.array_equal(decode(write(tmp_path / "a.png", data), 64), everything)
        grey = encoded(everything[..., 0], "png", icc_profile=icc)
        assert np.array_equal(decode(write(tmp_path / "b.png", grey), 64)[..., 2], everything[..., 0])


@pytest.mark.parametrize(
    "icc",
    [b"no profile", DISPLAY_P3[:200], DISPLAY_P3[:300] + b"\xff" * 60 + DISPLAY_P3[360:], GREY_GAMMA_1],
    ids=["text", "truncated", "overwritten", "of grey"],
)
def test_a_profile_that_cannot_be_used_is_ignored(tmp_path, icc):
    assert np.array_equal(
        decode(write(tmp_path / "a.png", encoded(PIXELS, "png", icc_profile=icc)), 64), PIXELS
    )


def test_transparent_images_are_converted_under_their_alpha(tmp_path):
    rgba = np.full((64, 64, 4), (200, 120, 90, 255), np.uint8)
    data = encoded(rgba, "png", icc_profile=DISPLAY_P3)
    expected = to_srgb((200, 120, 90), P3_TO_XYZ, srgb_curve)
    np.testing.assert_allclose(decode(write(tmp_path / "a.png", data), 64)[9, 9], expected, atol=2)


def test_lab_and_cmyk_become_srgb(tmp_path):
    srgb, lab = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
    image = ImageCms.profileToProfile(Image.fromarray(PIXELS), srgb, lab, outputMode="LAB")
    given_pixels = decode(write(tmp_path / "a.tif", encoded(image, "tiff")), 64).astype(int)
    assert np.abs(given_pixels - PIXELS).max() <= 12  # LAB of 8 bits is coarse
    inks = np.full((64, 64, 4), (0, 255, 255, 0), np.uint8)
    for name in ("tiff", "jpeg"):
        data = encoded(Image.fromarray(inks, "CMYK"), name)
        np.testing.assert_allclose(decode(write(tmp_path / "b", data), 64)[9, 9], (255, 0, 0), atol=2)


def test_what_is_transparent_lies_on_white(tmp_path):
    alpha = np.full((64, 64), 255, np.uint8)
    alpha[:, 32:] = 0
    alpha[:, :8] = 128
    data = encoded(np.dstack([np.full((64, 64, 3), 40, np.uint8), alpha]), "png")
    row = decode(write(tmp_path / "a.png", data), 64)[20, :, 0]
    assert row[20] == 40 and row[50] == 255
    assert row[3] == pytest.approx(40 * 128 / 255 + 255 * 127 / 255, abs=1)
    palette = Image.fromarray(np.repeat([[0, 1]], 32, 0).repeat(32, 1).repeat(2, 0).astype(np.uint8), "P")
    palette.putpalette([10, 10, 10, 20, 20, 20])
    row = decode(write(tmp_path / "a.gif", encoded(palette, "gif", transparency=1)), 64)[20, :, 0]
    assert (row[10], row[60]) == (10, 255)
