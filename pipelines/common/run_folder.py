"""A run's folder: what it was asked to do, what it has done, and whether it may go on."""

import dataclasses
import importlib
import importlib.metadata
import os
import platform
import shutil
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import yaml

import skinkeras
from pipelines.common import options
from pipelines.common.resumable import check_files
from skinkeras.files.locks import locked_folder, remove_leftovers
from skinkeras.files.reading_yaml import read_yaml
from skinkeras.files.writing import replacing, write_text

# What may differ between a run and its resumption: none of it changes the result.
_NOT_PART_OF_THE_RUN = {"resume", "out", "cache_dir", "clean_dir", "materialise", "data_service"}
# Before a given split was used by default; such runs do not name the share of validation images.
_FORMER_DEFAULTS = {"split_by": "grouped"}
# What is done with a trained model: a run that does not name these, of before they existed, takes those of today.
_AFTER_TRAINING = {"calibration", "prevalence", "operating_point", "not_sure", "robustness"}
_WITHOUT_RECORD = "restore it from a copy, or choose another folder."
_PACKAGES = ("tensorflow", "keras", "tensorflow-model-optimization", "keras-cv", "ai-edge-litert", "numpy")


class RunFolder:
    """The folder of one run, or of one of its repeats; every path that a run writes to comes from here.

    Attributes:
        path: the folder.
        export: folder of the files to ship.
        figures: folder of the figures.
        state: folder of what `--resume` needs; removed when the run is complete.
    """

    def __init__(self, path):
        self.path = Path(path)
        self.export = self.path / "export"
        self.figures = self.path / "figures"
        self.state = self.path / "state"

    def file(self, name):
        """The path of the file called `name` in the folder."""
        return self.path / name

    def repeat(self, number):
        """The `RunFolder` of repeat `number`, from 1: the run's own for the first.

        Runs of the released version with several classes have each of theirs in a folder `split_<number>`.
        """
        released = self.path / f"split_{number}"
        if released.is_dir():
            return RunFolder(released)
        return self if number == 1 else RunFolder(self.path / f"repeat_{number}")

    @property
    def is_complete(self):
        """Whether everything that the run writes has been written."""
        return self.file("card.md").exists() and not self.state.exists()

    @contextmanager
    def locked(self):
        """Inside the block, no other process works in the folder; yields the `RunFolder` itself.

        Raises:
            UsageError: another process does, or the folder cannot be written.
        """
        with locked_folder(self.path):
            yield self

    def check(self, request, *, resume):
        """Whether the run that is asked for may begin here, or with `resume` go on.

        Args:
            request: `options.Request`.
            resume: whether it is to go on.

        Raises:
            ValueError: the folder holds a run and `resume` is off, or holds a run of other settings (the
                sentence names the setting) or a damaged file, or holds something else.
        """
        config = self.file("config.yaml")
        if not config.exists():
            if self.path.is_file():
                raise ValueError(f"{self.path} is a file: choose another --out.")
            if self.path.exists() and any(path.name[0] != "." for path in self.path.iterdir()):
                raise ValueError(f"{self.path} is not empty and holds no run: choose another --out.")
            return
        if not resume:
            raise ValueError(
                f"{self.path} already holds a run: add --resume to go on with it, or choose another --out."
            )
        recorded = recorded_run(self.path)
        if recorded.job != request.job:
            raise ValueError(f"{self.path} holds a run of another job: choose another --out.")
        theirs, mine = options.flatten(recorded.settings), request.values
        for name in sorted(mine):
            if mine[name] is None and theirs[name] == recorded.former_defaults.get(name):
                continue
            if name in _AFTER_TRAINING and name not in recorded.named:
                continue
            if name not in _NOT_PART_OF_THE_RUN and mine[name] != theirs[name]:
                raise ValueError(
                    f"{self.path} holds a run with {name}={theirs[name]}, this command has "
                    f"{name}={mine[name]}: resume with the settings in its config.yaml, or choose "
                    "another --out."
                )
        if not self.is_complete:
            check_files(self.path)

    def begin(self, request):
        """Writes `config.yaml`, unless an earlier part of the run has done it: from now on this is a run.

        What a killed process left half written is removed.
        """
        remove_leftovers(self.path)
        config = self.file("config.yaml")
        if not config.exists():
            record = {
                "job": request.job,
                "settings": options.plain(request.values),
                "versions": versions(),
                "git_revision": git_revision(),
            }
            write_text(config, yaml.safe_dump(record, sort_keys=False))

    def save_model(self, model, path):
        """Saves a Keras model whole or not at all."""
        with replacing(path) as temporary:
            model.save(temporary)

    def complete(self):
        """Removes what only `--resume` needs."""
        shutil.rmtree(self.state, ignore_errors=True)


@dataclass(frozen=True)
class RecordedRun:
    """What a `config.yaml` says.

    Attributes:
        job: name of the job, such as "binary".
        settings: the job's settings, resolved.
        versions: {package: version}.
        git_revision: of the source tree, or None.
        named: the flat names of the settings that it holds.
        former_defaults: {flat name: value} of settings that had another default when it was written.
    """

    job: str
    settings: object
    versions: dict
    git_revision: str | None
    named: frozenset = frozenset()
    former_defaults: dict = dataclasses.field(default_factory=dict)


def recorded_run(folder):
    """Reads the `config.yaml` of a run of this or of the released version.

    Raises:
        ValueError: there is none, or it is not the record of a run of a job that is known here; or `check_links`
            refuses the folder.
    """
    config = Path(folder) / "config.yaml"
    if not config.is_file():
        raise ValueError(f"{folder} holds no run: it has no config.yaml.")
    check_links(folder)
    try:
        record = read_yaml(config)
        values = dict(record["settings"])
    except (TypeError, KeyError, ValueError) as error:
        raise ValueError(f"{config} is not the record of a run: {_WITHOUT_RECORD}") from error
    job = record.get("job") or _released_job(values)
    if job not in ("binary", "multiclass", "clean"):
        raise ValueError(f"{config} is the record of a job that is not known here: {_WITHOUT_RECORD}")
    module = importlib.import_module(f"pipelines.{job}")
    try:
        if "job" not in record:
            values = _from_released(job, values)
        settings = module.with_defaults(options.build(module.Settings, values))
    except (ValueError, TypeError, AttributeError) as error:
        raise ValueError(f"{config} is not the record of a run ({error}): {_WITHOUT_RECORD}") from error
    former = {} if "validation" in values else _FORMER_DEFAULTS
    return RecordedRun(
        job,
        settings,
        record.get("versions") or {},
        record.get("git_revision"),
        frozenset(values),
        former_defaults=former,
    )


def check_links(folder):
    """Raises ValueError if a folder inside of that of a run is a link: what is written there would be elsewhere.

    Somebody else's run, unpacked from an archive, may have such a link to any folder of the user's.
    """
    for place, folders, files in os.walk(folder):
        for path in (Path(place, name) for name in (*folders, *files)):
            if path.is_symlink() and not path.is_file():
                raise ValueError(
                    f"{path} is a symbolic link: put what it names there, or choose another run."
                )


def _released_job(values):
    """The job that has such settings: the released version did not write it down."""
    if "weighting" in values:
        return "multiclass"
    return "binary" if "gamma" in values else "clean" if "clean" in values else None


def _from_released(job, values):
    """The settings of a released run without those that had no effect, which today have no value then."""
    values = options.modern(values)
    if job == "binary":
        effective = {"recall": ("gamma", "recall_update"), "focal": ("focal_delta",)}
        for name in {"gamma", "recall_update", "focal_delta"} - {
            *effective.get(values.get("loss", "recall"), ())
        }:
            values.pop(name, None)
    elif job == "multiclass":
        # Before there was a head phase, there was none.
        values = {"head_epochs": 0, **values}
        if values.get("weighting") not in ("cb", "es"):
            values.pop("raw_weights", None)
    else:
        values = {name: value for name, value in values.items() if name not in ("augmentation",)}
    return values


def versions():
    """The versions that a result depends on."""
    packages = {package: importlib.metadata.version(package) for package in _PACKAGES}
    return {"skinkeras": skinkeras.__version__, "python": platform.python_version(), **packages}


def host():
    """The machine that latency is measured on, in words."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        model = next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        model = platform.processor() or platform.machine()
    return f"{model}, {os.cpu_count()} cores, {platform.system()}"


def git_revision():
    """The revision of the source tree, with `-dirty` if it has changes; None where skinkeras is no checkout.

    A repository that merely surrounds an installed package (a virtual environment in somebody's project) is
    not asked.
    """
    source = Path(skinkeras.__file__).parent.parent
    if not (source / ".git").exists():
        return None
    # Inside a hook of git's, these name the repository that the hook belongs to.
    others = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}

    def git(*words):
        command = ["git", "-C", str(source), *words]
        return subprocess.run(command, capture_output=True, text=True, check=True, env=others).stdout.strip()

    try:
        git("ls-files", "--error-unmatch", "skinkeras/__init__.py")
        return git("describe", "--always", "--dirty", "--abbrev=12", "--exclude=*")
    except (OSError, subprocess.CalledProcessError):
        return None
