"""What a run's record says of its images, and what the console says of a threshold."""

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

from pipelines import binary, multiclass
from pipelines.common import line, options, records
from pipelines.common.groups import BinaryDataOptions
from skinkeras import datasets, evaluation, tflite


def table(**ids):
    names = [f"{number}.png" for number in range(4)]
    labels = ["a", "b", "a", "b"]
    return datasets.Manifest(
        pd.DataFrame({"image": names, "image_id": names, "label": labels, **ids}), ["a", "b"]
    )


def grouping(manifest, assignment=None, **settings):
    data = SimpleNamespace(manifest=manifest, positives=(1,), assignment=assignment)
    facts = records.data_facts(BinaryDataOptions(data="folder", **settings), data)
    return facts["grouped_by"], facts["ungrouped"]


def test_the_record_promises_only_what_the_split_could_keep():
    assert grouping(table()) == (None, 4)
    assert grouping(table(lesion_id=["x", "x", None, "y"])) == ("lesion", 1)
    both = table(lesion_id=["x", "x", None, "y"], patient_id=["p", "p", "q", None])
    assert grouping(both) == ("lesion or patient", 0)
    assert grouping(table(lesion_id=["x", "x", "z", "y"]), split_by="paper") == (None, 0)


def test_the_record_says_of_a_given_split_what_it_keeps_together():
    subsets = ["train", "train", "test", "test"]
    whole, divided = ["x", "x", "y", "z"], ["x", "y", "x", "z"]
    assert grouping(table(lesion_id=whole, split=subsets), assignment=subsets) == ("lesion", 0)
    assert grouping(table(lesion_id=divided, split=subsets), assignment=subsets) == (None, 0)
    assert grouping(table(lesion_id=divided, split=subsets), split_by="grouped") == ("lesion", 0)


def test_the_record_says_what_limits_the_images():
    data = SimpleNamespace(manifest=table(), positives=(1,))
    row = datasets.DATASETS["ham10000"]
    facts = records.data_facts(BinaryDataOptions(data="ham10000"), data)
    assert (facts["title"], facts["licence"]) == (row.title, row.licence)
    assert facts["limits"] == [*row.limits, *row.binary_limits]


def test_sums_of_probabilities_a_little_above_1_are_measured():
    # Three float32 shares of a sure answer.
    one_more = np.nextafter(np.float32(1), np.float32(2))
    answers = np.array([[0.0, one_more], [0.75, 0.25]], np.float32)
    dataset = tf.data.Dataset.from_tensors((np.zeros((2, 1)), np.zeros(2)))
    subset = SimpleNamespace(dataset=lambda batch_size: dataset)
    form = evaluation.ModelForm("float", lambda images: answers)
    malignant = evaluation.probabilities(form, subset)[:, 1]
    assert malignant.tolist() == [1.0, 0.25]
    assert evaluation.choose_threshold([1, 0], malignant) > 0.25


@pytest.mark.parametrize(("threshold", "warned"), [(0.5, False), (0.0, True)])
def test_a_model_that_calls_everything_malignant_is_warned_of(threshold, warned, capsys):
    line._warn_of("float", {"threshold": threshold})
    assert ("it is not fit to ship" in " ".join(capsys.readouterr().out.split())) == warned


@pytest.mark.parametrize(
    ("job", "name"),
    [
        (binary, "melanoma_efficientnet_lite0_224"),
        (multiclass, "diagnosis_efficientnet_lite0_224"),
    ],
)
def test_an_export_of_the_released_models_would_say_the_same_in_the_file(job, name):
    # The metadata are part of the file: another word would be another sha256.
    folder = Path(__file__).parents[2] / "tflite_models"
    words = json.loads((folder / "records" / f"{name}.json").read_text())["command"].split()[3:]
    settings = job.with_defaults(options.parse(job.Settings, words))
    info = records.model_info(job.task_class(), settings.data, settings.model)
    assert tflite.read_metadata(folder / f"{name}_int8.tflite").info == info
