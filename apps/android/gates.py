"""Counts how many dermoscopy images the gates of `PictureQuality` stop, at several sizes of the input.

    python apps/android/gates.py DIR

DIR is a folder of images. 500 of them, always the same ones, are resized as in training and judged as they
are, blurred, and darkened.
"""

import random
import sys
from pathlib import Path

import cv2

sys.path.insert(0, str(Path(__file__).parents[2]))  # the package need not be installed

import golden

from skinkeras.images.decoding import decode

CHANGES = {
    "as they are": lambda picture: picture,
    "blurred, 1 pixel": lambda picture: cv2.GaussianBlur(picture, (0, 0), 1),
    "blurred, 1.5 pixels": lambda picture: cv2.GaussianBlur(picture, (0, 0), 1.5),
    "at 1/6 of the light": lambda picture: picture // 6,
}


def main(folder):
    """Prints a table."""
    files = sorted(folder.iterdir())
    files = random.Random(1).sample(files, min(500, len(files)))
    print(f"Stopped, of {len(files)} images:\n")
    print("| input |", " | ".join(CHANGES), "|")
    print("| --- |", " | ".join("---" for _ in CHANGES), "|")
    for size in (128, 224, 320):
        pictures = [decode(file, size) for file in files]
        stopped = [
            sum(golden.issue(golden.quality(change(picture))) is not None for picture in pictures)
            for change in CHANGES.values()
        ]
        print(f"| {size} |", " | ".join(map(str, stopped)), "|")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
