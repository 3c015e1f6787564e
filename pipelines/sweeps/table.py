"""`runs.csv`: what has become of every run of a sweep."""

import json

import pandas as pd

from pipelines.common.console import console
from skinkeras.files import replacing


class RunsTable:
    """`runs.csv`: one row a configuration, written anew whenever one ends.

    Attributes:
        sweep: the sweep's folder, absolute.
    """

    def __init__(self, grid, sweep):
        self.sweep, self._grid, self._file = sweep, grid, sweep / "runs.csv"
        earlier = pd.read_csv(self._file).set_index("run") if self._file.exists() else pd.DataFrame()
        self._rows = {}
        for run in grid.runs:
            seconds = float(earlier["seconds"].get(run.name, 0.0)) if len(earlier) else 0.0
            state = {"run": run.name, "status": "waiting", "error": "", "seconds": seconds}
            self._rows[run.name] = state | run.columns
            folder = sweep / "runs" / run.name
            if (folder / "card.md").exists() and not (folder / "state").exists():
                self._take_results(run.name)
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
        return self._grid.outcome(self._metrics(name)) if row["status"] == "done" else row["error"]

    def summarise(self):
        """Prints how many runs are done, and the errors of those that are not."""
        done = sum(row["status"] == "done" for row in self._rows.values())
        console.print(f"\n{done} of {len(self._rows)} runs are done.")
        for name, row in self._rows.items():
            if row["status"] == "failed":
                console.print(f"  failed: {name}: {row['error']}", markup=False)

    def _take_results(self, name):
        self._rows[name].update(self._grid.results(self._metrics(name)), status="done")

    def _metrics(self, name):
        return json.loads((self.sweep / "runs" / name / "metrics.json").read_text())

    def _write(self):
        with replacing(self._file) as temporary:
            pd.DataFrame(list(self._rows.values())).to_csv(temporary, index=False)
