"""What a task makes of the training images: its loss, and the models that are trained and that ship."""

import dataclasses
from types import SimpleNamespace

import keras
import numpy as np
import pandas as pd
import pytest

from pipelines.common.groups import (
    BinaryDataOptions,
    BinaryLossOptions,
    DecisionOptions,
    DiagnosisDataOptions,
)
from pipelines.common.loading import ImageLoader
from skinkeras import datasets, inputs, layers, losses, models
from skinkeras.training import BinaryTask, DiagnosisTask

EPOCHS = 2


@pytest.fixture(scope="module")
def data(cache_dir):
    """Synthetic images of five classes."""
    loader = ImageLoader(DiagnosisDataOptions(max_images=120), 32, cache_dir, 0)
    return loader.load(cache_dir / "no split yet")


@pytest.fixture(scope="module")
def binary_data(cache_dir):
    """The same as benign and malignant, the malignant ones oversampled."""
    options = BinaryDataOptions(max_images=120, positive=("malignant",))
    policy = inputs.OVERSAMPLING["g23"]
    loader = ImageLoader(options, 32, cache_dir, 0, options.positive, policy)
    return loader.load(cache_dir / "no split yet")


def diagnosis_task(loss, weighting, *, hierarchical=False):
    parameters = {"focal_delta": 2.0} if loss == "focal" else {}
    if weighting in ("cb", "es"):
        parameters["raw_weights"] = False
    return DiagnosisTask(loss, weighting, parameters, datasets.SYNTHETIC_TAXONOMY, hierarchical=hierarchical)


@pytest.mark.parametrize("loss", ["crossentropy", "focal"])
def test_logit_adjustment_knows_how_common_the_classes_are(data, loss):
    built, of_loss, of_weighting = diagnosis_task(loss, "logit_adjustment").build_loss(data, EPOCHS)
    counts = np.array(list(data.counts()["train"].values()))
    frequency = counts / counts.sum()
    hardness = (1 - frequency) ** 2 if loss == "focal" else 1
    value = built(np.eye(5, dtype="float32"), np.full((5, 5), 0.2, "float32"))
    assert float(value) == pytest.approx(np.mean(-hardness * np.log(frequency)), rel=1e-5)
    assert of_loss == of_weighting == []


@pytest.mark.parametrize("hierarchical", [False, True], ids=["flat", "hierarchical"])
@pytest.mark.parametrize("loss", ["crossentropy", "focal"])
@pytest.mark.parametrize("weighting", ["none", "cb", "es", "spl", "ohem", "ohem_per_class"])
def test_every_weighting_composes_with_every_loss_and_head(data, hierarchical, loss, weighting):
    task = diagnosis_task(loss, weighting, hierarchical=hierarchical)
    built, _, callbacks = task.build_loss(data, EPOCHS)
    labels = np.eye(5, dtype="float32")[[0, 1, 1, 2]]
    uniform = np.full((4, 5), 0.2, "float32")
    expected = np.log(5) * (0.8**2 if loss == "focal" else 1)
    if hierarchical:
        # Two nodes at the first level; four at the second, which malignant has no part in.
        uniform = np.tile(np.float32([0.5, 0.5, 0.25, 0.25, 0.25, 0.25]), (4, 1))
        first, second = np.log(2), np.log(4)
        if loss == "focal":
            first, second = first * 0.5**2, second * 0.75**2
        expected = first + np.array([0, 1, 1, 1]) * second
    value = float(built(labels, uniform))
    if weighting == "none":
        assert value == pytest.approx(np.mean(expected), rel=1e-5)
        assert isinstance(built, losses.HierarchicalCrossentropy) == hierarchical
    elif weighting in ("cb", "es"):
        n = np.array(list(data.counts()["train"].values()), float)
        weights = 1 / n if weighting == "cb" else 1 / (1 - (1 - 1 / n.sum()) ** n)
        weights /= (n * weights).sum() / n.sum()
        assert value == pytest.approx(np.mean(labels @ weights * expected), rel=1e-5)
    else:
        # At age 0 half of the batch counts; of each class rounded up, which is 1, 1 and 1 of 1, 2 and 1.
        order = np.argsort(np.broadcast_to(expected, 4), kind="stable")
        kept = {"spl": order[:2], "ohem": order[::-1][:2], "ohem_per_class": [0, 1, 3]}[weighting]
        assert value == pytest.approx(np.broadcast_to(expected, 4)[kept].sum() / 4, rel=1e-5)
        assert built.epochs == EPOCHS
        assert len(callbacks) == 1
        task.before_fine_tuning(built)
        assert float(built(labels, uniform)) == pytest.approx(np.mean(expected), rel=1e-5)


def test_the_binary_task_counts_variants_and_groups_classes(binary_data):
    task = BinaryTask("inverse_frequency")
    built, _, _ = task.build_loss(binary_data, EPOCHS)
    counts = binary_data.counts()["train"]
    expected = losses.InverseFrequencyCrossentropy((counts["benign"], counts["malignant"]))
    assert built.get_config() == expected.get_config()


def test_a_recall_loss_moves_in_fine_tuning_too(binary_data):
    task = BinaryTask("recall", parameters={"gamma": 3.0, "recall_update": "epoch"})
    built, (terms,), of_weighting = task.build_loss(binary_data, EPOCHS)
    assert (built.gamma, terms.update, of_weighting) == (3.0, "epoch", [])
    loaded = keras.losses.deserialize(keras.losses.serialize(built))
    (again,) = task.loss_callbacks(loaded)
    assert again.loss is loaded and again.update == "epoch"


@pytest.mark.parametrize("update", ["batch", "same_batch"])
def test_a_recall_loss_takes_its_parameters_and_keeps_them_in_fine_tuning(binary_data, update):
    given = {"gamma": 3.0, "recall_update": update}
    given |= {"recall_momentum": 0.5, "recall_floor": 0.2} if update == "batch" else {}
    task = BinaryTask("recall", parameters=given)
    built, (terms,), _ = task.build_loss(binary_data, EPOCHS)
    assert (built.update, terms.update) == (update, update)
    assert (built.momentum, built.floor) == ((0.5, 0.2) if update == "batch" else (0.95, 0.01))
    loaded = keras.losses.deserialize(keras.losses.serialize(built))
    task.loss_callbacks(loaded)
    assert loaded.get_config() == built.get_config()


def test_a_loss_saved_by_the_released_version_learns_its_pace_from_the_settings(binary_data):
    task = BinaryTask("recall", parameters={"gamma": 3.0, "recall_update": "epoch", "recall_floor": 0.01})
    saved = keras.losses.serialize(task.build_loss(binary_data, EPOCHS)[0])
    for name in ("update", "momentum"):
        del saved["config"][name]
    loaded = keras.losses.deserialize(saved)
    task.loss_callbacks(loaded)
    assert loaded.update == "epoch"


def test_a_card_shows_the_pace_of_miss_rates_where_it_is_not_the_usual_one():
    usual = BinaryLossOptions(
        loss="recall", gamma=10.0, recall_update="batch", recall_momentum=0.95, recall_floor=0.01
    )
    assert {"gamma": 10.0, "recall update": "batch"}.items() <= usual.facts().items()
    assert not {"recall momentum", "recall floor"} & set(usual.facts())
    assert dataclasses.replace(usual, recall_floor=0.2).facts()["recall floor"] == 0.2
    tian = BinaryLossOptions(loss="recall", gamma=1.0, recall_update="same_batch")
    assert "(Tian et al. 2022)" in tian.facts()["recall update"]


def test_a_card_says_what_is_minimised(data, binary_data):
    two, finer = BinaryTask("recall", target="binary"), BinaryTask("recall")
    title = "recall cross-entropy (Gilal et al. 2023, eq. 6 and 7)"
    data = dataclasses.replace(data, positives=(data.manifest.classes.index("malignant"),))
    assert two.loss_title(binary_data) == finer.loss_title(binary_data) == title
    added = " of benign against malignant, plus the cross-entropy of the classes that are learned"
    assert finer.loss_title(data) == title + added
    assert BinaryTask("crossentropy").loss_title(data) == "cross-entropy"


def test_finer_classes_are_learned_and_two_ship(data):
    data = dataclasses.replace(data, positives=(data.manifest.classes.index("malignant"),))
    model = models.create("efficientnet_tiny", 5, input_size=32, weights="none")
    shipped = BinaryTask("crossentropy").shipped_model(model, data)
    assert isinstance(shipped.layers[-1], layers.MergeClasses)
    images = np.random.default_rng(0).uniform(0, 255, (3, 32, 32, 3)).astype("float32")
    fine, two = model.predict(images, verbose=0), shipped.predict(images, verbose=0)
    malignant = fine[:, data.positives[0]]
    np.testing.assert_allclose(two, np.stack([1 - malignant, malignant], axis=1), atol=1e-6)
    assert BinaryTask("crossentropy", target="binary").learned(data).manifest.classes == (
        "benign",
        "malignant",
    )


def test_the_operating_point_and_what_it_decides():
    class Four:
        malignant = np.array([0, 0, 1, 1])
        groups = np.arange(4)
        table = pd.DataFrame({"acquisition": ["a", "b", "a", "b"]})

    task = BinaryTask("crossentropy", points=("balanced_accuracy", "sensitivity_95"))
    scores = np.array([[0.9, 0.1], [0.8, 0.2], [0.7, 0.3], [0.6, 0.4]])
    point = task.operating_point(Four, scores)
    assert 0.2 < point["threshold"] <= 0.3
    assert (point["class"], point["chosen_on"]) == ("malignant", "validation")
    assert task.decisions(scores, point).tolist() == [0, 0, 1, 1]
    results = task.results(Four, scores, ("benign", "malignant"), point)
    assert list(results["operating_points"]) == ["balanced_accuracy", "sensitivity_95"]
    assert results["strata"]["within_source"]["roc_auc"] == 1 and "missing" in results["strata"]["confirmed"]
    assert "not_sure" not in point and results["abstention"] is None  # two images of a class promise nothing
    assert results["metrics"]["malignant_recall"] == 1 and results["metrics_at_half"]["malignant_recall"] == 0


def test_without_validation_images_the_operating_point_is_fixed():
    point = BinaryTask("crossentropy").operating_point(None, None)
    assert point == {"class": "malignant", "threshold": 0.5, "criterion": "fixed", "chosen_on": None}
    assert DiagnosisTask("crossentropy").operating_point(None, None) is None


def test_a_fixed_operating_point_comes_with_those_chosen_on_validation_images():
    subset = SimpleNamespace(malignant=np.repeat([0, 1], 20))
    scores = np.concatenate([np.linspace(0.05, 0.5, 20), np.linspace(0.3, 0.9, 20)])
    task = BinaryTask("crossentropy", points=("fixed_0.5", "sensitivity_95"))
    point = task.operating_point(subset, np.stack([1 - scores, scores], axis=1))
    assert (point["threshold"], point["chosen_on"], point["others"]["fixed_0.5"]) == (0.5, None, 0.5)
    # 19 of the 20 malignant scores, from 0.3 on, are at or above the second one.
    assert 0.3 < point["others"]["sensitivity_95"] <= 0.3 + 0.6 / 19
    low, high = point["not_sure"]
    assert low <= 0.5 <= high


def test_an_operating_point_is_found_however_its_number_is_written():
    subset = SimpleNamespace(malignant=np.repeat([0, 1], 20))
    scores = np.concatenate([np.linspace(0.05, 0.5, 20), np.linspace(0.3, 0.9, 20)])
    points = DecisionOptions(operating_point="cost_20.0").points
    point = BinaryTask("crossentropy", points=points).operating_point(
        subset, np.stack([1 - scores, scores], axis=1)
    )
    assert point["threshold"] == point["others"]["cost_20"] and point["chosen_on"] == "validation"


def test_cards_of_weighted_losses_say_that_probabilities_are_distorted():
    (limit,) = BinaryTask("inverse_frequency").probability_limits
    assert "an image weighs more the rarer its class is, which distorts the probabilities" in limit
    assert BinaryTask("crossentropy").probability_limits == ()
