"""Batches from a `tf.data` service of real processes: a dispatcher and two workers on the loopback."""

import signal
import time

import keras
import numpy as np
import pytest
import tensorflow as tf
from data_service_processes import free_port, running_service

from skinkeras.errors import UsageError
from skinkeras.inputs import (
    OVERSAMPLING,
    Augmentation,
    DataService,
    DecodedImages,
    StrongAugmentation,
    VariantImages,
    distributed,
    training_dataset,
    variant_table,
)

COUNT, SIZE, BATCH = 60, 16, 4
STEPS = COUNT // BATCH
LABELS = np.eye(2, dtype="float32")[np.arange(COUNT) % 2]


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    with running_service(tmp_path_factory.mktemp("service")) as (address, _):
        yield address


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    path = tmp_path_factory.mktemp("images") / "images.npy"
    np.save(path, np.random.default_rng(0).integers(0, 256, (COUNT, SIZE, SIZE, 3), dtype=np.uint8))
    return DecodedImages(path)


def variants(images, policy):
    names = [f"image{n}" for n in range(COUNT)]
    labels = np.array(["benign", "malignant"])[LABELS.argmax(axis=1)]
    table = variant_table(names, labels, OVERSAMPLING[policy], seed=0)
    return VariantImages(images, np.arange(COUNT), table)


def dataset_of(images, augmentation, address=None, first_epoch=0, epochs=2, **settings):
    service = DataService(address, **settings) if address else None
    rows = np.random.default_rng(1).permutation(COUNT)
    arguments = (images, rows, LABELS[rows], BATCH, 7, epochs, first_epoch, augmentation)
    return training_dataset(*arguments, service=service)


def equal(ours, theirs):
    ours, theirs = list(ours), list(theirs)
    return len(ours) == len(theirs) > 0 and all(
        np.array_equal(a, b)
        for one, other in zip(ours, theirs, strict=True)
        for a, b in zip(one, other, strict=True)
    )


def test_stored_images_are_those_that_are_read(images):
    for policy in ("none", "g23"):
        shown = variants(images, policy)
        rows = np.arange(len(shown))[::3]
        for _ in range(2):  # the second time, the file is there
            stored, places = shown.stored(rows)
            assert np.array_equal(stored.read(places), shown.read(rows))
        # Only what is not in the file of the images needs another one.
        assert (stored.path == images.path) == (policy == "none")


def test_stored_variants_of_another_version_are_written_again(images):
    shown = variants(images, "g23")
    stored, _ = shown.stored(np.arange(3))
    other = np.lib.format.open_memmap(stored.path, mode="r+")
    other[:] = 0
    other.flush()
    stored, places = shown.stored(np.arange(3))
    assert np.array_equal(stored.read(places), shown.read(np.arange(3)))


@pytest.mark.long
@pytest.mark.parametrize("augmentation", [None, Augmentation(), StrongAugmentation()], ids=type)
def test_batches_are_those_that_are_made_without_a_service(images, service, augmentation):
    shown = variants(images, "none")
    made = dataset_of(shown, augmentation, service)
    assert made.element_spec == dataset_of(shown, augmentation).element_spec
    expected = list(dataset_of(shown, augmentation))
    for _ in range(2):  # it can be iterated over again
        assert equal(made, expected)
    assert equal(dataset_of(shown, augmentation, service, first_epoch=1), expected[STEPS:])


@pytest.mark.long
def test_blurred_variants_are_made_without_python(images, service):
    shown = variants(images, "g23")
    assert equal(dataset_of(shown, None, service), dataset_of(shown, None))


@pytest.mark.long
def test_keras_trains_to_the_same_weights(images, service):
    def weights(dataset):
        keras.utils.set_random_seed(0)
        layers = [keras.layers.Rescaling(1 / 255), keras.layers.Flatten(), keras.layers.Dense(2)]
        model = keras.Sequential(layers)
        model.compile(keras.optimizers.SGD(1e-3), "mse")
        model.fit(dataset, epochs=2, steps_per_epoch=STEPS, shuffle=False, verbose=0)
        return model.get_weights()

    datasets = [dataset_of(images, Augmentation(), address) for address in (service, None)]
    for ours, theirs in zip(*map(weights, datasets), strict=True):
        assert np.array_equal(ours, theirs) and np.isfinite(ours).all() and ours.any()


@pytest.mark.long
@pytest.mark.parametrize("victims", [[1], [0, 1, 2]], ids=str)
def test_processes_of_the_service_that_are_killed_change_nothing(images, tmp_path, victims):
    said = []
    with running_service(tmp_path) as (address, processes):
        settings = {"epochs": 20, "patience": 2.0, "say": said.append}
        made = []
        for number, batch in enumerate(dataset_of(images, Augmentation(), address, **settings)):
            made.append(batch)
            if number == 20:
                for victim in victims:
                    processes[victim].send_signal(signal.SIGKILL)
    assert equal(made, dataset_of(images, Augmentation(), epochs=20))
    assert all(address in line and line.endswith(".") for line in said)
    # With one worker left nothing has to be said; with none, it is said.
    assert said or victims == [1]


@pytest.mark.long
def test_a_worker_that_does_not_see_the_files_is_named(service, tmp_path, monkeypatch):
    # The workers run in the root of the checkout.
    monkeypatch.chdir(tmp_path)
    (tmp_path / "only_here").write_text("a")
    (tmp_path / "README.md").write_text("another one")

    def read(name):
        distributed(
            lambda numbers: numbers.map(lambda n: (n, tf.io.read_file(name))), 0, 3, DataService(service)
        )

    with pytest.raises(UsageError, match=r"A worker .* cannot make a batch: .*only_here.*\.$"):
        read("only_here")
    with pytest.raises(UsageError, match=r"A worker .* makes other batches than this machine: .*\.$"):
        read("README.md")


def test_an_address_at_which_nothing_listens_is_refused_at_once(images):
    address, started = f"grpc://localhost:{free_port()}", time.monotonic()
    with pytest.raises(UsageError, match=rf"No data service answers at {address} .*\.$"):
        dataset_of(images, None, address)
    assert time.monotonic() - started < 10


@pytest.mark.long
def test_a_dispatcher_without_workers_is_refused():
    dispatcher = tf.data.experimental.service.DispatchServer()
    service = DataService(dispatcher.target, start_seconds=2.0)
    with pytest.raises(UsageError, match=r"No worker of the data service at .* within 2 s: .*\.$"):
        distributed(lambda numbers: numbers.map(lambda n: (n, n)), 0, 3, service)


@pytest.mark.parametrize("address", ["localhost:5050", "grpc://host", "grpc://host:0", "grpc://a b:1", ""])
def test_an_address_of_another_form_is_refused(address):
    with pytest.raises(ValueError, match=r"is grpc://HOST:PORT\. Received: "):
        DataService(address)


@pytest.mark.parametrize("name", ["patience", "start_seconds"])
def test_seconds_are_positive(name):
    with pytest.raises(ValueError, match=rf"{name} must be above 0\. Received: {name}=0"):
        DataService("grpc://localhost:5050", **{name: 0})
