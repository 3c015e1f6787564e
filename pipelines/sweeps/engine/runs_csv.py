"""`runs.csv`: what has become of every run of a sweep."""

import pandas as pd

from pipelines.common.console import console, say, sentence
from pipelines.common.run_folder import RunFolder
from skinkeras.errors import DamagedFileError
from skinkeras.files.reading import check_regular
from skinkeras.files.writing import replacing
from skinkeras.reports import read_results


class RunsTable:
    """`runs.csv`: one row a configuration, written anew whenever a run ends.

    Args:
        grid: `Grid`.
        sweep: the sweep's folder, absolute.

    Raises:
        DamagedFileError: the file of an earlier part of the sweep is damaged.
    """

    def __init__(self, grid, sweep):
        self.sweep, self._grid, self._file = sweep, grid, sweep / "runs.csv"
        earlier = self._earlier_seconds()
        self._rows = {}
        for run in grid.runs:
            seconds = earlier.get(run.name, 0.0)
            state = {"run": run.name, "status": "waiting", "error": "", "seconds": seconds}
            self._rows[run.name] = state | run.columns
            if RunFolder(sweep / "runs" / run.name).is_complete:
                self._take_results(run.name)
        self._write()

    def _earlier_seconds(self):
        """{run: seconds that it has taken so far}."""
        if not self._file.exists():
            return {}
        try:
            check_regular(self._file)
            table = pd.read_csv(self._file, dtype={"run": str, "seconds": float})
            return dict(zip(table["run"], table["seconds"].fillna(0.0), strict=True))
        except (ValueError, KeyError) as error:
            raise DamagedFileError(
                f"{self._file} is damaged: delete it and resume, which makes it anew from the runs."
            ) from error

    def waiting(self):
        """The names of the runs that have neither ended nor failed since this table was made."""
        return {name for name, row in self._rows.items() if row["status"] == "waiting"}

    def finish(self, name, status, error, seconds):
        """Records how a run ended."""
        self._rows[name].update(status=status, error=error)
        self._rows[name]["seconds"] = round(self._rows[name]["seconds"] + seconds, 1)
        if status == "done":
            self._take_results(name)
        self._write()

    def outcome(self, name):
        """A few words on how a run ended."""
        row = self._rows[name]
        return self._grid.outcome(self._results(name)) if row["status"] == "done" else row["error"]

    def summarise(self):
        """Prints how many runs are done, and the errors of those that are not."""
        done = sum(row["status"] == "done" for row in self._rows.values())
        console.print(f"\n{done} of {len(self._rows)} runs are done.")
        for name, row in self._rows.items():
            if row["status"] == "failed":
                say(f"  failed: {name}: {row['error']}")

    def _take_results(self, name):
        self._rows[name].update(self._grid.result_columns(self._results(name)), status="done")

    def _results(self, name):
        folder = self.sweep / "runs" / name
        try:
            return read_results(folder)
        except (OSError, ValueError) as error:
            raise DamagedFileError(
                f"{sentence(error)[:-1]}: delete {folder} and resume, to make the run again."
            ) from error

    def _write(self):
        with replacing(self._file) as temporary:
            pd.DataFrame(list(self._rows.values())).to_csv(temporary, index=False)
