"""What the page says about an answer."""

import json
import re

import pytest
import seven_classes
from browsing import NAME

from pipelines.common import web_page


@pytest.mark.parametrize(
    ("probabilities", "verdict", "first"),
    [
        ([0.01, 0.02, 0.03, 0.02, 0.1, 0.8, 0.02], "Melanocytic nevus 80.0 %", "nv"),
        ([0.1, 0.1, 0.1, 0.1, 0.35, 0.15, 0.1], "Undecided: Mel 35.0 %", "mel"),
    ],
)
def test_seven_classes_are_shown_with_their_titles_the_likeliest_first(
    scripts, probabilities, verdict, first
):
    found, explanation, labels = scripts.evaluate(
        """async ([json, probabilities]) => {
          const { Contract } = await import("/contract.js");
          const { showBars } = await import("/bars.js");
          const { wording } = await import("/wording.js");
          const contract = new Contract(json), list = document.createElement("ul");
          showBars(list, contract, "float16", probabilities);
          const said = wording(contract, "float16", probabilities);
          return [said.verdict, said.explanation, [...list.children].map((bar) => bar.dataset.class)];
        }""",
        [seven_classes.CONTRACT, probabilities],
    )
    assert found.replace("\u00a0", " ") == verdict
    assert "no threshold" in explanation
    worth = "Of the 77 test images for which a class had 80 to 100 %, it was right for 92 %."
    assert (worth in explanation.replace("\u00a0", " ")) == (max(probabilities) >= 0.8)
    assert len(labels) == 7 and labels[0] == first


@pytest.mark.parametrize(("probability", "percentages"), [(0.6, "60 to 80 %"), (1.0, "80 to 100 %")])
def test_an_answer_says_how_often_such_answers_were_true(scripts, probability, percentages):
    contract = json.loads((web_page.MODELS / f"{NAME}.json").read_text())
    explanation = scripts.evaluate(
        """async ([json, probability]) => {
          const { Contract } = await import("/contract.js");
          const { wording } = await import("/wording.js");
          return wording(new Contract(json), "int8", [1 - probability, probability]).explanation;
        }""",
        [contract, probability],
    )
    pattern = rf"Of the (\d+) test images with {percentages}, (\d+) % were malignant\.$"
    n, share = re.search(pattern, explanation.replace("\u00a0", " ")).groups()
    low = int(percentages.split()[0]) / 100
    (row,) = [r for r in contract["files"]["int8"]["test"]["reliability"] if r["low"] == low]
    assert (int(n), int(share)) == (row["n"], round(100 * row["share"]))


def test_a_file_with_a_threshold_of_its_own_is_judged_at_that_one(scripts):
    contract = json.loads((web_page.MODELS / f"{NAME}.json").read_text())
    contract["threshold"] = 0.25
    contract["files"]["float16"]["threshold"] = 0.75
    said = scripts.evaluate(
        """async (json) => {
          const { Contract } = await import("/contract.js");
          const { showBars } = await import("/bars.js");
          const { wording } = await import("/wording.js");
          const contract = new Contract(json), list = document.createElement("ul");
          return ["int8", "float16"].map((kind) => {
            showBars(list, contract, kind, [0.5, 0.5]);
            return [list.querySelector(".bar-note").textContent, wording(contract, kind, [0.5, 0.5]).explanation];
          });
        }""",
        contract,
    )
    (int8_bar, int8_text), (float16_bar, float16_text) = [
        [text.replace("\u00a0", " ") for text in texts] for texts in said
    ]
    assert (int8_bar, float16_bar) == ("Threshold 25.0 %", "Threshold 75.0 %")
    assert int8_text.startswith("At 25.0 % or more, the model calls an image malignant.")
    assert float16_text.startswith("Below the model's threshold of 75.0 %.")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda c: c.update(threshold=None), "its threshold null is not between 0 and 1"),
        (lambda c: c.update(threshold=True), "its threshold true is not between 0 and 1"),
        (lambda c: c.update(threshold="0.5"), "its threshold 0.5 is not between 0 and 1"),
        (lambda c: c.update(threshold=-5), "its threshold -5 is not between 0 and 1"),
        (lambda c: c["files"]["int8"].update(threshold=1.5), "the threshold 1.5 of its file int8 is not"),
        (
            lambda c: c["files"]["int8"].update(file="../x.tflite"),
            "its file ../x.tflite is not a bare file name",
        ),
        (lambda c: c["files"]["int8"].update(file=4), "its file 4 is not a bare file name"),
    ],
)
def test_a_wrong_json_is_refused_in_one_sentence(scripts, change, words):
    contract = json.loads((web_page.MODELS / f"{NAME}.json").read_text())
    change(contract)
    said = scripts.evaluate(
        """async (json) => {
          const { Contract } = await import("/contract.js");
          try { return String(new Contract(json)); } catch (error) { return error.message; }
        }""",
        contract,
    )
    assert said.startswith(words) and said.endswith(".")


def test_markup_in_titles_is_text(scripts):
    contract = json.loads(json.dumps(seven_classes.CONTRACT))
    contract["classes"][0] = "<img src=x onerror=alert(1)>"
    contract["class_titles"] = {contract["classes"][0]: '<b>bold</b> & "quoted"'}
    text, elements, label = scripts.evaluate(
        """async (json) => {
          const { Contract } = await import("/contract.js");
          const { showBars } = await import("/bars.js");
          const contract = new Contract(json), list = document.createElement("ul");
          showBars(list, contract, "float16", [0.9, 0.1, 0, 0, 0, 0, 0]);
          const first = list.firstChild, text = first.querySelector("span").textContent;
          return [text, list.querySelectorAll("b, img").length, first.dataset.class];
        }""",
        contract,
    )
    assert (text, elements, label) == ('<b>bold</b> & "quoted"', 0, contract["classes"][0])
