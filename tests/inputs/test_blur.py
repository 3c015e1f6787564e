import cv2
import numpy as np
import pytest
import tensorflow as tf

from skinkeras.inputs import Rho, decode, radial_blur

HEIGHT, WIDTH = 96, 160


def band_limited(height=HEIGHT, width=WIDTH):
    """No detail finer than 30 pixels a period."""
    y, x = np.mgrid[:height, :width].astype(float)
    waves = [np.sin(x / a + y / b) for a, b in ((6.0, 10.0), (9.0, -7.0), (5.5, 20.0))]
    return np.stack([127 + 100 * wave for wave in waves], axis=-1)


def bilinear(image, y, x):
    """Samples at the crossings of rows y and columns x, border pixels repeated, in float64."""
    y, x = np.clip(y, 0, image.shape[0] - 1), np.clip(x, 0, image.shape[1] - 1)
    top, left = np.minimum(y.astype(int), image.shape[0] - 2), np.minimum(x.astype(int), image.shape[1] - 2)
    down, right = (y - top)[:, None, None], (x - left)[None, :, None]
    rows = image[top] * (1 - down) + image[top + 1] * down
    return rows[:, left] * (1 - right) + rows[:, left + 1] * right


def iterated(image, rho, steps=5, sample=bilinear):
    """Gilal et al. 2023, eq. 1, as it is printed, about the middle of the pixel grid."""
    y, x = np.arange(image.shape[0], dtype=float), np.arange(image.shape[1], dtype=float)
    centre_y, centre_x = (image.shape[0] - 1) / 2, (image.shape[1] - 1) / 2
    for _ in range(steps):
        expanded = sample(image, y + rho * (y - centre_y), x + rho * (x - centre_x))
        shrunk = sample(image, y - rho * (y - centre_y), x - rho * (x - centre_x))
        image = (expanded + shrunk) / 2
    return image


def opencv(image, y, x):
    map_x, map_y = np.meshgrid(x.astype(np.float32), y.astype(np.float32))
    return cv2.remap(
        image.astype(np.float32), map_x, map_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )


def psnr(a, b):
    return 10 * np.log10(255**2 / max(np.mean((a - b) ** 2), 1e-12))


@pytest.mark.parametrize("sample", [bilinear, opencv])
@pytest.mark.parametrize("rho", [0.005, 0.0133, 0.02])
@pytest.mark.parametrize(("height", "width"), [(HEIGHT, WIDTH), (WIDTH, HEIGHT), (320, 320), (321, 401)])
def test_it_is_the_papers_recursion_on_images_of_any_shape(height, width, rho, sample):
    image = band_limited(height, width)
    expected = iterated(image, rho, sample=sample)
    assert psnr(np.asarray(radial_blur(image, rho)), expected) > 40
    in_8_bits = np.rint(image).astype(np.uint8)
    assert psnr(np.asarray(radial_blur(in_8_bits, rho)), expected) > 40


def test_real_images_at_the_papers_size(shared_data):
    for path in sorted((shared_data / "ham10000" / "images").glob("*.jpg"))[::2000]:
        image = decode(path, 320)
        for rho in (0.005, 0.01, 0.015, 0.02):
            assert psnr(np.asarray(radial_blur(image, rho)), iterated(image.astype(float), rho)) > 75


SIZES = [96, 97, 121, 128, 160, 192, 224, 260, 299, 300, 320]


@pytest.mark.parametrize("size", SIZES)
def test_noise_is_blurred_as_the_recursion_does_it(size):
    # White noise is the hardest: each of the repeated interpolations shows.
    image = np.random.default_rng(3).integers(0, 256, (size, size, 3), np.uint8)
    for rho in (0.005, 0.0133, 0.02):
        assert psnr(np.asarray(radial_blur(image, rho)), iterated(image.astype(float), rho)) > 50


@pytest.mark.parametrize("size", SIZES)
def test_the_strength_is_the_nominal_one_within_one_percent(size):
    # The strength for which the recursion comes closest: the lowest point of a parabola through three mean squared
    # errors. Smooth images follow a strength that is a little off; noise would only follow the exact one.
    image = band_limited(size, size)
    for rho in (0.005, 0.008, 0.0133, 0.02):
        blurred = np.asarray(radial_blur(image, rho))
        step = 0.05
        below, at, above = (
            np.mean((blurred - iterated(image, factor * rho)) ** 2) for factor in (1 - step, 1, 1 + step)
        )
        lowest = 1 + step * (below - above) / 2 / (below - 2 * at + above)
        assert lowest == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize("shape", [(97, 97), (96, 160), (33, 48), (20, 20), (5, 8), (1, 7), (2, 2)])
@pytest.mark.parametrize("rho", [1e-6, 0.0004, 0.003, 0.05, 0.199])
def test_any_shape_and_strength_comes_close(shape, rho):
    # Windows that OpenCV would copy instead of resizing, strengths far outside the paper's range.
    image = cv2.GaussianBlur(np.random.default_rng(4).uniform(0, 255, (*shape, 3)), (0, 0), 3)
    ours = np.asarray(radial_blur(image.astype("float32"), rho))
    assert psnr(ours, iterated(image, rho) if min(shape) > 1 else image) > 40


def test_each_direction_has_its_own_strength():
    image = band_limited()
    y, x = np.arange(HEIGHT, dtype=float), np.arange(WIDTH, dtype=float)
    middle_y, middle_x = (HEIGHT - 1) / 2, (WIDTH - 1) / 2
    rho = Rho(0.05, 0.1, 0.025, 0.0)
    expanded = bilinear(image, y + 0.025 * (y - middle_y), x + 0.05 * (x - middle_x))
    shrunk = bilinear(image, y, x - 0.1 * (x - middle_x))
    ours = np.asarray(radial_blur(image, rho, steps=1))
    assert psnr(ours, (expanded + shrunk) / 2) > 45


def test_one_step_on_noise_is_the_mean_of_two_zooms():
    image = np.random.default_rng(0).uniform(0, 255, (40, 60, 3))
    ours = np.asarray(radial_blur(image, 0.1, steps=1))
    expected = iterated(image, 0.1, steps=1)
    # Beside the centre, one of the two zooms is off by half of rho, here a twentieth of a pixel, in each direction.
    assert ours == pytest.approx(expected, abs=2 * 0.05 * 255 / 2)
    exact = np.ones((40, 60), bool)
    exact[19:21], exact[:, 29:31] = False, False
    assert ours[exact] == pytest.approx(expected[exact], abs=0.02)


def test_a_parabola_by_hand():
    # The zooms of (x - c)^2 by 1.1 and 0.9 average to 1.01 (x - c)^2, five times: 1.0510101 (x - c)^2.
    x = np.arange(200.0) - 99.5
    image = np.broadcast_to((x**2)[None, :, None], (20, 200, 1))
    blurred = np.asarray(radial_blur(image, 0.1))[5, :, 0]
    inside = np.abs(x) * 1.1**5 < 95
    # Interpolating a parabola at t between two pixels adds t (1 - t), at most 1/4, and that five times.
    added = blurred[inside] - 1.0510101 * x[inside] ** 2
    assert added.min() > -0.02
    assert 0.5 < added.mean() < added.max() < 5 / 4 * 1.06


def test_mirroring_before_or_after_is_the_same():
    image = np.random.default_rng(1).uniform(0, 255, (20, 33, 3)).astype("float32")
    blurred = np.asarray(radial_blur(image, 0.05))
    assert np.asarray(radial_blur(image[::-1], 0.05))[::-1] == pytest.approx(blurred, abs=0.01)
    assert np.asarray(radial_blur(image[:, ::-1], 0.05))[:, ::-1] == pytest.approx(blurred, abs=0.01)
    turned = np.asarray(radial_blur(image.transpose(1, 0, 2), 0.05)).transpose(1, 0, 2)
    assert turned == pytest.approx(blurred, abs=0.01)


def test_the_middle_stays_sharp_and_the_borders_do_not():
    stripes = np.tile(np.float32([0, 0, 255, 255])[:, None], (32, 1, 1, 1)).reshape(1, 128, 1)
    blurred = np.asarray(radial_blur(np.repeat(stripes, 9, axis=0), 0.02))[4, :, 0]
    assert np.ptp(blurred[60:68]) > 230
    assert np.ptp(blurred[4:20]) < 0.6 * 255


def test_rho_0_changes_nothing():
    image = np.random.default_rng(0).integers(0, 256, (9, 14, 3), np.uint8)
    blurred = np.asarray(radial_blur(image, 0.0))
    assert blurred.dtype == np.float32
    assert blurred == pytest.approx(image.astype("float32"), abs=1e-3)


def test_the_range_is_kept():
    image = np.random.default_rng(0).choice([0.0, 255.0], (30, 40, 3))
    blurred = np.asarray(radial_blur(image, 0.199))
    assert blurred.min() >= -1e-3
    assert blurred.max() <= 255.001


@pytest.mark.parametrize("leading", [(), (2,), (2, 3)])
def test_any_number_of_leading_dimensions_and_one_rho_for_each_image(leading):
    rng = np.random.default_rng(0)
    images = rng.uniform(0, 255, (*leading, 18, 25, 3)).astype("float32")
    rhos = rng.uniform(0.005, 0.1, leading).astype("float32")
    together = np.asarray(radial_blur(images, rhos))
    assert together.shape == images.shape
    for place in np.ndindex(*leading):
        alone = np.asarray(radial_blur(images[place], float(rhos[place])))
        assert together[place] == pytest.approx(alone, abs=1e-2)


def test_inside_tf_data_it_is_what_it_is_outside():
    images = np.random.default_rng(0).integers(0, 256, (4, 20, 31, 3), np.uint8)
    rhos = np.float32([0.005, 0.01, 0.02, 0.1])
    dataset = tf.data.Dataset.from_tensor_slices((images, rhos))
    single = np.stack(list(dataset.map(radial_blur).as_numpy_iterator()))
    (batched,) = dataset.batch(4).map(radial_blur).as_numpy_iterator()
    outside = np.asarray(radial_blur(images, rhos))
    assert single == pytest.approx(outside, abs=1e-3)
    assert batched == pytest.approx(outside, abs=1e-3)
    (one_rho,) = dataset.batch(4).map(lambda batch, _: radial_blur(batch, 0.02)).as_numpy_iterator()
    # TensorFlow makes a float32 of 0.02, and 8-bit images are rounded to eighths of a grey level in the first step.
    assert one_rho == pytest.approx(np.asarray(radial_blur(images, 0.02)), abs=0.1)


def test_images_of_different_sizes_in_one_pipeline():
    shapes = [(12, 20, 3), (17, 9, 3)]
    images = [np.random.default_rng(n).uniform(0, 255, s).astype("float32") for n, s in enumerate(shapes)]
    signature = tf.TensorSpec((None, None, 3), tf.float32)
    dataset = tf.data.Dataset.from_generator(lambda: iter(images), output_signature=signature)
    for image, blurred in zip(images, dataset.map(lambda x: radial_blur(x, 0.02)), strict=True):
        assert np.asarray(blurred) == pytest.approx(np.asarray(radial_blur(image, 0.02)), abs=1e-3)


@pytest.mark.parametrize("rho", [-0.01, 0.2, 1, float("nan")])
def test_a_rho_outside_its_range_is_refused(rho):
    with pytest.raises(ValueError, match=rf"rho must be in \[0, 0\.2\)\. Received: rho={rho}"):
        radial_blur(np.zeros((4, 4, 3)), rho)


def test_no_steps_are_refused():
    with pytest.raises(ValueError, match="steps must be at least 1"):
        radial_blur(np.zeros((4, 4, 3)), 0.01, steps=0)
