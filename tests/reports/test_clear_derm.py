"""The CLEAR Derm report: what each item takes from a record, what is not reported, and answers as plain text."""

import copy
import re
from pathlib import Path

import pytest
from sample_evaluations import detailed_record, external_evaluation

from skinkeras.reports import add_external, clear_derm, read_record
from skinkeras.reports.checklist.data_facts import DATA_FACTS
from skinkeras.reports.checklist.items import ITEMS
from skinkeras.reports.checklist.model_facts import MODEL_FACTS

RECORDS = sorted((Path(__file__).parents[2] / "tflite_models" / "records").glob("*.json"))
NUMBERS = {item.key: number for number, item in enumerate(ITEMS, 1)}


def item(report, key):
    """The text under an item's heading."""
    (text,) = re.findall(
        rf"^### {NUMBERS[key]}\. [^\n]+\n\n(.*?)(?=^##|\Z)", report, re.DOTALL | re.MULTILINE
    )
    return text.strip()


def test_the_checklist_has_25_items_in_four_domains():
    assert [
        sum(one.domain == domain for one in ITEMS) for domain in dict.fromkeys(one.domain for one in ITEMS)
    ] == [
        15,
        4,
        4,
        2,
    ]
    assert len(NUMBERS) == 25
    assert set(DATA_FACTS) == {one.key for one in ITEMS[:15]}
    assert set(NUMBERS) - set(DATA_FACTS) - set(MODEL_FACTS) == {"impact"}


@pytest.mark.parametrize("path", RECORDS, ids=lambda path: path.stem)
def test_released_models_have_all_items(path):
    record = read_record(path)
    report = clear_derm(record)
    assert re.findall(r"^### (\d+)\.", report, re.MULTILINE) == [str(number) for number in range(1, 26)]
    assert item(report, "image_types").startswith("**Record:** Dermoscopic images of HAM10000")
    assert "doi:10.1038/sdata.2018.161); licence: CC BY-NC 4.0." in item(report, "public_images")
    images = record["repeats"][0]["images"]
    counts = ", ".join(f"{name} {sum(of_classes.values()):,}" for name, of_classes in images.items())
    assert counts in item(report, "sample_sizes")
    assert "No lesion has images in more than one" in item(report, "partitions")
    assert "almost only light skin" in item(report, "biases")
    assert f"`{record['files']['int8']['sha256']}`" in item(report, "public_evaluation")
    assert record["files"]["float32"]["sha256"] not in report, (
        "a file that is not shipped cannot be evaluated"
    )
    assert item(report, "impact") == "Not reported."


def test_a_record_without_details_reports_nothing_that_needs_them(binary):
    report = clear_derm(binary)
    silent = ["artefacts", "acquisition", "patient_metadata", "skin_colour", "external_test_set", "vendors"]
    silent += [
        "out_of_distribution",
        "labelling",
        "histopathology",
        "benchmarking",
        "bias_assessment",
        "impact",
    ]
    for key in silent:
        assert item(report, key) == "Not reported.", key
    listed = re.search(r"\*\*Not reported \(12\):\*\* (.*)", report).group(1)
    assert [int(number) for number in re.findall(r"(\d+)\. ", listed)] == [NUMBERS[key] for key in silent]


def test_what_was_measured_by_group_is_reported():
    report = clear_derm(detailed_record())
    assert "Test images by source (clinic or device): " in item(report, "acquisition")
    assert "vienna (5)" in item(report, "acquisition")
    assert "female (6), male (4)" in item(report, "patient_metadata")
    assert "II (9), unknown (1)" in item(report, "skin_colour")
    assert "histopathology (6)" in item(report, "labelling")
    assert "Of the 4 malignant test images, histopathology confirmed 4." in item(report, "histopathology")
    assert "Dark corners alone" in item(report, "artefacts")
    assert "0.625 [0.500, 0.750]" in item(report, "artefacts")
    assert "rosendahl, vienna" in item(report, "vendors")
    assert "all 13 groups have fewer than 10 images" in item(report, "bias_assessment")


def test_several_classes_have_no_threshold_and_no_positive_class(diagnosis):
    report = clear_derm(diagnosis)
    assert "Decisions of float, its most probable class:" in item(report, "performance")
    assert "mel: melanoma" in item(report, "label_references")
    assert "2 splits; figures here are those of the first." in item(report, "partitions")
    assert item(report, "public_evaluation") == "Not reported."


def test_images_of_an_unknown_kind_are_not_called_dermoscopic(binary):
    binary["data"] |= {
        "name": "folder",
        "title": "images in a folder",
        "licence": "unknown: that of the images",
    }
    report = clear_derm(binary)
    for key in ("image_types", "synthetic_images", "public_images"):
        assert item(report, key) == "Not reported.", key
    binary["data"] |= {"name": "pad_ufes", "limits": ["The images are no dermoscopy: they are photographs."]}
    text = item(clear_derm(binary), "image_types")
    assert text == "**Record:** The images are no dermoscopy: they are photographs."
    binary["data"] |= {"name": "derm7pt", "limits": []}
    binary["settings"]["clinical"] = True
    assert item(clear_derm(binary), "image_types") == "Not reported."


def test_a_report_of_synthetic_images_says_so_first(binary):
    binary["synthetic"] = True
    report = clear_derm(binary)
    assert report.index("SYNTHETIC: not for real lesions") < report.index("## Data")
    assert "Dermoscopic" not in report
    assert "`python -m pipelines.binary --gamma 10`" in item(report, "synthetic_images")


def test_external_images_are_reported(binary):
    report = clear_derm(add_external(binary, external_evaluation()))
    text = "Graz, 2025: 10 images, measured on 2026-11-28"
    assert text in item(report, "external_test_set")
    assert item(report, "external_test_set").endswith("Images that the model was trained on were left out.")
    assert "Graz, 2025; licence: CC BY 4.0." in item(report, "public_images")


def test_answers_are_marked_as_those_of_a_person(binary):
    answers = {"answered_by": "Dr. A, 2026", "artefacts": "Pen marks in 3 %.", "biases": "None\nfound."}
    report = clear_derm(binary, answers)
    assert item(report, "artefacts") == "**Person:** Pen marks in 3 %."
    assert item(report, "biases").startswith("**Record:**\n\n- ")
    assert item(report, "biases").endswith("\n\n**Person:** None found.")
    assert "was written by Dr. A, 2026 and not checked" in " ".join(report.split())
    assert "a person to 2" in report
    assert "2. Artefacts" not in re.search(r"\*\*Not reported.*", report).group(0)


HOSTILE = (
    "<script>alert(1)</script>\n\n# Heading\n- item\n| a | b |\n|---|---|\n"
    "![x](http://a) **b** `c` ~~d~~ \u202e\x00\\"
)


def test_nothing_that_others_wrote_is_markup(binary):
    plain, hostile = clear_derm(binary), copy.deepcopy(binary)
    hostile["data"] |= {"title": HOSTILE, "licence": HOSTILE, "limits": [HOSTILE], "grouped_by": HOSTILE}
    hostile["training"]["facts"] = {HOSTILE: HOSTILE, "augmentation": HOSTILE}
    hostile["task"]["description"] = hostile["model"]["architecture"] = hostile["git_revision"] = HOSTILE
    hostile["versions"] = {HOSTILE: HOSTILE}
    answers = {"answered_by": HOSTILE, **{one.key: HOSTILE for one in ITEMS}}
    report = clear_derm(hostile, answers)
    assert "<script" not in report
    assert "\u202e" not in report
    assert "\x00" not in report
    assert re.findall(r"^#.*", report, re.MULTILINE) == re.findall(r"^#.*", plain, re.MULTILINE)
    assert not re.search(r"(?<!\\)!?\[x|(?<!\\)~~|(?<!\\)\*\*b|(?<!\\)`c", report)
    lines = [line for line in report.splitlines() if line.startswith("| ")]
    assert not [line for line in lines if "alert" in line and len(re.findall(r"(?<!\\)\|", line)) != 3]


@pytest.mark.parametrize(
    ("answers", "sentence"),
    [
        ({"skin_color": "II"}, r"'skin_color' is no item of the checklist\. Use the keys of the template"),
        ({"biases": 3}, r"biases is a int\. Write its answer as a text\."),
        ({"biases": " \n"}, r"the answer to biases is empty\. Write one, or remove the quotes\."),
    ],
)
def test_wrong_answers_are_refused(binary, answers, sentence):
    with pytest.raises(ValueError, match=sentence):
        clear_derm(binary, answers)
