"""Disturbances of images, by hand-computed levels and by what must hold of each."""

import string

import cv2
import numpy as np
import pytest

from skinkeras.evaluation import CORRUPTIONS, corrupt
from skinkeras.evaluation.corruptions import daylight_gains

CASES = [(name, severity) for name, row in CORRUPTIONS.items() for severity in row.severities]
#: They move every pixel somewhere else: how far that is from the original depends on the image.
REARRANGED = {"shifted", "turned", "mirrored"}


@pytest.fixture(scope="module")
def images():
    """Two images of a dark, textured lesion on brighter skin, (2, 96, 96, 3)."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:96, :96]
    inside = np.hypot(y - 44, 0.8 * (x - 52)) < 24
    skin = np.where(inside[..., None], (110, 70, 60), (205, 160, 145))
    texture = cv2.GaussianBlur(rng.normal(0, 1, (96, 96)), (0, 0), 1.5)[..., None]
    one = np.clip(skin + 60 * texture, 0, 255).astype(np.uint8)
    return np.stack([one, one[::-1]])


def flat(level, size=8):
    return np.full((1, size, size, 3), level, np.uint8)


def distance(images, name, severity):
    return np.abs(corrupt(images, name, severity, [0, 1]).astype(int) - images).mean()


@pytest.mark.parametrize(("name", "severity"), CASES)
def test_every_disturbance_keeps_shape_type_and_the_original(images, name, severity):
    before = images.copy()
    disturbed = corrupt(images, name, severity, [0, 1])
    assert disturbed.dtype == np.uint8 and disturbed.shape == images.shape
    assert not np.shares_memory(disturbed, images)
    np.testing.assert_array_equal(images, before)
    assert np.any(disturbed != images)


@pytest.mark.parametrize(("name", "severity"), CASES)
def test_an_image_is_disturbed_alike_alone_and_in_a_batch(images, name, severity):
    alone = corrupt(images[1:], name, severity, [1])[0]
    np.testing.assert_array_equal(alone, corrupt(images, name, severity, [0, 1])[1])


@pytest.mark.parametrize("name", sorted(CORRUPTIONS.keys() - REARRANGED))
def test_a_higher_severity_is_farther_from_the_original(images, name):
    distances = [distance(images, name, severity) for severity in CORRUPTIONS[name].severities]
    assert distances == sorted(distances) and distances[0] < distances[-1]


@pytest.mark.parametrize("name", ["hair", "bubbles", "noise", "motion", "shifted"])
def test_what_is_random_differs_between_images(images, name):
    severity = CORRUPTIONS[name].severities[-1]
    same = np.repeat(images[:1], 2, axis=0)
    one, other = corrupt(same, name, severity, [0, 1])
    assert np.any(one != other)


def test_light_follows_the_srgb_curve():
    # Half the light of level 188 (0.5029 of the whole) is level 137; twice the light of 137 is 188 again.
    assert np.unique(corrupt(flat(188), "darker", 1.0, [0])).tolist() == [137]
    assert np.unique(corrupt(flat(137), "brighter", 1.0, [0])).tolist() == [188]
    assert np.unique(corrupt(flat(250), "brighter", 1.0, [0])).tolist() == [255]


def test_the_light_of_d50_and_d75_are_those_of_cie():
    # Linear sRGB of the white points (0.9642, 1, 0.8249) and (0.9497, 1, 1.2264).
    np.testing.assert_allclose(daylight_gains(5003), (1.176, 0.976, 0.722), atol=0.006)
    np.testing.assert_allclose(daylight_gains(7504), (0.929, 1.007, 1.145), atol=0.006)
    np.testing.assert_allclose(daylight_gains(6504), 1, atol=0.003)


def test_warm_light_is_redder_and_cool_light_bluer():
    warm, cool = (
        corrupt(flat(150), name, kelvin, [0])[0, 0, 0]
        for name, kelvin in (("warmer", 4500), ("cooler", 12000))
    )
    assert warm[0] > 150 > warm[2] and cool[0] < 150 < cool[2]


def test_contrast_moves_levels_to_the_mean():
    image = flat(100, 2)
    image[0, 0, 0] = 200  # one pixel of four: a mean of 125
    disturbed = corrupt(image, "low_contrast", 0.5, [0])[0, ..., 0]
    assert disturbed.tolist() == [[162, 112], [112, 112]]  # 162.5 and 112.5, to even


def test_blur_keeps_a_flat_image_and_spreads_a_point_evenly():
    for name, severity in (("defocus", 0.015), ("motion", 0.05)):
        np.testing.assert_array_equal(corrupt(flat(90, 64), name, severity, [0]), flat(90, 64))
    point = flat(0, 100)
    point[0, 50, 50] = 255
    spread = corrupt(point, "defocus", 0.01, [0])[0, ..., 0]  # a radius of one pixel
    # Covered are the centre and its four neighbours wholly or by half, the diagonal by 0.09: 255 / 3.34.
    assert spread[50, 50] == 76 and spread[49, 50] == spread[50, 51] == 38 and spread[49, 49] == 7
    assert spread[48, 50] == 0


def test_motion_is_a_line():
    point = flat(0, 100)
    point[0, 50, 50] = 255
    spread = corrupt(point, "motion", 0.1, [3])[0, ..., 0].astype(float)
    y, x = np.nonzero(spread)
    variances = np.linalg.eigvalsh(np.cov([y, x], aweights=spread[y, x]))
    assert variances[1] == pytest.approx(10**2 / 12, rel=0.25)  # of a line of ten pixels
    assert variances[0] < 0.5


def test_noise_has_the_deviation_that_it_says():
    noisy = corrupt(flat(128, 128), "noise", 10, [0]).astype(float)
    assert noisy.std() == pytest.approx(10, rel=0.03) and noisy.mean() == pytest.approx(128, abs=0.2)


def test_a_lower_jpeg_quality_has_a_lower_psnr(images):
    psnr = [cv2.PSNR(images, corrupt(images, "jpeg", quality, [0, 1])) for quality in (95, 75, 50, 20, 5)]
    assert psnr == sorted(psnr, reverse=True) and len(set(psnr)) == len(psnr)


def test_jpeg_keeps_the_order_of_the_channels():
    image = flat(0, 16)
    image[..., 0] = 200
    red, green, blue = corrupt(image, "jpeg", 50, [0])[0, 8, 8].astype(int)
    assert red > 180 and green < 20 and blue < 20


def test_mirrored_twice_and_turned_in_full_are_the_original(images):
    np.testing.assert_array_equal(
        corrupt(corrupt(images, "mirrored", None, [0, 1]), "mirrored", None, [0, 1]), images
    )
    half = corrupt(images, "turned", 180, [0, 1])
    np.testing.assert_array_equal(half, images[:, ::-1, ::-1])
    quarter = corrupt(corrupt(images, "turned", 90, [0, 1]), "turned", 90, [0, 1])
    np.testing.assert_array_equal(quarter, half)


def test_nearer_and_farther_keep_the_centre_and_change_the_size():
    image = flat(0, 64)
    image[0, 24:40, 24:40] = 255  # a square of 16 x 16
    areas = {
        severity: (corrupt(image, name, severity, [0])[0, ..., 0] / 255).sum()
        for name, severity in (("nearer", 2.0), ("nearer", 1.25), ("farther", 0.75))
    }
    for zoom, area in areas.items():
        assert area == pytest.approx((16 * zoom) ** 2, rel=0.02), zoom
        name = "nearer" if zoom > 1 else "farther"
        disturbed = corrupt(image, name, zoom, [0])
        np.testing.assert_allclose(disturbed, disturbed[:, ::-1, ::-1].astype(int), atol=1)


def test_what_is_around_a_farther_image_is_its_mirror_image():
    image = np.arange(0, 256, 4, dtype=np.uint8)[None, None, :, None].repeat(64, axis=1).repeat(3, axis=3)
    row = corrupt(image, "farther", 0.5, [0])[0, 30, :, 0].astype(int)
    inner = row[16:48]
    np.testing.assert_array_equal(row[:16], inner[:16][::-1])
    np.testing.assert_array_equal(row[48:], inner[16:][::-1])
    # Each pixel is the mean of two: 2, 10, 18 ...
    np.testing.assert_array_equal(inner, np.arange(2, 256, 8))


def test_shifted_by_so_many_pixels():
    image = flat(0, 100)
    image[0, 50, 50] = 255
    (y,), (x,) = np.nonzero(corrupt(image, "shifted", 0.2, [5])[0, ..., 0])
    assert np.hypot(y - 50, x - 50) == pytest.approx(20, abs=0.75)


def test_dark_corners_leave_the_circle():
    disturbed = corrupt(flat(200, 101), "dark_corners", 0.5, [0])[0, ..., 0]
    assert disturbed[50, 50] == 200 and disturbed[50, 1] == 200 and disturbed[0, 0] == 0
    assert (disturbed > 0).mean() == pytest.approx(np.pi / 4, abs=0.02)


def test_hairs_are_darker_and_bubbles_brighter(images):
    assert np.all(corrupt(flat(180, 64), "hair", 24, [0]) <= 180)
    assert np.all(corrupt(images, "bubbles", 12, [0, 1]).astype(int) >= images)


def test_every_row_says_what_and_why():
    for name, row in CORRUPTIONS.items():
        titles = {row.title_of(severity) for severity in row.severities}
        assert len(titles) == len(row.severities), name
        assert row.why.endswith(".") and "None" not in "".join(titles), name
        fields = [field for _, field, _, _ in string.Formatter().parse(row.title) if field is not None]
        assert len(fields) == (row.severities != (None,)), name


@pytest.mark.parametrize(
    ("images", "name", "words"),
    [
        (np.zeros((1, 4, 4, 3), np.float32), "jpeg", "float32"),
        (np.zeros((1, 4, 5, 3), np.uint8), "jpeg", "square"),
        (np.zeros((1, 4, 4, 3), np.uint8), "fog", "no disturbance fog"),
    ],
)
def test_what_cannot_be_disturbed_is_refused(images, name, words):
    with pytest.raises(ValueError, match=words):
        corrupt(images, name, 50, [0])
