"""Metrics by source, age, sex, site, confirmation, skin tone and diagnosis."""

import json

import numpy as np
import pandas as pd
import pytest
from fairlearn.metrics import MetricFrame
from sklearn import metrics as sk

from skinkeras.evaluation import (
    age_bands,
    binary_metrics,
    binary_slices,
    binary_strata,
    multiclass_metrics,
    multiclass_slices,
    worst_slice,
)

SEXES, SITES = ("male", "female", None), ("trunk", "face", "nail")


def images(n=900, seed=0):
    """(labels, probabilities, table, groups) of images in three sources, two to a lesion."""
    rng = np.random.default_rng(seed)
    labels = (rng.random(n) < 0.2).astype(int)
    probabilities = (1 / (1 + np.exp(1 - 2 * labels - rng.normal(0, 1, n)))).round(3)
    table = pd.DataFrame(
        {
            "acquisition": rng.choice(["a", "b", "c"], n, p=[0.6, 0.3, 0.1]),
            "age": rng.choice([None, 5.0, 29.0, 30.0, 49.0, 50.0, 69.0, 70.0, 85.0], n),
            "sex": rng.choice(np.array(SEXES, object), n),
            "site": rng.choice(SITES, n, p=[0.7, 0.295, 0.005]),
            "skin_tone": None,
        }
    )
    return labels, probabilities, table, np.arange(n) // 2


def by_value(slices, column):
    return {row["value"]: row for row in slices if row["column"] == column}


def test_slices_are_those_of_fairlearn():
    labels, probabilities, table, groups = images()
    slices = binary_slices(labels, probabilities, 0.5, table, groups)
    reference = MetricFrame(
        metrics={
            "malignant_recall": sk.recall_score,
            "benign_recall": lambda true, called: sk.recall_score(true, called, pos_label=0),
            "n": lambda true, called: len(true),
            "n_malignant": lambda true, called: true.sum(),
        },
        y_true=labels,
        y_pred=(probabilities >= 0.5).astype(int),
        sensitive_features=table[["acquisition"]],
    ).by_group
    of_scores = MetricFrame(
        metrics={
            "roc_auc": sk.roc_auc_score,
            "brier_score": sk.brier_score_loss,
            "mean_probability": lambda true, scores: scores.mean(),
        },
        y_true=labels,
        y_pred=probabilities,
        sensitive_features=table[["acquisition"]],
    ).by_group
    ours = pd.DataFrame.from_dict(by_value(slices, "acquisition"), orient="index")
    for frame in (reference, of_scores):
        for name in frame:
            np.testing.assert_allclose(
                ours[name].astype(float), frame[name].astype(float)[ours.index], err_msg=name
            )


def test_a_slice_of_all_images_has_their_metrics():
    labels, probabilities, table, groups = images()
    (row,) = binary_slices(labels, probabilities, 0.3, table.assign(sex="male")[["sex"]], groups)
    expected = binary_metrics(labels, probabilities, 0.3, groups)
    for name in (
        "n",
        "n_malignant",
        "n_groups",
        "roc_auc",
        "malignant_recall",
        "benign_recall",
        "expected_calibration_error",
        "brier_score",
    ):
        assert row[name] == pytest.approx(getattr(expected, name)), name
    for name in ("roc_auc_interval", "malignant_recall_interval", "benign_recall_interval"):
        assert row[name] == pytest.approx(getattr(expected, name)), name
    assert row["share_malignant"] == pytest.approx(labels.mean())


def test_an_auc_within_sources_stands_beside_that_of_the_slice():
    labels, probabilities, table, groups = images()
    slices = binary_slices(labels, probabilities, 0.5, table, groups)
    rows = (table["sex"] == "male").to_numpy()
    within = binary_strata(labels[rows], probabilities[rows], 0.5, table[rows], groups[rows])["within_source"]
    men = by_value(slices, "sex")["male"]
    assert men["within_source_auc"] == pytest.approx(within["roc_auc"])
    np.testing.assert_allclose(men["within_source_auc_interval"], within["roc_auc_interval"])
    one = by_value(slices, "acquisition")["a"]
    assert one["within_source_auc"] == one["roc_auc"]
    assert one["within_source_auc_interval"] == one["roc_auc_interval"]
    without = binary_slices(labels, probabilities, 0.5, table.drop(columns="acquisition"), groups)
    assert all(row["within_source_auc"] is None for row in without)


def test_columns_and_values_are_in_order():
    labels, probabilities, table, groups = images()
    diagnosis = np.where(labels, "mel", "nv")
    slices = binary_slices(labels, probabilities, 0.5, table, groups, diagnosis)
    columns = list(dict.fromkeys(row["column"] for row in slices))
    # skin_tone is known of no image.
    assert columns == ["acquisition", "age", "sex", "site", "diagnosis"]
    assert list(by_value(slices, "acquisition")) == ["a", "b", "c"]
    assert list(by_value(slices, "age")) == ["below 30", "30 to 49", "50 to 69", "70 and older", "unknown"]
    for column in columns:
        assert sum(row["n"] for row in by_value(slices, column).values()) == len(labels)
    assert by_value(slices, "sex")["unknown"]["n"] == table["sex"].isna().sum()
    nevi = by_value(slices, "diagnosis")["nv"]
    assert nevi["malignant_recall"] is nevi["malignant_recall_interval"] is nevi["roc_auc"] is None
    assert nevi["benign_recall"] == pytest.approx(np.mean(probabilities[labels == 0] < 0.5))


def test_ages_are_in_bands():
    ages = [0, 29.9, 30, 49, 50, 69, 70, 120, None, np.nan]
    assert age_bands(ages).tolist() == [
        "below 30",
        "below 30",
        "30 to 49",
        "30 to 49",
        "50 to 69",
        "50 to 69",
        "70 and older",
        "70 and older",
        None,
        None,
    ]


def test_few_images_are_only_counted():
    labels, probabilities, table, groups = images()
    nails = by_value(binary_slices(labels, probabilities, 0.5, table, groups), "site")["nail"]
    assert 0 < nails["n"] < 10
    assert nails["n_malignant"] == labels[table["site"] == "nail"].sum()
    assert {name for name, value in nails.items() if value is not None} == {
        "column",
        "value",
        "n",
        "n_malignant",
        "n_groups",
        "share_malignant",
    }


def test_few_malignant_images_have_a_recall_but_no_auc():
    labels = np.array([1] * 9 + [0] * 30)
    (row,) = binary_slices(labels, labels * 0.9, 0.5, pd.DataFrame({"sex": ["male"] * 39}))
    assert row["roc_auc"] is row["roc_auc_interval"] is None
    assert row["malignant_recall"] == 1.0
    assert row["malignant_recall_interval"] == pytest.approx((9 / (9 + 1.959964**2), 1.0))


def test_sources_stand_in_where_no_clinic_is_known():
    labels, probabilities, table, groups = images()
    table = table.assign(source=table["acquisition"], acquisition=None)
    slices = binary_slices(labels, probabilities, 0.5, table, groups)
    assert list(by_value(slices, "source")) == ["a", "b", "c"]
    assert by_value(slices, "acquisition") == {}


def test_order_of_images_does_not_matter():
    labels, probabilities, table, groups = images()
    order = np.random.default_rng(1).permutation(len(labels))
    first = binary_slices(labels, probabilities, 0.5, table, groups)
    second = binary_slices(labels[order], probabilities[order], 0.5, table.iloc[order], groups[order])
    for a, b in zip(first, second, strict=True):
        for name in a:
            if not name.endswith("auc_interval"):  # other resamples of the same images
                assert a[name] == pytest.approx(b[name]), (a["column"], a["value"], name)


def test_several_classes_by_slice():
    rng = np.random.default_rng(0)
    labels = np.r_[rng.choice(3, 300, p=[0.2, 0.3, 0.5]), 3, 3, 3]
    probabilities = rng.dirichlet(np.ones(4), 303) / 2 + np.eye(4)[labels] / 4
    classes = ("w", "x", "y", "z")
    table = pd.DataFrame({"sex": ["male"] * 200 + ["female"] * 103})
    men, women = multiclass_slices(labels, probabilities, classes, table)
    assert men["left_out"] == ["z"]
    rows = slice(200, 303)
    right = probabilities[rows].argmax(axis=1) == labels[rows]
    assert women["accuracy"] == pytest.approx(right.mean())
    assert women["balanced_accuracy"] == pytest.approx(
        sk.balanced_accuracy_score(labels[rows], probabilities[rows].argmax(axis=1))
    )
    # The class with three images has a recall, but no AUC.
    aucs = [sk.roc_auc_score(labels[rows] == value, probabilities[rows, value]) for value in range(3)]
    assert women["macro_auc"] == pytest.approx(np.mean(aucs))
    expected = np.mean(np.sum((probabilities[rows] - np.eye(4)[labels[rows]]) ** 2, axis=1))
    assert women["brier_score"] == pytest.approx(expected)


def test_several_classes_of_all_images_are_their_metrics():
    rng = np.random.default_rng(0)
    labels = rng.choice(3, 300)
    probabilities = rng.dirichlet(np.ones(3), 300) / 2 + np.eye(3)[labels] / 4
    (row,) = multiclass_slices(labels, probabilities, "xyz", pd.DataFrame({"sex": ["male"] * 300}))
    expected = multiclass_metrics(labels, probabilities, "xyz")
    for name in ("accuracy", "balanced_accuracy", "macro_auc"):
        assert row[name] == pytest.approx(getattr(expected, name))
        assert row[f"{name}_interval"] == pytest.approx(getattr(expected, f"{name}_interval"))


def test_an_image_of_another_class_leaves_the_interval_of_the_mean_auc():
    rng = np.random.default_rng(0)
    labels = np.r_[rng.choice(3, 300), 3]
    probabilities = rng.dirichlet(np.ones(4), 301) / 2 + np.eye(4)[labels] / 4
    with_it, without = (
        multiclass_slices(labels, probabilities, "wxyz", pd.DataFrame({"sex": ["male"] * 300 + [last]}))[0]
        for last in ("male", "female")
    )
    assert with_it["macro_auc"] == pytest.approx(without["macro_auc"], abs=0.01)
    np.testing.assert_allclose(with_it["macro_auc_interval"], without["macro_auc_interval"], atol=0.02)


def test_the_worst_slice_is_one_that_is_clearly_bad():
    # Four of ten missed by chance, or 40 of 100: the second is known to be worse than 0.7.
    labels = np.ones(320, int)
    labels[300:] = 0
    probabilities = np.where(labels, 0.9, 0.1)
    table = pd.DataFrame(
        {"site": ["trunk"] * 185 + ["face"] * 100 + ["ear"] * 10 + ["nail"] * 5 + [None] * 20}
    )
    probabilities[185:225] = probabilities[285:289] = 0.2
    probabilities[295:300] = 0.2  # five images: only counted
    slices = binary_slices(labels, probabilities, 0.5, table)
    worst = worst_slice(slices)
    assert worst["value"] == "face"
    assert worst["malignant_recall"] == 0.6
    assert worst_slice(slices, "benign_recall")["value"] == "unknown"
    assert worst_slice([]) is None
    assert worst_slice(slices, "roc_auc") is None


def test_the_worst_slice_of_several_classes_is_that_of_accuracy():
    labels = np.tile([0, 1, 2], 40)
    probabilities = np.eye(3)[labels] * 0.8 + 0.05
    probabilities[:30] = probabilities[:30, ::-1]
    table = pd.DataFrame({"sex": ["male"] * 60 + ["female"] * 60})
    assert worst_slice(multiclass_slices(labels, probabilities, "xyz", table))["value"] == "male"


def test_slices_are_plain_numbers():
    labels, probabilities, table, groups = images()
    slices = binary_slices(labels, probabilities, 0.5, table, groups)
    assert json.loads(json.dumps(slices))[0]["n"] == slices[0]["n"]


def test_a_table_of_other_images_is_refused():
    labels, probabilities, table, _ = images()
    with pytest.raises(ValueError, match="one row per image"):
        binary_slices(labels, probabilities, 0.5, table[:5])
