"""What disturbances do to answers, with forms whose answers can be computed by hand."""

import json
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from skinkeras.evaluation import (
    CORRUPTIONS,
    ModelForm,
    clustered_wilson,
    corrupt,
    measured_robustness,
    robustness_plot,
    wilson,
)


class Images:
    """Images in memory that count how many are read at once."""

    def __init__(self, images):
        self.images, self.most = images, 0

    def read(self, rows):
        self.most = max(self.most, len(rows))
        return self.images[rows]


def subset(levels, labels, size=8, groups=None):
    """Flat images of these levels, in the reverse order in the file."""
    levels, labels = np.asarray(levels, np.uint8), np.asarray(labels)
    images = np.broadcast_to(levels[::-1, None, None, None], (len(levels), size, size, 3)).copy()
    groups = np.arange(len(levels)) if groups is None else np.asarray(groups)
    rows = np.arange(len(levels))[::-1]
    return SimpleNamespace(images=Images(images), rows=rows, malignant=labels, labels=labels, groups=groups)


def darkness(images):
    """The darker, the more malignant: 1 - level / 255."""
    assert images.dtype == np.float32 and len(images) <= 64
    malignant = 1 - images.mean(axis=(1, 2, 3)) / 255
    return np.stack([1 - malignant, malignant], axis=1)


DARK = ModelForm("int8", darkness)


def test_decisions_that_change_are_counted():
    # In half the light, level 188 becomes 137 and 250 becomes 184: at 0.4, up to level 153 is malignant.
    given = subset([40, 120, 188, 188, 250, 40], [1, 1, 0, 0, 0, 0])
    case = {"positive": True, "threshold": 0.4, "bootstrap": 50, "corruptions": ["darker"]}
    first, _, last = measured_robustness(DARK, given, **case)
    assert (first["title"], first["severity"], first["n"]) == ("undisturbed", None, 6)
    assert first["changed"] is first["changed_interval"] is first["mean_shift"] is None
    assert first["roc_auc_change"] is first["roc_auc_change_interval"] is None
    assert (first["malignant_recall"], first["benign_recall"]) == (1.0, 0.75)
    assert last["title"] == "darker light, -1.5 EV"
    # In 0.35 of the light: 188 becomes 116, 250 becomes 157.
    assert last["changed"] == pytest.approx(2 / 6)
    assert last["changed_interval"] == pytest.approx(wilson(2, 6))
    assert (last["malignant_recall"], last["benign_recall"]) == (1.0, 0.25)
    assert last["mean_shift"] > 0
    # Light keeps the order of the images.
    assert last["roc_auc"] == first["roc_auc"] and last["roc_auc_change"] == 0.0


def test_the_auc_is_that_of_scikit_learn_on_the_same_images():
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1], [50, 30])
    given = subset(rng.integers(60, 200, 80) - 25 * labels, labels, groups=np.arange(80) // 2)
    rows = measured_robustness(DARK, given, positive=True, corruptions=["noise", "hair"], bootstrap=100)
    ordered = given.images.images[given.rows]
    for row in rows:
        images = (
            ordered
            if row["name"] == "undisturbed"
            else corrupt(ordered, row["name"], row["severity"], range(80))
        )
        score = darkness(images[:64].astype(np.float32))[:, 1], darkness(images[64:].astype(np.float32))[:, 1]
        assert row["roc_auc"] == pytest.approx(roc_auc_score(labels, np.concatenate(score)))
        low, high = row["roc_auc_interval"]
        assert 0 <= low < row["roc_auc"] < high <= 1
    assert rows[-1]["roc_auc_change"] == pytest.approx(rows[-1]["roc_auc"] - rows[0]["roc_auc"])
    called = [darkness(one[None].astype(np.float32))[0, 1] >= 0.5 for one in ordered]
    disturbed = [darkness(one[None].astype(np.float32))[0, 1] >= 0.5 for one in images]
    changed = np.not_equal(called, disturbed)
    assert rows[-1]["changed"] == changed.mean()
    assert rows[-1]["changed_interval"] == clustered_wilson(changed, given.groups)


def test_an_answer_that_no_turn_moves_is_unchanged():
    given = subset([40, 120, 188, 188, 250, 40], [1, 1, 0, 0, 0, 0])
    rows = measured_robustness(DARK, given, positive=True, corruptions=["mirrored", "turned"], bootstrap=20)
    assert [row["title"] for row in rows] == [
        "undisturbed", "mirrored left to right", "turned by 90 degrees", "turned by 180 degrees",
    ]  # fmt: skip
    for row in rows[1:]:
        assert (row["changed"], row["mean_shift"]) == (0.0, 0.0)
        assert row["changed_interval"] == pytest.approx(wilson(0, 6))  # not 0 to 0


def thirds(images):
    """Dark, medium and bright, by level; a fourth class is never named."""
    level = images.mean(axis=(1, 2, 3))
    near = np.stack([np.exp(-np.abs(level - at) / 60) for at in (40, 120, 220)], axis=1)
    near = np.concatenate([near, np.zeros((len(level), 1))], axis=1)
    return near / near.sum(axis=1, keepdims=True)


def test_several_classes_of_which_one_has_no_images():
    given = subset([40, 50, 120, 110, 220, 230], [0, 0, 1, 1, 2, 2])
    rows = measured_robustness(
        ModelForm("float", thirds), given, positive=False, corruptions=["darker"], bootstrap=20
    )
    assert rows[0]["balanced_accuracy"] == rows[0]["macro_auc"] == 1.0
    assert rows[0]["balanced_accuracy_interval"][0] < 0.8
    # In 0.35 of the light 220 and 230 are 137 and 144, medium; 120 and 110 are 71 and 65, dark.
    assert rows[-1]["balanced_accuracy"] == pytest.approx(1 / 3)
    assert rows[-1]["changed"] == pytest.approx(4 / 6)
    assert rows[-1]["mean_shift"] < 0 and "roc_auc" not in rows[0]


def test_few_images_in_memory_and_no_more_than_asked_for():
    labels = np.tile([0, 0, 0, 1], 50)
    given, seen = subset(200 - 100 * labels, labels), []
    rows = measured_robustness(
        DARK, given, positive=True, corruptions=["jpeg"], max_images=100, bootstrap=20,
        progress=lambda done, total: seen.append((done, total)),
    )  # fmt: skip
    assert rows[0]["n"] == 100 and given.images.most == 64 and seen == [(64, 100), (100, 100)]
    assert rows[0]["malignant_recall_interval"] == pytest.approx(wilson(25, 25))


def test_what_cannot_be_measured_is_refused():
    given = subset([40, 120], [1, 1])
    with pytest.raises(ValueError, match="one class"):
        measured_robustness(DARK, given, positive=True)
    with pytest.raises(ValueError, match="no disturbance fog"):
        measured_robustness(DARK, subset([40, 120], [0, 1]), positive=True, corruptions=["fog"])


def test_all_rows_in_json_and_in_a_figure(tmp_path):
    given = subset(np.linspace(40, 220, 20), np.repeat([1, 0], 10), size=32)
    rows = measured_robustness(DARK, given, positive=True, bootstrap=20)
    assert len(rows) == 1 + sum(len(row.severities) for row in CORRUPTIONS.values())
    robustness_plot(json.loads(json.dumps(rows)), tmp_path / "robustness.png", "synthetic")
    image = cv2.imread(str(tmp_path / "robustness.png"))
    assert image.shape[1] >= 1000 and image.std() > 5
    with pytest.raises(ValueError, match="at least one disturbance"):
        robustness_plot(rows[:1], tmp_path / "none.png")
