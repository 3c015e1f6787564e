"""The runnable jobs: `python -m pipelines.binary`, one module a job."""

import os
from contextlib import contextmanager

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


@contextmanager
def _quiet():
    """Sends the process's error stream nowhere: no setting silences what TensorFlow writes while loading."""
    stream, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(stream, 2)
        os.close(stream)
        os.close(nowhere)


with _quiet():
    import tensorflow  # noqa: F401
