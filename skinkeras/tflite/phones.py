"""How long one picture takes on the phones that are attached, by TensorFlow Lite's `benchmark_model`.

The tool, its flags and its output: https://github.com/tensorflow/tensorflow, tensorflow/lite/tools/benchmark/
README.md and benchmark_model.cc. No Python package carries it: whoever measures brings the binary for the
phone's processor (the documentation links nightly builds, such as android_aarch64_benchmark_model).
"""

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from skinkeras.errors import RunError
from skinkeras.tflite.metadata import read_labels

_FOLDER = "/data/local/tmp/skinkeras_benchmark"
_BINARY = f"{_FOLDER}/benchmark_model"
_SECONDS = 600
# Backend -> threads and the flag that asks for it.
_CONFIGURATIONS = (
    ("CPU", 1, "--use_xnnpack=true"),
    ("CPU", 4, "--use_xnnpack=true"),
    ("GPU", 1, "--use_gpu=true"),
    ("NNAPI", 1, "--use_nnapi=true"),
)


@dataclass(frozen=True)
class Phone:
    """An attached phone: its name for adb, what it calls itself, and its Android version."""

    serial: str
    model: str
    android: str


@dataclass(frozen=True)
class PhoneLatency:
    """One picture on one phone; milliseconds, batch of one.

    Attributes:
        backend: "CPU", "GPU" or "NNAPI".
        threads: threads of the CPU.
        mean_ms: over `runs` runs after the warm-up; None if the backend is unavailable.
        median_ms, p5_ms, p95_ms: the same, None from a tool too old to print them.
        first_ms: the very first run.
        load_ms: reading the file and preparing it.
        memory_mb: by how much the process had grown at the end, in MiB, as the tool prints it.
        runs: how many were timed.
        share: "all" or "part" of the graph that GPU or NNAPI took; the CPU did the rest.
        problem: why there are no figures, or "".
    """

    backend: str
    threads: int
    mean_ms: float | None = None
    median_ms: float | None = None
    p5_ms: float | None = None
    p95_ms: float | None = None
    first_ms: float | None = None
    load_ms: float | None = None
    memory_mb: float | None = None
    runs: int | None = None
    share: str = "all"
    problem: str = ""


def attached_phones() -> list[Phone]:
    """The phones that adb can use.

    Raises:
        RunError: there is no adb, or no phone that it may use; the sentence says why.
    """
    if shutil.which("adb") is None:
        raise RunError("There is no adb on the PATH: install Android's platform tools.")
    # Before the heading, adb may tell that it started its server.
    _, _, lines = _adb("devices").partition("List of devices attached")
    listed = [line.split() for line in lines.splitlines() if line.strip()]
    ready = [words[0] for words in listed if words[1:2] == ["device"]]
    if not ready:
        others = ", ".join(" ".join(words) for words in listed)
        hint = f" It lists: {others}; accept the question on the screen." if others else ""
        raise RunError(f"adb sees no phone: attach one with USB debugging switched on.{hint}")
    return [_phone(serial) for serial in ready]


def benchmark_phone(
    phone: Phone,
    binary: str | os.PathLike,
    paths: Sequence[str | os.PathLike],
    runs: int = 50,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> dict[Path, list[PhoneLatency]]:
    """Runs files on one phone: CPU with 1 and 4 threads, GPU, NNAPI. Leaves nothing on it.

    A backend that the phone lacks, or that takes no part of the graph (the tool then computes on the CPU and
    prints a latency all the same), is a `problem` and no figure.

    Args:
        phone: one of `attached_phones`.
        binary: `benchmark_model` for its processor.
        paths: .tflite files with embedded labels.
        runs: least number of timed runs.
        progress: called as `progress(done, total)` after each run of the tool.

    Returns:
        {path: one `PhoneLatency` for each configuration}

    Raises:
        FileNotFoundError, ValueError: a file is missing or damaged.
        RunError: adb failed, such as when the phone was unplugged.
    """
    if not Path(binary).is_file():
        raise FileNotFoundError(f"There is no benchmark_model at {binary}.")
    for path in paths:
        read_labels(path)
    results, done, total = {}, 0, len(paths) * len(_CONFIGURATIONS)
    try:
        _adb("-s", phone.serial, "shell", f"mkdir -p {_FOLDER}")
        _adb("-s", phone.serial, "push", str(binary), _BINARY)
        _adb("-s", phone.serial, "shell", f"chmod +x {_BINARY}")
        for path in map(Path, paths):
            _adb("-s", phone.serial, "push", str(path), f"{_FOLDER}/model.tflite")
            results[path] = []
            for backend, threads, flag in _CONFIGURATIONS:
                results[path].append(_run(phone, backend, threads, flag, runs))
                done += 1
                progress(done, total)
    finally:
        # Not by _adb: a phone that was unplugged must not hide its own error behind this one.
        subprocess.run(
            ["adb", "-s", phone.serial, "shell", f"rm -rf {_FOLDER}"], capture_output=True, check=False
        )
    return results


def read_output(text: str, backend: str, threads: int) -> PhoneLatency:
    """What `benchmark_model` printed, as figures; `problem` is set where it printed none that count."""
    # The last of two such lines: the first is the warm-up's. Microseconds.
    statistics = re.findall(r"count=(\d+) (.*)", text)
    timings = re.search(r"Inference timings in us: Init: ([\d.e+]+), First inference: ([\d.e+]+)", text)
    if not statistics or timings is None:
        return PhoneLatency(backend, threads, problem=_reason(text))
    share = "all"
    if backend != "CPU":
        if f"Explicitly applied {backend} delegate" not in text:
            return PhoneLatency(backend, threads, problem=_reason(text))
        share = "all" if "will be completely executed by the delegate" in text else "part"
    count, pairs = statistics[-1]
    values = {name: float(value) / 1e3 for name, value in re.findall(r"(\w+)=([\d.e+]+)", pairs)}
    memory = re.search(r"(?:footprint delta|[Pp]eak memory footprint).*\(MB\): .*overall=([\d.e+]+)", text)
    return PhoneLatency(
        backend,
        threads,
        mean_ms=values["avg"],
        median_ms=values.get("median"),
        p5_ms=values.get("p5"),
        p95_ms=values.get("p95"),
        first_ms=float(timings[2]) / 1e3,
        load_ms=float(timings[1]) / 1e3,
        memory_mb=float(memory[1]) if memory else None,
        runs=int(count),
        share=share,
    )


def _reason(text: str) -> str:
    told = (
        r"will not be executed by the delegate|is unsupported on this platform|^ERROR|Unconsumed|Permission"
    )
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return next((line for line in lines if re.search(told, line)), lines[-1] if lines else "no output")


def _run(phone: Phone, backend: str, threads: int, flag: str, runs: int) -> PhoneLatency:
    flags = f"--graph={_FOLDER}/model.tflite --num_threads={threads} --num_runs={runs} --warmup_runs=5 {flag}"
    # The tool fails where a backend does not exist, which is an answer; its log goes to either stream.
    return read_output(_adb("-s", phone.serial, "shell", f"{_BINARY} {flags} 2>&1; true"), backend, threads)


def _phone(serial: str) -> Phone:
    def ask(name: str) -> str:
        return _adb("-s", serial, "shell", f"getprop {name}").strip()

    model = f"{ask('ro.product.manufacturer')} {ask('ro.product.model')}".strip()
    return Phone(serial, model, ask("ro.build.version.release"))


def _adb(*arguments: str) -> str:
    try:
        done = subprocess.run(
            ["adb", *arguments], capture_output=True, text=True, check=False, timeout=_SECONDS
        )
    except subprocess.TimeoutExpired as error:
        raise RunError(f"adb {' '.join(arguments)} gave no answer in {_SECONDS} s.") from error
    if done.returncode:
        reason = (done.stderr.strip() or done.stdout.strip() or "no message").splitlines()[-1]
        raise RunError(f"adb {' '.join(arguments)} failed: {reason}")
    return done.stdout
