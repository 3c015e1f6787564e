"""Folders as people have them, with small images that all differ."""

import csv

import numpy as np
from PIL import Image


def image(path, number, like=None):
    """Writes an image of noise: number for number another one, in the format that the ending names."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(number).integers(0, 256, (12, 16, 3), np.uint8)
    picture = Image.fromarray(np.kron(pixels, np.ones((4, 4, 1), np.uint8)))
    picture.save(path, **({"format": like} if like else {}))


def table(path, header, rows, separator=",", encoding="utf-8"):
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", newline="", encoding=encoding) as file:
        writer = csv.writer(file, delimiter=separator, quoting=csv.QUOTE_NONNUMERIC)
        writer.writerow(header)
        writer.writerows(rows)


HAM = ("lesion_id", "image_id", "dx", "dx_type", "age", "sex", "localization", "dataset")


def ham_rows(count=6):
    diagnoses = ("mel", "nv")
    return [
        (f"HAM_{i}", f"ISIC_{i}", diagnoses[i % 2], "histo", 50.0, "male", "back", "rosendahl")
        for i in range(count)
    ]


def classes(root, names=("benign", "malignant"), count=3, start=0, ending=".jpg"):
    """One folder of images a class."""
    for number, name in enumerate(names):
        for i in range(count):
            image(root / name / f"{name}_{i}{ending}", start + 100 * number + i)
