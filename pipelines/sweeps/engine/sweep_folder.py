"""The folder of a sweep: what `sweep.yaml` in it says, and whether a sweep may go on there."""

from pipelines.sweeps.engine.grid_file import read_grid
from skinkeras.errors import DamagedFileError


def recorded_data_dir(grid_path, out):
    """The folder of the images that the sweep in the folder `out` uses; None if there is none.

    Args:
        grid_path: of the YAML file; the folder that it names itself comes first.
        out: the sweep's folder.
    """
    record = out / "sweep.yaml"
    named = read_grid(grid_path).settings.get("data_dir")
    return named or (_recorded(record).settings.get("data_dir") if record.is_file() else None)


def _recorded(record):
    """The `Grid` that a `sweep.yaml` says was run."""
    try:
        return read_grid(record)
    except ValueError as error:
        raise DamagedFileError(
            f"{record} is damaged: copy the sweep's own YAML file over it (with data_dir under its settings, if the "
            "images are not synthetic) and resume, or choose another --out."
        ) from error


def check_links(out):
    """Raises ValueError if something in the folder of a sweep, or of its runs, is a link: what is written there, logs
    and reports, would be elsewhere."""
    for path in (*out.iterdir(), *(out / "runs").glob("*")):
        if path.is_symlink() and path.name[0] != ".":
            raise ValueError(f"{path} is a symbolic link: put what it names there, or choose another folder.")
        if path.suffix == ".log" and not path.is_file():
            raise ValueError(f"{path} is not a file: remove it.")


def check_folder(out, grid, *, resume):
    """Raises ValueError if the folder holds another grid's sweep, or this one's and `resume` is off.

    Args:
        out: the sweep's folder.
        grid: `Grid`.
        resume: whether the sweep is to go on.
    """
    record = out / "sweep.yaml"
    if not record.exists():
        if out.exists() and any(path.name[0] != "." for path in out.iterdir()):
            raise ValueError(f"{out} is not empty and holds no sweep: choose another --out.")
        return
    check_links(out)
    recorded = _recorded(record)
    theirs, mine = dict(recorded.settings), dict(grid.settings)
    folder = theirs.pop("data_dir", None), mine.pop("data_dir", None)
    if (theirs, recorded.runs) != (mine, grid.runs):
        raise ValueError(f"{out} holds the sweep of another grid: choose another --out (see {record}).")
    if folder[0] != folder[1]:
        raise ValueError(
            f"{out} holds a sweep with --data-dir {folder[0]}: use that, or choose another --out."
        )
    if not resume:
        raise ValueError(f"{out} already holds this sweep: add --resume to go on, or choose another --out.")
