"""How long one picture takes on this machine's CPU, by LiteRT's own benchmark."""

import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from skinkeras.tflite.metadata import read_labels

_TOOL = Path(__file__).with_name("timed_process.py")
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
        xnnpack: whether XNNPACK computed, as LiteRT has it, or the older builtin kernels.
        peak_memory_mb: by how much the process grew at most from before loading on, in 10^6 bytes; None
            where the system does not say (it does on Linux).
    """

    threads: int
    median_ms: float
    p5_ms: float
    p95_ms: float
    first_ms: float
    load_ms: float
    runs: int
    xnnpack: bool = True
    peak_memory_mb: float | None = None


@dataclass(frozen=True)
class Comparison:
    """One file with one number of threads, timed in rounds that it shared with other files.

    Attributes:
        path: the file.
        rounds: one `Latency` a round.
        ratio: how much faster it was than the first file: median of the rounds' ratios of medians. A
            machine that drifts slows both files of a round.
    """

    path: Path
    rounds: tuple[Latency, ...]
    ratio: float

    @property
    def latency(self) -> Latency:
        """The median of the rounds in every field; the memory is the largest."""
        first, fields = self.rounds[0], ("median_ms", "p5_ms", "p95_ms", "first_ms", "load_ms")
        medians = {field: statistics.median(getattr(one, field) for one in self.rounds) for field in fields}
        memory = [one.peak_memory_mb for one in self.rounds if one.peak_memory_mb is not None]
        runs = sum(one.runs for one in self.rounds)
        return Latency(
            first.threads,
            runs=runs,
            xnnpack=first.xnnpack,
            peak_memory_mb=max(memory, default=None),
            **medians,
        )


def benchmark(
    path: str | os.PathLike, threads: Sequence[int] = (1, 2), runs: int = 100, xnnpack: bool = True
) -> list[Latency]:
    """Times a file with `litert-benchmark`, in a process of its own for each number of threads.

    The input is random, which does not matter: no operation of these models takes longer for one value than
        for another. Other work on the machine does matter: `compare` files rather than figures of two calls.

    Args:
        path: .tflite file with embedded labels.
        threads: numbers of threads to try.
        runs: timed runs each.
        xnnpack: False for LiteRT's older kernels, without XNNPACK.

    Returns:
        One `Latency` for each of `threads`.

    Raises:
        FileNotFoundError, ValueError: as `read_labels`, or LiteRT cannot run the file.
    """
    read_labels(path)  # refuses a damaged file, which would crash the tool
    return [_run(path, count, runs, xnnpack) for count in threads]


def compare(
    paths: Sequence[str | os.PathLike],
    threads: Sequence[int] = (1, 2, 4),
    xnnpack: Sequence[bool] = (True, False),
    runs: int = 50,
    rounds: int = 3,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> list[Comparison]:
    """Times files in alternation, so that a machine that slows down or speeds up does so for all of them.

    Args:
        paths: .tflite files with embedded labels; the first is what the others are compared with.
        threads, xnnpack: all combinations are tried.
        runs: timed runs a round.
        rounds: how often each file has its turn; every second round goes backwards.
        progress: called as `progress(done, total)` after each process.

    Returns:
        One `Comparison` for each combination and file, in the order of the arguments.

    Raises:
        FileNotFoundError, ValueError: as `benchmark`; before anything is timed if a file is damaged.
    """
    for path in paths:
        read_labels(path)
    compared, done = [], 0
    total = len(xnnpack) * len(threads) * rounds * len(paths)
    for kernels in xnnpack:
        for count in threads:
            timed = [[] for _ in paths]
            for number in range(rounds):
                turns = list(zip(paths, timed, strict=True))
                for path, latencies in reversed(turns) if number % 2 else turns:
                    latencies.append(_run(path, count, runs, kernels))
                    done += 1
                    progress(done, total)
            compared += [
                Comparison(Path(path), tuple(latencies), _ratio(timed[0], latencies))
                for path, latencies in zip(paths, timed, strict=True)
            ]
    return compared


def _ratio(reference: Sequence[Latency], latencies: Sequence[Latency]) -> float:
    pairs = zip(reference, latencies, strict=True)
    # The tool gives whole microseconds: of a file that takes less there is no ratio.
    return statistics.median(
        first.median_ms / second.median_ms if second.median_ms else math.nan for first, second in pairs
    )


def _run(path: str | os.PathLike, threads: int, runs: int, xnnpack: bool) -> Latency:
    with tempfile.TemporaryDirectory() as folder:
        result = Path(folder) / "result.json"
        options = {
            "model": path,
            "num_threads": threads,
            "num_runs": runs,
            "warmup_runs": _WARM_UP_RUNS,
            "result_json": result,
        }
        # -P: the modules beside the tool are not to be found under their bare names.
        command = [sys.executable, "-P", str(_TOOL), "xnnpack" if xnnpack else "builtin"]
        command += [f"--{name}={value}" for name, value in options.items()]
        process = subprocess.run(command, capture_output=True, text=True, check=False)
        if process.returncode or not result.exists():
            reason = (process.stderr.strip().splitlines() or ["no message"])[-1]
            raise ValueError(f"litert-benchmark cannot run {path}: {reason}")
        report = json.loads(result.read_text())
    latency = report["latency"]
    return Latency(
        threads=threads,
        median_ms=latency["median_ms"],
        p5_ms=latency["p5_ms"],
        p95_ms=latency["p95_ms"],
        first_ms=latency["warmup_first_ms"],
        load_ms=latency["init_ms"],
        runs=latency["num_runs"],
        xnnpack=xnnpack,
        peak_memory_mb=report["peak_memory_mb"],
    )
