import numpy as np
import pytest
from PIL import Image

from skinkeras.inputs import (
    Augmentation,
    decode_all,
    evaluation_dataset,
    steps_per_epoch,
    training_dataset,
)

COUNT, BATCH = 23, 5
# A picture's colour tells its row, and its label is its row modulo 3.
ROWS = np.random.default_rng(0).permutation(30)[:COUNT]
LABELS = np.eye(3, dtype="float32")[ROWS % 3]


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pictures")
    for n in range(30):
        Image.fromarray(np.full((16, 16, 3), 8 * n, np.uint8)).save(folder / f"{n:02}.png")
    return decode_all(sorted(folder.glob("*.png")), 16, folder / "cache")[0]


def batches(pictures, first_epoch=0, epochs=3, seed=7, augmentation=None):
    dataset = training_dataset(
        pictures, ROWS, LABELS, BATCH, seed, epochs, first_epoch=first_epoch, augmentation=augmentation
    )
    return list(dataset.as_numpy_iterator())


def rows_of(images):
    return (images[:, 0, 0, 0] / 8).astype(int)


def by_epoch(all_batches):
    steps = len(all_batches) // 3
    return [
        np.concatenate([rows_of(images) for images, _ in all_batches[e * steps :][:steps]]) for e in range(3)
    ]


def equal(ours, theirs):
    return len(ours) == len(theirs) and all(
        np.array_equal(a, b)
        for one, other in zip(ours, theirs, strict=True)
        for a, b in zip(one, other, strict=True)
    )


@pytest.mark.parametrize(("count", "steps"), [(1, 1), (5, 1), (6, 2), (23, 5), (25, 5)])
def test_steps_of_an_epoch(count, steps):
    assert steps_per_epoch(count, 5) == steps


def test_shapes_types_and_the_last_smaller_batch(pictures):
    all_batches = batches(pictures)
    assert [len(images) for images, _ in all_batches] == [5, 5, 5, 5, 3] * 3
    for images, labels in all_batches:
        assert images.shape[1:] == (16, 16, 3)
        assert labels.shape == (len(images), 3)
        assert images.dtype == labels.dtype == np.float32


def test_every_image_is_seen_once_an_epoch_in_another_order(pictures):
    epochs = by_epoch(batches(pictures))
    for order in epochs:
        assert sorted(order) == sorted(ROWS)
    assert not np.array_equal(epochs[0], epochs[1])
    assert not np.array_equal(epochs[1], epochs[2])
    assert not np.array_equal(epochs[0], ROWS)


def test_labels_stay_with_their_images(pictures):
    for images, labels in batches(pictures):
        assert np.array_equal(labels.argmax(axis=1), rows_of(images) % 3)


def test_two_passes_are_bit_identical_augmentation_included(pictures):
    augmentation = Augmentation()
    first = batches(pictures, augmentation=augmentation)
    assert equal(first, batches(pictures, augmentation=augmentation))
    assert equal(first, batches(pictures, augmentation=Augmentation()))


def test_beginning_with_a_later_epoch_gives_the_tail_of_the_whole(pictures):
    whole = batches(pictures, augmentation=Augmentation())
    for first_epoch in (1, 2):
        tail = batches(pictures, first_epoch=first_epoch, augmentation=Augmentation())
        assert equal(whole[5 * first_epoch :], tail)
    assert batches(pictures, first_epoch=3) == []


def test_another_seed_is_another_order(pictures):
    assert not np.array_equal(by_epoch(batches(pictures))[0], by_epoch(batches(pictures, seed=8))[0])


def test_no_two_steps_are_augmented_alike(pictures):
    # Brightness alone tells them apart: the pictures are of one colour.
    shifts = {
        tuple(np.round(images[:, 0, 0, 0] % 8, 3))
        for images, _ in batches(pictures, augmentation=Augmentation())
    }
    assert len(shifts) == 15


def test_evaluation_keeps_the_order(pictures):
    dataset = list(evaluation_dataset(pictures, ROWS, LABELS, BATCH).as_numpy_iterator())
    assert [len(images) for images, _ in dataset] == [5, 5, 5, 5, 3]
    assert np.array_equal(np.concatenate([rows_of(images) for images, _ in dataset]), ROWS)
    assert np.array_equal(np.concatenate([labels for _, labels in dataset]), LABELS)
    assert dataset[0][0].dtype == np.float32


def test_nothing_is_left_to_the_tuner_which_keeps_a_finished_iterator_waiting(pictures):
    training = training_dataset(pictures, ROWS, LABELS, BATCH, 0, 1, augmentation=Augmentation())
    for dataset in (training, evaluation_dataset(pictures, ROWS, LABELS, BATCH)):
        assert dataset.options().autotune.enabled is False
