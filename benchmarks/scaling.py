"""What runs and sweeps cost: processor time and peak memory, by images, pixels, epochs and workers; and what a data
service saves the training process.

    python benchmarks/scaling.py DIR                    # HAM10000 in DIR; all five tables
    python benchmarks/scaling.py DIR --only images      # or pixels, epochs, workers, service

Processor time is user and system time of a process and of all that it starts: unlike the time on the clock, it says
much the same on a machine that does other things, too. Each run decodes its images anew.
"""

import argparse
import contextlib
import functools
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[1]
BASE = {"images": 1000, "pixels": 96, "epochs": 1}
VARIED = {"images": (1000, 3000, 10_015), "pixels": (96, 160, 224), "epochs": (1, 2, 4)}
RUN = ("--data", "ham10000", "--gamma", "10", "--head-epochs", "0", "--no-export", "--calibration", "none")
#: (workers, cores) of the same sweep of four runs.
SWEEPS = ((1, 1), (2, 2), (1, 2))
PORT = 5051
TABLES = (*VARIED, "workers", "service")
GRID = {
    "settings": {"data": "ham10000", "max_images": 500, "image_size": 96, "head_epochs": 0, "epochs": 1},
    "seeds": [0, 1, 2, 3],
    "training_sets": [{"oversample": "none", "clean": "none", "rounds": [0]}],
    "runs": [{"models": ["efficientnet_lite0"], "losses": ["crossentropy"]}],
}


def measured(words, cores=None):
    """(seconds on the clock, seconds of processor time, peak memory in MiB of its largest process) of a command."""
    before = os.sched_getaffinity(0)
    if cores:
        os.sched_setaffinity(0, sorted(before)[:cores])
    started = time.monotonic()
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen([sys.executable, *map(str, words)], cwd=ROOT, stdout=log, stderr=log)
        os.sched_setaffinity(0, before)
        _, status, usage = os.wait4(process.pid, 0)
        if status:
            log.seek(0)
            raise SystemExit(log.read().decode()[-2000:])
    return time.monotonic() - started, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


@functools.cache  # the tables share a run
def measured_run(folder, data_dir, images, pixels, epochs):
    """`measured` of a run whose images are not in the cache."""
    out = folder / f"{images}_{pixels}_{epochs}"
    sizes = ("--max-images", images, "--image-size", pixels, "--epochs", epochs)
    try:
        return measured(
            ("-m", "pipelines.binary", *RUN, "--data-dir", data_dir, *sizes, "--out", out / "run")
        )
    finally:
        shutil.rmtree(out, ignore_errors=True)


def table_of(name, folder, data_dir):
    """Prints what runs cost that differ in one number, as Markdown."""
    print(f"\n| {name} | processor s | peak MiB | clock s |\n| ---: | ---: | ---: | ---: |", flush=True)
    for value in VARIED[name]:
        clock, processor, memory = measured_run(folder, data_dir, **{**BASE, name: value})
        print(f"| {value:,} | {processor:.0f} | {memory:,.0f} | {clock:.0f} |", flush=True)


def table_of_workers(folder, data_dir):
    """Prints what the same sweep costs with one worker and with two, as Markdown."""
    grid = folder / "grid.yaml"
    settings = {**GRID["settings"], "export": False, "data_dir": str(data_dir)}
    grid.write_text(yaml.safe_dump({**GRID, "settings": settings}))
    print("\n| workers | cores | processor s | clock s |\n| ---: | ---: | ---: | ---: |", flush=True)
    for workers, cores in SWEEPS:
        out = folder / f"sweep_{workers}_{cores}"
        words = ("-m", "pipelines.sweep", grid, "--out", out, "--workers", workers)
        clock, processor, _ = measured(words, cores)
        print(f"| {workers} | {cores} | {processor:.0f} | {clock:.0f} |", flush=True)
        shutil.rmtree(out, ignore_errors=True)


def table_of_service(folder):
    """Prints the processor time of this process for a batch, made here and by a service, as Markdown."""
    import numpy as np

    from skinkeras import inputs

    np.save(folder / "images.npy", np.random.default_rng(0).integers(0, 256, (640, 224, 224, 3), np.uint8))
    images, labels = (
        inputs.DecodedImages(folder / "images.npy"),
        np.eye(2, dtype="float32")[np.arange(640) % 2],
    )
    address = f"grpc://localhost:{PORT}"
    print("\n| augmentation | here, ms | with a service, ms |\n| --- | ---: | ---: |", flush=True)
    with service_of("dispatcher", "--port", PORT), service_of("worker", "--dispatcher", address):
        for name in ("standard", "strong"):
            augmentation, costs = inputs.AUGMENTATIONS[name].build(), []
            for service in (None, inputs.DataService(address)):
                rows = np.arange(len(images))
                batches = iter(
                    inputs.training_dataset(images, rows, labels, 32, 0, 2, 0, augmentation, service=service)
                )
                for _ in range(10):
                    next(batches)
                started = time.process_time()
                for _ in range(30):
                    next(batches)
                costs.append((time.process_time() - started) / 30 * 1000)
            print(f"| {name} | {costs[0]:.0f} | {costs[1]:.0f} |", flush=True)


@contextlib.contextmanager
def service_of(*words):
    """A process of `pipelines.data_service`, once it works."""
    command = [sys.executable, "-m", "pipelines.data_service", *map(str, words)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        try:
            process.stdout.readline()
            yield
        finally:
            process.kill()


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data_dir", type=Path, help="folder that holds HAM10000")
    parser.add_argument("--only", nargs="+", choices=TABLES, default=TABLES)
    parser.add_argument("--scratch", type=Path, help="where runs and caches go meanwhile")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=arguments.scratch) as folder:
        for name in arguments.only:
            if name == "service":
                table_of_service(Path(folder))
            elif name == "workers":
                table_of_workers(Path(folder), arguments.data_dir.resolve())
            else:
                table_of(name, Path(folder), arguments.data_dir.resolve())


if __name__ == "__main__":
    main()
