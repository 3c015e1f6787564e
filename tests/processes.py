"""Jobs as a user starts them: in processes of their own, or in this one."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pipelines.common.console import run

ROOT = Path(__file__).parents[1]


def _with_default_signals():
    """A shell lets what it starts in the background ignore Ctrl-C, and children inherit that."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


SURROUNDINGS = {
    "cwd": ROOT,
    "env": {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
    "preexec_fn": _with_default_signals,
}


def run_here(job, *words):
    """Runs a job of these command-line words in this process."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", [job.__name__, *map(str, words)])
        run(job.main, job.Settings)


def start(job, *words, log):
    """A process of `python -m pipelines.JOB`; what it writes is added to the file `log`."""
    command = [sys.executable, "-m", f"pipelines.{job}", *map(str, words)]
    with open(log, "a") as file:
        return subprocess.Popen(command, stdout=file, stderr=subprocess.STDOUT, **SURROUNDINGS)


def kill_once_there(process, path, log, seconds=600):
    """SIGKILL, which nothing can catch, as soon as `path` exists."""
    end = time.monotonic() + seconds
    while not path.exists():
        assert process.poll() is None, f"it ended by itself: {Path(log).read_text()[-3000:]}"
        assert time.monotonic() < end, f"{path} did not come: {Path(log).read_text()[-3000:]}"
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
