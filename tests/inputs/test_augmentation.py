import platform

import keras
import numpy as np
import pytest
import tensorflow as tf

from skinkeras.inputs import AUGMENTATIONS, StrongAugmentation
from skinkeras.inputs.augmentation import StepSeed

NO_COLOURS = dict.fromkeys(("brightness", "contrast", "saturation", "hue", "gain"), 0.0)
PLAIN = {"least_side": 1.0, "brightness": 0.0, "contrast": 0.0, "saturation": 0.0}


def noise(count=8, size=24):
    return np.random.default_rng(0).integers(0, 256, (count, size, size, 3)).astype("float32")


def augment(images, *seed, by="standard", **settings):
    return np.asarray(AUGMENTATIONS[by].build(**settings)(tf.constant(images), tf.constant(seed, tf.int64)))


both = pytest.mark.parametrize("by", AUGMENTATIONS)


@both
def test_the_same_seed_gives_the_same_images_and_another_one_others(by):
    first, again = augment(noise(), 1, 2, by=by), augment(noise(), 1, 2, by=by)
    assert np.array_equal(first, again)
    for other in (augment(noise(), 1, 3, by=by), augment(noise(), 2, 2, by=by)):
        assert np.abs(first - other).mean() > 10


@both
def test_nothing_but_the_seed_matters(by):
    augmentation, seed = AUGMENTATIONS[by].build(), tf.constant([1, 2], tf.int64)
    first = np.asarray(augmentation(noise(), seed))
    augmentation(noise(), tf.constant([5, 6], tf.int64))
    assert np.array_equal(np.asarray(augmentation(noise(), seed)), first)


@both
def test_inside_tf_data_it_is_what_it_is_outside(by):
    augmentation = AUGMENTATIONS[by].build()
    dataset = tf.data.Dataset.range(6).map(
        lambda step: augmentation(tf.constant(noise()), tf.stack([tf.constant(4, tf.int64), step])),
        num_parallel_calls=2,
    )
    for step, images in enumerate(dataset.as_numpy_iterator()):
        assert images == pytest.approx(augment(noise(), 4, step, by=by), abs=1e-2)


@both
def test_the_images_of_a_batch_are_augmented_differently(by):
    same = np.repeat(noise(1), 8, axis=0)
    augmented = augment(same, 0, 0, by=by).reshape(8, -1)
    distances = [np.abs(a - b).mean() for n, a in enumerate(augmented) for b in augmented[:n]]
    assert min(distances) > 1


@both
@pytest.mark.parametrize("level", [0.0, 255.0])
def test_values_stay_between_0_and_255(by, level):
    images = noise()
    images[:4] = level
    augmented = augment(images, 0, 0, by=by, brightness=0.9, contrast=0.9, saturation=0.9)
    assert augmented.shape == images.shape
    assert augmented.dtype == np.float32
    assert augmented.min() >= 0
    assert augmented.max() <= 255


def test_a_crop_keeps_the_share_of_the_image_that_it_promises():
    # The value of a pixel is its column: what is left of it tells the width of the crop.
    ramp = np.broadcast_to(np.linspace(0, 255, 64, dtype="float32")[None, None, :, None], (200, 64, 64, 3))
    settings = {**PLAIN, "least_side": 0.6, "whole": 0.0}
    augmented = augment(ramp, 0, 0, **settings)
    widths = [max(np.ptp(image[0, :, 0]), np.ptp(image[:, 0, 0])) / 255 for image in augmented]
    assert min(widths) >= 0.6 - 1e-3
    assert min(widths) < 0.65
    assert max(widths) > 0.95
    assert max(widths) <= 1 + 1e-6


def test_the_promised_share_of_the_images_stays_whole_and_sharp():
    images = noise(400, size=12)
    augmented = augment(images, 0, 0, **{**PLAIN, "least_side": 0.6, "whole": 0.7})
    # Orientation aside, a whole picture has the same values; a crop has others, between them.
    whole = [
        np.abs(np.sort(a, axis=None) - np.sort(b, axis=None)).max() < 0.01
        for a, b in zip(augmented, images, strict=True)
    ]
    assert 0.6 < np.mean(whole) < 0.8  # standard deviation 0.023


def test_strong_leaves_the_promised_share_of_the_images_in_their_places_with_every_pixel():
    images = noise(400, size=12)
    moved = np.asarray(
        StrongAugmentation(whole=0.7)._move(tf.constant(images), StepSeed(tf.constant([0, 0])))
    )
    # Each image is still in its place in the batch: turned, its values are the same to the last bit.
    kept = [
        np.array_equal(np.sort(a, axis=None), np.sort(b, axis=None))
        for a, b in zip(moved, images, strict=True)
    ]
    assert 0.6 < np.mean(kept) < 0.8  # standard deviation 0.023
    means = moved.mean(axis=(1, 2)) - images.mean(axis=(1, 2))
    assert np.abs(means[np.logical_not(kept)]).mean() > 1


@pytest.mark.parametrize("settings", [PLAIN, {"by": "strong", "whole": 1.0, **NO_COLOURS}])
def test_all_eight_orientations_of_an_image_are_reached_about_equally_often(settings):
    marked = noise(1, size=6)
    turned = [np.rot90(marked[0], k) for k in range(4)]
    orientations = [*turned, *(t[:, ::-1] for t in turned)]
    counts = np.zeros(8, int)
    for augmented in augment(np.repeat(marked, 400, axis=0), 0, 0, **settings):
        (found,) = [n for n, o in enumerate(orientations) if np.abs(augmented - o).max() < 0.5]
        counts[found] += 1
    # 50 each, standard deviation 6.6.
    assert counts.min() > 20
    assert counts.max() < 80


def as_keras_layers(images, *seed):
    """The standard augmentation as Keras' own layers and TensorFlow's crop compute it, on whole batches."""
    seeds, count, size = StepSeed(tf.constant(seed, tf.int64)), len(images), images.shape[1]
    coin = keras.random.uniform((count, 1, 1, 1), seed=seeds) < 0.5
    images = keras.ops.where(coin, keras.ops.transpose(images, (0, 2, 1, 3)), images)
    sides = keras.random.uniform((count, 2), 0.7, 1.0, seed=seeds)
    sides = keras.ops.where(keras.random.uniform((count, 1), seed=seeds) >= 0.5, sides, 1.0)
    corners = keras.random.uniform((count, 2), seed=seeds) * (1 - sides)
    boxes = keras.ops.concatenate([corners, corners + sides], axis=1)
    images = tf.image.crop_and_resize(images, boxes, tf.range(count), (size, size))
    for layer in (
        keras.layers.RandomFlip("horizontal"),
        keras.layers.RandomFlip("vertical"),
        keras.layers.RandomBrightness(0.12, value_range=(0, 255)),
        keras.layers.RandomContrast(0.2, value_range=(0, 255)),
        keras.layers.RandomSaturation((0.4, 0.6), value_range=(0, 255)),
    ):
        drawn = layer.get_random_transformation(images, training=True, seed=seeds)
        images = layer.transform_images(images, drawn, training=True)
    return np.clip(np.asarray(images), 0, 255)


@pytest.mark.parametrize(("count", "size"), [(1, 8), (7, 33), (32, 48)])
@pytest.mark.parametrize("step", range(3))
def test_the_standard_one_is_what_keras_layers_give(count, size, step):
    images = noise(count, size)
    images[:, :4] = images[:, :4, :, :1]  # grey, of which the hue is not defined
    images[:, 4:6], images[:, 6:8] = 0, 255
    ours, expected = augment(images, 3, step), as_keras_layers(images, 3, step)
    # Elsewhere a processor may round a product and a sum once instead of twice.
    exact = platform.machine() in ("x86_64", "AMD64")
    assert np.array_equal(ours, expected) if exact else ours == pytest.approx(expected, abs=1e-2)


def test_strong_scaling_and_stretching_keep_to_their_limits_at_any_angle():
    # A disc in the middle, whose size tells the scale; moved by no more than is cut off, it stays whole.
    places = np.arange(65) - 32
    disc = (np.hypot(*np.meshgrid(places, places)) < 10).astype("float32")
    discs = np.broadcast_to(255 * disc[None, :, :, None], (200, 65, 65, 3))
    settings = {"whole": 0.0, "scale": (0.75, 1.15), "aspect": 0.0, **NO_COLOURS}
    areas = augment(discs, 0, 0, by="strong", **settings).mean(axis=(1, 2, 3)) / (255 * disc.mean())
    assert areas.min() == pytest.approx(1 / 1.15**2, rel=0.05)
    assert areas.max() == pytest.approx(1 / 0.75**2, rel=0.05)
    stretched = augment(discs, 0, 0, by="strong", **{**settings, "scale": (1.0, 1.0), "aspect": 0.15})
    assert stretched.mean(axis=(1, 2, 3)) / (255 * disc.mean()) == pytest.approx(1, rel=0.05)


def test_strong_turns_by_more_than_right_angles():
    # Of a picture with vertical stripes, the vertical changes are none at right angles.
    stripes = np.broadcast_to(np.tile([0.0, 0, 0, 0, 255, 255, 255, 255], 6)[:, None], (100, 48, 48, 3))
    stripes = stripes.astype("float32")
    turned = augment(stripes, 0, 0, by="strong", whole=0.0, scale=(1.0, 1.0), aspect=0.0, **NO_COLOURS)
    down, right = (np.abs(np.diff(turned, axis=axis)).mean(axis=(1, 2, 3)) for axis in (1, 2))
    assert np.mean((down > 10) & (right > 10)) > 0.7


def test_strong_colours_turn_around_grey_and_keep_the_mean_level():
    grey = np.repeat(noise(8)[..., :1], 3, axis=3)
    same = {"by": "strong", "whole": 1.0, **NO_COLOURS}
    recoloured = augment(grey, 0, 0, **{**same, "hue": 0.5, "saturation": 0.9})
    assert np.sort(recoloured, axis=None) == pytest.approx(np.sort(grey, axis=None), abs=0.01)
    middle = 64 + noise(8) / 2
    contrasted = augment(middle, 0, 0, **{**same, "contrast": 0.4})
    assert contrasted.mean(axis=(1, 2, 3)) == pytest.approx(middle.mean(axis=(1, 2, 3)), abs=0.1)
    shares = contrasted.std(axis=(1, 2, 3)) / middle.std(axis=(1, 2, 3))
    assert 0.6 <= shares.min() < 0.9 < 1.1 < shares.max() <= 1.4
    # A third of the circle sends red to green or to blue.
    red = np.broadcast_to(np.array([200.0, 0, 0], "float32"), (50, 4, 4, 3))
    turned = StrongAugmentation(whole=1.0, **{**NO_COLOURS, "hue": 1 / 3})
    brightest = np.asarray(turned(tf.constant(red), tf.constant([0, 0], tf.int64))).argmax(axis=3)
    assert set(np.unique(brightest)) == {0, 1, 2}
