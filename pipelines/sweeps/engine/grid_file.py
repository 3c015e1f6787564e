"""A grid of runs, read from a YAML file.

    job: binary      # pipelines.binary (grids of Gilal et al. 2023), or multiclass (of Barata & Santiago 2021)
    settings:        # of that job, for every run
      data: ham10000
      epochs: 3
    runs:            # each entry: the product of its lists
      - ...

or, in place of the runs, `experiments: [gilal2023/b2_*]`: names or patterns of `skinkeras.experiments`.

`pipelines/sweeps/gilal2023/grid.py` and `pipelines/sweeps/barata2021/grid.py` explain the rest.
"""

import importlib
from dataclasses import dataclass
from pathlib import Path

from pipelines.common import options
from pipelines.sweeps.engine.grid_checks import check_data_dir, check_keys, check_values
from pipelines.sweeps.engine.grid_experiments import spelled_out
from skinkeras.files.reading_yaml import read_yaml

#: Name of a job -> package of the paper whose grids it runs.
PAPERS = {"binary": "gilal2023", "multiclass": "barata2021"}


@dataclass(frozen=True)
class Grid:
    """What a YAML file asks for; each paper has a class of its own.

    Attributes:
        settings: {flat name: value} of the settings that all runs share.
        runs: tuple of runs. Each has a `name`, which is its folder's; `columns`, those of its row of `runs.csv`
            (dict, None for what only its results say); and `cleaning`, the name of a cleaning that it shares with
            other runs, or None.
        source: the YAML file's content.
        job: the module in `pipelines` that trains a run.
    """

    settings: dict
    runs: tuple
    source: dict
    job = None

    def run_values(self, run, sweep):
        """{flat name: value} of the settings of a run of the sweep in the folder `sweep`."""
        raise NotImplementedError

    def run_command(self, run, sweep):
        """The words behind `python` that train a run, or go on with it."""
        return ("-m", self.job.__name__, *options.flags(self.run_values(run, sweep)), "--resume")

    def job_values(self, sweep):
        """(job, {flat name: value} of its settings) of everything that the grid runs."""
        return [(self.job, self.run_values(run, sweep)) for run in self.runs]

    def cleanings(self, sweep):
        """{name: `Job`} of the shared cleanings that have not been done yet."""
        return {}

    def check(self, path):
        """Raises ValueError, one sentence, if a run would be refused; reads no data. `path`: of the YAML file."""
        check_data_dir(self.settings, path)
        known = set()
        for job, values in self.job_values(Path("sweep")):
            check_values(job, values, path, known)

    def decode(self, sweep):
        """Decodes the images into the sweep's cache. Raises ValueError if the settings do not suit the data."""
        self.decode_for(self.runs[0], sweep)

    def decode_for(self, run, sweep):
        """Decodes the images of one run."""
        settings = options.build(self.job.Settings, self.run_values(run, sweep))
        self.job.decode(self.job.resolved(settings))

    def work(self):
        """What there is to compute: a list of `costs.Work`, one a process. Reads the labels of the data set, if it is
        there, and decodes nothing."""
        raise NotImplementedError

    def result_columns(self, results):
        """The columns of `runs.csv` that a run's `RunResults` fill."""
        raise NotImplementedError

    def outcome(self, results):
        """A run's `RunResults` in a few words."""
        raise NotImplementedError


def read_grid(path, data_dir=None):
    """Reads a YAML file and checks its form; `Grid.check` holds it against the job.

    Args:
        path: of the file.
        data_dir: folder of the images, in place of the one that the file may name; or None.

    Returns:
        The `Grid` of the paper that the file's job belongs to.

    Raises:
        ValueError: no such file, no YAML, an unknown key, or a configuration that occurs twice; one sentence.
    """
    path = Path(path)
    if not path.is_file():
        raise ValueError(f"There is no file {path}: name the YAML file of a sweep.")
    source = read_yaml(path)
    if not isinstance(source, dict):
        check_keys(source, path, "")
    source = spelled_out(source, path)
    if data_dir is not None and isinstance(source.get("settings") or {}, dict):
        source = source | {"settings": {**(source.get("settings") or {}), "data_dir": str(data_dir)}}
    return paper_module(source, path, "grid").read_grid(source, path)


def paper_module(source, path, name):
    """The module `name` of the paper that a grid belongs to.

    Args:
        source: dict, the content of a sweep's YAML file.
        path: of that file.
        name: such as "grid".

    Raises:
        ValueError: `source` names a job that has no grids.
    """
    job = source.get("job", "binary")
    if not isinstance(job, str) or job not in PAPERS:
        raise ValueError(f"{path}: job must be one of {', '.join(PAPERS)}. Received: {job!r}")
    return importlib.import_module(f"pipelines.sweeps.{PAPERS[job]}.{name}")
