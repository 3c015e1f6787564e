"""DecodedImages on disk -> one array of decoded pictures, made once and read at random.

Decoding costs more than anything else in the input pipeline, and every epoch needs every picture: so
each is decoded once, before training, into one file of raw pixels that any run with the same pictures
and size uses again. That is also where a broken picture is found: before training, all at once.
"""

import hashlib
import json
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from skinkeras.decoding import decode
from skinkeras.files import replacing


class BadImagesError(ValueError):
    """DecodedImages that are missing or cannot be decoded.

    Attributes:
        problems: dict from the picture's path to what is wrong with it.
    """

    def __init__(self, problems):
        self.problems = problems
        lines = "\n".join(f"  {path}: {problem}" for path, problem in problems.items())
        super().__init__(
            f"{len(problems)} picture(s) cannot be read; repair or remove them, or pass --skip-bad-images "
            f"to leave them out:\n{lines}"
        )


class DecodedImages:
    """Decoded pictures in a file, read row by row; nothing stays in memory.

    Attributes:
        shape: (pictures, size, size, 3).
    """

    def __init__(self, path):
        self._path = Path(path)
        array = np.load(self._path, mmap_mode="r")
        self.shape, self._offset = array.shape, array.offset

    def __len__(self):
        return self.shape[0]

    def read(self, rows):
        """The pictures of these rows: (len(rows), size, size, 3) uint8."""
        # Plain reads and no memory map: mapped pages would count as memory of this process.
        n_bytes = int(np.prod(self.shape[1:]))
        result = np.empty((len(rows), *self.shape[1:]), np.uint8)
        with open(self._path, "rb", buffering=0) as file:
            for place, row in enumerate(rows):
                file.seek(self._offset + int(row) * n_bytes)
                if file.readinto(result[place].reshape(-1)) != n_bytes:
                    raise OSError(
                        f"{self._path} has no picture {row}: delete it, to decode the pictures again."
                    )
        return result


def decode_all(paths, size, folder, skip_bad=False, workers=None, progress=None):
    """Decodes all pictures once into a file in `folder`, or finds the file of an earlier call.

    The file's name is a digest of the paths, their modification times and sizes, and `size`: a changed
    picture is decoded again.

    Args:
        paths: the pictures.
        size: pixels, see `decode`.
        folder: where the file is kept; it takes 3 * size * size bytes a picture.
        skip_bad: leave pictures that cannot be read black and name them, instead of stopping.
        workers: threads; None is one a core.
        progress: called as `progress(done, total)` now and then.

    Returns:
        `DecodedImages`, and a dict from the path of each bad picture to what is wrong with it.

    Raises:
        BadImagesError: pictures that cannot be read, all of them, unless `skip_bad`.
    """
    paths = [Path(path) for path in paths]
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"pictures-{size}-{_digest(paths, size)}.npy"
    problems_file = target.with_suffix(".json")
    # The list of bad pictures is written last: only with it is the file complete.
    if not (target.exists() and problems_file.exists()):
        with replacing(target) as temporary:
            problems = _decode_into(temporary, paths, size, workers, progress)
            if problems and not skip_bad:
                raise BadImagesError(problems)
        with replacing(problems_file) as temporary:
            Path(temporary).write_text(json.dumps(problems))
    problems = json.loads(problems_file.read_text())
    if problems and not skip_bad:
        raise BadImagesError(problems)
    return DecodedImages(target), problems


def _digest(paths, size):
    digest = hashlib.sha256(str(size).encode())
    for path in paths:
        try:
            stat = path.stat()
            digest.update(f"{path.absolute()}|{stat.st_mtime_ns}|{stat.st_size}\n".encode())
        except OSError:
            digest.update(f"{path.absolute()}|missing\n".encode())
    return digest.hexdigest()[:16]


def _decode_into(file, paths, size, workers, progress):
    array = np.lib.format.open_memmap(file, mode="w+", dtype=np.uint8, shape=(len(paths), size, size, 3))
    if hasattr(os, "posix_fallocate"):
        # The file is still a hole: on a full disk, filling it would kill the process instead of raising.
        with open(file, "rb+") as reserved:
            os.posix_fallocate(reserved.fileno(), 0, os.path.getsize(file))
    problems = {}

    def fill(row):
        try:
            array[row] = decode(paths[row], size)
        except Exception as error:  # a broken file can raise anything inside a decoder
            problems[str(paths[row])] = "no such file" if not paths[row].exists() else str(error)

    with ThreadPoolExecutor(workers or os.cpu_count()) as pool:
        for done, _ in enumerate(pool.map(fill, range(len(paths))), 1):
            if progress and (done % 50 == 0 or done == len(paths)):
                progress(done, len(paths))
    array.flush()
    return dict(sorted(problems.items()))
