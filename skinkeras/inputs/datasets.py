"""Decoded images and labels -> tf.data."""

import numpy as np
import tensorflow as tf


def training_dataset(
    images,
    rows,
    labels,
    batch_size,
    seed,
    epochs,
    first_epoch=0,
    augmentation=None,
    *,
    whole=False,
    correction=None,
):
    """Shuffled, augmented batches of all epochs from `first_epoch` on, one after the other.

    Order and augmentation are a function of (seed, epoch, step) alone: epoch 7 is the same whatever was read
    before. The last, smaller batch of an epoch is kept, unless `whole`.

    Args:
        images: `DecodedImages` or `VariantImages`, of n rows.
        rows: (m,) int, the rows of `images` to train on.
        labels: (m, classes) float32, one-hot, in the order of `rows`.
        batch_size: int >= 1.
        seed: int >= 0.
        epochs: int, the epoch to stop before.
        first_epoch: int >= 0, the epoch to begin with.
        augmentation: `Augmentation` or `StrongAugmentation`; None for the images as they are.
        correction: what is done to each batch before it is augmented, as a function of float32 images, such as
            `skinkeras.layers.ShadesOfGray.correct`; None for nothing.
        whole: whether all batches have `batch_size` images: those that are left over wait for the next epoch.

    Returns:
        A `tf.data.Dataset` of (float32 (batch, size, size, 3) in 0..255, float32 (batch, classes)),
        `steps_per_epoch(m, batch_size, whole=whole)` batches per epoch.
    """
    rows, count = tf.constant(rows, tf.int64), len(rows)

    def batches_of(epoch):
        order = tf.random.experimental.stateless_shuffle(tf.range(count), seed=[seed, epoch])
        batches = tf.data.Dataset.from_tensor_slices(order).batch(batch_size, drop_remainder=whole)
        steps = tf.data.Dataset.range(steps_per_epoch(count, batch_size, whole=whole))
        return tf.data.Dataset.zip(batches, steps).map(lambda places, step: (places, epoch, step))

    def load(places, epoch, step):
        batch, targets = _read(images, rows, labels, places)
        return (correction(batch) if correction else batch), targets, epoch, step

    def augment(images, targets, epoch, step):
        # No epoch has 100,003 steps or more, so no two steps share a seed.
        step_seed = tf.stack([tf.cast(seed, tf.int64), epoch * 100_003 + step])
        return (augmentation(images, step_seed) if augmentation else images), targets

    dataset = tf.data.Dataset.range(first_epoch, epochs).flat_map(batches_of)
    dataset = dataset.map(load, num_parallel_calls=2).map(augment, num_parallel_calls=2)
    return dataset.prefetch(2)


def evaluation_dataset(images, rows, labels, batch_size):
    """Batches in the order of `rows`, neither shuffled nor augmented, once.

    Args and returns: as `training_dataset`.
    """
    rows, places = tf.constant(rows, tf.int64), tf.range(len(rows))
    dataset = tf.data.Dataset.from_tensor_slices(places).batch(batch_size)
    dataset = dataset.map(lambda p: _read(images, rows, labels, p), num_parallel_calls=2)
    return dataset.prefetch(2)


def steps_per_epoch(count, batch_size, *, whole=False):
    """How many batches `count` images make; with `whole`, only those of `batch_size` images."""
    return count // batch_size if whole else -(-count // batch_size)


def _read(images, rows, labels, places):
    batch = tf.numpy_function(images.read, [tf.gather(rows, places)], tf.uint8)
    batch = tf.ensure_shape(batch, (None, *images.shape[1:]))
    targets = tf.gather(tf.constant(np.asarray(labels, np.float32)), places)
    return tf.cast(batch, tf.float32), targets
