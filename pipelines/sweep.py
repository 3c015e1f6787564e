"""A paper's grid of experiments, or any part of it, from a YAML file.

python -m pipelines.sweep pipelines/sweeps/demo.yaml --out runs/demo_sweep
python -m pipelines.report runs/demo_sweep
"""

import time
from dataclasses import dataclass
from pathlib import Path

import yaml
from tyro.conf import Positional

from pipelines.common.console import console, refuse_invalid_input, run, section
from pipelines.sweeps.grid import read_grid
from pipelines.sweeps.table import RunsTable
from pipelines.sweeps.workers import Job, LocalWorkers, RayWorkers
from skinkeras.files import write_text


@dataclass(frozen=True)
class Settings:
    """Settings of a sweep."""

    grid: Positional[Path]
    """The YAML file that says what to run; `pipelines/sweeps/` has some."""
    out: Path = Path("runs/sweep")
    """The sweep's folder: one folder a run, the shared cleanings, `runs.csv`."""
    workers: int = 1
    """Runs at a time."""
    ray: str | None = None
    """Run on a Ray cluster: its address, "auto", or "local" for one on this machine alone."""
    run_cpus: int = 1
    """Processors that a Ray cluster reserves for each run."""
    run_gpus: float = 0
    """Graphics processors, or a part of one, that it reserves for each run."""
    resume: bool = False
    """Go on with the sweep in that folder; runs that failed are tried again."""


def main(settings):
    """Trains every configuration of a grid; work that several share is done once."""
    with refuse_invalid_input():
        grid = read_grid(settings.grid)
        if settings.workers < 1:
            raise ValueError(f"--workers must be at least 1. Received: {settings.workers}")
        check_folder(settings.out, grid, settings.resume)
        section("Data")
        grid.decode(settings.out.resolve())  # once, and not by every run for itself
        workers = choose_workers(settings)
        write_text(settings.out / "sweep.yaml", yaml.safe_dump(grid.source, sort_keys=False))
    table = RunsTable(grid, settings.out.resolve())
    with workers:
        failed = clean_once(grid, table.sweep, workers)
        for grid_run in grid.runs:
            if grid_run.cleaning in failed:
                table.finish(grid_run.name, "failed", failed[grid_run.cleaning], 0.0)
        train_all(grid, table, workers)
    table.summarise()
    console.print(f"\nRuns:   {settings.out / 'runs.csv'}")
    console.print(f"Report: python -m pipelines.report {settings.out}")


def choose_workers(settings):
    """This machine's, or a Ray cluster's."""
    if settings.ray is None:
        return LocalWorkers(settings.workers)
    return RayWorkers(settings.ray, settings.workers, settings.run_cpus, settings.run_gpus)


def check_folder(out, grid, resume):
    """Raises ValueError if the folder holds another grid's sweep, or this one's without --resume."""
    record = out / "sweep.yaml"
    if not record.exists():
        if out.exists() and any(path.name[0] != "." for path in out.iterdir()):
            raise ValueError(f"{out} is not empty and holds no sweep: choose another --out.")
    elif yaml.safe_load(record.read_text()) != grid.source:
        raise ValueError(f"{out} holds the sweep of another grid: choose another --out (see {record}).")
    elif not resume:
        raise ValueError(f"{out} already holds this sweep: add --resume to go on, or choose another --out.")


def clean_once(grid, sweep, workers):
    """Does the cleanings that several runs share; {name: error} of those that failed."""
    jobs = grid.cleanings(sweep)
    if not jobs:
        return {}
    section(f"Cleaning {len(jobs)} training set(s)")
    failed = {}
    for name, code, seconds, last_line in workers.results(jobs.values()):
        if code:
            failed[name] = f"its cleaning failed: {last_line}"
        console.print(f"  {name}: {last_line if code else 'done'}, {seconds:.0f} s", markup=False)
    return failed


def train_all(grid, table, workers):
    """Trains what is not done yet."""
    waiting = table.waiting()
    section(f"{len(waiting)} of {len(grid.runs)} runs to do")
    jobs = [
        Job(
            grid_run.name,
            ("-m", f"pipelines.{grid.job}", *grid.run_arguments(grid_run, table.sweep), "--resume"),
            str(table.sweep / "runs" / f"{grid_run.name}.log"),
        )
        for grid_run in grid.runs
        if grid_run.name in waiting
    ]
    started = time.monotonic()
    for number, (name, code, seconds, last_line) in enumerate(workers.results(jobs), 1):
        table.finish(name, "failed" if code else "done", last_line if code else "", seconds)
        left = (time.monotonic() - started) / number * (len(jobs) - number) / 60
        outcome = f"{name}: {table.outcome(name)}, {seconds:.0f} s"
        console.print(f"  [{number}/{len(jobs)}] {outcome}; about {left:.0f} min left", markup=False)


if __name__ == "__main__":
    run(main, Settings)
