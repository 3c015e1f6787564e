"""How many mislabelled rows a cleaning finds, with losses pooled over folds and ranked within them.

    python benchmarks/cleaning_folds.py

No images are needed: the rows are the 569 cell nuclei of scikit-learn's breast cancer data. A tenth of the malignant
rows is called benign; two logistic regressions, each trained on the other fold, give every row its loss; and
`CleaningRounds` removes as many benign rows as were mislabelled. What is printed is the share of the mislabelled rows
among those that were removed, and the share of the removed rows that are of the first fold, as means over `SEEDS`.
The models of the two folds are equally confident, or the second is regularised 100 or 10,000 times as much.
"""

import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skinkeras.cleaning import CleaningPlan, CleaningRounds, out_of_fold
from skinkeras.cleaning.rounds import WITHIN_FOLDS

SEEDS = 20
STRENGTHS = ((1.0, 1.0), (1.0, 1e-2), (1.0, 1e-4))  # the C of either model


def main():
    print("C of the models | ranking | mislabelled rows found | of the first fold")
    for strengths in STRENGTHS:
        for within in (False, True):
            found, first = np.mean([one_cleaning(seed, strengths, within) for seed in range(SEEDS)], axis=0)
            name = "within folds" if within else "pooled"
            print(f"{strengths[0]:g}, {strengths[1]:g} | {name} | {found:.0%} | {first:.0%}")


def one_cleaning(seed, strengths, within):
    """(share of the mislabelled rows that are removed, share of the removed rows that are of the first fold)."""
    features, target = load_breast_cancer(return_X_y=True)
    malignant = target == 0
    rng = np.random.default_rng(seed)
    wrong = rng.choice(np.flatnonzero(malignant), malignant.sum() // 10, replace=False)
    given = malignant.astype(int)
    given[wrong] = 0
    folds = out_of_fold(given, np.arange(len(given)), 2, seed)
    losses = np.empty(len(given))
    for fold, strength in enumerate(strengths):
        model = make_pipeline(StandardScaler(), LogisticRegression(C=strength, max_iter=1000))
        model.fit(features[folds != fold], given[folds != fold])
        inside = np.flatnonzero(folds == fold)
        losses[inside] = -np.log(model.predict_proba(features[inside])[np.arange(len(inside)), given[inside]])
    table = pd.DataFrame({"image_id": np.arange(len(given)).astype(str), "variant": "itself"})
    table["label"] = np.where(given, "malignant", "benign")
    with tempfile.TemporaryDirectory() as folder:
        settings = {WITHIN_FOLDS: True} if within else {}
        rounds = CleaningRounds(Path(folder) / "cleaning", table, CleaningPlan(1, len(wrong)), settings)
        rounds.record(losses, folds)
        removed = ~rounds.remaining()
    return removed[wrong].mean(), (folds[removed] == 0).mean()


if __name__ == "__main__":
    main()
