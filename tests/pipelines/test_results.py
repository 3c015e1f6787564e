from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import tensorflow as tf

from pipelines import binary
from pipelines.common import binary_results, results
from skinkeras import datasets, evaluation


def table(**ids):
    names = [f"{number}.png" for number in range(4)]
    labels = ["a", "b", "a", "b"]
    return datasets.Manifest(
        pd.DataFrame({"image": names, "image_id": names, "label": labels, **ids}), ["a", "b"]
    )


def card_facts(manifest, **settings):
    data = SimpleNamespace(manifest=manifest, positives=(1,), counts=dict)
    return results.data_facts(binary.Settings(data="folder", **settings), data)


def test_the_card_promises_only_what_the_split_could_keep():
    unknown = card_facts(table())
    assert (unknown.grouped_by, unknown.ungrouped) == (None, 4)
    lesions = card_facts(table(lesion_id=["x", "x", None, "y"]))
    assert (lesions.grouped_by, lesions.ungrouped) == ("lesion", 1)
    both = card_facts(table(lesion_id=["x", "x", None, "y"], patient_id=["p", "p", "q", None]))
    assert (both.grouped_by, both.ungrouped) == ("lesion or patient", 0)
    assert card_facts(table(lesion_id=["x", "x", "z", "y"]), split="paper").grouped_by is None


def test_sums_of_probabilities_a_little_above_1_are_measured():
    # Three float32 shares of a sure answer.
    one_more = np.nextafter(np.float32(1), np.float32(2))
    answers = np.array([[0.0, one_more], [0.75, 0.25]], np.float32)
    dataset = tf.data.Dataset.from_tensors((np.zeros((2, 1)), np.zeros(2)))
    data = SimpleNamespace(part=lambda name: SimpleNamespace(dataset=lambda batch_size: dataset))
    variant = results.ModelForm("float", lambda images: answers)
    malignant = results.probabilities(variant, data, "test")[:, 1]
    assert malignant.tolist() == [1.0, 0.25]
    assert evaluation.choose_threshold([1, 0], malignant) > 0.25


def test_the_command_names_no_path_of_this_machine(tmp_path):
    settings = binary.Settings(data="ham10000", data_dir=tmp_path, out=tmp_path / "run", weights="none")
    assert results.command("pipelines.binary", settings) == (
        "python -m pipelines.binary --data ham10000 --data-dir DIR --weights none"
    )
    with_file = replace(settings, weights=str(tmp_path / "my.weights.h5"), gamma=10.0)
    assert results.command("pipelines.binary", with_file).endswith("--weights FILE --gamma 10.0")


def test_cards_of_weighted_losses_say_that_a_probability_is_no_share():
    (limit,) = binary_results.limits(binary.Settings(loss="inverse_frequency"))
    assert "an image counts the more, the rarer its class is: a probability is no estimate" in limit
    assert binary_results.limits(binary.Settings(loss="crossentropy")) == ()


def test_a_model_that_calls_everything_malignant_is_told_of(capsys):
    binary_results.warn_of_threshold(0.5)
    assert capsys.readouterr().out == ""
    binary_results.warn_of_threshold(0.0)
    assert "It is not fit to ship" in " ".join(capsys.readouterr().out.split())
