"""What is rendered from a record is a function of it, and released models are what theirs say."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from sample_records import THRESHOLD

from skinkeras import reports
from skinkeras.files.writing import json_text

RELEASED = Path(__file__).parents[2] / "tflite_models"
NAMES = sorted(path.stem for path in (RELEASED / "records").glob("*.json"))


def files_of(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_rendering_twice_and_from_the_file_gives_the_same_bytes(binary, tmp_path):
    record = reports.write_record(tmp_path / "record.json", binary)
    for name, source in (("a", record), ("b", record), ("c", reports.read_record(tmp_path / "record.json"))):
        (tmp_path / name).mkdir()
        paths = reports.render_run(source, tmp_path / name)
        assert [path.name for path in paths] == [
            "metrics.json",
            "melanoma_lite0.json",
            "melanoma_lite0.card.md",
            "card.md",
        ]
    assert files_of(tmp_path / "a") == files_of(tmp_path / "b") == files_of(tmp_path / "c")
    assert record == binary  # rendering changes nothing in it
    assert reports.headline(record) == reports.headline(record)


def test_a_run_without_files_has_no_contract(diagnosis, tmp_path):
    assert [path.name for path in reports.render_run(diagnosis, tmp_path)] == ["metrics.json", "card.md"]
    assert sorted(files_of(tmp_path)) == ["card.md", "metrics.json"]


def test_metrics_hold_the_results_of_every_form(binary, tmp_path):
    reports.render_run(binary, tmp_path)
    metrics = json.loads((tmp_path / "metrics.json").read_text())
    assert metrics["classes"] == ["benign", "malignant"]
    for key in ("repeats", "operating_point", "files", "refused", "task", "synthetic", "mean"):
        assert metrics[key] == binary[key]


def test_the_card_of_a_run_without_validation_images_says_so(binary, tmp_path):
    fixed = {**binary["operating_point"], "threshold": 0.5, "criterion": "fixed", "chosen_on": None}
    record = {**binary, "operating_point": fixed, "verified_on": "train"}
    record["repeats"][0]["images"]["validation"] = {"benign": 0, "malignant": 0}
    for form in record["repeats"][0]["forms"].values():
        form["metrics"] = form["metrics_at_half"]
    record = reports.write_record(tmp_path / "record.json", record)
    reports.render_run(record, tmp_path)
    text = (tmp_path / "card.md").read_text()
    assert "at least 0.5000 (a threshold fixed in advance)" in text
    assert "At threshold 0.5, fixed in advance (no images were set aside for choosing one):" in text
    assert "on a fixed sample of the training images (no images were set aside for validation):" in text
    assert "validation images" not in text


def test_the_contract_says_what_an_app_needs(binary):
    contract = reports.contract_of(binary)
    assert (contract["name"], contract["schema_version"]) == ("melanoma_lite0", 1)
    assert contract["input"]["shape"] == [1, 224, 224, 3] and contract["output"]["shape"] == [1, 2]
    assert (contract["positive_class"], contract["threshold"]) == ("malignant", THRESHOLD)
    assert contract["class_titles"] == {"benign": "benign", "malignant": "malignant"}
    int8 = contract["files"]["int8"]
    assert int8["median_ms"] == {"1": 2.07, "2": 1.13}
    assert int8["test"] == binary["repeats"][0]["forms"]["int8"]["metrics"]
    assert not {"shipped", "phones", "int8_share"} & set(int8)
    binary["files"]["int8"]["verification"]["int8_share"] = 0.72  # the front computes in float
    assert reports.contract_of(binary)["files"]["int8"]["int8_share"] == 0.72
    binary["files"]["int8"]["shipped"] = False
    assert reports.contract_of(binary)["files"]["int8"]["shipped"] is False


def test_a_file_has_the_threshold_that_was_chosen_for_it(binary):
    forms = binary["repeats"][0]["forms"]
    own = {**binary["operating_point"], "threshold": 0.25, "chosen_by": "float16"}
    metrics = {**forms["int8"]["metrics"], "threshold": 0.25, "malignant_recall": 0.125}
    binary["repeats"][0]["forms"] = {
        "float": forms["float"],
        "float16": {"metrics": metrics, "operating_point": own},
        "int8": {**forms["int8"], "operating_point": binary["operating_point"]},
    }
    binary["files"] = {
        kind: {**binary["files"]["int8"], "file": f"{binary['name']}_{kind}.tflite"}
        for kind in ("float16", "int8")
    }
    reports.check_record(binary)
    files = reports.contract_of(binary)["files"]
    assert (files["float16"]["threshold"], files["int8"]["threshold"]) == (0.25, THRESHOLD)
    assert "| float16 | 0.2500 | " in reports.model_card(binary)
    assert reports.headline(binary)[1][2][1][1:3] == ["0.250", "0.125"]
    metrics["threshold"] = THRESHOLD
    with pytest.raises(
        ValueError, match=r"float16 were measured at threshold 0\.447265625, where its .* is 0\.25"
    ):
        reports.check_record(binary)


def test_the_contract_of_several_classes_has_no_threshold(diagnosis):
    contract = reports.contract_of(diagnosis)
    assert (contract["positive_class"], contract["threshold"]) == (None, None)
    assert contract["class_titles"]["nv"] == "melanocytic nevus"
    assert contract["data"]["images"]["train"] == {"mel": 30, "nv": 30, "vasc": 30}


def test_the_last_tables_of_a_binary_run(binary):
    forms = binary["repeats"][0]["forms"]
    within = {"roc_auc": 0.75, "roc_auc_interval": [0.5, 0.875], "sources": 2, "n": 10}
    forms["int8"]["strata"] = {"within_source": within, "confirmed": {"missing": "Nobody knows."}}
    (title, columns, rows), decisions = reports.headline(binary)
    assert title.startswith("ROC AUC on the test images")
    assert columns == ("model", "within a source", "histology only", "pooled")
    assert [row[0] for row in rows] == ["float", "QAT", "int8"]
    assert rows[0][1:3] == ["-", "-"] and rows[0][3].startswith("0.688 [")
    assert rows[2][1:3] == ["0.750 [0.500, 0.875]", "-"]
    title, columns, rows = decisions
    assert title == "Decisions on the test images, each row at its own threshold"
    assert columns[1:4] == ("threshold", "malignant recall", "benign recall")
    assert rows[0][4:] == ["", "", ""]
    assert rows[2][1:] == ["0.447", "0.750", "0.667", "3.8 MB", "2.1 ms", "1.1 ms"]
    binary["synthetic"] = True
    assert all(table[0].startswith("SYNTHETIC. ") for table in reports.headline(binary))


def test_the_last_tables_of_several_splits_have_their_mean(diagnosis):
    ranking, (title, columns, rows) = reports.headline(diagnosis)
    assert ranking[2][-1][0] == "float, mean of 2 splits"
    assert title == "Decisions on the test images of the first split"
    assert rows[0][:3] == ["float", "0.833", "0.750"]
    assert rows[-1] == ["float, mean of 2 splits", "0.833", "0.775", "0.833", "", "", ""]
    assert {len(row) for row in rows} == {len(columns)}


@pytest.mark.parametrize("name", NAMES)
def test_contracts_and_cards_of_released_models_are_those_of_their_records(name):
    record = reports.read_record(RELEASED / "records" / f"{name}.json")
    assert json_text(reports.contract_of(record)) == (RELEASED / f"{name}.json").read_text("utf-8")
    assert reports.model_card(record) == (RELEASED / f"{name}.card.md").read_text("utf-8")


def test_both_models_are_released():
    assert [name.partition("_")[0] for name in NAMES] == ["diagnosis", "melanoma"]
    assert reports.rendering_faults(RELEASED) == {}


@pytest.fixture
def released(binary, tmp_path):
    """A folder of one released model, as far as it is rendered."""
    reports.write_record(tmp_path / "records" / "melanoma_lite0.json", binary)
    reports.render_model(binary, tmp_path)
    assert reports.rendering_faults(tmp_path) == {}
    return tmp_path


@pytest.mark.parametrize("ending", ["json", "card.md"])
@pytest.mark.parametrize("how", [lambda path: path.write_text(path.read_text() + " "), Path.unlink])
def test_a_changed_or_missing_card_or_contract_is_a_fault(released, ending, how):
    path = released / f"melanoma_lite0.{ending}"
    how(path)
    faults = reports.rendering_faults(released)
    assert list(faults) == [path.name]
    assert ("no melanoma_lite0.json goes with it" in faults[path.name][0]) == (
        not path.exists() and ending == "json"
    )


def test_a_missing_or_wrong_record_is_a_fault(released):
    record = released / "records" / "melanoma_lite0.json"
    text = record.read_text()
    record.write_text(text.replace('"n_groups": 10', '"n_groups": 9', 1))
    (sentence,) = reports.rendering_faults(released)["records/melanoma_lite0.json"]
    assert "contradicts itself: its forms were measured on different test images" in sentence
    shutil.rmtree(record.parent)
    assert reports.rendering_faults(released) == {"melanoma_lite0.json": ["melanoma_lite0 has no record."]}


def test_importing_reports_and_evaluation_brings_no_tensorflow():
    code = (
        "import sys; from skinkeras import evaluation, reports; reports.headline, evaluation.binary_metrics\n"
    )
    code += "sys.exit('tensorflow' in sys.modules or 'keras' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
