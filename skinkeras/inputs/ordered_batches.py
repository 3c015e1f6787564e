"""Batches made by the workers of a `tf.data` service, in the order and with the values that they have without it."""

import queue
import threading
import time

import numpy as np
import tensorflow as tf

from skinkeras.errors import UsageError
from skinkeras.inputs.reading_options import reading_options

# How many batches wait here for one that is late, before this machine makes that one.
_MOST_EARLY = 16
# How many more are taken from the service before they are asked for.
_READ_AHEAD = 4


def distributed(make, first, last, service):
    """Batches `first` to `last` - 1 of a pure function of their number, computed by a `tf.data` service.

    The dispatcher hands each number to one worker. What arrives early waits for its turn; what does not arrive
    (a worker has died, or is much slower than the others) is made here, and what then still comes is dropped.
    So the result is that of `make(tf.data.Dataset.range(first, last))`, whatever happens to the service.

    Args:
        make: function from a dataset of int64 numbers to one of tuples (number, tensor, ...), one for each number
            in the same order, that depend on nothing but the number. No Python functions (`tf.py_function`) and
            no variables: another process has to run it.
        first, last: ints, `first` < `last`.
        service: `DataService`.

    Returns:
        A `tf.data.Dataset` of (tensor, ...), which can be iterated over more than once.

    Raises:
        UsageError: there is no dispatcher, no worker answers, or a worker cannot make the first batch or makes
            another one than this machine.
    """
    _check_workers(make, first, service)
    spec = make(tf.data.Dataset.range(1)).element_spec[1:]
    dataset = tf.data.Dataset.from_generator(
        lambda: _in_order(make, first, last, service), output_signature=spec
    )
    return dataset.prefetch(2).with_options(reading_options())


def _in_order(make, first, last, service):
    receiver, made_here = _Receiver(make, first, last, service), _maker_here(make)
    try:
        for number in range(first, last):
            batch = receiver.take(number)
            yield made_here(number) if batch is None else batch
    finally:
        receiver.stop()


def _maker_here(make):
    """A function from a number to its batch, made on this machine."""
    # Whoever waits for the batch may hold the only thread of the shared pool.
    options = reading_options(threads=2)

    @tf.function(input_signature=[tf.TensorSpec((), tf.int64)])
    def batch_of(number):
        # As a dataset, like the workers: a function outside of one rounds some operations otherwise.
        dataset = make(tf.data.Dataset.from_tensors(number)).with_options(options)
        return dataset.get_single_element()[1:]

    return lambda number: batch_of(tf.constant(number, tf.int64))


class _Receiver:
    """Takes batches from the service and hands them out by number."""

    def __init__(self, make, first, last, service):
        self._service, self._early, self._silent, self._over = service, {}, False, False
        self._arrivals, self._stopped = queue.Queue(_READ_AHEAD), threading.Event()
        dataset = _on_workers(make(tf.data.Dataset.range(first, last)), "DYNAMIC", service)
        # A thread: no call of a dataset gives up by itself when its workers are gone.
        threading.Thread(target=self._receive, args=(dataset,), daemon=True).start()

    def take(self, number):
        """The batch of that number; None if it has not come and is to be made here."""
        if number in self._early:
            return self._early.pop(number)
        end = time.monotonic() + (0 if self._silent else self._service.patience)
        while not self._over and len(self._early) < _MOST_EARLY:
            try:
                arrived, batch = self._arrivals.get(timeout=max(0.0, end - time.monotonic()))
            except queue.Empty:
                self._set_silent()
                return None
            self._over, self._silent = arrived is None, False
            if arrived == number:
                return batch
            if not self._over and arrived > number:  # an earlier one has been made here
                self._early[arrived] = batch
        return None

    def stop(self):
        self._stopped.set()

    def _set_silent(self):
        if not self._silent:
            self._service.say(
                f"  The data service at {self._service.address} has made no batch for {self._service.patience:g} s: "
                "this machine makes them until it does."
            )
        self._silent = True

    def _receive(self, dataset):
        try:
            for number, *batch in dataset:
                if not self._put((int(number), tuple(batch))):
                    return
        except tf.errors.OpError as error:
            self._service.say(
                f"  The data service at {self._service.address} has failed, and this machine makes the batches that "
                f"are left: {_first_line(error)}"
            )
        self._put((None, None))

    def _put(self, arrival):
        while not self._stopped.is_set():
            try:
                self._arrivals.put(arrival, timeout=1.0)
            except queue.Full:
                continue
            return True
        return False


def _on_workers(dataset, sharding, service):
    policy = getattr(tf.data.experimental.service.ShardingPolicy, sharding)
    # Compressing float images takes longer than most networks need for them.
    return dataset.apply(tf.data.experimental.service.distribute(policy, service.address, compression=None))


def _check_workers(make, first, service):
    """Lets every worker make the first batch, and compares it with the one of this machine."""
    service.check_there()
    dataset = make(tf.data.Dataset.from_tensors(tf.constant(first, tf.int64)))
    answers = queue.SimpleQueue()

    def ask():
        try:
            for batch in _on_workers(dataset, "OFF", service):
                answers.put(batch[1:])
        except tf.errors.OpError as error:
            answers.put(error)
        answers.put(None)

    threading.Thread(target=ask, daemon=True).start()
    expected, end, count = next(iter(dataset))[1:], time.monotonic() + service.start_seconds, 0
    while True:
        try:
            answer = answers.get(timeout=max(0.0, end - time.monotonic()))
        except queue.Empty:
            break
        if answer is None:
            break
        if isinstance(answer, Exception):
            raise UsageError(
                f"A worker of the data service at {service.address} cannot make a batch: {_first_line(answer)}"
            ) from answer
        _compare(answer, expected, service, say=not count)
        count += 1
    if not count:
        raise UsageError(
            f"No worker of the data service at {service.address} has answered within {service.start_seconds:g} s: "
            f"start one with python -m pipelines.data_service worker --dispatcher {service.address}."
        )


def _compare(answer, expected, service, *, say):
    pairs = [tuple(np.asarray(one.numpy()) for one in pair) for pair in zip(expected, answer, strict=True)]
    if all(np.array_equal(ours, theirs) for ours, theirs in pairs):
        return
    if not all(_is_rounding(ours, theirs) for ours, theirs in pairs):
        raise UsageError(
            f"A worker of the data service at {service.address} makes other batches than this machine: let every "
            "machine see the same files, and install the same versions of TensorFlow."
        )
    if say:
        service.say(
            "  A worker of the data service rounds otherwise than this machine: the training is as good, but not the "
            "same bit for bit."
        )


def _is_rounding(ours, theirs):
    """Whether two arrays differ by no more than other processors' arithmetic explains, in grey levels of 0..255."""
    if ours.shape != theirs.shape or ours.dtype.kind != "f":
        return np.array_equal(ours, theirs)
    return np.allclose(ours, theirs, rtol=1e-3, atol=0.1)


def _first_line(error):
    line = next(
        (line.strip() for line in str(error.message).splitlines() if line.strip()), type(error).__name__
    )
    return line if line.endswith(".") else f"{line}."
