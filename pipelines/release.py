"""Releases a run's model: copies it into the folder of released models.

python -m pipelines.release RUN_DIR
"""

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tyro.conf import Positional

from pipelines.common import options
from pipelines.common.console import refuse_invalid_input, run, say
from pipelines.common.run_folder import RunFolder
from skinkeras.errors import RunError, UsageError
from skinkeras.files import replacing, write_text
from skinkeras.locks import LOCK, locked_folder, remove_leftovers


@dataclass(frozen=True)
class Settings:
    """Settings of the release."""

    run_dir: Positional[Path]
    """The folder of a complete run."""
    kinds: tuple[str, ...] = ("int8", "float16")
    """The files to ship; the json keeps the metrics of the others."""
    to: Path = Path("tflite_models")
    """The folder of released models; a model of the same name is replaced."""


def main(settings):
    """Copies a run's exported model into the folder of released models, after checking the folder that results."""
    with refuse_invalid_input():
        if not (settings.to / "README.md").is_file():
            raise ValueError(f"{settings.to} is not a folder of released models: it has no README.md.")
        source, record = exported(settings)
        from pipelines import verify_release

    with locked_folder(settings.to, "--to"), tempfile.TemporaryDirectory() as folder:
        remove_leftovers(settings.to)
        # On a copy first: a model that must not be released leaves the good one where it is.
        rehearsed = Path(folder) / settings.to.resolve().name
        shutil.copytree(settings.to, rehearsed, ignore=shutil.ignore_patterns(LOCK))
        place(source, record, rehearsed)
        try:
            verify_release.main(verify_release.Settings(rehearsed, write_table=True))
        except (RunError, UsageError) as error:
            raise type(error)(str(error).replace(str(rehearsed), str(settings.to))) from error
        place(source, record, settings.to)
        copy(rehearsed / "README.md", settings.to / "README.md")
    say(f"Released: {settings.to / record['name']}")


def place(source, record, folder):
    """Copies the shipped files into a folder of released models, and renders the record there."""
    from skinkeras import reports

    for entry in record["files"].values():
        if entry.get("shipped", True):
            copy(source / entry["file"], folder / entry["file"])
    labels = "".join(f"{name}\n" for name in record["model"]["classes"])
    write_text(folder / f"{record['name']}.labels.txt", labels)
    reports.write_record(folder / "records" / f"{record['name']}.json", record)
    used = folder / "records" / f"{record['name']}.images.csv"
    if (source.parent / "images.csv").is_file():  # so that an evaluation can leave out what it was trained on
        copy(source.parent / "images.csv", used)
    else:  # those of a model that is replaced are others
        used.unlink(missing_ok=True)
    reports.render_model(record, folder)
    # Last: if the disk is full, what was released before is still there.
    for entry in record["files"].values():
        if not entry.get("shipped", True):
            (folder / entry["file"]).unlink(missing_ok=True)


def exported(settings):
    """The run's folder of exported files, and its record with `shipped` set.

    Raises:
        ValueError: nothing was exported, the images are synthetic, or a requested kind of file is missing.
    """
    from pipelines.common import released_runs
    from skinkeras import reports

    target = RunFolder(settings.run_dir)
    if not target.is_complete or not target.export.is_dir():
        raise ValueError(f"{settings.run_dir} holds no exported model: name the folder of a complete run.")
    record = released_runs.record_of(target)
    if not record["files"]:
        raise ValueError(f"{settings.run_dir} holds no exported model: name the folder of a complete run.")
    if record["synthetic"]:
        raise ValueError(f"{settings.run_dir} was trained on synthetic images, which say nothing about skin.")
    missing = [kind for kind in settings.kinds if kind not in record["files"]]
    if missing or not settings.kinds:
        raise ValueError(f"--kinds must name some of: {', '.join(record['files'])}.")
    unfit = reports.unfit_forms(record)
    for kind in settings.kinds:
        if kind in unfit:
            raise ValueError(f"{record['files'][kind]['file']} must not be released. {' '.join(unfit[kind])}")
    record["settings"] = options.portable(record["settings"])
    for kind, entry in record["files"].items():
        if kind not in settings.kinds:
            entry["shipped"] = False
        if not (target.export / entry["file"]).is_file() and entry.get("shipped", True):
            raise ValueError(f"{target.export / entry['file']} is missing: export the run again.")
    return target.export, record


def copy(source, target):
    """Copies a file atomically."""
    with replacing(target) as temporary:
        shutil.copyfile(source, temporary)


if __name__ == "__main__":
    run(main, Settings)
