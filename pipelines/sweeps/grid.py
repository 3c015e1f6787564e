"""A grid of runs, read from a YAML file.

    job: binary      # pipelines.binary (the grid of Gilal et al. 2023), or multiclass (of Barata & Santiago)
    settings:        # of that job, for every run
      data: ham10000
      epochs: 3
    runs:            # each entry: the product of its lists
      - ...

What else there is, each paper's own grid explains: `pipelines/sweeps/g23/grid.py`, `.../b21/grid.py`. A grid
is an object with

- `source`: dict, the YAML file's content;
- `job`: the name of the module in `pipelines` that runs it;
- `runs`: tuple of runs, each with a `name`, its `columns` of `runs.csv` (dict, None for what only its results
  tell), and `cleaning`, the name of a cleaning that it shares with others, or None;
- `run_arguments(run, sweep)`: the command line of a run in the folder `sweep`, behind the job's name;
- `cleanings(sweep)`: dict from names to the `Job`s of the shared cleanings that have not been done yet;
- `decode(sweep)`: decodes the pictures into the sweep's cache, and holds the settings against the data;
- `results(metrics)`: the columns of `runs.csv` that a run's `metrics.json` tells;
- `outcome(metrics)`: the same in a few words.
"""

import importlib
from pathlib import Path

import yaml

from pipelines.sweeps.checks import check_keys

# Job -> the package of the paper whose grid it runs.
PAPERS = {"binary": "g23", "multiclass": "b21"}


def read_grid(path):
    """Reads and checks a YAML file.

    Raises:
        ValueError: no such file, no YAML, an unknown key, a value that the job does not take, or a
            configuration that occurs twice. One sentence that names it.
    """
    path = Path(path)
    if not path.is_file():
        raise ValueError(f"There is no file {path}: name the YAML file of a sweep.")
    try:
        source = yaml.safe_load(path.read_text())
    except yaml.YAMLError as error:
        raise ValueError(f"{path} is not YAML: {' '.join(str(error).split())}") from error
    return paper_module(source, path, "grid").read_grid(source, path)


def paper_module(source, path, name):
    """The module `name` of the paper that a grid is of.

    Args:
        source: the content of a sweep's YAML file.
        path: of that file.
        name: "grid" or "report".

    Raises:
        ValueError: `source` has no keys, or names no job that has a grid.
    """
    if not isinstance(source, dict):
        check_keys(source, path, "")
    job = source.get("job", "binary")
    if job not in PAPERS:
        raise ValueError(f"{path}: job must be one of {', '.join(PAPERS)}. Received: {job!r}")
    return importlib.import_module(f"pipelines.sweeps.{PAPERS[job]}.{name}")
