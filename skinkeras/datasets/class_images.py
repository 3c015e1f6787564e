"""The images in the folders of classes, and what lies there beside them."""

import re
from collections import Counter
from pathlib import Path

from skinkeras.datasets.file_search import count_endings, ending, is_image, walk
from skinkeras.datasets.image_index import stem

_MASK = r"(masks?|segmentations?|superpixels|attribute_\w+|heatmaps?)([ _-]?\d+)?"
_MASK_FOLDER = re.compile(_MASK, re.IGNORECASE)
_MASK_OF = re.compile(rf"(?P<image>.+)[ _-]{_MASK}", re.IGNORECASE)


class ClassImages:
    """Finds the images of classes, folder by folder, and counts what it passes over.

    Attributes:
        passed_over: `Counter` of the endings of the files that are no images.
        masks: how many masks lie beside their images.
        beside: how many images lie outside the folders of the classes.
    """

    def __init__(self):
        self.passed_over = Counter()
        self.masks = self.beside = 0
        self._empty, self._filled = {}, set()

    def below(self, folder):
        """The images in a folder and all below it, sorted.

        Args:
            folder: `Path` of a class, or of a part of it.
        """
        images, others = [], Counter()
        for relative, _, files in walk(folder):
            for name in files:
                if is_image(name):
                    images.append(Path(relative, name))
                else:
                    others[ending(name)] += 1
        self.passed_over += others
        kept = _without_masks(images)
        self.masks += len(images) - len(kept)
        name = folder.name.casefold()
        self._filled.update([name] if kept else [])
        self._empty.update({} if kept else {name: (folder, others)})
        return sorted(folder / path for path in kept)

    def count_beside(self, folder):
        """Counts the files directly in a folder, outside the classes."""
        files = next(walk(folder, 0))[2]
        self.beside += sum(map(is_image, files))
        self.passed_over.update(ending(name) for name in files if not is_image(name))

    def check_filled(self):
        """Raises ValueError if a class has no image in any subset."""
        for name, (folder, others) in self._empty.items():
            if name not in self._filled:
                there = f" but {count_endings(others)}" if others else ""
                raise ValueError(f"The class folder {folder} holds no images{there}: fill or remove it.")

    def notes(self):
        """Sentences on what was passed over."""
        notes = []
        if self.passed_over:
            notes.append(f"Files that are not images are passed over: {count_endings(self.passed_over)}.")
        if self.masks:
            notes.append(f"Masks beside their images are passed over: {self.masks:,}.")
        if self.beside:
            notes.append(f"Images outside the class folders are passed over: {self.beside:,}.")
        return notes


def _without_masks(images):
    """The paths without masks: those called like another image and `_mask`, and those in a folder `masks` where there
    are others."""
    outside = [path for path in images if not any(map(_MASK_FOLDER.fullmatch, path.parts[:-1]))]
    images = outside or images
    names = {stem(path.name).casefold() for path in images}

    def is_mask(path):
        match = _MASK_OF.fullmatch(stem(path.name))
        return match is not None and match["image"].casefold() in names

    return [path for path in images if not is_mask(path)]
