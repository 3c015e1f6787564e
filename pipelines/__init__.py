"""The runnable jobs: `python -m pipelines.binary`, one module a job."""

import os
import sys
from contextlib import contextmanager
from importlib.machinery import PathFinder

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


class _QuietTensorFlow:
    """Has TensorFlow loaded quietly, whoever imports it first; jobs that never do, start ten times sooner."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        spec = PathFinder.find_spec(name, path, target) if name == "tensorflow" else None
        if spec:
            load = spec.loader.exec_module

            def load_quietly(module):
                with _quiet():
                    load(module)

            spec.loader.exec_module = load_quietly
        return spec


sys.meta_path.insert(0, _QuietTensorFlow)
