"""How hard each split of HAM10000 is, and what more lesions would gain, for one cheap classifier.

    python benchmarks/split_difficulty.py --data-dir DIR/ham10000 [--splits 16] [--image-size 224]

The classifier is a logistic regression of melanoma on EfficientNet-Lite0's ImageNet features, which are not
trained further. It is fitted to each split's training images, and to those of a half and a quarter of its
training lesions. Its areas under the ROC curve are far below a trained model's; what counts is how they
differ from split to split, and with the number of lesions, for the same features and the same recipe.
"""

import argparse
from pathlib import Path

import keras
import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skinkeras import datasets, models
from skinkeras.images.decoding import decode

BATCH = 64
SHARES = (1, 1 / 2, 1 / 4)


def features(paths, size):
    """(n, 1280) float32: what the pretrained network averages over each image."""
    model = models.create("efficientnet_lite0", 2, input_size=size)
    pooled = next(layer for layer in model.layers if isinstance(layer, keras.layers.GlobalAveragePooling2D))
    network = keras.Model(model.inputs, pooled.output)
    batches = (paths[start : start + BATCH] for start in range(0, len(paths), BATCH))
    return np.concatenate(
        [
            network.predict_on_batch(np.stack([decode(path, size) for path in batch]).astype(np.float32))
            for batch in batches
        ]
    )


def auc(features, malignant, fitted, asked):
    """The area under the ROC curve on the `asked` images of a classifier fitted to the `fitted` ones."""
    # The penalty is strong because there are 1,280 features and only some 5,000 images.
    regression = LogisticRegression(C=0.003, max_iter=300, class_weight="balanced")
    classifier = make_pipeline(StandardScaler(), regression).fit(features[fitted], malignant[fitted])
    return roc_auc_score(malignant[asked], classifier.decision_function(features[asked]))


def shares_of_training(assignment, lesions, seed):
    """Boolean masks of the training images, one for each of `SHARES` of the training lesions."""
    train = assignment == "train"
    shuffled = np.random.default_rng(seed).permutation(np.unique(lesions[train]))
    return [train & np.isin(lesions, shuffled[: round(share * len(shuffled))]) for share in SHARES]


def row(title, numbers):
    """A row of a table in Markdown."""
    return "| " + " | ".join((title, *numbers)) + " |"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--splits", type=int, default=16)
    parser.add_argument("--image-size", type=int, default=224)
    options = parser.parse_args()
    manifest = datasets.ham10000(options.data_dir)
    malignant = manifest.labels == manifest.classes.index("mel")
    of_images = features(list(manifest.table["image"]), options.image_size)
    lesions = manifest.groups()
    found = []
    print(row("split", ["validation", "test", "test, of 1/2 of the lesions", "of 1/4"]))
    print(row("---", ["---"] * 4))
    for seed in range(options.splits):
        assignment = datasets.split(manifest, "grouped", seed)
        masks = shares_of_training(assignment, lesions, seed)
        asked = [(masks[0], assignment == "validation"), *((mask, assignment == "test") for mask in masks)]
        found.append([auc(of_images, malignant, *pair) for pair in asked])
        print(row(str(seed), (f"{value:.3f}" for value in found[-1])), flush=True)
    means, deviations = np.mean(found, axis=0), np.std(found, axis=0, ddof=1)
    summary = (f"{mean:.3f}, {deviation:.3f}" for mean, deviation in zip(means, deviations, strict=True))
    print(row("mean, standard deviation", summary))


if __name__ == "__main__":
    main()
