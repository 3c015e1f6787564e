import numpy as np
import pytest
import tensorflow as tf

from skinkeras.inputs import shades_of_gray


def noise(*shape, low=60, high=120, seed=0):
    return np.random.default_rng(seed).integers(low, high, (*shape, 3)).astype("float32")


def grey_world(height=12, width=10, seed=0):
    """Colourful pixels of which each channel has the same values, in another order: grey for every p."""
    levels = np.random.default_rng(seed).uniform(60, 120, height * width)
    channels = [np.random.default_rng(n).permutation(levels) for n in range(3)]
    return np.stack(channels, axis=-1).reshape(height, width, 3).astype("float32")


def formula(image, p=6, black=20, saturated=250):
    """e_c = (mean |I_c|^p)^(1/p), then division by sqrt(3) e / |e|; one picture, in float64."""
    image = np.asarray(image, np.float64)
    told = [pixel for pixel in image.reshape(-1, 3) if black < pixel.max() < saturated]
    e = (np.abs(told) ** p).mean(axis=0) ** (1 / p)
    return np.clip(image / (np.sqrt(3) * e / np.sqrt((e**2).sum())), 0, 255)


@pytest.mark.parametrize(
    ("p", "expected"),
    [
        # e = (90, 90, 60): the picture is divided by sqrt(3 / 22) times (3, 3, 2).
        (1, [[54.1603, 108.3205, 81.2404], [108.3205, 54.1603, 81.2404]]),
        # e = 60 ((65 / 2)^(1/6), the same, 1) = 60 (1.786408, 1.786408, 1), of length 60 x 2.717076.
        (6, [[52.6880, 105.3760, 94.1223], [105.3760, 52.6880, 94.1223]]),
    ],
)
def test_two_colours_by_hand(p, expected):
    picture = np.float32([[[60, 120, 60], [120, 60, 60]]])
    assert shades_of_gray(picture, p=p)[0] == pytest.approx(np.array(expected), abs=1e-3)


def test_an_image_of_one_colour_becomes_grey_of_the_same_length():
    assert shades_of_gray(np.full((4, 4, 3), (100, 200, 100), "uint8")) == pytest.approx(100 * np.sqrt(2))


@pytest.mark.parametrize("p", [1, 3, 6, 6.5, 12])
def test_it_is_the_formula(p):
    picture = noise(9, 14, low=0, high=256) * np.float32([1, 0.8, 0.6])
    assert shades_of_gray(picture, p=p) == pytest.approx(formula(picture, p), abs=1e-2)


@pytest.mark.parametrize("p", [1, 6, 12])
@pytest.mark.parametrize("sigma", [0, 1.5])
def test_under_grey_light_nothing_changes(p, sigma):
    grey = np.repeat(noise(9, 7)[..., :1], 3, axis=-1)
    assert shades_of_gray(grey, p=p, sigma=sigma) == pytest.approx(grey, abs=1e-3)
    if not sigma:
        assert shades_of_gray(grey_world(), p=p) == pytest.approx(grey_world(), abs=1e-3)


@pytest.mark.parametrize("p", [1, 6])
@pytest.mark.parametrize("tint", [(1.2, 1.0, 0.75), (0.6, 1.1, 1.25)])
def test_a_tint_is_taken_out_again(p, tint):
    tint = np.float32(tint) * np.sqrt(3) / np.linalg.norm(tint)
    restored = shades_of_gray(grey_world() * tint, p=p)
    assert restored == pytest.approx(grey_world(), abs=1e-3)


@pytest.mark.parametrize("gamma", [1.8, 2.2])
def test_a_tint_of_the_light_is_taken_out_with_the_gamma_of_the_values(gamma):
    tint = np.array((1.2, 1.0, 0.75)) * np.sqrt(3) / np.linalg.norm((1.2, 1.0, 0.75))
    tinted = 255 * (tint * (grey_world() / 255) ** gamma) ** (1 / gamma)
    assert shades_of_gray(tinted, gamma=gamma) == pytest.approx(grey_world(), abs=1e-2)
    assert np.abs(shades_of_gray(tinted) - grey_world()).max() > 0.3  # without it, what is left is another


def test_gamma_by_hand():
    # One pixel (51, 102, 102) is light of (0.2, 0.4, 0.4)^2 = (0.04, 0.16, 0.16), of length 0.2298: grey of it is
    # 0.2298 / sqrt(3) = 0.13266, stored as its root 0.36422.
    picture = np.full((2, 2, 3), (51, 102, 102), "float32")
    assert shades_of_gray(picture, gamma=2) == pytest.approx(255 * 0.36422, abs=1e-2)


def test_what_becomes_too_bright_is_clipped():
    picture = np.full((8, 8, 3), (60, 120, 120), "float32")
    picture[0, 0] = 252
    corrected = shades_of_gray(picture)
    # e / |e| = (1, 2, 2) / 3, so the channels are multiplied by sqrt(3) (1, 1 / 2, 1 / 2).
    assert corrected[0, 0] == pytest.approx([255, 252 * 0.8660254, 252 * 0.8660254], abs=1e-3)
    assert corrected[1:] == pytest.approx(60 * np.sqrt(3), abs=1e-3)


@pytest.mark.parametrize("sigma", [0, 2])
@pytest.mark.parametrize("p", [1, 6])
@pytest.mark.parametrize("value", [(255, 30, 20), (20, 3, 12)], ids=["saturated", "black"])
def test_saturated_pixels_and_black_corners_do_not_sway_the_estimate(value, p, sigma):
    clean = np.repeat(noise(20, 16)[..., :1], 3, axis=-1) * np.float32([1.2, 1, 0.8])
    spoilt = clean.copy()
    spoilt[:6, :6] = value
    alone = shades_of_gray(clean[6:], p=p, sigma=sigma)
    ratio = shades_of_gray(spoilt, p=p, sigma=sigma)[6:] / clean[6:]
    # All that remains has one tint, whichever of its pixels count.
    assert ratio == pytest.approx(alone / clean[6:], rel=1e-4)
    swayed = shades_of_gray(spoilt, p=p, sigma=sigma, black=0, saturated=256)[6:] / clean[6:]
    if value[0] == 255 or p == 1:
        assert np.abs(swayed - ratio).max() > 0.01


def test_they_are_corrected_all_the_same():
    picture = np.full((4, 4, 3), (100, 200, 100), "float32")
    picture[0, 0], picture[0, 1] = (10, 10, 10), (255, 255, 255)
    corrected = shades_of_gray(picture)
    assert corrected[0, 0] == pytest.approx(10 * np.sqrt([2, 0.5, 2]), abs=1e-3)
    assert corrected[0, 1] == pytest.approx([255, 255 / np.sqrt(2), 255], abs=1e-3)


def test_the_smoothing_leaves_a_single_bright_pixel_little_say():
    picture = np.full((15, 15, 3), 100, "float32")
    picture[7, 7, 0] = 240
    spread = [np.ptp(shades_of_gray(picture, sigma=sigma)[0, 0]) for sigma in (0, 1, 3)]
    assert spread[0] > 5 * spread[1] > 5 * spread[2] > 0


def test_the_smoothing_is_a_gaussian_mean_of_what_counts():
    picture = noise(8, 11, low=30, high=240)
    picture[2:4, 5:7] = (255, 0, 0)
    y, x = np.mgrid[:8, :11]
    smoothed = picture.astype(np.float64).copy()
    counts = (picture.max(axis=-1) > 20) & (picture.max(axis=-1) < 250)
    for i, j in zip(y[counts], x[counts], strict=True):
        near = (np.abs(y - i) <= 3) & (np.abs(x - j) <= 3) & counts  # 3 standard deviations
        bell = np.exp(-((y - i) ** 2 + (x - j) ** 2) / 2)[near]
        smoothed[i, j] = (bell[:, None] * picture[near]).sum(axis=0) / bell.sum()
    e = (smoothed[counts] ** 6).mean(axis=0) ** (1 / 6)
    expected = np.clip(picture * np.linalg.norm(e) / (np.sqrt(3) * e), 0, 255)
    assert shades_of_gray(picture, sigma=1) == pytest.approx(expected, abs=1e-2)


@pytest.mark.parametrize("sigma", [0, 2])
@pytest.mark.parametrize("level", [0, 20, 250, 255])
def test_an_image_that_tells_nothing_stays_as_it_is(level, sigma):
    picture = np.full((5, 6, 3), level, "uint8")
    assert np.array_equal(shades_of_gray(picture, sigma=sigma), picture.astype("float32"))


def test_a_channel_that_is_black_stays_black():
    corrected = shades_of_gray(np.full((4, 4, 3), (120, 60, 0), "uint8"))
    assert np.isfinite(corrected).all()
    assert (corrected[..., 2] == 0).all()


@pytest.mark.parametrize("sigma", [0.0, 2.0])
def test_any_leading_dimensions_and_each_image_for_itself(sigma):
    pictures = noise(2, 3, 7, 9, low=0, high=256)
    together = shades_of_gray(pictures, sigma=sigma)
    assert (together.shape, together.dtype) == (pictures.shape, np.float32)
    for place in np.ndindex(2, 3):
        assert together[place] == pytest.approx(shades_of_gray(pictures[place], sigma=sigma), abs=1e-3)


def test_bytes_and_floats_give_the_same():
    picture = noise(6, 7, low=0, high=256)
    assert np.array_equal(shades_of_gray(picture.astype("uint8")), shades_of_gray(picture))


@pytest.mark.parametrize("sigma", [0.0, 1.5])
def test_eagerly_and_inside_tf_data_it_is_what_it_is_on_arrays(sigma):
    pictures = noise(5, 8, 6, low=0, high=256).astype("uint8")
    expected = shades_of_gray(pictures, sigma=sigma)
    eager = shades_of_gray(tf.constant(pictures), sigma=sigma)
    assert tf.is_tensor(eager)
    assert np.array_equal(np.asarray(eager), expected)
    dataset = tf.data.Dataset.from_generator(
        lambda: iter(pictures), output_signature=tf.TensorSpec((None, None, 3), tf.uint8)
    )
    singly = dataset.map(lambda image: shades_of_gray(image, sigma=sigma))
    assert np.stack(list(singly.as_numpy_iterator())) == pytest.approx(expected, abs=1e-3)
    batches = dataset.batch(3).map(lambda images: shades_of_gray(images, sigma=sigma))
    assert np.concatenate(list(batches.as_numpy_iterator())) == pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"p": 0.5}, r"p must be in 1..12. Received: p=0.5"),
        ({"p": 13}, "p must be in 1..12"),
        ({"p": float("nan")}, "p must be in 1..12"),
        ({"sigma": -1}, "sigma must be a finite number of pixels >= 0"),
        ({"sigma": float("inf")}, "sigma must be a finite number"),
        ({"gamma": 0.9}, r"gamma must be in 1..3. Received: gamma=0.9"),
        ({"gamma": float("nan")}, "gamma must be in 1..3"),
        ({"black": -1}, "black must be in 0..255 and saturated above it"),
        ({"black": 100, "saturated": 100}, "black must be in 0..255 and saturated above it"),
    ],
)
def test_settings_outside_their_range_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        shades_of_gray(noise(2, 2), **settings)


@pytest.mark.parametrize("shape", [(4, 4), (4, 3), (4, 4, 1), (4, 4, 4)])
def test_an_image_without_three_channels_is_refused(shape):
    with pytest.raises(ValueError, match="needs an image of shape"):
        shades_of_gray(np.zeros(shape))
