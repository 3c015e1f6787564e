"""How long each operation of a .tflite file takes on this machine's CPU, by LiteRT's own profiler."""

import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from skinkeras.tflite.metadata import read_labels

_TOOL = Path(__file__).with_name("profiled_process.py")


@dataclass(frozen=True)
class OpTime:
    """One operation as LiteRT runs it, which may be several operations of the file in one.

    Attributes:
        name: what XNNPACK calls its kernel, such as "Convolution (NHWC, QC8) DWConv"; a pointwise convolution is
            "Fully Connected". What XNNPACK does not compute has its name in the file, in capitals.
        ms: milliseconds of a run, median.
    """

    name: str
    ms: float


@dataclass(frozen=True)
class Profile:
    """The operations of one file, in the order in which they run.

    Attributes:
        path: the file.
        threads: threads that LiteRT was given.
        run_ms: a whole run without the profiler, median.
        ops: one `OpTime` for each operation.
    """

    path: Path
    threads: int
    run_ms: float
    ops: tuple[OpTime, ...]

    def by_name(self) -> dict[str, tuple[int, float]]:
        """{name: (how many operations, milliseconds of all of them)}, the slowest first."""
        total = {}
        for op in self.ops:
            count, ms = total.get(op.name, (0, 0.0))
            total[op.name] = (count + 1, ms + op.ms)
        return dict(sorted(total.items(), key=lambda item: -item[1][1]))


def op_times(
    paths: Sequence[str | os.PathLike], threads: int = 1, runs: int = 50, rounds: int = 3
) -> list[Profile]:
    """Times each operation of some files, which take turns, each turn in a process of its own.

    With XNNPACK, as LiteRT computes by default. The operations add up to less than a run, which also copies its input
    and hands out its work.

    Args:
        paths: .tflite files with embedded labels.
        threads: threads of LiteRT.
        runs: timed runs a round, and as many without the profiler; of five at a time the mean counts.
        rounds: how often each file has its turn.

    Returns:
        One `Profile` for each of `paths`.

    Raises:
        FileNotFoundError, ValueError: as `read_labels`, or LiteRT cannot run or profile the file.
    """
    for path in paths:
        read_labels(path)  # refuses a damaged file, which would crash the process
    timed = [[] for _ in paths]
    for _ in range(rounds):
        for path, turns in zip(paths, timed, strict=True):
            turns.append(_profiled(path, threads, runs))
    return [_median(Path(path), threads, turns) for path, turns in zip(paths, timed, strict=True)]


def _median(path: Path, threads: int, turns: list[dict]) -> Profile:
    names = [name for name, _ in turns[0]["ops"]]
    each = [[ms for _, ms in turn["ops"]] for turn in turns]
    ops = (OpTime(name, statistics.median(ms)) for name, *ms in zip(names, *each, strict=True))
    return Profile(path, threads, statistics.median(turn["run_ms"] for turn in turns), tuple(ops))


def _profiled(path: str | os.PathLike, threads: int, runs: int) -> dict:
    with tempfile.TemporaryDirectory() as folder:
        result = Path(folder) / "result.json"
        # -P: the modules beside the tool are not to be found under their bare names.
        command = [sys.executable, "-P", str(_TOOL), str(path), str(threads), str(runs), str(result)]
        process = subprocess.run(command, capture_output=True, text=True, check=False)
        if process.returncode or not result.exists():
            reason = (process.stderr.strip().splitlines() or ["no message"])[-1]
            raise ValueError(f"LiteRT cannot profile {path}: {reason}")
        return json.loads(result.read_text())
