"""Decoded images and labels -> tf.data."""

import numpy as np
import tensorflow as tf

from skinkeras.inputs.ordered_batches import distributed
from skinkeras.inputs.reading_options import reading_options

_THREADS = 4  # two maps of two calls


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
    service=None,
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
        service: `DataService` whose workers make the same batches, in the same order, from the file of decoded
            images; where variants are blurred or turned, they are first written into a file beside it. None: this
            process makes them. Needs at least one epoch.

    Returns:
        A `tf.data.Dataset` of (float32 (batch, size, size, 3) in 0..255, float32 (batch, classes)),
        `steps_per_epoch(m, batch_size, whole=whole)` batches per epoch.

    Raises:
        UsageError: as `distributed`, with a service.
    """
    count, n_steps = len(rows), steps_per_epoch(len(rows), batch_size, whole=whole)
    read = _reader(images, rows, labels) if service is None else _stored_reader(images, rows, labels)

    def order_of(epoch):
        return tf.random.experimental.stateless_shuffle(tf.range(count), seed=[seed, epoch])

    def batches_of(epoch):
        order = order_of(epoch)
        batches = tf.data.Dataset.from_tensor_slices(order).batch(batch_size, drop_remainder=whole)
        steps = tf.data.Dataset.range(n_steps)
        return tf.data.Dataset.zip(batches, steps).map(lambda places, step: (places, epoch, step))

    def load(places, epoch, step):
        batch, targets = read(places)
        return (correction(batch) if correction else batch), targets, epoch, step

    def augment(images, targets, epoch, step):
        # No epoch has 100,003 steps or more, so no two steps share a seed.
        step_seed = tf.stack([tf.cast(seed, tf.int64), epoch * 100_003 + step])
        return (augmentation(images, step_seed) if augmentation else images), targets

    if service is None:
        dataset = tf.data.Dataset.range(first_epoch, epochs).flat_map(batches_of)
        dataset = dataset.map(load, num_parallel_calls=2).map(augment, num_parallel_calls=2)
        return dataset.prefetch(2).with_options(reading_options(_THREADS))

    make = _numbered(order_of, load, augment, batch_size, n_steps)
    return distributed(make, first_epoch * n_steps, epochs * n_steps, service)


def _numbered(order_of, load, augment, batch_size, n_steps):
    """A function from a dataset of batch numbers, counted over all epochs, to one of (number, images, labels)."""

    def place(number):
        epoch, step = number // n_steps, number % n_steps
        return order_of(epoch)[step * batch_size : (step + 1) * batch_size], epoch, step

    def with_number(images, targets, epoch, step):
        return epoch * n_steps + step, *augment(images, targets, epoch, step)

    def make(numbers):
        dataset = numbers.map(place).map(load, num_parallel_calls=2)
        return dataset.map(with_number, num_parallel_calls=2).prefetch(2)

    return make


def evaluation_dataset(images, rows, labels, batch_size):
    """Batches in the order of `rows`, neither shuffled nor augmented, once.

    Args and returns: as `training_dataset`.
    """
    dataset = tf.data.Dataset.from_tensor_slices(tf.range(len(rows))).batch(batch_size)
    dataset = dataset.map(_reader(images, rows, labels), num_parallel_calls=2)
    return dataset.prefetch(2).with_options(reading_options(_THREADS))


def steps_per_epoch(count, batch_size, *, whole=False):
    """How many batches `count` images make; with `whole`, only those of `batch_size` images."""
    return count // batch_size if whole else -(-count // batch_size)


def _reader(images, rows, labels):
    """A function from places in `rows` to the float32 images there and their labels."""
    rows, labels = tf.constant(rows, tf.int64), tf.constant(np.asarray(labels, np.float32))

    def read(places):
        batch = tf.numpy_function(images.read, [tf.gather(rows, places)], tf.uint8)
        batch = tf.ensure_shape(batch, (None, *images.shape[1:]))
        return tf.cast(batch, tf.float32), tf.gather(labels, places)

    return read


def _stored_reader(images, rows, labels):
    """`_reader` without Python: every process that sees the file of the images can run it."""
    stored, rows = images.stored(rows)
    rows, labels = tf.constant(rows, tf.int64), tf.constant(np.asarray(labels, np.float32))
    n_bytes = int(np.prod(stored.shape[1:]))
    end = stored.offset + stored.shape[0] * n_bytes

    def read(places):
        # Maps the file into memory. Slices read the pages of these images; to reshape the whole would copy it.
        file = tf.raw_ops.ImmutableConst(
            dtype=tf.uint8, shape=[end], memory_region_name=str(stored.path.resolve())
        )
        batch = tf.map_fn(
            lambda row: tf.slice(file, [stored.offset + row * n_bytes], [n_bytes]),
            tf.gather(rows, places),
            fn_output_signature=tf.TensorSpec((n_bytes,), tf.uint8),
        )
        batch = tf.reshape(batch, (-1, *stored.shape[1:]))
        return tf.cast(batch, tf.float32), tf.gather(labels, places)

    return read
