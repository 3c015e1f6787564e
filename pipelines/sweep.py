"""The experiment grid: {blur or not} x {cleaning rounds} x {architectures} x {losses}, from a YAML file.

python -m pipelines.sweep pipelines/sweeps/demo.yaml --out runs/demo_sweep
python -m pipelines.report runs/demo_sweep
"""

import json
import time
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import yaml
from tyro.conf import Positional

from pipelines import binary
from pipelines.common.console import at_the_door, console, run, section
from pipelines.common.data import load_data
from pipelines.common.settings import cleaning_plan, oversampling
from pipelines.sweeps.grid import parsed, read_grid
from pipelines.sweeps.workers import Job, LocalWorkers, RayWorkers
from skinkeras.files import replacing, write_text


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
    with at_the_door():
        grid = read_grid(settings.grid)
        if settings.workers < 1:
            raise ValueError(f"--workers must be at least 1. Received: {settings.workers}")
        check_folder(settings.out, grid, settings.resume)
        section("Data")
        decode_once(grid, settings.out.resolve())
        workers = choose_workers(settings)
        write_text(settings.out / "sweep.yaml", yaml.safe_dump(grid.source, sort_keys=False))
    table = RunsTable(grid, settings.out.resolve())
    with workers:
        failed = clean_once(grid, table.sweep, workers)
        for grid_run in grid.runs:
            if grid_run.rounds and grid_run.training_set.name in failed:
                table.finish(grid_run.name, "failed", failed[grid_run.training_set.name], 0.0)
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


def decode_once(grid, sweep):
    """Fills the cache of decoded pictures, and holds each training set's cleaning against the data."""
    for training_set in grid.training_sets:
        grid_run = max((r for r in grid.runs if r.training_set is training_set), key=lambda r: r.rounds)
        settings = binary.resolved(parsed(binary, grid.run_arguments(grid_run, sweep)))
        load_data(settings, sweep / "no split yet", oversampling(settings), cleaning_plan(settings))


def clean_once(grid, sweep, workers):
    """Does the cleaning rounds of every training set that has some; {name: error} of those that failed."""
    names = {}
    for training_set in grid.training_sets:
        done = sweep / "cleaning" / training_set.name / "cleaned_variants.csv"
        if any(training_set.rounds) and not done.exists():
            command = ("-m", "pipelines.clean", *grid.cleaning_arguments(training_set, sweep), "--resume")
            log = sweep / "cleaning" / f"{training_set.name}.log"
            names[training_set.name] = Job(training_set.name, command, str(log))
    if not names:
        return {}
    section(f"Cleaning {len(names)} training set(s)")
    failed = {}
    for name, code, seconds, last_line in workers.results(names.values()):
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
            ("-m", "pipelines.binary", *grid.run_arguments(grid_run, table.sweep), "--resume"),
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


class RunsTable:
    """`runs.csv`: one row a configuration, written anew whenever one ends.

    Attributes:
        sweep: the sweep's folder, absolute.
    """

    def __init__(self, grid, sweep):
        self.sweep, self._file = sweep, sweep / "runs.csv"
        earlier = pd.read_csv(self._file).set_index("run") if self._file.exists() else pd.DataFrame()
        self._rows = {}
        for grid_run in grid.runs:
            seconds = float(earlier["seconds"].get(grid_run.name, 0.0)) if len(earlier) else 0.0
            self._rows[grid_run.name] = {
                "run": grid_run.name,
                "status": "waiting",
                "error": "",
                "seconds": seconds,
                "oversample": grid_run.training_set.oversample,
                "cleaning": grid_run.training_set.clean if grid_run.rounds else "",
                "rounds": grid_run.rounds,
                "train_benign": None,
                "train_malignant": None,
                "balance_ratio": None,
                "model": grid_run.model,
                "loss": grid_run.loss,
                "gamma": grid_run.gamma,
                "focal_delta": grid_run.focal_delta,
                "seed": grid_run.seed,
            }
            folder = sweep / "runs" / grid_run.name
            if (folder / "card.md").exists() and not (folder / "state").exists():
                self._take_results(grid_run.name)
        self._write()

    def waiting(self):
        """The names of the runs that have neither ended nor failed since this table was made."""
        return {name for name, row in self._rows.items() if row["status"] == "waiting"}

    def finish(self, name, status, error, seconds):
        """Notes how a run ended."""
        self._rows[name].update(status=status, error=error)
        self._rows[name]["seconds"] = round(self._rows[name]["seconds"] + seconds, 1)
        if status == "done":
            self._take_results(name)
        self._write()

    def outcome(self, name):
        """A few words on how a run ended."""
        row = self._rows[name]
        if row["status"] != "done":
            return row["error"]
        at_half = self._metrics(name)["test"]["float"]["at_0.5"]
        return f"AUC {at_half['roc_auc']:.3f}, balanced accuracy {at_half['balanced_accuracy']:.3f}"

    def summarise(self):
        """Prints how many runs are done, and the errors of those that are not."""
        done = sum(row["status"] == "done" for row in self._rows.values())
        console.print(f"\n{done} of {len(self._rows)} runs are done.")
        for name, row in self._rows.items():
            if row["status"] == "failed":
                console.print(f"  failed: {name}: {row['error']}", markup=False)

    def _take_results(self, name):
        counts = self._metrics(name)["images"]["train"]
        benign, malignant = counts["benign"], counts["malignant"]
        self._rows[name].update(
            status="done", train_benign=benign, train_malignant=malignant, balance_ratio=malignant / benign
        )

    def _metrics(self, name):
        return json.loads((self.sweep / "runs" / name / "metrics.json").read_text())

    def _write(self):
        with replacing(self._file) as temporary:
            pd.DataFrame(list(self._rows.values())).to_csv(temporary, index=False)


if __name__ == "__main__":
    run(main, Settings)
