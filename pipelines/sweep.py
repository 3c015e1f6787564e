"""A paper's grid of experiments, or any part of it, from a YAML file.

python -m pipelines.sweep pipelines/sweeps/gilal2023/demo.yaml --out runs/demo_sweep
python -m pipelines.sweep pipelines/sweeps/gilal2023/full_grid.yaml --dry-run
python -m pipelines.sweep pipelines/sweeps/gilal2023/ham10000_slice.yaml --data-dir DIR --out runs/slice
python -m pipelines.report runs/demo_sweep
"""

import time
from dataclasses import dataclass
from pathlib import Path

import yaml
from tyro.conf import Positional

from pipelines.common.console import refuse_invalid_input, run, say, section
from pipelines.common.options import check_count
from pipelines.common.startup import start_keras
from pipelines.sweeps.engine import costs
from pipelines.sweeps.engine.grid_file import read_grid
from pipelines.sweeps.engine.sweep_folder import check_folder, recorded_data_dir
from pipelines.sweeps.engine.workers import Job, LocalWorkers, RayWorkers
from skinkeras.files.locks import locked_folder, remove_leftovers
from skinkeras.files.writing import write_text


@dataclass(frozen=True)
class Settings:
    """Settings of a sweep."""

    grid: Positional[Path]
    """YAML file that says what to run; those of the papers are in `pipelines/sweeps/`."""
    data_dir: Path | None = None
    """Folder that holds the data set, unless the images are synthetic; by default that of the grid or, with
    --resume, of the sweep."""
    out: Path = Path("runs/sweep")
    """The sweep's folder: a folder for each run, the shared cleanings, `runs.csv`."""
    workers: int = 1
    """Runs at a time."""
    ray: str | None = None
    """Run on a Ray cluster: its address, "auto", or "local" for one on this machine alone."""
    run_cpus: int = 1
    """CPU cores that a Ray cluster reserves for each run."""
    run_gpus: float = 0
    """GPUs, or a part of one, that a Ray cluster reserves for each run."""
    dry_run: bool = False
    """Only print the runs and what they cost: nothing is decoded, trained or written."""
    resume: bool = False
    """Go on with the sweep in that folder; runs that failed are tried again."""


def main(settings):
    """Trains every configuration of a grid; work that several share is done once."""
    with refuse_invalid_input():
        check_numbers(settings)
        if not settings.grid.is_file():  # before a folder is made
            raise ValueError(f"There is no file {settings.grid}: name the YAML file of a sweep.")
    if settings.dry_run:
        return print_plan(settings)
    with locked_folder(settings.out):
        work_in_folder(settings)


def check_numbers(settings):
    """Raises ValueError if a number is out of its range."""
    check_count("workers", settings.workers, 1_000)
    check_count("run_cpus", settings.run_cpus, 10_000)
    check_count("run_gpus", settings.run_gpus, 1_000, least=0)


def print_plan(settings):
    """The runs of a grid and what they cost, without a folder and, if need be, without the data set."""
    with refuse_invalid_input():
        grid = read_grid(settings.grid, settings.data_dir)
        works = grid.work()
    section(f"{len(grid.runs)} run{'s' * (len(grid.runs) != 1)} of {settings.grid}")
    for work in works:
        say(
            f"  {work.name}: {work.rows:,} training images, {work.images:,.0f} images in all, "
            f"about {costs.duration(work.seconds(costs.CPU_SPEEDS))} here"
        )
    say_costs(works, settings.workers)
    try:
        grid.check(settings.grid)
    except ValueError as error:
        say(f"As it is, the sweep would be refused: {error}")


def say_costs(works, workers):
    """What a list of `costs.Work` costs here and on a GPU."""
    section("Cost")
    for sentence in costs.sentences(works, workers):
        say(f"  {sentence}")


def work_in_folder(settings):
    """Does what is left of a sweep in its folder, which is locked."""
    with refuse_invalid_input():
        data_dir = settings.data_dir
        if data_dir is None and settings.resume:
            data_dir = recorded_data_dir(settings.grid, settings.out)
        grid = read_grid(settings.grid, data_dir)
        grid.check(settings.grid)
        check_folder(settings.out, grid, resume=settings.resume)
        say_costs(grid.work(), settings.workers)
        section("Data")
        start_keras()
        sweep = settings.out.resolve()
        grid.decode(sweep)  # once, instead of in every run
        workers = choose_workers(settings)
        remove_leftovers(sweep)
        write_text(sweep / "sweep.yaml", yaml.safe_dump(grid.source, sort_keys=False))
        from pipelines.sweeps.engine.runs_csv import RunsTable

        table = RunsTable(grid, sweep)
    with workers:
        failed = clean_once(grid, sweep, workers)
        for grid_run in grid.runs:
            if grid_run.cleaning in failed:
                table.finish(grid_run.name, "failed", failed[grid_run.cleaning], 0.0)
        train_all(grid, table, workers)
    table.summarise()
    say(f"\nRuns:   {settings.out / 'runs.csv'}")
    say(f"Report: python -m pipelines.report {settings.out}")


def choose_workers(settings):
    """This machine's, or a Ray cluster's."""
    if settings.ray is None:
        return LocalWorkers(settings.workers)
    return RayWorkers(settings.ray, settings.workers, settings.run_cpus, settings.run_gpus)


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
        say(f"  {name}: {last_line if code else 'done'}, {seconds:.0f} s")
    return failed


def train_all(grid, table, workers):
    """Trains the runs that are not done yet."""
    waiting = table.waiting()
    section(f"{len(waiting)} of {len(grid.runs)} runs to do")
    jobs = [
        Job(
            grid_run.name,
            grid.run_command(grid_run, table.sweep),
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
        say(f"  [{number}/{len(jobs)}] {outcome}; about {left:.0f} min left")


if __name__ == "__main__":
    run(main, Settings)
