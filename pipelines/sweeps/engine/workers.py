"""Where the jobs of a sweep run: in processes on this machine, or on a Ray cluster."""

import ctypes
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Job:
    """One process to run.

    Attributes:
        name: of the job.
        command: the words behind `python`.
        log: absolute path of the file that what it prints is appended to.
    """

    name: str
    command: tuple
    log: str


_running = set()  # the processes of `run_job`, for whoever ends them


def run_job(job):
    """Runs a job to its end.

    Returns:
        (name, exit code, seconds, the last line that it printed to its log in this attempt).
    """
    log = Path(job.log)
    log.parent.mkdir(parents=True, exist_ok=True)
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "COLUMNS": "1000"}
    started = time.monotonic()
    with open(log, "a") as file:
        before = file.tell()
        process = subprocess.Popen(
            [sys.executable, *job.command],
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            env=environment,
            preexec_fn=_die_with_parent,
        )
        _running.add(process)
        try:
            code = process.wait()
        finally:
            _running.discard(process)
    with open(log, errors="replace") as file:
        file.seek(before)
        lines = [line.strip() for line in file if line.strip()]
    last = lines[-1] if lines else "it printed nothing"
    if code < 0:
        last = f"ended by signal {-code}; its last line: {last}"
    return job.name, code, time.monotonic() - started, last


# Looked up here: between fork and exec, the child of a process with threads should allocate nothing.
_prctl = getattr(ctypes.CDLL(None), "prctl", None)  # Linux has it, macOS has not


def _die_with_parent():
    """An orphan would go on writing into a run's folder, where the resumed sweep writes, too."""
    if _prctl:
        _prctl(1, signal.SIGKILL)  # 1: PR_SET_PDEATHSIG


class LocalWorkers:
    """At most `count` processes at a time on this machine; a context manager that ends them if it is left early."""

    def __init__(self, count):
        self.count, self._pool = count, None

    def __enter__(self):
        self._pool = ThreadPoolExecutor(self.count)
        return self

    def __exit__(self, kind, *_):
        self._pool.shutdown(wait=False, cancel_futures=True)
        if kind is not None:  # the sweep is stopped, and its runs with it: they go on when it is resumed
            for process in list(_running):
                process.terminate()
        self._pool.shutdown()

    def results(self, jobs):
        """Yields what `run_job` returns, in the order in which the jobs end."""
        for future in as_completed([self._pool.submit(run_job, job) for job in jobs]):
            yield future.result()


class RayWorkers:
    """A Ray cluster whose machines see the sweep's folder under the same path and have skinkeras installed.

    A context manager: leaving it ends the connection.

    Args:
        address: of the cluster ("auto": the one that this machine belongs to), or "local": a new one on
            this machine alone.
        count: jobs at a time on all machines together.
        cpus, gpus: what the cluster reserves for each job.

    Raises:
        ValueError: Ray is not installed, or there is no such cluster.
    """

    def __init__(self, address, count, cpus=1, gpus=0):
        try:
            import ray
        except ImportError as error:
            raise ValueError(
                "--ray needs Ray: pip install -e '.[ray]' in a checkout of skinkeras."
            ) from error
        self._ray, self.count, self._needs = ray, count, {"num_cpus": cpus, "num_gpus": gpus}
        try:
            if address == "local":
                ray.init(address="local", num_cpus=count * cpus, include_dashboard=False, log_to_driver=False)
            else:
                ray.init(address=address, log_to_driver=False)
        except (ConnectionError, ValueError, RuntimeError) as error:
            raise ValueError(f"There is no Ray cluster at {address}: {error}") from error

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._ray.shutdown()

    def results(self, jobs):
        """Yields what `run_job` returns, in the order in which the jobs end."""
        ray = self._ray
        # A worker that dies takes its job with it: Ray starts the job again, and that resumes its run.
        task = ray.remote(**self._needs, max_retries=2)(run_job)
        waiting, running = list(jobs), {}
        try:
            while waiting or running:
                while waiting and len(running) < self.count:
                    job = waiting.pop(0)
                    running[task.remote(job)] = job
                (done,), _ = ray.wait(list(running), num_returns=1)
                job = running.pop(done)
                try:
                    yield ray.get(done)
                except ray.exceptions.RayError as error:
                    yield job.name, 1, 0.0, f"Ray: {' '.join(str(error).split())[:200]}"
        finally:
            for reference in running:
                ray.cancel(reference, force=True)
