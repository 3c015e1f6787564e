"""How hard each split of HAM10000 is, asked of a classifier that costs seconds instead of an hour.

    python benchmarks/split_difficulty.py --data-dir DIR/ham10000 [--splits 16] [--image-size 224]

EfficientNet-Lite0's ImageNet features, not trained any further, and a logistic regression of melanoma on
them, fitted to each split's training pictures. Its areas under the ROC curve are far below a trained
model's; what counts is how they differ from split to split, for the same features and the same recipe.
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
from skinkeras.decoding import decode

BATCH = 64


def features(paths, size):
    """(n, 1280) float32: what the pretrained network averages over each picture."""
    model = models.create("efficientnet_lite0", 2, size, "imagenet")
    pooled = next(layer for layer in model.layers if isinstance(layer, keras.layers.GlobalAveragePooling2D))
    network = keras.Model(model.inputs, pooled.output)
    batches = (paths[start : start + BATCH] for start in range(0, len(paths), BATCH))
    return np.concatenate(
        [
            network.predict_on_batch(np.stack([decode(path, size) for path in batch]).astype(np.float32))
            for batch in batches
        ]
    )


def aucs(features, malignant, assignment):
    """Areas under the ROC curve on the validation and the test pictures of one split."""
    train = assignment == "train"
    # So strong a penalty because there are 1,280 features and some 5,000 pictures.
    regression = LogisticRegression(C=0.003, max_iter=300, class_weight="balanced")
    classifier = make_pipeline(StandardScaler(), regression).fit(features[train], malignant[train])
    parts = (assignment == "validation", assignment == "test")
    return [roc_auc_score(malignant[part], classifier.decision_function(features[part])) for part in parts]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--splits", type=int, default=16)
    parser.add_argument("--image-size", type=int, default=224)
    options = parser.parse_args()
    manifest = datasets.READERS["ham10000"](options.data_dir)
    malignant = manifest.labels == manifest.classes.index("mel")
    of_pictures = features(list(manifest.table["image"]), options.image_size)
    found = []
    print("| split | validation | test |\n| --- | --- | --- |")
    for seed in range(options.splits):
        found.append(aucs(of_pictures, malignant, datasets.split(manifest, "grouped", seed)))
        print(f"| {seed} | {found[-1][0]:.3f} | {found[-1][1]:.3f} |", flush=True)
    means, deviations = np.mean(found, axis=0), np.std(found, axis=0, ddof=1)
    cells = (f"{mean:.3f}, {deviation:.3f}" for mean, deviation in zip(means, deviations, strict=True))
    print("| mean, standard deviation | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
