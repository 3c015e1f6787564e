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
from skinkeras.files.locks import LOCK, locked_folder, remove_leftovers
from skinkeras.files.writing import replacing, write_text


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
        copy_folder(settings.to, rehearsed)
        place(source, source.parent / "images.csv", record, rehearsed)
        try:
            verify_release.main(verify_release.Settings(rehearsed, write_table=True))
        except (RunError, UsageError) as error:
            raise type(error)(str(error).replace(str(rehearsed), str(settings.to))) from error
        # What was verified, and not what has become of the run meanwhile.
        place(rehearsed, rehearsed / "records" / f"{record['name']}.images.csv", record, settings.to)
        copy(rehearsed / "README.md", settings.to / "README.md")
    say(f"Released: {settings.to / record['name']}")


def copy_folder(source, target):
    """Copies a folder of released models; raises UsageError if it holds what cannot be copied, such as a pipe."""
    try:
        shutil.copytree(source, target, ignore=shutil.ignore_patterns(LOCK))
    except shutil.Error as error:  # which lists everything that could not be copied
        path, _, reason = error.args[0][0]
        raise UsageError(f"{path} cannot be copied ({reason}): remove it from the folder.") from error


def place(source, images, record, folder):
    """Copies the shipped files into a folder of released models, and renders the record there.

    Args:
        source: folder of the files.
        images: the `images.csv` that says what the model was trained on; there need not be one.
        record: of the run, with `shipped` set.
        folder: of released models.
    """
    from skinkeras import reports

    for entry in record["files"].values():
        if entry.get("shipped", True):
            copy(source / entry["file"], folder / entry["file"])
    labels = "".join(f"{name}\n" for name in record["model"]["classes"])
    write_text(folder / f"{record['name']}.labels.txt", labels)
    reports.write_record(folder / "records" / f"{record['name']}.json", record)
    used = folder / "records" / f"{record['name']}.images.csv"
    if images.is_file():  # so that an evaluation can leave out what it was trained on
        copy(images, used)
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
        ValueError: nothing was exported, the images are synthetic, a requested kind of file is missing, or a file
            is not one of the run's own.
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
    check_files(target, record)
    return target.export, record


def check_files(target, record):
    """Raises ValueError if a file that would be published is a link to another, or `images.csv` is no such table."""
    images = target.file("images.csv")
    shipped = [
        target.export / entry["file"] for entry in record["files"].values() if entry.get("shipped", True)
    ]
    for path in (images, *shipped):
        if path.is_symlink():
            raise ValueError(f"{path} is a symbolic link: put the file itself there.")
    if images.is_file():
        from pipelines.common.measured_models import used_images_table

        used_images_table(images)


def copy(source, target):
    """Copies a file atomically."""
    with replacing(target) as temporary:
        shutil.copyfile(source, temporary)


if __name__ == "__main__":
    run(main, Settings)
