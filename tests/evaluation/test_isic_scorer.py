"""Agreement with `isic-challenge-scoring`, by which the ISIC challenges are judged."""

import warnings

import numpy as np
import pandas as pd
import pytest
from isic_challenge_scoring.classification import ClassificationMetric, ClassificationScore

from skinkeras.datasets.taxonomy import HAM10000, ISIC2018
from skinkeras.evaluation import isic_submission, multiclass_metrics

CLASSES = tuple(HAM10000)
# Of a split of HAM10000, in its order of classes.
SKEWED = (65, 103, 220, 23, 222, 1341, 28)


@pytest.fixture(autouse=True)
def pandas_3(monkeypatch):
    # The scorer calls DataFrame.map by the name that it had before pandas 3.
    monkeypatch.setattr(pd.DataFrame, "applymap", pd.DataFrame.map, raising=False)


def predictions(counts, seed=0, sharpness=1.5):
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.repeat(np.arange(7), counts))
    logits = rng.normal(0, 1, (labels.size, 7))
    logits[np.arange(labels.size), labels] += sharpness
    odds = np.exp(logits)
    return labels, odds / odds.sum(axis=1, keepdims=True)


def score(labels, probabilities, folder):
    """What the official scorer says of our submission file."""
    ids = [f"ISIC_{number:07d}" for number in range(len(labels))]
    truth = pd.DataFrame(np.eye(7)[labels], pd.Index(ids, name="image"), CLASSES)
    truth[list(ISIC2018.values())].set_axis(list(ISIC2018), axis=1).to_csv(folder / "truth.csv")
    order = np.random.default_rng(1).permutation(len(ids))  # files need not be in one order
    isic_submission(folder / "ours.csv", [ids[i] for i in order], probabilities[order], CLASSES)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of its own divisions
        return ClassificationScore.from_file(
            folder / "truth.csv", folder / "ours.csv", ClassificationMetric.BALANCED_ACCURACY
        )


def one_hot(probabilities):
    """1 for the only class of the highest probability; all 0 where there are several."""
    highest = probabilities == probabilities.max(axis=1, keepdims=True)
    return np.where(highest.sum(axis=1, keepdims=True) == 1, highest, 0.0)


CASES = {
    "random": predictions((40,) * 7, sharpness=0),
    "skewed": predictions(SKEWED),
    "certain": (np.arange(7).repeat(3), np.eye(7)[np.arange(7).repeat(3)]),
    "float32": (lambda y, p: (y, p.astype(np.float32)))(*predictions(SKEWED, seed=1)),
    # Levels of 1/256, as of an int8 model: ties and rows that do not sum to 1.
    "int8": (lambda y, p: (y, np.minimum(np.round(p * 256), 255) / 256))(*predictions(SKEWED, 2, 0.5)),
    "mostly ties": (lambda y, p: (y, p.round(1)))(*predictions(SKEWED, seed=3)),
    "one class only": (np.arange(7).repeat(4), np.eye(7)[np.full(28, 5)] * 0.4),
    "one image a class": predictions((1,) * 7, seed=4),
}


@pytest.mark.parametrize("case", CASES)
def test_the_metrics_are_those_of_the_official_scorer(case, tmp_path):
    labels, probabilities = CASES[case]
    m = multiclass_metrics(labels, probabilities, CLASSES, bootstrap=2)
    official = score(labels, probabilities, tmp_path)
    exactly = {"rel": 0, "abs": 1e-9}
    assert m.balanced_accuracy == pytest.approx(official.overall, **exactly)
    assert m.macro_auc == pytest.approx(official.macro_average["auc"], **exactly)

    # The scorer's per-category rates are about probabilities above 0.5. Decisions have none in between.
    decided = score(labels, one_hot(probabilities), tmp_path)
    predicted = dict(zip(CLASSES, np.sum(m.confusion_matrix, axis=0), strict=True))
    for column, name in ISIC2018.items():
        ours, theirs = m.per_class[name], decided.per_category.loc[column]
        assert ours["recall"] == pytest.approx(theirs["sensitivity"], **exactly)
        assert ours["f1"] == pytest.approx(theirs["dice"], **exactly)
        assert ours["auc"] == pytest.approx(official.per_category.loc[column, "auc"], **exactly)
        # It takes the precision of a class that is never predicted as 1, we as 0.
        assert theirs["ppv"] == pytest.approx(ours["precision"] if predicted[name] else 1, **exactly)
    assert m.mean_f1 == pytest.approx(decided.macro_average["dice"], **exactly)


def test_ties_are_tested_at_all():
    counts = {case: multiclass_metrics(*CASES[case], CLASSES, bootstrap=1).n_undecided for case in CASES}
    assert counts["random"] == counts["skewed"] == 0
    assert counts["int8"] > 5
    assert counts["mostly ties"] > 100


def test_the_submission_keeps_every_digit_and_names_the_columns(tmp_path):
    _, probabilities = predictions((2,) * 7)
    classes = ("nv", "mel", "bcc", "vasc", "df", "bkl", "akiec")
    isic_submission(tmp_path / "s.csv", [f"ISIC_{i}" for i in range(14)], probabilities, classes)
    table = pd.read_csv(tmp_path / "s.csv", float_precision="round_trip")
    assert list(table) == ["image", "MEL", "NV", "BCC", "AKIEC", "BKL", "DF", "VASC"]
    np.testing.assert_array_equal(table["MEL"], probabilities[:, 1])
    np.testing.assert_array_equal(table["AKIEC"], probabilities[:, 6])


@pytest.mark.parametrize(
    ("ids", "classes", "value", "message"),
    [
        (["x", "y"], ("benign", "malignant"), 0.1, "Received: benign, malignant"),
        (["x", "x"], CLASSES, 0.1, "image x is listed twice"),
        (["x", "y", "z"], CLASSES, 0.1, r"shape \(3, 7\). Received shape: \(2, 7\)"),
        (["x", "y"], CLASSES, 1.1, "image y are not"),
        (["x", "y"], CLASSES, float("nan"), "image y are not"),
    ],
)
def test_a_submission_that_would_be_rejected_is_refused(ids, classes, value, message, tmp_path):
    probabilities = np.full((2, 7), 0.1)
    probabilities[1, 3] = value
    with pytest.raises(ValueError, match=message):
        isic_submission(tmp_path / "s.csv", ids, probabilities, classes)
    assert not (tmp_path / "s.csv").exists()
