"""Evaluations on other images in a record: of this very model only, once each, and on its card."""

import copy

import pytest
from sample_evaluations import external_evaluation

from skinkeras.files.writing import write_json
from skinkeras.reports import add_external, check_record, model_card, read_evaluation


def test_an_evaluation_is_added_and_the_record_stays_as_it_was(binary):
    before, evaluation = copy.deepcopy(binary), external_evaluation()
    record = add_external(binary, evaluation)
    assert binary == before
    assert record["external"] == [evaluation]
    check_record(record)


def test_the_same_evaluation_is_replaced_and_another_one_added(binary):
    first, again, other = external_evaluation(), external_evaluation(), external_evaluation("Izmir")
    larger = external_evaluation() | {"diagnoses": {"nevus": 5, "melanoma": 4, "angioma": 1}}
    again["left_out"] = {}
    record = binary
    for evaluation in (first, other, larger, again):
        record = add_external(record, evaluation)
    assert record["external"] == [other, larger, again]


def test_the_card_has_its_section_after_the_results_and_no_longer_says_that_there_is_none(binary):
    card = model_card(add_external(binary, external_evaluation()))
    assert "No external validation" in model_card(binary)
    assert "No external validation" not in card
    headings = [line for line in card.splitlines() if line.startswith("## ")]
    assert headings.index("## External validation: Graz, 2025") == headings.index("## Results") + 1


CHANGES = {
    "name": ({"model": "melanoma_lite1"}, "is of the model 'melanoma_lite1', not of melanoma_lite0."),
    "classes": (
        {"images": {"mel": 4, "nv": 6}},
        "is of a model with the classes mel, nv; those of melanoma_lite0 are benign, malignant.",
    ),
    "date": ({"date": "yesterday"}, "does not fit the schema of a record at external.0.date"),
    "counts": ({"left_out": {"unreadable": "<b>"}}, "at external.0.left_out.unreadable"),
    "reasons": ({"left_out": {"<b>": 1}}, "at external.0.left_out"),
    "form": ({"forms": {"a|b": external_evaluation()["forms"]["int8"]}}, "at external.0.forms"),
    "images": ({"images": [1, 2]}, "at external.0.images"),
    "forms": ({"forms": {}}, "at external.0.forms"),
    "metrics": ({"forms": {"int8": {"metrics": 3, "calibration": {}}}}, "at external.0.forms.int8"),
    "command": ({"command": "a\n```\n# b"}, "at external.0.command"),
}


@pytest.mark.parametrize("case", CHANGES)
def test_what_is_not_an_evaluation_of_this_model_is_refused(binary, case):
    change, sentence = CHANGES[case]
    with pytest.raises(ValueError, match=r"^graz/evaluation\.json ") as refused:
        add_external(binary, external_evaluation() | change, "graz/evaluation.json")
    assert sentence in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("other", [None, [], "evaluation", {"model": "melanoma_lite0"}])
def test_other_json_is_refused(binary, other):
    with pytest.raises(ValueError, match=r"does not fit the schema of a record at external\.0"):
        add_external(binary, other)


def test_a_folder_without_an_evaluation_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"holds no evaluation\.json: name a folder that"):
        read_evaluation(tmp_path)
    write_json(tmp_path / "evaluation.json", external_evaluation())
    assert read_evaluation(tmp_path) == external_evaluation()
