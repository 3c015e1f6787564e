"""How long .tflite files take for one picture, on this machine or on attached phones.

python -m pipelines.benchmark FILE...
python -m pipelines.benchmark FILE... --device adb --benchmark-model PATH
"""

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import rich.table
from rich.markup import escape
from tyro.conf import Positional

from pipelines.common.console import console, progress_bar, refuse_invalid_input, run
from pipelines.common.options import MOST_THREADS, check_count
from pipelines.common.run_folder import host
from skinkeras import tflite
from skinkeras.files.writing import write_json
from skinkeras.tflite import phones
from skinkeras.tflite.op_times import op_times
from skinkeras.tflite.runtime import check_runs

_KERNELS = {"both": (True, False), "on": (True,), "off": (False,)}


@dataclass(frozen=True)
class Settings:
    """Settings of the benchmark."""

    files: Positional[tuple[Path, ...]]
    """The .tflite files; the others are compared with the first."""
    device: Literal["host", "adb"] = "host"
    """This machine's CPU, or every phone that adb sees: CPU, GPU and NNAPI."""
    threads: tuple[int, ...] = (1, 2, 4)
    """Numbers of threads to try (host; phones run 1 and 4)."""
    xnnpack: Literal["both", "on", "off"] = "both"
    """With XNNPACK, as LiteRT computes by default, or with its older kernels (host)."""
    runs: int = 50
    """Timed runs: a round on the host, at least on a phone."""
    rounds: int = 3
    """How often each file has its turn (host)."""
    ops: bool = False
    """How long each operation takes, by LiteRT's profiler and with XNNPACK, instead (host)."""
    benchmark_model: Path | None = None
    """TensorFlow Lite's benchmark_model, built for the phones' processor (adb)."""
    join: bool = False
    """Also write the phones' figures into the json and the card beside each file (adb)."""
    json: Path | None = None
    """Also write all figures to this file."""


def main(settings):
    """Times .tflite files in alternation and prints one row for each way of running them."""
    with refuse_invalid_input():
        check(settings)
        for file in settings.files:
            check_runs(file)
            tflite.Classifier(file)
    measure = measure_phones if settings.device == "adb" else measure_ops if settings.ops else measure_host
    report = measure(settings)
    if settings.json:
        write_json(settings.json, report)
        console.print(f"Figures: {settings.json}", markup=False)


def check(settings):
    """Raises ValueError if the settings contradict each other or are out of range."""
    for threads in settings.threads or (0,):
        check_count("threads", threads, MOST_THREADS)
    check_count("runs", settings.runs, 1_000_000)
    check_count("rounds", settings.rounds, 1_000)
    if not settings.files:
        raise ValueError("Name one or more .tflite files.")
    if settings.device == "host" and (settings.join or settings.benchmark_model):
        raise ValueError("--join and --benchmark-model belong to --device adb.")
    if settings.ops and (settings.device == "adb" or settings.xnnpack == "off"):
        raise ValueError(
            "--ops profiles this machine with XNNPACK: leave out --device adb and --xnnpack off."
        )
    if settings.device == "adb":
        if settings.benchmark_model is None:
            raise ValueError(
                "--device adb needs --benchmark-model PATH: TensorFlow Lite's benchmark_model, built for the "
                "phones' processor; no package carries it."
            )
        if not settings.benchmark_model.is_file():
            raise ValueError(f"There is no file {settings.benchmark_model}.")
        if settings.join:
            from skinkeras.reports import phone_results

            for file in settings.files:
                phone_results.contract_of(file)


def measure_host(settings):
    """Times the files on this machine; returns what the json holds."""
    with progress_bar("Timing") as progress:
        compared = tflite.compare(
            settings.files,
            settings.threads,
            _KERNELS[settings.xnnpack],
            settings.runs,
            settings.rounds,
            progress,
        )
    names = short_names(settings.files)
    table = _table(f"{host()}\nMilliseconds for one picture, medians of {settings.rounds} rounds")
    for column in ("threads", "XNNPACK", "median", "p5", "p95", "first run", "load", "peak MB", "faster"):
        table.add_column(column, justify="right")
    for one in compared:
        latency = one.latency
        numbers = (latency.median_ms, latency.p5_ms, latency.p95_ms, latency.first_ms, latency.load_ms)
        table.add_row(
            escape(names[one.path]),
            str(latency.threads),
            "on" if latency.xnnpack else "off",
            *(f"{number:.2f}" for number in numbers),
            _number(latency.peak_memory_mb, 1),
            f"{one.ratio:.2f} x",
        )
    print_names(names)
    console.print(table)
    return {
        "device": "host",
        "host": host(),
        "files": [
            {
                "file": one.path.name,
                **dataclasses.asdict(one.latency),
                "times_faster_than_first": one.ratio,
                "rounds": [dataclasses.asdict(latency) for latency in one.rounds],
            }
            for one in compared
        ],
    }


def measure_ops(settings):
    """Times each operation of the files on this machine; returns what the json holds."""
    profiles = []
    for threads in settings.threads:
        profiles += op_times(settings.files, threads, settings.runs, settings.rounds)
    names = short_names(settings.files)
    print_names(names)
    for profile in profiles:
        total = sum(op.ms for op in profile.ops)
        table = rich.table.Table(
            title=f"{names[profile.path]}, {profile.threads} thread(s): {profile.run_ms:.2f} ms an image, of which "
            f"{total:.2f} ms in operations",
            title_justify="left",
        )
        table.add_column("operation")
        for column in ("how many", "ms", "share", "slowest, ms"):
            table.add_column(column, justify="right")
        for name, (count, ms) in profile.by_name().items():
            slowest = max(op.ms for op in profile.ops if op.name == name)
            table.add_row(escape(name), str(count), f"{ms:.3f}", f"{ms / (total or 1):.1%}", f"{slowest:.3f}")
        console.print(table)
    return {
        "device": "host",
        "host": host(),
        "ops": [{**dataclasses.asdict(profile), "path": profile.path.name} for profile in profiles],
    }


def measure_phones(settings):
    """Times the files on every attached phone; returns what the json holds."""
    found = []
    for phone in phones.attached_phones():
        with progress_bar(phone.model) as progress:
            results = phones.benchmark_phone(
                phone, settings.benchmark_model, settings.files, settings.runs, progress
            )
        print_phone(phone, results)
        if settings.join:
            from skinkeras.reports import phone_results

            for file, latencies in results.items():
                console.print(f"Joined to {phone_results.join(file, phone, latencies)}", markup=False)
        found.append((phone, results))
    return {
        "device": "adb",
        "phones": [
            {
                **dataclasses.asdict(phone),
                "files": [
                    {"file": file.name, **dataclasses.asdict(latency)}
                    for file, latencies in results.items()
                    for latency in latencies
                ],
            }
            for phone, results in found
        ],
    }


def print_phone(phone, results):
    """One phone's table."""
    names = short_names(results)
    table = _table(f"{phone.model}, Android {phone.android}\nMilliseconds for one picture")
    for column in ("on", "threads", "mean", "median", "p5", "p95", "first run", "load", "MiB"):
        table.add_column(column, justify="right")
    table.add_column("remark")
    for file, latencies in results.items():
        for latency in latencies:
            remark = latency.problem or ("the CPU computes a part" if latency.share == "part" else "")
            numbers = (latency.mean_ms, latency.median_ms, latency.p5_ms, latency.p95_ms, latency.first_ms)
            table.add_row(
                escape(names[file]),
                latency.backend,
                str(latency.threads),
                *(_number(number, 2) for number in (*numbers, latency.load_ms)),
                _number(latency.memory_mb, 1),
                escape(remark),
            )
    print_names(names)
    console.print(table)


def short_names(paths):
    """{path: A, B, ...}: the names of released files are longer than a column is wide."""
    return {path: chr(ord("A") + number) for number, path in enumerate(paths)}


def print_names(names):
    """Says which file is A, and so on."""
    for path, name in names.items():
        console.print(f"{name}  {path}", markup=False)


def _table(title):
    table = rich.table.Table(title=escape(title), title_justify="left")
    table.add_column("file")
    return table


def _number(value, digits):
    return "" if value is None else f"{value:.{digits}f}"


if __name__ == "__main__":
    run(main, Settings)
