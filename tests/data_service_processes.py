"""A `tf.data` service of real processes on the loopback."""

import socket
import subprocess
import sys
import time
from contextlib import contextmanager

from processes import SURROUNDINGS


def free_port():
    with socket.socket() as probe:
        probe.bind(("", 0))
        return probe.getsockname()[1]


def start(folder, name, *words):
    """A process of the service that has said that it works."""
    log = folder / f"{name}.log"
    with open(log, "w") as file:
        command = [sys.executable, "-m", "pipelines.data_service", *words]
        process = subprocess.Popen(command, stdout=file, stderr=file, **SURROUNDINGS)
    return process, log


@contextmanager
def running_service(folder):
    """A dispatcher and two workers; yields the address and the three processes."""
    port = free_port()
    address, processes = f"grpc://localhost:{port}", []
    try:
        for name, words in (
            ("dispatcher", ("dispatcher", "--port", str(port))),
            *((f"worker{n}", ("worker", "--dispatcher", address)) for n in range(2)),
        ):
            processes.append(start(folder, name, *words))
            if name != "worker0":  # both workers start at the same time
                wait_until_ready(processes)
        yield address, [process for process, _ in processes]
    finally:
        for process, _ in processes:
            process.kill()
            process.wait()


def wait_until_ready(processes):
    end = time.monotonic() + 120
    for process, log in processes:
        while not any(words in log.read_text() for words in ("listens on port", "makes batches for")):
            assert process.poll() is None and time.monotonic() < end, log.read_text()
            time.sleep(0.1)
