"""Metrics within a source, and of confirmed images."""

import json

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics as sk

from skinkeras.evaluation import (
    binary_metrics,
    binary_strata,
    known_sources,
    multiclass_metrics,
    multiclass_strata,
    paired_bootstrap,
)

# a: one pair of two won; b: one and a half of two; c: no malignant image, and so no pair.
LABELS = np.array([0, 0, 1, 0, 1, 1, 0])
SCORES = np.array([0.1, 0.4, 0.3, 0.6, 0.7, 0.6, 0.9])
TABLE = pd.DataFrame({"acquisition": list("aaabbbc")})


def clinics(n=600, seed=0):
    """Three clinics that differ in their share of malignant images and in their scores; about 2 images a lesion."""
    rng = np.random.default_rng(seed)
    sources = rng.choice(["a", "b", "c"], n, p=[0.5, 0.3, 0.2])
    labels = (rng.random(n) < pd.Series(sources).map({"a": 0.05, "b": 0.2, "c": 0.5})).astype(int).to_numpy()
    shift = pd.Series(sources).map({"a": -1.0, "b": 0.0, "c": 1.0}).to_numpy()
    scores = (1 / (1 + np.exp(-(labels + shift + rng.normal(0, 1, n))))).round(2)
    confirmed = np.where(labels | (rng.random(n) < 0.3), "histopathology", "follow-up")
    table = pd.DataFrame({"acquisition": sources, "confirmed_by": confirmed})
    return labels, scores, table, np.arange(n) // 2


def seven_clinics(n=500, seed=0):
    """Several classes in three clinics."""
    rng = np.random.default_rng(seed)
    sources, labels = rng.choice(["a", "b", "c"], n), rng.choice(4, n, p=[0.1, 0.2, 0.3, 0.4])
    logits = rng.normal(0, 1, (n, 4)) + 1.5 * np.eye(4)[labels]
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return labels, probabilities, ("w", "x", "y", "z"), pd.DataFrame({"acquisition": sources})


def values(stratum):
    return {name: value for name, value in stratum.items() if not name.endswith("_interval")}


def test_pairs_of_one_source_by_hand():
    within = binary_strata(LABELS, SCORES, 0.35, TABLE)["within_source"]
    assert values(within) == {
        "sources": 2,
        "n": 6,
        "n_malignant": 3,
        "n_groups": 6,
        "n_pairs": 4,
        "roc_auc": 2.5 / 4,
        # Each source has half of the pairs. a: 0 of 1 malignant, 1 of 2 benign; b: 2 of 2, 0 of 1.
        "malignant_recall": 0.5,
        "benign_recall": 0.25,
        "balanced_accuracy": 0.375,
    }


def test_auc_is_that_of_the_sources_weighted_by_their_pairs():
    labels, scores, table, groups = clinics()
    aucs, pairs = [], []
    for source in "abc":
        rows = table["acquisition"] == source
        aucs.append(sk.roc_auc_score(labels[rows], scores[rows]))
        pairs.append(labels[rows].sum() * (1 - labels[rows]).sum())
    within = binary_strata(labels, scores, 0.5, table, groups)["within_source"]
    assert within["roc_auc"] == pytest.approx(np.average(aucs, weights=pairs))
    assert within["n_pairs"] == sum(pairs)
    # The clinics differ in their shares of malignant images: knowing the clinic helps.
    assert within["roc_auc"] < sk.roc_auc_score(labels, scores) - 0.05
    low, high = within["roc_auc_interval"]
    assert low < within["roc_auc"] < high


def test_within_a_source_is_what_comparisons_of_models_measure():
    labels, scores, table, groups = clinics()
    rates = paired_bootstrap(labels, [scores], groups=groups, resamples=1, sources=table["acquisition"])
    within = binary_strata(labels, scores, 0.5, table, groups)["within_source"]
    assert within["roc_auc"] == pytest.approx(rates["within_source_auc"][0, 0])


def test_confirmed_are_the_metrics_of_these_images():
    labels, scores, table, groups = clinics()
    rows = (table["confirmed_by"] == "histopathology").to_numpy()
    confirmed = binary_strata(labels, scores, 0.5, table, groups)["confirmed"]
    expected = binary_metrics(labels[rows], scores[rows], 0.5, groups[rows])
    for name in (
        "n",
        "n_malignant",
        "n_groups",
        "roc_auc",
        "balanced_accuracy",
        "malignant_recall",
        "benign_recall",
    ):
        assert confirmed[name] == pytest.approx(getattr(expected, name)), name
    for name in ("balanced_accuracy", "malignant_recall", "benign_recall"):
        assert confirmed[f"{name}_interval"] == pytest.approx(getattr(expected, f"{name}_interval")), name
    # Other resamples of the same images.
    np.testing.assert_allclose(confirmed["roc_auc_interval"], expected.roc_auc_interval, atol=0.01)


def test_one_source_has_the_same_intervals_within_and_pooled():
    labels, scores, _, groups = clinics()
    # One more source, of one image, which is in no pair.
    both = pd.DataFrame({"acquisition": ["a"] * 600 + ["b"], "confirmed_by": "histopathology"})
    added = np.append(labels, 0), np.append(scores, 0.5)
    within = binary_strata(*added, 0.4, both, np.append(groups, 900))["within_source"]
    pooled = binary_metrics(labels, scores, 0.4, groups)
    confirmed = binary_strata(labels, scores, 0.4, both[:600], groups)["confirmed"]
    for name in ("roc_auc", "balanced_accuracy", "malignant_recall", "benign_recall"):
        for key in (name, f"{name}_interval"):
            assert within[key] == pytest.approx(getattr(pooled, key), abs=1e-12), key
            assert confirmed[key] == pytest.approx(getattr(pooled, key), abs=1e-12), key


def test_one_source_of_several_classes_has_the_same_intervals_of_auc_within_and_pooled():
    labels, probabilities, classes, _ = seven_clinics()
    both = pd.DataFrame({"acquisition": ["a"] * 500 + ["b"], "confirmed_by": "histopathology"})
    added = np.append(labels, 0), np.append(probabilities, probabilities[:1], axis=0)
    within = multiclass_strata(*added, classes, both)["within_source"]
    pooled = multiclass_metrics(labels, probabilities, classes)
    confirmed = multiclass_strata(labels, probabilities, classes, both[:500])["confirmed"]
    for name in ("macro_auc", "balanced_accuracy", "accuracy"):
        for key in (name, f"{name}_interval"):
            # Within a source, an accuracy is that of the images of random pairs.
            if name != "accuracy":
                assert within[key] == pytest.approx(getattr(pooled, key), abs=1e-12), key
            assert confirmed[key] == pytest.approx(getattr(pooled, key), abs=1e-12), key


def test_a_source_of_one_class_adds_nothing():
    labels, scores, table, groups = clinics()
    more = pd.DataFrame({"acquisition": ["d"] * 50, "confirmed_by": None})
    bigger = binary_strata(
        np.append(labels, np.zeros(50, int)),
        np.append(scores, np.linspace(0, 1, 50)),
        0.5,
        pd.concat([table, more], ignore_index=True),
        np.append(groups, 1000 + np.arange(50)),
    )
    assert bigger == binary_strata(labels, scores, 0.5, table, groups)


def test_images_of_unknown_source_are_in_no_pair():
    labels, scores, table, groups = clinics()
    more = pd.DataFrame({"acquisition": [None, np.nan, ""], "confirmed_by": None})
    table = pd.concat([table, more], ignore_index=True)
    labels, scores = np.append(labels, [0, 1, 1]), np.append(scores, [0.9, 0.1, 0.1])
    within = binary_strata(labels, scores, 0.5, table, np.append(groups, [900, 901, 902]))["within_source"]
    assert (
        within
        == binary_strata(*(part[:600] for part in (labels, scores)), 0.5, table[:600], groups)[
            "within_source"
        ]
    )


def test_names_of_sources_do_not_matter():
    labels, scores, table, groups = clinics()
    renamed = table.assign(acquisition=table["acquisition"].map({"a": "zürich", "b": "b", "c": "1"}))
    assert binary_strata(labels, scores, 0.5, renamed, groups) == binary_strata(
        labels, scores, 0.5, table, groups
    )


def test_order_of_images_does_not_matter():
    labels, scores, table, groups = clinics()
    order = np.random.default_rng(1).permutation(len(labels))
    first = binary_strata(labels, scores, 0.5, table, groups)
    second = binary_strata(labels[order], scores[order], 0.5, table.iloc[order], groups[order])
    for name in ("within_source", "confirmed"):
        assert values(first[name]) == pytest.approx(values(second[name]))
        # Other resamples of the same images.
        for key in ("roc_auc_interval", "malignant_recall_interval"):
            np.testing.assert_allclose(first[name][key], second[name][key], atol=0.01)


def test_swapped_classes_swap_recalls():
    labels, scores, table, groups = clinics()
    scores = scores + 0.001  # none at the threshold, of which only one class has the ties
    first = binary_strata(labels, scores, 0.5, table, groups)["within_source"]
    second = binary_strata(1 - labels, 1 - scores, 0.5, table, groups)["within_source"]
    assert first["roc_auc"] == pytest.approx(second["roc_auc"])
    assert first["malignant_recall"] == pytest.approx(second["benign_recall"])


def test_two_classes_are_a_binary_model():
    labels, scores, table, groups = clinics()
    scores = scores * 0.98 + 0.001
    binary = binary_strata(labels, scores, 0.5, table, groups)
    several = multiclass_strata(labels, np.stack([1 - scores, scores], 1), ("b", "m"), table, groups)
    for name in ("within_source", "confirmed"):
        assert several[name]["macro_auc"] == pytest.approx(binary[name]["roc_auc"])
        assert several[name]["macro_auc_interval"] == pytest.approx(binary[name]["roc_auc_interval"])
        assert several[name]["balanced_accuracy"] == pytest.approx(binary[name]["balanced_accuracy"])
        assert several[name]["n_pairs"] == binary[name]["n_pairs"]
        assert several[name]["left_out"] == []


def test_several_classes_are_those_of_the_pairs():
    labels, probabilities, classes, table = seven_clinics()
    within = multiclass_strata(labels, probabilities, classes, table)["within_source"]
    sources, right = table["acquisition"].to_numpy(), probabilities.argmax(axis=1) == labels
    pairs = [
        (i, j)
        for i in range(len(labels))
        for j in range(len(labels))
        if sources[i] == sources[j] and labels[i] != labels[j]
    ]
    first, second = np.array(pairs).T
    assert within["n_pairs"] == len(pairs) / 2
    assert within["accuracy"] == pytest.approx(right[first].mean())
    recalls = [right[first[labels[first] == value]].mean() for value in range(4)]
    assert within["balanced_accuracy"] == pytest.approx(np.mean(recalls))
    aucs = []
    for value in range(4):
        own = labels[first] == value
        gap = probabilities[first[own], value] - probabilities[second[own], value]
        aucs.append(np.mean((gap > 0) + (gap == 0) / 2))
    assert within["macro_auc"] == pytest.approx(np.mean(aucs))


def test_several_classes_of_one_pool_are_the_usual_metrics():
    labels, probabilities, classes, table = seven_clinics()
    table["confirmed_by"] = "histopathology"
    confirmed = multiclass_strata(labels, probabilities, classes, table)["confirmed"]
    expected = multiclass_metrics(labels, probabilities, classes, bootstrap=1)
    for name in ("macro_auc", "accuracy"):
        assert confirmed[name] == pytest.approx(getattr(expected, name))


def test_a_class_without_pairs_is_left_out_and_named():
    labels, probabilities, classes, table = seven_clinics()
    table["confirmed_by"] = np.where(labels == 0, "consensus", "histopathology")
    table.loc[labels == 1, "acquisition"] = "d"
    strata = multiclass_strata(labels, probabilities, classes, table)
    assert strata["within_source"]["left_out"] == ["x"]
    assert strata["confirmed"]["left_out"] == ["w"]
    assert 0 < strata["confirmed"]["macro_auc"] < 1


@pytest.mark.parametrize(
    ("table", "within", "confirmed"),
    [
        ({}, "does not say where its images come from", "does not say how its diagnoses were confirmed"),
        (
            {"acquisition": [None] * 4, "source": "ham10000", "confirmed_by": [None] * 4},
            "does not say where",
            "does not say how",
        ),
        ({"acquisition": ["a", "a", "a", None], "confirmed_by": "consensus"}, "one source", "No image"),
        (
            {"acquisition": ["a", "b", "a", "b"], "confirmed_by": ["histopathology", None] * 2},
            "No source has images of more than one class",
            "All 2 images that histopathology confirmed are of one class",
        ),
    ],
)
def test_what_is_missing_says_why(table, within, confirmed):
    strata = binary_strata([0, 1, 0, 1], [0.1, 0.2, 0.3, 0.4], 0.5, pd.DataFrame(table, index=range(4)))
    for stratum, words in ((strata["within_source"], within), (strata["confirmed"], confirmed)):
        assert list(stratum) == ["missing"]
        assert words in stratum["missing"]
        assert stratum["missing"].endswith(".")


def test_a_perfect_model_is_not_certain():
    labels = np.array([0, 1] * 19)
    table = pd.DataFrame({"acquisition": ["a", "a", "b", "b"] * 9 + ["a", "a"]})
    within = binary_strata(labels, labels.astype(float), 0.5, table)["within_source"]
    for name in ("roc_auc", "balanced_accuracy", "malignant_recall", "benign_recall"):
        assert within[name] == 1.0
        low, high = within[f"{name}_interval"]
        assert 0.8 < low < 0.9
        assert high == 1.0


def test_data_sets_are_sources_where_no_clinic_is_known():
    table = pd.DataFrame({"acquisition": ["a", None, None], "source": ["isic2019", "isic2019", "isic2020"]})
    assert known_sources(table).tolist() == ["a", "isic2019", "isic2020"]
    assert known_sources(table[:2]).tolist() == ["a", None]


def test_strata_are_plain_numbers():
    labels, scores, table, groups = clinics()
    strata = binary_strata(labels, scores, 0.5, table, groups)
    assert json.loads(json.dumps(strata))["confirmed"]["n"] == strata["confirmed"]["n"]
    labels, probabilities, classes, table = seven_clinics()
    json.dumps(multiclass_strata(labels, probabilities, classes, table))


def test_a_table_of_other_images_is_refused():
    with pytest.raises(ValueError, match="one row per image"):
        binary_strata(LABELS, SCORES, 0.5, TABLE[:3])
