"""What people read about a score, in Python; tests of the two apps hold them to the same sentences."""

import re
from pathlib import Path

import pytest

from skinkeras import tflite
from skinkeras.tflite import wording

ROOT = Path(__file__).parents[2]
MODELS = ROOT / "tflite_models"


@pytest.fixture
def melanoma():
    return tflite.read_contract(MODELS / "melanoma_efficientnet_lite0_224.json")


@pytest.fixture
def diagnosis():
    return tflite.read_contract(MODELS / "diagnosis_efficientnet_lite0_224.json")


@pytest.mark.parametrize(
    ("probability", "text"),
    [(0, "under 1"), (0.0099, "under 1"), (0.01, "1"), (0.125, "13"), (0.99, "99"), (0.9901, "over 99")],
)
def test_a_score_is_a_whole_number_and_never_0_or_100(probability, text):
    assert wording.score_text(probability) == text


@pytest.mark.parametrize(
    ("probability", "threshold", "shown"),
    [
        (0.62, 0.1504, ("62", "15")),
        (0.1484, 0.1504, ("14.8", "15.0")),
        (0.15041, 0.1503, ("15.04", "15.03")),
        (0.25, 0.25, ("25", "25")),
        (0.3, 0.004, ("30.0", "0.4")),
        (0.5, 0.9996, ("50.00", "99.96")),
    ],
)
def test_score_and_line_have_as_few_digits_as_show_their_order(probability, threshold, shown):
    assert wording.score_and_line(probability, threshold) == shown


@pytest.mark.parametrize(
    ("share", "text"),
    [(0, "0 %"), (0.004, "under 1 %"), (0.2078, "21 %"), (0.996, "over 99 %"), (1.0, "100 %")],
)
def test_a_percentage_has_no_false_precision(share, text):
    assert wording.percent_text(share) == text


def test_below_the_line_the_model_says_which_cancers_it_does_not_look_for(melanoma):
    said = wording.answer(melanoma, "int8", [1.0, 0.0])
    assert said.verdict == "Below the model's line for melanoma"
    line = round(100 * melanoma["files"]["int8"]["threshold"])
    lowest = melanoma["files"]["int8"]["test"]["reliability"][0]
    assert said.explanation.startswith(
        f"Score under 1 of 100; the line is at {line}. The model does not look for other skin cancers, such as basal "
        "cell carcinoma. A low score does not mean that a lesion is harmless. Of the "
        f"{lowest['n']:,} test images that scored"
    )
    above = wording.answer(melanoma, "int8", [0.4, 0.6])
    assert above.verdict == "Above the model's line for melanoma"
    assert "other skin cancers" not in above.explanation


def test_no_answer_of_the_melanoma_model_calls_a_lesion_benign_or_malignant(melanoma):
    for step in range(101):
        said = wording.answer(melanoma, "int8", [1 - step / 100, step / 100])
        assert not re.search("benign|malignant|%.*%", f"{said.verdict} {said.explanation}", re.IGNORECASE)


def test_a_score_in_the_band_is_not_sure_unless_another_line_is_chosen(melanoma):
    entry = melanoma["files"]["int8"]
    low, high = entry["not_sure"]
    assert low < entry["threshold"] < high
    inside, above = [1 - low, low], [1 - high, high]
    said = wording.answer(melanoma, "int8", inside)
    assert said.verdict == "Not sure: close to the model's line for melanoma"
    assert f"Scores from {100 * low:.0f} to {100 * high:.0f} are left undecided." in said.explanation
    assert "other skin cancers" in said.explanation
    assert wording.answer(melanoma, "int8", above).verdict == "Above the model's line for melanoma"
    chosen = wording.answer(melanoma, "int8", inside, "sensitivity_95")
    assert chosen.verdict == "Above the model's line for melanoma"


def test_operating_points_are_offered_but_not_the_own_line_twice(melanoma, diagnosis):
    assert wording.operating_points(melanoma, "int8") == {
        None: "The model's own line",
        "sensitivity_95": "Fewer misses: set to find 95 %",
        "sensitivity_90": "Fewer misses: set to find 90 %",
    }
    assert wording.operating_points(diagnosis, "int8") == {}
    with pytest.raises(ValueError, match="has no operating point 'cost_5': it has balanced_accuracy"):
        wording.answer(melanoma, "int8", [0.5, 0.5], "cost_5")


def test_a_point_of_an_unknown_kind_has_its_name_for_a_title(melanoma):
    melanoma["files"]["int8"]["operating_points"] |= {"cost": 0.11, "point_cost": 0.12, "net_benefit": 0.13}
    titles = wording.operating_points(melanoma, "int8")
    assert [titles[name] for name in ("cost", "point_cost", "net_benefit")] == [
        "cost",
        "point cost",
        "net benefit",
    ]


def test_limits_are_those_of_the_line_and_within_a_clinic_where_known(melanoma):
    entry = melanoma["files"]["int8"]
    entry["strata"]["within_source"] |= {"malignant_recall": 0.7227, "benign_recall": 0.7794}
    entry["test"] |= {"n": 2004, "miss_rate": 0.26, "false_alarm_rate": 0.14}
    entry["test"]["operating_points"]["sensitivity_95"] = {"miss_rate": 0.06, "false_alarm_rate": 0.35}
    assert wording.limits(melanoma, "int8") == (
        "On its 2,004 test images, compared within a clinic, the model missed 28 % of those that show melanoma and "
        "flagged 22 % of the others."
    )
    assert wording.limits(melanoma, "int8", "sensitivity_95") == (
        "On its 2,004 test images, the model missed 6 % of those that show melanoma and flagged 35 % of the others."
    )
    entry["strata"]["within_source"] = {"missing": "the images do not name their source"}
    assert "missed 26 %" in wording.limits(melanoma, "int8")
    del entry["test"]["operating_points"]
    assert wording.limits(melanoma, "int8", "sensitivity_95") == ""


def test_each_file_is_judged_at_its_own_line(melanoma):
    melanoma["files"]["float16"]["threshold"] = 0.75
    verdicts = [wording.answer(melanoma, kind, [0.5, 0.5]).verdict[:5] for kind in ("int8", "float16")]
    assert verdicts == ["Above", "Below"]


def test_a_contract_without_target_names_the_class_and_no_cancer(melanoma):
    del melanoma["target"]
    said = wording.answer(melanoma, "int8", [1.0, 0.0])
    assert said.verdict == 'Below the model\'s line for lesions labelled "malignant"'
    assert "cancer" not in said.explanation


def test_malignant_and_premalignant_classes_are_marked(diagnosis):
    titles = [wording.marked_title(diagnosis, name) for name in diagnosis["classes"]]
    assert titles[:2] == [
        "actinic keratosis or intraepithelial carcinoma (pre-malignant or in situ)",
        "basal cell carcinoma (malignant)",
    ]
    assert titles[4:6] == ["melanoma (malignant)", "melanocytic nevus"]
    assert wording.marked_classes(diagnosis) == {
        "pre-malignant or in situ": ["akiec"],
        "malignant": ["bcc", "mel"],
    }


def test_every_sentence_is_used_somewhere():
    sources = [ROOT / "skinkeras" / "tflite" / "wording.py", ROOT / "skinkeras" / "reports" / "card.py"]
    sources += [ROOT / "pipelines" / "predict.py", *(ROOT / "apps" / "web" / "page").glob("*.[jh]*")]
    sources += (ROOT / "apps" / "android" / "core" / "src" / "main").rglob("*.kt")
    text = "\n".join(path.read_text("utf-8") for path in sources)
    assert [name for name in wording.words() if not re.search(rf"\b{name}\b", text)] == []


def test_the_page_about_the_models_tells_what_the_sentences_tell():
    page = " ".join((MODELS / "README.md").read_text("utf-8").split())
    for name in ("not_a_device", "low_score", "see_a_doctor"):
        assert wording.words()[name] in page
    for verdict in ("above", "below", "not_sure"):
        assert wording.words()[verdict].format(target="melanoma") in page
    assert "Do not show it as the chance of a disease." in page
