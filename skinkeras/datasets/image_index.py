"""Where the images of a data set lie: one index by name, for every layout."""

import os
import re
import unicodedata
from collections import Counter
from urllib.parse import unquote, urlsplit

from skinkeras.datasets.file_search import (
    IMAGE_ENDINGS,
    advice,
    count_endings,
    ending,
    name_some,
    walk,
    what_is_there,
)
from skinkeras.images import image_files

# Where a mask or a small copy is called like its image.
_NOT_THE_IMAGE = re.compile(r"mask|segment|superpixel|attribute|heatmap|thumb", re.IGNORECASE)
_COMPARED = 1 << 16  # first bytes of two files of one name and size: their tables and first pixels


class ImageIndex:
    """The images below a folder, by their names.

    Neither the folders on the way, nor upper and lower case, nor the ending matter to a name. Links are
    followed; what `file_search.walk` passes over is no image.

    Args:
        root: the folder.
        hdf5: whether entries of HDF5 files are images too; their paths are `file.hdf5/name`.

    Attributes:
        root: str.
        passed_over: `Counter` of the endings of all files that are not images.
    """

    def __init__(self, root, *, hdf5=False):
        self.root = os.fspath(root)
        self.passed_over = Counter()
        self._paths = {}
        for folder, _, files in walk(self.root):
            for name in files:
                path = f"{folder}/{name}" if folder else name
                if ending(name) in IMAGE_ENDINGS:
                    self._paths.setdefault(image_key(name), []).append(path)
                elif hdf5 and ending(name) in image_files.HDF5_ENDINGS:
                    for entry in image_files.hdf5_names(os.path.join(self.root, path)):
                        self._paths.setdefault(image_key(entry), []).append(f"{path}/{entry}")
                else:
                    self.passed_over[ending(name)] += 1

    def __len__(self):
        return sum(map(len, self._paths.values()))

    def find(self, name, folders=()):
        """The path of an image, relative to the root, or None.

        Args:
            name: an id, a file's name, a URL, or a path with `/` or `\\`, with or without ending, of which the
                last folders may be there and the first not.
            folders: relative paths of folders; one that comes first is preferred.

        Raises:
            ValueError: several different files are equally good answers.
        """
        name = name.strip()
        if "://" in name:
            name = unquote(urlsplit(name).path)
        parts = [part for part in name.replace("\\", "/").split("/") if part not in ("", ".")]
        if not parts:
            return None
        candidates = self._paths.get(image_key(parts[-1]), ())
        if len(candidates) > 1:  # a link that leads nowhere is the answer only where there is nothing else
            candidates = [path for path in candidates if self._exists(path)] or candidates[:1]
        if len(candidates) < 2:
            return candidates[0] if candidates else None
        ranks = {path: self._rank(path, parts, folders) for path in candidates}
        best = [path for path, rank in ranks.items() if rank == min(ranks.values())]
        if len(best) > 1 and len({self._start(path) for path in best}) > 1:
            raise ValueError(
                f"{self.root} holds several images called {name}, which differ: {name_some(best)}: keep one of "
                "these folders there."
            )
        return best[0]

    def _exists(self, path):
        return image_files.exists(os.path.join(self.root, path))

    def _start(self, path):
        """What tells an image from another one without reading all of it."""
        whole = os.path.join(self.root, path)
        if image_files.hdf5_entry(whole):
            return image_files.read_bytes(whole)
        with open(whole, "rb") as file:
            return os.path.getsize(whole), file.read(_COMPARED)

    def _rank(self, path, parts, folders):
        """What of several images of one name is the best answer: the least."""
        whole = f"/{path}".casefold()
        shared = 0
        for mine, asked in zip(path.split("/")[-2::-1], parts[-2::-1], strict=False):
            if mine.casefold() != asked.casefold():
                break
            shared += 1
        preferred = [n for n, folder in enumerate(folders) if f"/{folder}/".casefold() in whole]
        return (
            -shared,
            # Two names may differ in upper and lower case only.
            stem(os.path.basename(path)) != stem(parts[-1]),
            preferred[0] if preferred else len(folders),
            bool(_NOT_THE_IMAGE.search(os.path.dirname(path))),
            bool(image_files.hdf5_entry(os.path.join(self.root, path))),
            ending(parts[-1]) in IMAGE_ENDINGS and ending(parts[-1]) != ending(path),
        )

    def paths(self, image_ids, folders=("",)):
        """The path of each image; of one that is not there, where it would be: `missing_images` names those.

        Args:
            image_ids: names, see `find`; for a missing value the path is that of no image.
            folders: where they are in the published layout, relative to the root; the last is where an image is
                said to be missing if none of them exists.

        Raises:
            ValueError: see `find`.
        """
        # As `Path` would write it: "." is left out.
        start = "" if self.root in ("", ".") else f"{self.root.rstrip('/')}/"
        there = [folder for folder in folders if os.path.isdir(os.path.join(self.root, folder))]
        home = (there or folders[-1:])[0]
        home = f"{home}/" if home else ""
        names = [image_id if isinstance(image_id, str) else "" for image_id in image_ids]
        return [f"{start}{self.find(name, folders) or home + name + '.jpg'}" for name in names]


def stem(name):
    """A name without the ending of an image, if it has one."""
    return os.path.splitext(name)[0] if ending(name) in IMAGE_ENDINGS else name


def image_key(name):
    """What is equal of two names of one image: upper and lower case, spaces around them, endings and the form of
    accents (a Mac takes them apart) do not matter."""
    name = unicodedata.normalize("NFC", name.strip())
    while (short := stem(name)) != name:  # Windows hides an ending, and people write it again
        name = short
    return name.casefold()


def missing_images(manifest):
    """The image_ids of the images that are not there.

    Args:
        manifest: `Manifest`.

    Returns:
        list of str, in the manifest's order.
    """
    there = [image_files.exists(path) for path in manifest.table["image"]]
    return manifest.table["image_id"][[not found for found in there]].tolist()


def check_images(manifest):
    """Raises FileNotFoundError, one sentence, if an image of the manifest is not there."""
    missing = missing_images(manifest)
    if missing:
        where = manifest.root or "the folders that the manifest names"
        there = f"; {what_is_there(manifest.root)}{_files_below(manifest.root)}" if manifest.root else ""
        or_leave_out = ", or pass --skip-bad-images to leave them out" if len(missing) < len(manifest) else ""
        raise FileNotFoundError(
            f"{len(missing):,} of {len(manifest):,} images are missing: {name_some(missing)}. They were looked "
            f"for in {where} and all folders below it, with the endings {name_some(IMAGE_ENDINGS)}{there}. "
            f"Download them{or_leave_out}.{advice(manifest.root)}"
        )


def _files_below(root):
    """The end of a sentence: the files of all folders, by their endings."""
    counts = Counter(ending(name) for _, _, files in walk(root) for name in files)
    return f"; in all folders: {count_endings(counts)}" if counts else ""
