"""Whole files or none: everything is written to a temporary name first and then moved into place."""

import dataclasses
import errno
import json
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from skinkeras.files.locks import check_in_place


@contextmanager
def replacing(path: str | os.PathLike) -> Iterator[Path]:
    """Yields a temporary path beside `path`, and moves what was written there to `path` when the block ends.

    The temporary file lies in the same folder (so the move is atomic) and has the same suffix (so that
    writers which look at it, such as Keras and matplotlib, accept it). Folders on the way are made. When the
    block raises, the temporary file is removed and whatever was at `path` before stays as it was.

    Args:
        path: the file to write.

    Raises:
        OSError: the file could not be written (full disk, no permission, ...). The message is one sentence
            that names `path`; `errno` is that of the cause.
        RunError: `path` lies in a folder that this process has locked and that was removed since then.
    """
    path = Path(path)
    check_in_place(path)
    temporary = path.with_name(f".{path.stem}.{uuid.uuid4().hex[:8]}{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        _flush_to_disk(temporary)
        os.replace(temporary, path)
    except OSError as error:
        raise write_error(path, error) from error
    finally:
        with suppress(OSError):  # such as a missing folder, which the error above already tells
            temporary.unlink(missing_ok=True)


def write_bytes(path: str | os.PathLike, data: bytes) -> None:
    """Writes `data` to `path` atomically; raises OSError as `replacing` does."""
    with replacing(path) as temporary:
        temporary.write_bytes(data)


def write_text(path: str | os.PathLike, text: str) -> None:
    """Writes `text` to `path` atomically, in UTF-8, newlines as given. See `write_bytes`."""
    write_bytes(path, text.encode("utf-8"))


def write_json(path: str | os.PathLike, obj: Any) -> None:
    """Writes `obj` to `path` atomically as indented JSON.

    Dataclasses, NumPy scalars and arrays, and paths are converted.

    Raises:
        OSError: as `replacing` does.
        TypeError: `obj` holds something that JSON has no form for.
        ValueError: `obj` holds a NaN or an infinity, which JSON has no form for either.
    """
    try:
        text = json_text(obj)
    except ValueError as error:
        raise ValueError(
            f"Could not write {path}: it would hold a NaN or infinite number, which JSON lacks."
        ) from error
    write_text(path, text)


def json_text(obj: Any) -> str:
    """The text that `write_json` writes. Raises TypeError and ValueError as it does."""
    text = json.dumps(obj, indent=2, ensure_ascii=False, allow_nan=False, default=_json_form)
    return text + "\n"


def _json_form(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.asdict(value)
    if hasattr(value, "tolist"):  # NumPy scalars and arrays, without importing NumPy
        return value.tolist()
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    raise TypeError(f"JSON has no form for {type(value).__name__}. Received: {value!r}")


def _flush_to_disk(path: Path) -> None:
    # Without this a power cut can leave an empty file behind the new name.
    descriptor = os.open(path, os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_error(path: str | os.PathLike, error: OSError) -> OSError:
    """An error of the same kind whose message is one sentence: that `path` could not be written, and why."""
    reason = error.strerror or str(error)
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        reason += "; free some space and run it again"
    # OSError(errno, text) would print "[Errno 28] ..."; its subclass (PermissionError, ...) is kept.
    described = type(OSError(error.errno, ""))(f"Could not write {path}: {reason}.")
    described.errno = error.errno
    return described
