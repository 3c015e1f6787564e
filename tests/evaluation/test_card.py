import ast
import dataclasses
import re
import subprocess
import sys
from pathlib import Path

import pytest

from skinkeras.evaluation import (
    KNOWN_LIMITS,
    DataFacts,
    ModelFacts,
    VariantFacts,
    binary_metrics,
    model_card,
    multiclass_metrics,
)

LABELS = [1, 1, 1, 1, 0, 0, 0, 0, 0, 0]
SCORES = [0.9, 0.7, 0.5, 0.2, 0.8, 0.6, 0.4, 0.3, 0.2, 0.1]
THRESHOLD = 0.447265625

DATA = DataFacts(
    name="HAM10000, 6,812 images",
    source="doi:10.1038/sdata.2018.161",
    licence="CC BY-NC 4.0",
    counts={"train": {"benign": 4234, "malignant": 541}, "test": {"benign": 6, "malignant": 4}},
    grouped_by="lesion",
    limits=KNOWN_LIMITS["ham10000"],
)
INT8 = VariantFacts(
    name="int8",
    file="lite0_int8.tflite",
    at_half=binary_metrics(LABELS, SCORES, bootstrap=50),
    at_chosen=binary_metrics(LABELS, SCORES, THRESHOLD, bootstrap=50),
    size_bytes=3_821_000,
    latency_ms={1: 2.07, 2: 1.13},
    agreement=0.9953,
    largest_difference=0.0312,
)
FACTS = ModelFacts(
    name="melanoma_lite0",
    architecture="EfficientNet-Lite0, ImageNet weights",
    classes=("benign", "malignant"),
    input_size=224,
    threshold=THRESHOLD,
    data=DATA,
    variants=(INT8,),
    training={"loss": "RecallCrossentropy", "gamma": 10.0, "seed": 7},
    command="python -m pipelines.binary --gamma 10",
    versions={"keras": "3.15.1"},
    latency_host="2 cores, x86-64",
)
NOTHING_MEASURED = dataclasses.replace(
    FACTS, variants=(VariantFacts("float32"), VariantFacts("int8", file="a.tflite")), latency_host=None
)


def row(card, start):
    return [line for line in card.splitlines() if line.startswith(f"| {start} |")]


def test_the_card_holds_the_facts_given():
    card = model_card(FACTS)
    for fact in (
        "not a medical device", "CC BY-NC 4.0", "doi:10.1038/sdata.2018.161", "No lesion has images in two",
        "| train | 4,234 | 541 |", "| gamma | 10.0 |", "10 test images, 4 of them malignant", "224 x 224",
        "python -m pipelines.binary --gamma 10", "keras 3.15.1", "0.4473", "0.70 and dark corners 0.62",
        "| int8 | 3.82 | 2.07 | 1.13 |", "| lite0_int8.tflite | 99.53 | 0.0312 |", "No external validation",
    ):  # fmt: skip
        assert fact in card, fact
    assert "not measured" not in card
    assert "SYNTHETIC" not in card


def test_the_results_are_those_of_the_metrics():
    auc, at_half, at_chosen, _ = row(model_card(FACTS), "int8")
    assert "0.688 [" in auc  # 16.5 of 24 pairs
    assert "0.708 [" in at_half and "0.750 [" in at_half and "0.667 [" in at_half
    assert "0.750 [" in at_chosen  # three of four malignant images still at 0.447


def test_what_a_probability_is_worth_is_counted_on_the_test_images():
    # SCORES of 0.4 to below 0.6: 0.5, which is malignant, and 0.4, which is not.
    card = model_card(FACTS)
    assert "to which int8 gives such a probability of malignant, this share is malignant" in card
    assert "| 0.4 to 0.6 | 2 | 0.45 | 0.50 [0.09, 0.91] |" in card
    assert "What a probability is worth" not in model_card(NOTHING_MEASURED)


def test_of_several_classes_it_is_the_named_one_that_is_right():
    metrics = multiclass_metrics([0, 1, 2], [[0.7, 0.2, 0.1]] * 2 + [[0.1, 0.2, 0.7]], "abc", bootstrap=5)
    variant = VariantFacts("int8", multiclass=metrics)
    card = model_card(
        dataclasses.replace(FACTS, classes=("a", "b", "c"), threshold=None, variants=(variant,))
    )
    assert "such a probability of the class that it names, this share is right" in card
    assert "| 0.6 to 0.8 | 3 | 0.70 | 0.67 [" in card


def test_what_was_not_measured_says_so_and_no_number_appears_in_its_place():
    card = model_card(NOTHING_MEASURED)
    results = card[card.index("## Results") : card.index("## Limits")]
    for line in row(results, "float32") + row(results, "int8") + row(results, "a.tflite"):
        cells = [cell.strip() for cell in line.strip("|").split("|")][1:]
        assert set(cells) == {"not measured"}
    assert len(row(results, "float32")) == 4


def test_a_measured_zero_is_a_number():
    zero = dataclasses.replace(INT8, agreement=0.0, largest_difference=0.0)
    assert "| lite0_int8.tflite | 0.00 | 0.0000 |" in model_card(dataclasses.replace(FACTS, variants=(zero,)))


def test_synthetic_data_is_the_first_thing_said():
    data = dataclasses.replace(DATA, name="drawn", synthetic=True, limits=KNOWN_LIMITS["synthetic"])
    assert (
        "SYNTHETIC: not for real lesions"
        in model_card(dataclasses.replace(FACTS, data=data)).split("\n\n")[1]
    )


def test_a_split_by_image_is_named_as_a_limit():
    card = model_card(dataclasses.replace(FACTS, data=dataclasses.replace(DATA, grouped_by=None)))
    assert "one lesion can be in training and test" in card


def test_what_is_wrong_with_the_training_stands_among_the_limits():
    card = model_card(dataclasses.replace(FACTS, limits=("Its probabilities are too high.",)))
    assert "- Its probabilities are too high.\n- HAM10000 comes from two clinics" in card


def test_metrics_of_other_images_or_another_threshold_are_refused():
    other = binary_metrics([*LABELS, 0], [*SCORES, 0.1], bootstrap=10)
    with pytest.raises(ValueError, match=r"\[\(10, 4\), \(11, 4\)\]"):
        model_card(dataclasses.replace(FACTS, variants=(INT8, VariantFacts("float32", at_half=other))))
    with pytest.raises(ValueError, match=r"int8 were measured at threshold 0\.44"):
        model_card(dataclasses.replace(FACTS, threshold=0.3))


def test_tables_have_as_many_cells_in_every_row():
    for block in re.findall(r"(?:^\|.*\n?)+", model_card(FACTS), flags=re.MULTILINE):
        assert len({line.count("|") for line in block.strip().splitlines()}) == 1


def test_the_python_example_parses_and_names_the_file_and_the_threshold():
    code = re.search(r"```python\n(.*?)```", model_card(FACTS), flags=re.DOTALL).group(1)
    ast.parse(code)
    assert '"lite0_int8.tflite"' in code
    assert f"malignant >= {THRESHOLD}" in code


def test_the_kotlin_example_names_the_file_the_size_and_the_threshold():
    code = re.search(r"```kotlin\n(.*?)```", model_card(FACTS), flags=re.DOTALL).group(1)
    assert '"lite0_int8.tflite"' in code
    assert f"modelInput(lesion, {FACTS.input_size})" in code
    assert f"probabilities[1] >= {THRESHOLD}f" in code
    # The page that the card names for it has it.
    page = Path(__file__).parents[2] / "tflite_models" / "README.md"
    text = page.read_text("utf-8")
    assert "fun modelInput(picture: Bitmap, size: Int): FloatArray" in text
    # No model's own numbers, which the next release would leave behind.
    assert '"NAME_int8.tflite", SIZE)' in text and "probabilities[1] >= THRESHOLD\n" in text


def test_a_run_without_files_gives_no_code():
    card = model_card(dataclasses.replace(FACTS, variants=(VariantFacts("float"),)))
    assert "no `.tflite` file was made" in card
    assert "```python" not in card and "```kotlin" not in card


def test_importing_evaluation_brings_no_tensorflow():
    code = "import sys, skinkeras.evaluation; sys.exit('tensorflow' in sys.modules or 'keras' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
