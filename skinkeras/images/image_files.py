"""The bytes of an image: of a file, or of an entry of an HDF5 file, whose path is `file.hdf5/name`."""

import hashlib
import os
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from threading import Lock

HDF5_ENDINGS = (".hdf5", ".h5")
_reading = Lock()  # h5py's files are not to be read by two threads at once


def hdf5_entry(path):
    """(file, name of the entry) of a path into an HDF5 file; None for any other path."""
    parent = Path(path).parent
    if parent.suffix.lower() in HDF5_ENDINGS and parent.is_file():
        return str(parent), Path(path).name
    return None


def exists(path):
    """Whether there is such an image, as a file or as an entry of an HDF5 file."""
    entry = hdf5_entry(path)
    if entry is None:
        return os.path.isfile(path)
    with _reading, _damage_as_os_error(entry[0]):
        return entry[1] in _opened(entry[0])


def read_bytes(path):
    """The encoded image.

    Raises:
        OSError: there is no such file or entry.
    """
    entry = hdf5_entry(path)
    if entry is None:
        return Path(path).read_bytes()
    with _reading, _damage_as_os_error(entry[0]):
        file = _opened(entry[0])
        if entry[1] not in file:
            raise FileNotFoundError(f"{entry[0]} has no image {entry[1]}.")
        return bytes(file[entry[1]][()])


def size(path):
    """The bytes of the encoded image. Raises OSError if there is no such file or entry."""
    return os.path.getsize(path) if hdf5_entry(path) is None else len(read_bytes(path))


def digest(path):
    """The first 16 hexadecimal digits of the SHA-256 of the encoded image; "" if it cannot be read."""
    try:
        return hashlib.sha256(read_bytes(path)).hexdigest()[:16]
    except OSError:
        return ""


def content_key(paths, words=""):
    """A name for what is made of images: another one for other files, other times of change, sizes or `words`.

    Args:
        paths: the images, in order.
        words: str, what else the result depends on.

    Returns:
        16 hexadecimal digits.
    """
    digest = hashlib.sha256(words.encode())
    for path in map(Path, paths):
        entry = hdf5_entry(path)
        try:
            status = os.stat(entry[0] if entry else path)
            what = f"{status.st_mtime_ns}|{status.st_size}"
        except OSError:
            what = "missing"
        digest.update(f"{path.absolute()}|{what}\n".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()[:16]


def hdf5_names(path):
    """The names of the images in an HDF5 file. Raises OSError, a sentence, if it cannot be read."""
    with _reading, _damage_as_os_error(path):
        return list(_opened(str(path)))


@contextmanager
def _damage_as_os_error(path):
    """What h5py raises of a damaged file, which is of many kinds and does not name it, as an OSError."""
    try:
        yield
    except FileNotFoundError:
        raise
    except Exception as error:
        raise OSError(f"{path} is damaged, or no HDF5 file: download it anew.") from error


@lru_cache(8)
def _opened(path):
    import h5py

    return h5py.File(path, "r")
