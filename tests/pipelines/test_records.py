"""What a run's record says of its images, and what the console says of a threshold."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

from pipelines.common import line, records
from pipelines.common.groups import BinaryDataOptions
from skinkeras import datasets, evaluation


def table(**ids):
    names = [f"{number}.png" for number in range(4)]
    labels = ["a", "b", "a", "b"]
    return datasets.Manifest(
        pd.DataFrame({"image": names, "image_id": names, "label": labels, **ids}), ["a", "b"]
    )


def grouping(manifest, **settings):
    data = SimpleNamespace(manifest=manifest, positives=(1,))
    facts = records.data_facts(BinaryDataOptions(data="folder", **settings), data)
    return facts["grouped_by"], facts["ungrouped"]


def test_the_record_promises_only_what_the_split_could_keep():
    assert grouping(table()) == (None, 4)
    assert grouping(table(lesion_id=["x", "x", None, "y"])) == ("lesion", 1)
    both = table(lesion_id=["x", "x", None, "y"], patient_id=["p", "p", "q", None])
    assert grouping(both) == ("lesion or patient", 0)
    assert grouping(table(lesion_id=["x", "x", "z", "y"]), split_by="paper") == (None, 0)


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
