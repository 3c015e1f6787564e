"""The model card, as a function of a record."""

import ast
import re
from pathlib import Path

import pytest
from sample_records import THRESHOLD

from skinkeras import reports
from skinkeras.reports import model_card


def row(card, start):
    return [line for line in card.splitlines() if line.startswith(f"| {start} |")]


def section(card, title):
    return card.split(f"## {title}\n")[1].split("\n## ")[0]


def code(card, language):
    return re.search(rf"```{language}\n(.*?)```", card, flags=re.DOTALL).group(1)


def test_the_card_holds_the_facts_of_the_record(binary):
    card = model_card(binary)
    for fact in (
        "# melanoma_lite0", "`efficientnet_lite0` (initial weights: imagenet)", "224 x 224", "Not a medical device",
        "tells melanoma from all other lesions", "other skin cancers, such as basal cell carcinoma", "CC BY-NC 4.0",
        "doi:10.1038/sdata.2018.161", "No lesion has images in more than one subset", "| train | 4,234 | 541 |",
        "| gamma | 10.0 |",
        "10 test images, 4 of them malignant", "python -m pipelines.binary --gamma 10", "keras 3.15.1", "0.4473",
        "0.67 and dark corners 0.62", '"Benign" means every diagnosis but melanoma', "| int8 | 3.82 | 2.07 | 1.13 |",
        "(2 cores, x86-64)", "| melanoma_lite0_int8.tflite | 99.53 | 0.0312 |", "on the validation images",
        "No external validation", "converted to TensorFlow Lite",
    ):  # fmt: skip
        assert fact in card, fact
    for absent in ("not recorded", "SYNTHETIC", "refused", "On phones"):
        assert absent not in card, absent


def test_the_results_are_those_of_the_metrics(binary):
    auc, at_half, at_chosen, _ = row(model_card(binary), "int8")
    assert "0.688 [" in auc  # 16.5 of 24 pairs
    assert "0.708 [" in at_half and "0.750 [" in at_half and "0.667 [" in at_half
    assert "0.750 [" in at_chosen  # three of four malignant images still at 0.447


def test_reliability_counts_the_malignant_images_of_each_bin(binary):
    # Scores of 0.4 to below 0.6: 0.5, which is malignant, and 0.4, which is not.
    card = model_card(binary)
    assert "by their probability of malignant (int8), and the share of them that is malignant" in card
    assert "| 0.4 to 0.6 | 2 | 0.45 | 0.50 [0.09, 0.91] |" in card
    for form in binary["repeats"][0]["forms"].values():
        form["metrics"].pop("reliability")
    assert "Reliability" not in model_card(binary)


def test_reliability_of_several_classes_counts_the_images_classified_correctly(diagnosis):
    card = model_card(diagnosis)
    assert "by their highest probability (float), and the share of them that is classified correctly" in card
    # 0.8, 0.7, 0.7 and again 0.8 of the first split: the first says nv of a mel.
    assert "| 0.6 to 0.8 | 2 | 0.70 | 1.00 [" in card
    assert "| 0.8 to 1 | 2 | 0.80 | 0.50 [" in card


def test_what_was_not_measured_is_said_in_place_of_a_number(binary):
    for form in binary["repeats"][0]["forms"].values():
        form.pop("metrics_at_half")
    file = binary["files"]["int8"]
    file.update(latency=[], verification=None)
    binary.update(host=None, versions={})
    card = model_card(binary)
    nothing = ["not measured"] * 3
    cells = {line: [cell.strip() for cell in line.strip("|").split("|")][1:] for line in card.splitlines()}
    assert [cells[line] for line in row(card, "int8")][1] == nothing
    assert [cells[line] for line in row(card, "int8")][3] == ["3.82", *nothing[:2]]
    assert [cells[line] for line in row(card, "melanoma_lite0_int8.tflite")] == [nothing[:2]]
    assert "(host not recorded)" in card and "Versions: not recorded." in card


def test_a_measured_zero_is_a_number(binary):
    binary["files"]["int8"]["verification"].update(agreement=0.0, max_difference=0.0)
    assert "| melanoma_lite0_int8.tflite | 0.00 | 0.0000 |" in model_card(binary)


def test_a_card_of_synthetic_images_says_so_first(binary):
    binary["synthetic"] = True
    assert "SYNTHETIC: not for real lesions" in model_card(binary).split("\n\n")[1]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {"grouped_by": None},
            "images of one lesion can be in both the training and the test set, which makes",
        ),
        ({}, "Patients are unknown: lesions of one patient can be in both"),
        (
            {"grouped_by": "lesion or patient", "ungrouped": 1234},
            "For 1,234 images neither lesion nor patient",
        ),
    ],
)
def test_a_split_that_cannot_separate_everything_is_a_limit(binary, changes, sentence):
    binary["data"] |= changes
    card = model_card(binary)
    assert sentence in section(card, "Limits")
    assert ("Patients are unknown" in card) == (not changes)


def test_limits_of_training_come_before_those_of_the_data(binary):
    limits = [f"- {limit}" for limit in ("Its probabilities are too high.", *binary["data"]["limits"])]
    assert section(model_card(binary), "Limits").strip().startswith("\n".join(limits))


def test_several_splits_are_listed_with_their_mean(diagnosis):
    card = model_card(diagnosis)
    assert "The float models of 2 splits" in card
    first, second, mean = (row(card, name)[0] for name in ("split 1", "split 2", "mean"))
    # 3 of 4 and 4 of 5 images; in both, half of mel and all of nv and vasc.
    assert first.startswith("| split 1 | 0.750 | 0.833 |")
    assert second.startswith("| split 2 | 0.800 | 0.833 |")
    assert mean == "| mean | 0.775 | 0.833 | 0.917 | 0.833 | 0.931 |"
    diagnosis.update(repeats=diagnosis["repeats"][:1], mean=None)
    assert "split 1" not in model_card(diagnosis)


def test_a_diagnosis_is_reported_by_class_and_by_level_with_full_names(diagnosis):
    card = model_card(diagnosis)
    assert "distinguishes 3 classes in dermoscopy images of 224 x 224 pixels: melanoma (`mel`)," in card
    assert row(card, r"melanoma \(`mel`\)".replace("\\", ""))[0].startswith(
        "| melanoma (`mel`) | 2 | 0.500 |"
    )
    assert "| 1 | 4 | melanocytic, vascular | 1.000 | 0.750 |" in card
    assert "no single most probable class" not in card
    diagnosis["repeats"].reverse()
    assert "(1 of 5 images have no single most probable class: counted as wrong)" in model_card(diagnosis)


def test_a_refused_file_is_named_with_the_reason(binary):
    reason = "a_int8.tflite disagrees on <3> images."
    binary["refused"] = {"int8": {"file": "a_int8.tflite", "reason": reason}}
    card = model_card(binary)
    assert section(card, "Verification").endswith(
        "- int8 was refused: a_int8.tflite disagrees on &lt;3&gt; images.\n"
    )
    binary["files"] = {}
    card = model_card(binary)
    assert "Only the Keras model is available: no `.tflite` file passed verification (see below)." in card
    assert "- int8 was refused" in card and "compared with its Keras model" not in card


def test_an_int8_file_that_begins_in_float_says_so(binary):
    sentence = "computes 72 % of its multiplications in integers, and the first layers in float"
    assert sentence not in model_card(binary)
    binary["files"]["int8"]["verification"]["int8_share"] = 0.72
    assert sentence in section(model_card(binary), "Verification")


def test_a_run_without_files_gives_neither_code_nor_sizes(diagnosis):
    card = model_card(diagnosis)
    assert "Only the Keras model is available: no `.tflite` file was made." in card
    for absent in (
        "```python",
        "```kotlin",
        "size, MB",
        "## Verification",
        "converted to TensorFlow Lite",
        "QAT",
    ):
        assert absent not in card, absent


@pytest.mark.parametrize(
    ("name", "heading"),
    [
        ("<b>", "&lt;b&gt;"),
        ("a & b", "a &amp; b"),
        ("a|b", "a\\|b"),
        ("[red]", "\\[red\\]"),
        ("*x* `y` _z_", "\\*x\\* \\`y\\` \\_z\\_"),
        ("lite_0", "lite_0"),
    ],
)
def test_class_names_are_text_and_no_markup(diagnosis, name, heading):
    renamed = dict(zip(diagnosis["model"]["classes"], (name, "nv", "vasc"), strict=True))
    diagnosis["model"].update(classes=list(renamed.values()), class_titles={})
    diagnosis["repeats"] = diagnosis["repeats"][:1]
    repeat = diagnosis["repeats"][0]
    repeat["images"] = {
        subset: {renamed[c]: n for c, n in of.items()} for subset, of in repeat["images"].items()
    }
    metrics = repeat["forms"]["float"]["metrics"]
    metrics["per_class"] = {renamed[one]: values for one, values in metrics["per_class"].items()}
    repeat["forms"]["float"]["levels"]["level1"]["classes"] = list(renamed.values())
    diagnosis["training"]["facts"] = {name: name}
    diagnosis["mean"] = None
    reports.check_record(diagnosis)
    card = model_card(diagnosis)
    assert f"| subset | {heading} | nv | vasc |" in card
    assert f"| {heading} | {heading} |" in section(card, "Training")
    assert f"| {heading}, nv, vasc |" in card
    quoted = f"`` {name} ``" if "`" in name else f"`{name}`"
    assert f"pixels: {quoted}, `nv`" in card
    assert_tables(card)


def assert_tables(card):
    """Every row of a table has as many cells as its header."""
    for block in re.findall(r"(?:^\|.*\n?)+", card, flags=re.MULTILINE):
        counts = {len(re.findall(r"(?<!\\)\|", line)) for line in block.strip().splitlines()}
        assert len(counts) == 1, block


def test_tables_have_as_many_cells_in_every_row(binary, diagnosis):
    assert_tables(model_card(binary))
    assert_tables(model_card(diagnosis))


def test_the_python_example_parses_and_names_the_file_and_the_threshold(binary):
    example = code(model_card(binary), "python")
    ast.parse(example)
    assert '"melanoma_lite0_int8.tflite"' in example
    assert f"probabilities[1] >= {THRESHOLD}" in example and 'line for", "melanoma"' in example


def test_the_examples_of_several_classes_list_them(diagnosis, binary):
    diagnosis["files"] = binary["files"]
    diagnosis["repeats"][0]["forms"]["int8"] = diagnosis["repeats"][0]["forms"]["float"]
    card = model_card(diagnosis)
    ast.parse(code(card, "python"))
    assert "classes = ['mel', 'nv', 'vasc']" in code(card, "python")
    assert 'listOf("mel", "nv", "vasc")' in code(card, "kotlin")
    assert "Decision: the class with the highest probability." in card


def test_the_kotlin_example_names_the_file_the_size_and_the_threshold(binary):
    example = code(model_card(binary), "kotlin")
    assert '"melanoma_lite0_int8.tflite"' in example
    assert "modelInput(lesion, 224)" in example
    assert f"probabilities[1] >= {THRESHOLD}f" in example
    # The page that the card names for it has it.
    page = Path(__file__).parents[2] / "tflite_models" / "README.md"
    text = page.read_text("utf-8")
    assert 'fun modelInput(picture: Bitmap, size: Int, geometry: String = "crop"): FloatArray' in text
    # No model's own numbers, which the next release would leave behind.
    assert '"NAME_int8.tflite", SIZE)' in text and "probabilities[1] >= THRESHOLD\n" in text
