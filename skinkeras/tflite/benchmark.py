"""How long one picture takes on this machine's CPU, by LiteRT's own benchmark."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from skinkeras.tflite.metadata import read_labels

_TOOL = "ai_edge_litert.tools.benchmark_litert_model"
_WARM_UP_RUNS = 10


@dataclass(frozen=True)
class Latency:
    """Milliseconds of one run with a batch of one: input and output already in memory, no decoding of images.

    Attributes:
        threads: threads that LiteRT was given.
        median_ms, p5_ms, p95_ms: over `runs` runs behind the warm-up.
        first_ms: the very first run.
        load_ms: reading the file and preparing it, weights packed.
        runs: how many were timed.
    """

    threads: int
    median_ms: float
    p5_ms: float
    p95_ms: float
    first_ms: float
    load_ms: float
    runs: int


def benchmark(path: str | os.PathLike, threads: Sequence[int] = (1, 2), runs: int = 100) -> list[Latency]:
    """Times a file with `litert-benchmark`, in a process of its own for each number of threads.

    The input is random, which does not matter: no operation of these models takes longer for one value than
        for another. Other work on the machine does matter; compare files in alternating calls only.

    Args:
        path: .tflite file with embedded labels.
        threads: numbers of threads to try.
        runs: timed runs each.

    Returns:
        One `Latency` for each of `threads`.

    Raises:
        FileNotFoundError, ValueError: as `read_labels`, or LiteRT cannot run the file.
    """
    read_labels(path)  # refuses a damaged file, which would crash the tool
    return [_run(path, count, runs) for count in threads]


def _run(path: str | os.PathLike, threads: int, runs: int) -> Latency:
    with tempfile.TemporaryDirectory() as folder:
        result = Path(folder) / "result.json"
        options = {
            "model": path,
            "num_threads": threads,
            "num_runs": runs,
            "warmup_runs": _WARM_UP_RUNS,
            "result_json": result,
        }
        command = [sys.executable, "-m", _TOOL, *(f"--{name}={value}" for name, value in options.items())]
        process = subprocess.run(command, capture_output=True, text=True, check=False)
        if process.returncode or not result.exists():
            reason = (process.stderr.strip().splitlines() or ["no message"])[-1]
            raise ValueError(f"litert-benchmark cannot run {path}: {reason}")
        latency = json.loads(result.read_text())["latency"]
    return Latency(
        threads=threads,
        median_ms=latency["median_ms"],
        p5_ms=latency["p5_ms"],
        p95_ms=latency["p95_ms"],
        first_ms=latency["warmup_first_ms"],
        load_ms=latency["init_ms"],
        runs=latency["num_runs"],
    )
