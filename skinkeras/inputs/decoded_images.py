"""Image files -> one array of decoded images on disk, made once and read at random.

Decoding is the slowest step of the input pipeline, and every epoch needs every image. So each is decoded
once, before training, into one file of raw pixels, which any run with the same images and size uses again.
This also finds all broken images at once, before training.
"""

import json
import os
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from skinkeras.errors import DamagedFileError
from skinkeras.files.locks import exclusive, remove_leftovers
from skinkeras.files.reading import check_regular
from skinkeras.files.reading_json import read_json
from skinkeras.files.writing import replacing
from skinkeras.images import image_files
from skinkeras.images.decoding import ImageError, check_geometry, decode, decode_with_shape
from skinkeras.images.geometries import DEFAULT_GEOMETRY

__all__ = ["BadImagesError", "DecodedImages", "decode", "decode_all"]

_MOST_LINES = 20  # of a list of images in a message


class BadImagesError(ValueError):
    """Images that are missing or cannot be decoded. The message names the first 20.

    Attributes:
        problems: dict from the image's path to what is wrong with it, of all of them.
    """

    def __init__(self, problems):
        self.problems = problems
        lines = [f"  {path}: {problem}" for path, problem in list(problems.items())[:_MOST_LINES]]
        if len(problems) > _MOST_LINES:
            lines.append(f"  and {len(problems) - _MOST_LINES:,} more")
        super().__init__(
            f"{len(problems):,} image(s) cannot be read; repair or remove them, or pass --skip-bad-images "
            "to leave them out:\n" + "\n".join(lines)
        )


class DecodedImages:
    """Decoded images in a file, read row by row; nothing stays in memory.

    Args:
        path: an .npy file of (images, size, size, 3) uint8.
        original_shapes: (images, 2) int, or None if they are unknown.

    Attributes:
        path: of the file.
        offset: int, the bytes of the file before the first image.
        shape: (images, size, size, 3).
        original_shapes: (images, 2) int, height and width of the image in each file; 0 where it cannot be read.

    Raises:
        DamagedFileError: a `ValueError`; the file holds no images, or is cut off.
    """

    def __init__(self, path, original_shapes=None):
        self.path, self.original_shapes = Path(path), original_shapes
        try:
            check_regular(self.path)
            array = np.load(self.path, mmap_mode="r")
            shape = getattr(array, "shape", ())  # an archive of arrays has none
            if len(shape) != 4 or shape[3] != 3 or array.dtype != np.uint8:
                raise ValueError("it holds no images")
        # Mapping a file that is too short is a ValueError; a zip archive or a header can be damaged in its own way.
        except (ValueError, EOFError, OverflowError, zipfile.BadZipFile) as error:
            raise _damaged(self.path) from error
        self.shape, self.offset = array.shape, array.offset

    def __len__(self):
        return self.shape[0]

    def count_cut(self, rows):
        """How many of these rows' images lose more than a quarter of their pixels to a crop; None if unknown."""
        if self.original_shapes is None:
            return None
        shapes = self.original_shapes[rows]
        return int((4 * shapes.min(axis=1) < 3 * shapes.max(axis=1)).sum())

    def read(self, rows):
        """The images of these rows: (len(rows), size, size, 3) uint8."""
        # Plain reads and no memory map: mapped pages would count as memory of this process.
        n_bytes = int(np.prod(self.shape[1:]))
        result = np.empty((len(rows), *self.shape[1:]), np.uint8)
        with open(self.path, "rb", buffering=0) as file:
            for place, row in enumerate(rows):
                file.seek(self.offset + int(row) * n_bytes)
                if file.readinto(result[place].reshape(-1)) != n_bytes:
                    raise OSError(f"{self.path} has no image {row}: delete it, to decode the images again.")
        return result

    def stored(self, rows):
        """(`DecodedImages`, rows of them) that hold the images of these rows in a file: here and these."""
        return self, np.asarray(rows)


def _damaged(path):
    return DamagedFileError(f"{path} is damaged: delete it, to decode the images again.")


def decode_all(
    paths,
    size,
    folder,
    *,
    geometry=DEFAULT_GEOMETRY,
    skip_bad=False,
    workers=None,
    progress=None,
    on_wait=None,
):
    """Decodes all images once into a file in `folder`, or finds the file of an earlier call.

    The file's name is a digest of the paths, their modification times and sizes, `size` and `geometry`: a changed
    image is decoded again.

    Args:
        paths: the images.
        size: pixels, see `decode`.
        folder: where the file is kept; it takes 3 * size * size bytes an image.
        geometry: "crop", "squash" or "pad", see `skinkeras.images.decoding.resize_to_square`.
        skip_bad: leave images that cannot be read black and name them, instead of stopping.
        workers: threads; None for one per core.
        progress: called as `progress(done, total)` now and then.
        on_wait: called if another process is decoding the same images, which this one then waits for.

    Returns:
        `DecodedImages`, and a dict from the path of each bad image to what is wrong with it.

    Raises:
        BadImagesError: images that cannot be read, all of them, unless `skip_bad`.
        DamagedFileError: a `ValueError`; the file of an earlier call is damaged.
        ValueError: there is no such geometry.
    """
    check_geometry(geometry)
    paths = [Path(path) for path in paths]
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    remove_leftovers(folder, subfolders=False)
    target = folder / f"pictures-{size}-{_digest(paths, size, geometry)}.npy"
    shapes_file, problems_file = target.with_suffix(".shapes.npy"), target.with_suffix(".json")

    def is_complete():
        # The list of bad images is written last: only with it is the file complete.
        # Caches of earlier versions lack the shapes; some also lack what is converted today, such as profiles.
        return target.exists() and shapes_file.exists() and problems_file.exists()

    if not is_complete():
        with exclusive(target, on_wait):
            if not is_complete():  # another process may have done it meanwhile
                with replacing(target) as temporary:
                    shapes, problems = _decode_into(temporary, paths, size, geometry, workers, progress)
                    if problems and not skip_bad:
                        raise BadImagesError(problems)
                # Whoever clears leftovers leaves alone what is locked.
                with (
                    exclusive(shapes_file),
                    replacing(shapes_file) as temporary,
                    open(temporary, "wb") as file,
                ):
                    np.save(file, shapes)
                with replacing(problems_file) as temporary:
                    Path(temporary).write_text(json.dumps(problems))
    problems = _read_problems(problems_file)
    if problems and not skip_bad:
        raise BadImagesError(problems)
    images = DecodedImages(target, _read_shapes(shapes_file, len(paths)))
    if images.shape != (len(paths), size, size, 3):
        raise _damaged(target)
    return images, problems


def _read_problems(file):
    try:
        return dict(read_json(file))
    except (ValueError, TypeError) as error:
        raise _damaged(file) from error


def _read_shapes(file, n):
    try:
        check_regular(file)
        shapes = np.load(file, mmap_mode="r")  # a header may promise any size
    except (ValueError, EOFError, OSError, OverflowError, zipfile.BadZipFile) as error:
        raise _damaged(file) from error
    if not isinstance(shapes, np.ndarray) or shapes.shape != (n, 2) or shapes.dtype.kind != "i":
        raise _damaged(file)
    return np.array(shapes)


def _digest(paths, size, geometry):
    # As in the released version, which only cropped: its caches are replaced, and not left behind.
    key = str(size) if geometry == DEFAULT_GEOMETRY else f"{size} {geometry}"
    return image_files.content_key(paths, key)


def _decode_into(file, paths, size, geometry, workers, progress):
    """Returns the shapes of the images in their files, and {path: what is wrong with it}."""
    array = np.lib.format.open_memmap(file, mode="w+", dtype=np.uint8, shape=(len(paths), size, size, 3))
    if hasattr(os, "posix_fallocate"):
        # The file is still a hole: on a full disk, filling it would kill the process instead of raising.
        with open(file, "rb+") as reserved:
            os.posix_fallocate(reserved.fileno(), 0, os.path.getsize(file))
    shapes, problems = np.zeros((len(paths), 2), np.int32), {}

    def fill(row):
        try:
            array[row], shapes[row] = decode_with_shape(paths[row], size, geometry)
        except ImageError as error:
            problems[str(paths[row])] = error.problem

    with ThreadPoolExecutor(workers or os.cpu_count()) as pool:
        for done, _ in enumerate(pool.map(fill, range(len(paths))), 1):
            if progress and (done % 50 == 0 or done == len(paths)):
                progress(done, len(paths))
    array.flush()
    return shapes, dict(sorted(problems.items()))
