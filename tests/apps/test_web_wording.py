"""What the page says about an answer."""

import html
import json
import re
import sys

import pytest
import seven_classes
from browsing import NAME

from pipelines.common import web_page
from skinkeras.tflite import wording

sys.path.insert(0, str(web_page.SOURCES.parent / "android"))

import golden

SAID = json.loads(golden.FILE.read_text())["wording"]
# What the page's own scripts make of a contract and probabilities.
SAYS = """async ([json, kind, answers, point]) => {
  const { Contract } = await import("/contract.js");
  const { showBars } = await import("/bars.js");
  const { limits, operatingPoints, wording } = await import("/wording.js");
  const contract = new Contract(json), list = document.createElement("ul");
  return {
    limits: limits(contract, kind, point),
    points: operatingPoints(contract, kind).map(({ point, title }) => ({ name: point, title })),
    answers: answers.map((numbers) => {
      const probabilities = Float32Array.from(numbers);
      showBars(list, contract, kind, probabilities, point);
      return {
        ...wording(contract, kind, probabilities, point),
        bars: [...list.children].map((bar) => bar.textContent),
        lines: [...list.querySelectorAll(".bar-threshold")].map((line) => line.getAttribute("x1")),
        bands: [...list.querySelectorAll(".bar-band")].map(
          (band) => ["x", "width"].map((name) => band.getAttribute(name))),
      };
    }),
  };
}"""


def says(scripts, contract, kind, answers, point=None):
    """What the page says: {limits, points, answers: [{verdict, explanation, bars, ...}]}, with ordinary spaces."""
    said = scripts.evaluate(SAYS, [contract, kind, answers, point])
    return json.loads(json.dumps(said, ensure_ascii=False).replace("\u00a0", " "))


@pytest.mark.parametrize("case", SAID, ids=[f"{number} {case['kind']}" for number, case in enumerate(SAID)])
def test_the_page_says_what_python_and_the_app_say(scripts, case):
    contract, rows = json.loads(case["contract"]), case["answers"]
    answers = [row["probabilities"] for row in rows]
    said = says(scripts, contract, case["kind"], answers, case["operating_point"])
    assert said["limits"] == case["limits"]
    assert said["points"] == case["operating_points"]
    found = [(answer["verdict"], answer["explanation"]) for answer in said["answers"]]
    assert found == [(row["verdict"], row["explanation"]) for row in rows]


def test_the_example_for_javascript_decides_as_the_page_does(scripts):
    text = (web_page.MODELS / "README.md").read_text()
    function = re.search(r"```javascript\n(function verdict.*?\n\})\n", text, re.DOTALL)[1]
    said = {"above": "Above", "below": "Below", "not sure": "Not sure"}
    compared = set()
    for case in SAID:
        contract = json.loads(case["contract"])
        if contract["positive_class"] is None:
            continue
        for row in case["answers"]:
            arguments = [contract, case["kind"], row["probabilities"][1], case["operating_point"]]
            found = scripts.evaluate(f"(all) => {{ {function} return verdict(...all); }}", arguments)
            assert row["verdict"].startswith(said[found])
            compared.add(found)
    assert compared == set(said)


def test_a_model_of_melanoma_has_one_bar_and_calls_nothing_benign(scripts):
    contract = json.loads((web_page.MODELS / f"{NAME}.json").read_text())
    low, high = says(scripts, contract, "int8", [[1, 0], [0, 1]])["answers"]
    entry = contract["files"]["int8"]
    line = round(100 * entry.get("threshold", contract["threshold"]))
    band = [round(100 * end) for end in entry["not_sure"]]
    note = f"Line at {line}. Scores from {band[0]} to {band[1]} are left undecided."
    assert low["bars"] == [f"Score for melanomaunder 1{note}"]
    assert high["bars"] == [f"Score for melanomaover 99{note}"]
    assert low["verdict"] == "Below the model's line for melanoma"
    assert "does not look for other skin cancers, such as basal cell carcinoma" in low["explanation"]
    assert "benign" not in json.dumps([low, high]).lower()


def test_the_bar_shows_the_chosen_line_and_the_scores_that_are_left_undecided(scripts):
    contract = json.loads((web_page.MODELS / f"{NAME}.json").read_text())
    contract["files"]["int8"] |= {
        "threshold": 0.25,
        "operating_points": {"cost_20": 0.125},
        "not_sure": [0.125, 0.5],
    }
    (own,) = says(scripts, contract, "int8", [[0.75, 0.25]])["answers"]
    assert (own["lines"], own["bands"]) == (["25%"], [["12.5%", "37.5%"]])
    (chosen,) = says(scripts, contract, "int8", [[0.75, 0.25]], "cost_20")["answers"]
    assert (chosen["lines"], chosen["bands"]) == (["12.5%"], [])
    assert chosen["bars"] == ["Score for melanoma25Line at 13"]
    # A band up to 1 has a score of 1 in it, and ends with the bar.
    contract["files"]["int8"]["not_sure"] = [0.125, 1.001]
    (all_of_it,) = says(scripts, contract, "int8", [[0, 1]])["answers"]
    assert all_of_it["bands"] == [["12.5%", "87.5%"]]
    assert all_of_it["verdict"].startswith("Not sure")


def test_of_seven_classes_the_likeliest_comes_first_and_malignant_ones_are_marked(scripts):
    contract = json.loads((web_page.MODELS / "diagnosis_efficientnet_lite0_224.json").read_text())
    probabilities = [0.06, 0.01, 0.02, 0.01, 0.7, 0.2, 0]
    (said,) = says(scripts, contract, "int8", [probabilities])["answers"]
    assert said["verdict"] == "Highest score: melanoma (malignant)"
    assert said["bars"][:3] == [
        "melanoma malignant70",
        "melanocytic nevus20",
        "actinic keratosis or intraepithelial carcinoma pre-malignant or in situ6",
    ]
    assert [bar for bar in said["bars"] if "malignant" in bar] == [
        *said["bars"][:1],
        said["bars"][2],
        said["bars"][4],
    ]


@pytest.mark.parametrize(("probability", "scores"), [(0.6, "60 to 80"), (1.0, "80 to 100")])
def test_an_answer_says_how_often_such_answers_were_true(scripts, probability, scores):
    contract = json.loads((web_page.MODELS / f"{NAME}.json").read_text())
    (said,) = says(scripts, contract, "int8", [[1 - probability, probability]])["answers"]
    pattern = rf"Of the (\d+) test images that scored {scores}, (\d+) % showed melanoma\.$"
    n, share = re.search(pattern, said["explanation"]).groups()
    low = int(scores.split()[0]) / 100
    (row,) = [r for r in contract["files"]["int8"]["test"]["reliability"] if r["low"] == low]
    assert (int(n), int(share)) == (row["n"], round(100 * row["share"]))


def test_the_page_holds_no_placeholder(site):
    page = (site.folder / "index.html").read_text()
    assert "{{" not in page
    for name in ("not_a_device", "no_diagnosis", "low_score", "see_a_doctor", "not_a_chance", "synthetic"):
        assert html.escape(wording.words()[name]) in page


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
        (
            lambda c: c["files"]["int8"].update(operating_points={"cost_5": 1}),
            "the threshold 1 of the operating point cost_5 of its file int8 is not between 0 and 1",
        ),
        (
            lambda c: c["files"]["int8"].update(not_sure=[0.3, 0.2]),
            "not_sure of its file int8 is [0.3,0.2], but must be two scores, the lower one first",
        ),
        (lambda c: c["files"]["int8"].update(not_sure=[0.3, 2]), "not_sure of its file int8 is [0.3,2]"),
        (lambda c: c["files"]["int8"].update(not_sure=[0.3]), "not_sure of its file int8 is [0.3]"),
        (lambda c: c["files"]["int8"].update(not_sure="0.1"), 'not_sure of its file int8 is "0.1"'),
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
