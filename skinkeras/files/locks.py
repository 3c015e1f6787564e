"""One process a folder or a file, for as long as it works there.

The operating system holds the locks, so that a killed process leaves none: at most an empty file, which the next
one takes over and removes.
"""

import errno
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import filelock

from skinkeras.errors import RunError, UsageError

#: Name of the file in a folder that stands for it.
LOCK = ".lock"

# What `skinkeras.files.writing.replacing` writes to before the file is whole.
_TEMPORARY = re.compile(r"^\.(?P<stem>.+)\.[0-9a-f]{8}(\.[^.]+)?$")

# {resolved folder: _Hold} of this process, which may enter a folder of its own again.
_held = {}


class _Hold:
    def __init__(self, folder, lock, made):
        self.folder, self.lock, self.made, self.count = folder, lock, made, 0
        self.identity = _identity(folder / LOCK)

    @property
    def is_in_place(self):
        """Whether the folder is still the one that was locked, and not removed, or removed and made again."""
        return self.identity is not None and _identity(self.folder / LOCK) == self.identity


@contextmanager
def locked_folder(folder: str | os.PathLike, option: str = "--out") -> Iterator[None]:
    """Inside the block, no other process is in such a block of the same folder.

    The folder is made, and holds a file `.lock` meanwhile; if nothing else has come into it, it is removed again.
    From the same process, it can be entered more than once.

    Args:
        folder: need not exist.
        option: what the folder was named with, for the sentences.

    Raises:
        UsageError: another process works in the folder, or it cannot be written.

    Example:
        >>> with locked_folder("runs/mine"):
        ...     pass
    """
    folder = Path(folder).resolve()
    hold = _held.get(folder)
    if hold is None or not hold.is_in_place:
        hold = _held[folder] = _acquired(folder, option)
    hold.count += 1
    try:
        yield
    finally:
        hold.count -= 1
        if not hold.count:
            if _held.get(folder) is hold:
                del _held[folder]
            _release(hold)


def _acquired(folder, option):
    made = [path for path in (folder, *folder.parents) if not os.path.exists(path)]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = filelock.FileLock(folder / LOCK, timeout=0, thread_local=False)
        lock.acquire()
    except filelock.Timeout:
        raise UsageError(
            f"Another process is working in {folder}: wait for it, or choose another {option}."
        ) from None
    except OSError as error:
        _remove_empty(made)
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise
        if any(os.path.isfile(path) for path in (folder, *folder.parents)):
            raise UsageError(f"{folder} is a file, or below one: choose another {option}.") from error
        raise UsageError(
            f"{folder} cannot be written ({error.strerror or error}): choose another {option}."
        ) from error
    return _Hold(folder, lock, made)


def _release(hold):
    with suppress(OSError):
        if hold.is_in_place:
            # While it is locked: who waits for it looks whether it is still there.
            (hold.folder / LOCK).unlink()
    with suppress(OSError):
        hold.lock.release()
    _remove_empty(hold.made)


def _remove_empty(folders):
    for folder in folders:  # the innermost first
        with suppress(OSError):  # something has come into it
            folder.rmdir()


def check_in_place(path: Path) -> None:
    """Raises RunError if `path` lies in a folder that this process has locked and that was removed since then.

    Whoever makes folders on the way to a file asks before: a removed run must not come back by half.
    """
    for hold in list(_held.values()):
        if path.resolve().is_relative_to(hold.folder) and not hold.is_in_place:
            raise RunError(
                f"{hold.folder}, or the file {LOCK} in it, was removed while this process was working there: start "
                "again."
            )


@contextmanager
def exclusive(path: str | os.PathLike, on_wait=None) -> Iterator[None]:
    """Inside the block, no other process is in such a block of the same file; the others wait.

    Args:
        path: the file that is to be written; the lock is `.<its stem>.lock` beside it, gone after the block.
        on_wait: called without arguments, once, if another process has to be waited for.

    Raises:
        OSError: the folder cannot be written.
    """
    file = _lock_file(Path(path))
    lock = filelock.FileLock(file, thread_local=False)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=0)
    except filelock.Timeout:
        if on_wait:
            on_wait()
        lock.acquire()
    except OSError as error:
        error.filename = os.fspath(path)  # not the hidden file beside it
        raise
    try:
        yield
    finally:
        with suppress(OSError):
            file.unlink()
        lock.release()


def remove_leftovers(folder: str | os.PathLike, *, subfolders: bool = True) -> None:
    """Removes what killed processes left half written in a folder and its subfolders.

    Left alone are hidden subfolders, those that another process has locked or may have (they hold a `.lock`), and
    a file that another process is writing inside `exclusive`.

    Args:
        folder: one that this process has locked, or in which every writer uses `exclusive`.
        subfolders: whether they are looked through, too.
    """
    folder = Path(folder)
    for path in list(folder.iterdir()) if folder.is_dir() else ():
        if path.is_symlink():
            continue
        if path.is_dir():
            if subfolders and path.name[0] != "." and (path.resolve() in _held or not (path / LOCK).exists()):
                remove_leftovers(path)
        elif match := _TEMPORARY.match(path.name):
            _remove_unless_written(path, _lock_file(path.with_name(match["stem"] + path.suffix)))


def _remove_unless_written(path, lock_file):
    if not lock_file.exists():
        path.unlink(missing_ok=True)
        return
    with suppress(filelock.Timeout), filelock.FileLock(lock_file, timeout=0, thread_local=False):
        path.unlink(missing_ok=True)
        lock_file.unlink(missing_ok=True)


def _lock_file(path):
    return path.with_name(f".{path.stem}{LOCK}")


def _identity(file):
    try:
        stat = file.stat()
    except OSError:
        return None
    return stat.st_dev, stat.st_ino
