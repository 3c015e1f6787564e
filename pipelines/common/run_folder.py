"""A run's folder: what it was asked to do, what it has done, and whether it may go on."""

import dataclasses
import importlib.metadata
import os
import platform
import shutil
import subprocess
from pathlib import Path

import yaml

import skinkeras
from skinkeras.files import replacing, write_text

# What may differ between a run and its resumption: none of it changes the result.
_NOT_PART_OF_THE_RUN = {"resume", "out", "cache_dir", "clean_dir", "materialise"}
_PACKAGES = ("tensorflow", "keras", "tensorflow-model-optimization", "keras-cv", "ai-edge-litert", "numpy")


class RunFolder:
    """The folder of one run; every path that a run writes to is an attribute or comes from `file`.

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

    @property
    def is_complete(self):
        """Whether everything that the run writes has been written."""
        return self.file("card.md").exists() and not self.state.exists()

    def check(self, settings, resume):
        """Whether a run of these settings may begin here, or with `resume` go on.

        Raises:
            ValueError: the folder holds a run and `resume` is off, or holds a run of other settings (the
                sentence names the setting), or holds something else.
        """
        config = self.file("config.yaml")
        if not config.exists():
            if self.path.is_file():
                raise ValueError(f"{self.path} is a file: choose another --out.")
            if self.path.exists() and any(path.name[0] != "." for path in self.path.iterdir()):
                raise ValueError(f"{self.path} is not empty and holds no run: choose another --out.")
        elif not resume:
            raise ValueError(
                f"{self.path} already holds a run: add --resume to go on with it, or choose another --out."
            )
        else:
            # A run of an earlier version has no record of the newer settings; it did what they default to,
            # or else what their class says.
            earlier = _plain(type(settings)()) | getattr(settings, "EARLIER", {})
            recorded = recorded_settings(config)
            if not set(recorded) <= set(earlier):
                raise ValueError(f"{self.path} holds a run of another job: choose another --out.")
            theirs = earlier | recorded
            self._check_same_settings(theirs, _plain(settings))

    def begin(self, settings):
        """Writes `config.yaml`, unless an earlier part of the run has done it: from now on this is a run."""
        config = self.file("config.yaml")
        if not config.exists():
            record = {"settings": _plain(settings), "versions": versions(), "git_revision": git_revision()}
            write_text(config, yaml.safe_dump(record, sort_keys=False))

    def _check_same_settings(self, theirs, mine):
        for name in sorted(set(mine) | set(theirs)):
            if name not in _NOT_PART_OF_THE_RUN and mine.get(name) != theirs.get(name):
                raise ValueError(
                    f"{self.path} holds a run with {name}={theirs.get(name)}, this command has "
                    f"{name}={mine.get(name)}: resume with the settings in its config.yaml, or choose "
                    "another --out."
                )

    def save_model(self, model, path):
        """Saves a Keras model whole or not at all."""
        with replacing(path) as temporary:
            model.save(temporary)

    def complete(self):
        """Removes what only `--resume` needs."""
        shutil.rmtree(self.state, ignore_errors=True)


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
    """The revision of the source tree, with `-dirty` if it has changes; None outside a repository."""
    source = Path(skinkeras.__file__).parent
    command = ["git", "-C", str(source), "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None


def recorded_settings(config):
    """The settings in a run's config.yaml, as a dict. Raises ValueError, one sentence, if there are none."""
    try:
        settings = yaml.safe_load(config.read_text("utf-8"))["settings"]
    except (yaml.YAMLError, UnicodeDecodeError, TypeError, KeyError) as error:
        raise ValueError(f"{config} is not the record of a run.") from error
    if not isinstance(settings, dict):
        raise ValueError(f"{config} is not the record of a run.")
    return settings


def _plain(settings):
    values = dataclasses.asdict(settings)
    return {
        k: str(v) if isinstance(v, Path) else list(v) if isinstance(v, tuple) else v
        for k, v in values.items()
    }
