"""Whether the files that a resumed run reads are whole: found before TensorFlow is loaded."""

import csv
import zipfile
import zlib
from pathlib import Path

from skinkeras.errors import DamagedFileError
from skinkeras.files.reading import check_regular
from skinkeras.files.reading_json import read_json

_MOST_INFLATED = 50  # times the size of the archive


def check_files(folder):
    """Reads through the models, the states and the history of a run and of its repeats.

    Args:
        folder: of the run.

    Raises:
        DamagedFileError: a `ValueError`; one of the files is damaged. The sentence says which, and what to delete.
    """
    folder = Path(folder)
    for place in (folder, *folder.glob("repeat_*"), *folder.glob("split_*")):
        for file in sorted((*place.glob("[!.]*.keras"), *place.glob("state/[!.]*.npz"))):
            check_archive(file, "delete it and resume, to repeat this part of the run")
        _check_json(place / "state" / "loss.json")
        _check_history(place / "history.csv")


def check_archive(file, remedy):
    """Raises DamagedFileError, whose sentence ends with `remedy`, unless `file` is a whole zip archive.

    Models (`.keras`) and states (`.npz`) are archives. One that inflates to many times its size was made to fill the
    memory: Keras stores weights as they are.
    """
    try:
        check_regular(file)
        with zipfile.ZipFile(file) as archive:
            inflates = (
                sum(part.file_size for part in archive.infolist()) > _MOST_INFLATED * file.stat().st_size
            )
            bad = inflates or archive.testzip()
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, ValueError, OSError, RuntimeError):
        bad = True
    if bad:
        raise DamagedFileError(f"{file} is damaged: {remedy}.")


def _check_json(file):
    try:
        read_json(file)
    except FileNotFoundError:
        return
    except ValueError as error:
        raise DamagedFileError(
            f"{file} is damaged: delete it and {file.parent.parent / 'model.keras'} and resume, to make both anew "
            "from the saved states."
        ) from error


def _check_history(file):
    try:
        check_regular(file)
        with open(file, newline="", encoding="utf-8") as lines:
            rows = list(csv.DictReader(lines, restkey="more"))
        whole = bool(rows) and all(
            row.get("phase") and int(row["epoch"]) and None not in row.values() and "more" not in row
            for row in rows
        )
    except FileNotFoundError:
        return
    except (ValueError, KeyError, TypeError, csv.Error):
        whole = False
    if not whole:
        raise DamagedFileError(
            f"{file} is damaged: delete it and the .keras files beside it and resume, to make them anew from the "
            "saved states."
        )
