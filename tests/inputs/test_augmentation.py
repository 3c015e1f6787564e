import numpy as np
import pytest
import tensorflow as tf

from skinkeras.inputs import Augmentation

PLAIN = {"least_side": 1.0, "brightness": 0.0, "contrast": 0.0, "saturation": 0.0}


def noise(count=8, size=24):
    return np.random.default_rng(0).integers(0, 256, (count, size, size, 3)).astype("float32")


def augment(images, *seed, **settings):
    return np.asarray(Augmentation(**settings)(tf.constant(images), tf.constant(seed, tf.int64)))


def test_the_same_seed_gives_the_same_pictures_and_another_one_others():
    first, again = augment(noise(), 1, 2), augment(noise(), 1, 2)
    assert np.array_equal(first, again)
    for other in (augment(noise(), 1, 3), augment(noise(), 2, 2)):
        assert np.abs(first - other).mean() > 10


def test_nothing_but_the_seed_matters():
    augmentation, seed = Augmentation(), tf.constant([1, 2], tf.int64)
    first = np.asarray(augmentation(noise(), seed))
    augmentation(noise(), tf.constant([5, 6], tf.int64))
    assert np.array_equal(np.asarray(augmentation(noise(), seed)), first)


def test_inside_tf_data_it_is_what_it_is_outside():
    augmentation = Augmentation()
    dataset = tf.data.Dataset.range(6).map(
        lambda step: augmentation(tf.constant(noise()), tf.stack([tf.constant(4, tf.int64), step])),
        num_parallel_calls=2,
    )
    for step, images in enumerate(dataset.as_numpy_iterator()):
        assert images == pytest.approx(augment(noise(), 4, step), abs=1e-2)


def test_the_pictures_of_a_batch_are_augmented_differently():
    same = np.repeat(noise(1), 8, axis=0)
    augmented = augment(same, 0, 0).reshape(8, -1)
    distances = [np.abs(a - b).mean() for n, a in enumerate(augmented) for b in augmented[:n]]
    assert min(distances) > 1


@pytest.mark.parametrize("level", [0.0, 255.0])
def test_values_stay_between_0_and_255(level):
    images = noise()
    images[:4] = level
    augmented = augment(images, 0, 0, brightness=0.9, contrast=0.9, saturation=0.9)
    assert augmented.shape == images.shape
    assert augmented.dtype == np.float32
    assert augmented.min() >= 0
    assert augmented.max() <= 255


def test_a_crop_keeps_the_share_of_the_picture_that_it_promises():
    # The value of a pixel is its column: what is left of it tells the width of the crop.
    ramp = np.broadcast_to(np.linspace(0, 255, 64, dtype="float32")[None, None, :, None], (200, 64, 64, 3))
    settings = {**PLAIN, "least_side": 0.6, "whole": 0.0}
    augmented = augment(ramp, 0, 0, **settings)
    widths = [max(np.ptp(image[0, :, 0]), np.ptp(image[:, 0, 0])) / 255 for image in augmented]
    assert min(widths) >= 0.6 - 1e-3
    assert min(widths) < 0.65
    assert max(widths) > 0.95
    assert max(widths) <= 1 + 1e-6


def test_the_promised_share_of_the_pictures_stays_whole_and_sharp():
    images = noise(400, size=12)
    augmented = augment(images, 0, 0, **{**PLAIN, "least_side": 0.6, "whole": 0.7})
    # Orientation aside, a whole picture has the same values; a crop has others, between them.
    whole = [
        np.abs(np.sort(a, axis=None) - np.sort(b, axis=None)).max() < 0.01
        for a, b in zip(augmented, images, strict=True)
    ]
    assert 0.6 < np.mean(whole) < 0.8  # standard deviation 0.023


def test_all_eight_orientations_of_a_picture_are_reached_about_equally_often():
    marked = noise(1, size=6)
    turned = [np.rot90(marked[0], k) for k in range(4)]
    orientations = [*turned, *(t[:, ::-1] for t in turned)]
    counts = np.zeros(8, int)
    for augmented in augment(np.repeat(marked, 400, axis=0), 0, 0, **PLAIN):
        (found,) = [n for n, o in enumerate(orientations) if np.abs(augmented - o).max() < 0.5]
        counts[found] += 1
    # 50 each, standard deviation 6.6.
    assert counts.min() > 20
    assert counts.max() < 80
