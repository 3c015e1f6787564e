"""How much accuracy released files lose under different lighting, with other cameras and in careless hands.

    python benchmarks/robustness.py FILE.tflite... --data-dir DIR/ham10000 [--seed 0]

Every file classifies the same test images of HAM10000 (the grouped split of that seed), undisturbed and
disturbed in each of the ways below before they are resized. The strength is sampled once per image and is the
same for all files. Printed are the area under the ROC curve of melanoma, and how many of 100 answers (the
likeliest class) differ from those for the undisturbed images.
"""

import argparse
from pathlib import Path

import cv2
import numpy as np
from rich.progress import track
from sklearn.metrics import roc_auc_score

from skinkeras import datasets, tflite
from skinkeras.images.decoding import decode

MELANOMA = {"malignant", "mel"}
DECODED = 225  # pixels, height and width of the square that is disturbed: the height of images of 300 x 225


def warped(pixels, scale, angle):
    """Scaled and rotated about the centre; places outside the image are mirrored."""
    size = pixels.shape[0]
    matrix = cv2.getRotationMatrix2D(((size - 1) / 2, (size - 1) / 2), angle, scale)
    return cv2.warpAffine(pixels, matrix, (size, size), borderMode=cv2.BORDER_REFLECT)


def compressed(pixels, quality):
    """Saved as a JPEG file and read again; OpenCV has blue first."""
    file = cv2.imencode(".jpg", pixels[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return cv2.imdecode(file, cv2.IMREAD_COLOR)[..., ::-1]


# Name -> function (image, uint8 or float, 0..255; a random generator of its own) -> the disturbed image.
DISTURBANCES = {
    "none": lambda pixels, rng: pixels,
    "light of another colour: each channel times 0.82 to 1.22": lambda pixels, rng: (
        pixels * np.exp(rng.uniform(-0.2, 0.2, 3))
    ),
    "brightness, up to 25 levels": lambda pixels, rng: pixels + rng.uniform(-25, 25),
    "gamma 0.61 to 1.65": lambda pixels, rng: 255 * (pixels / 255) ** np.exp(rng.uniform(-0.5, 0.5)),
    "farther: 0.65 to 0.9 of the size": lambda pixels, rng: warped(pixels, rng.uniform(0.65, 0.9), 0),
    "nearer: 1.1 to 1.5 times the size": lambda pixels, rng: warped(pixels, rng.uniform(1.1, 1.5), 0),
    "turned by any angle, 1.15 times the size": lambda pixels, rng: warped(pixels, 1.15, rng.uniform(0, 360)),
    "out of focus: Gaussian blur of 1.2 pixels": lambda pixels, rng: cv2.GaussianBlur(pixels, (0, 0), 1.2),
    "JPEG of quality 40": lambda pixels, rng: compressed(pixels, 40),
    "noise of 8 levels": lambda pixels, rng: pixels + rng.normal(0, 8, pixels.shape),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    classifiers = {path.stem: tflite.Classifier(path, num_threads=2) for path in options.files}
    melanoma = {name: MELANOMA.intersection(classifier.labels) for name, classifier in classifiers.items()}
    for name, labels in melanoma.items():
        if not labels:
            parser.error(f"{name} has no class of {' or '.join(sorted(MELANOMA))}.")
    manifest = datasets.ham10000(options.data_dir)
    test = np.flatnonzero(datasets.split(manifest, "grouped", options.seed) == "test")
    truth = manifest.labels[test] == manifest.classes.index("mel")
    images = [decode(manifest.table["image"].iloc[row], DECODED) for row in test]

    print(f"{len(test)} test images, {truth.sum()} melanomas\n")
    print(
        "| disturbance | "
        + " | ".join(f"{name}: AUC, answers of 100 that change" for name in classifiers)
        + " |"
    )
    print("| --- |" + " --- |" * len(classifiers))
    undisturbed = {}
    for name, disturb in DISTURBANCES.items():
        disturbed = [
            np.clip(np.rint(disturb(image, np.random.default_rng(row))), 0, 255).astype(np.uint8)
            for row, image in zip(test, images, strict=True)
        ]
        cells = []
        for file, classifier in classifiers.items():
            probabilities = classifier.classify(track(disturbed, f"{file}: {name}", transient=True))
            scores = probabilities[:, [label in melanoma[file] for label in classifier.labels]].sum(axis=1)
            answers = probabilities.argmax(axis=1)
            changed = np.mean(answers != undisturbed.setdefault(file, answers))
            cells.append(f"{roc_auc_score(truth, scores):.3f}, {100 * changed:.0f}")
        print(f"| {name} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
