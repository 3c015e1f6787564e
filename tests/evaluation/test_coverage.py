"""How often the 95 % intervals cover the truth, on simulated clinics with several images a lesion."""

import numpy as np
import pandas as pd
from scipy.stats import norm

from skinkeras.evaluation import binary_strata, estimate, paired_bootstrap

SETS, RESAMPLES = 300, 300
# Lesions, malignant ones, and how much higher a clinic's scores are.
CLINICS = {"a": (100, 6, -1.0), "b": (40, 8, 0.0), "c": (30, 10, 0.5)}
GAP = 1.2
ALIKE = 0.7  # share of the variance that images of one lesion have in common


def simulated(rng):
    """(labels, probabilities, table, lesions): a lesion has one to four images."""
    rows = [
        (number < malignant, shift, clinic)
        for clinic, (lesions, malignant, shift) in CLINICS.items()
        for number in range(lesions)
    ]
    lesions = np.repeat(np.arange(len(rows)), 1 + rng.binomial(3, 0.15, len(rows)))
    labels, shifts, clinics = (np.array(column)[lesions] for column in zip(*rows, strict=True))
    scores = rng.normal(0, np.sqrt(ALIKE), len(rows))[lesions] + rng.normal(
        0, np.sqrt(1 - ALIKE), len(lesions)
    )
    # The threshold of 0.5 is halfway between the classes of clinic b.
    probabilities = norm.cdf(scores + shifts + GAP * (labels - 0.5))
    table = pd.DataFrame({"acquisition": clinics, "confirmed_by": "histopathology"})
    return labels.astype(int), probabilities, table, lesions


def truths():
    """What infinitely many images would give: {(stratum, metric): value}."""
    lesions, malignant, shift = np.array(list(CLINICS.values())).T
    benign = lesions - malignant
    pairs = np.outer(malignant, benign) / malignant.sum() / benign.sum()
    share = malignant * benign / np.sum(malignant * benign)
    found, passed = norm.cdf(shift + GAP / 2), norm.cdf(GAP / 2 - shift)
    recalls = {
        ("within_source", "malignant_recall"): share @ found,
        ("within_source", "benign_recall"): share @ passed,
        ("confirmed", "malignant_recall"): malignant @ found / malignant.sum(),
        ("confirmed", "benign_recall"): benign @ passed / benign.sum(),
    }
    for stratum in ("within_source", "confirmed"):
        recalls[stratum, "balanced_accuracy"] = (
            recalls[stratum, "malignant_recall"] + recalls[stratum, "benign_recall"]
        ) / 2
    return {
        **recalls,
        ("within_source", "roc_auc"): norm.cdf(GAP / np.sqrt(2)),
        ("confirmed", "roc_auc"): np.sum(
            pairs * norm.cdf((GAP + np.subtract.outer(shift, shift)) / np.sqrt(2))
        ),
    }


def test_intervals_cover_the_truth():
    rng, expected = np.random.default_rng(0), truths()
    covered = dict.fromkeys(expected, 0)
    for seed in range(SETS):
        strata = binary_strata(*(data := simulated(rng))[:2], 0.5, *data[2:], bootstrap=RESAMPLES, seed=seed)
        for stratum, metric in expected:
            low, high = strata[stratum][f"{metric}_interval"]
            covered[stratum, metric] += low <= expected[stratum, metric] <= high
    shares = {key: count / SETS for key, count in covered.items()}
    for key in (("within_source", "roc_auc"), ("confirmed", "roc_auc")):
        assert 0.92 <= shares[key] <= 0.98, shares
    # The mixture of sources is fixed in this simulation; the intervals of recalls allow for another one.
    assert all(share >= 0.91 for share in shares.values()), shares


def two_models(rng, gaps):
    """(labels, probabilities of two models, sources): five clinics with 4 malignant and 30 benign images each."""
    sources, labels = np.repeat(np.arange(5), 34), np.tile(np.repeat([1, 0], [4, 30]), 5)
    alike, own = rng.normal(0, 0.5**0.5, 170), rng.normal(0, 0.5**0.5, (2, 170))
    return labels, norm.cdf(alike + own + np.outer(gaps, labels - 0.5) + (sources - 2) / 2), sources


def test_paired_intervals_within_sources_cover_the_truth():
    # Resampled within each source, of four malignant images, they would cover the first two in 0.90 to 0.92.
    rng, gaps = np.random.default_rng(0), np.array([1.2, 1.6])
    aucs = norm.cdf(gaps / np.sqrt(2))
    covered = np.zeros(3)
    for seed in range(400):
        labels, scores, sources = two_models(rng, gaps)
        first, second = paired_bootstrap(labels, scores, resamples=RESAMPLES, seed=seed, sources=sources)[
            "within_source_auc"
        ]
        for number, (draws, truth) in enumerate(
            ((first, aucs[0]), (second, aucs[1]), (second - first, aucs[1] - aucs[0]))
        ):
            _, low, high = estimate(draws)
            covered[number] += low <= truth <= high
    assert ((covered / 400 > 0.93) & (covered / 400 < 0.985)).all(), covered / 400
