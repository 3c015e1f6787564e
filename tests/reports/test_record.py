"""What a record must be: a wrong one is refused in one sentence that names the place."""

import dataclasses
import json
import math
from pathlib import Path

import numpy as np
import pytest
from sample_records import binary_record, diagnosis_record

from skinkeras import evaluation, reports

RECORDS = {"binary": binary_record(), "diagnosis": diagnosis_record()}


def changed(record, how):
    """A copy of a record, changed by a function."""
    record = json.loads(json.dumps(record))
    how(record)
    return record


def forms(record):
    return record["repeats"][0]["forms"]


@pytest.mark.parametrize("task", RECORDS)
def test_the_samples_are_records(task):
    reports.check_record(RECORDS[task])


@pytest.mark.parametrize("task", RECORDS)
@pytest.mark.parametrize("part", reports.record_schema()["required"])
def test_a_record_without_one_of_its_parts_is_refused(task, part):
    record = changed(RECORDS[task], lambda record: record.pop(part))
    with pytest.raises(ValueError, match=f"at its top: '{part}' is a required property"):
        reports.check_record(record)


@pytest.mark.parametrize(
    ("how", "sentence"),
    [
        (
            lambda r: r.update(auc=0.9),
            "at its top: Additional properties are not allowed ('auc' was unexpected).",
        ),
        (lambda r: r.update(schema_version=2), "at schema_version: 1 was expected."),
        (lambda r: r.update(job="clean"), "at job: 'clean' is not one of ['binary', 'multiclass']."),
        (lambda r: r.update(name="../melanoma"), "at name: '../melanoma' does not match"),
        (lambda r: r.update(name=".."), "at name: '..' should not be valid under"),
        (
            lambda r: r["model"].update(classes=["nv", "nv"]),
            "at model.classes: ['nv', 'nv'] has non-unique elements.",
        ),
        (lambda r: r["model"].update(classes=["nv"]), "at model.classes: ['nv'] is too short."),
        (lambda r: r["model"].update(classes=list("abc")), "at model.classes: ['a', 'b', 'c'] is too long."),
        (lambda r: r["model"].update(input_size=0), "at model.input_size: 0 is less than the minimum of 1."),
        (lambda r: r["versions"].update(keras=3), "at versions.keras: 3 is not of type 'string'."),
        (lambda r: r["data"].pop("licence"), "at data: 'licence' is a required property."),
        (
            lambda r: r["operating_point"].update(threshold=1.5),
            "at operating_point.threshold: 1.5 is greater than the maximum of 1.",
        ),
        (
            lambda r: r["operating_point"].update(threshold="0.5"),
            "at operating_point.threshold: '0.5' is not of type",
        ),
        (lambda r: r.update(operating_point=None), "at operating_point: None is not of type 'object'."),
        (lambda r: r.update(repeats=[]), "at repeats: [] should be non-empty."),
        (lambda r: forms(r).pop("float"), "at repeats.0.forms: 'float' is a required property."),
        (
            lambda r: forms(r)["int8"]["metrics"].pop("roc_auc"),
            "at repeats.0.forms.int8.metrics: 'roc_auc' is a required property.",
        ),
        (
            lambda r: forms(r)["int8"]["metrics"].update(roc_auc_interval=[0.5]),
            "at repeats.0.forms.int8.metrics.roc_auc_interval: [0.5] is too short.",
        ),
        (
            lambda r: r["repeats"][0]["images"]["test"].update(benign=-1),
            "at repeats.0.images.test.benign: -1 is less than the minimum of 0.",
        ),
        (
            lambda r: r["files"]["int8"].update(file="a/b.tflite"),
            "at files.int8.file: 'a/b.tflite' does not match",
        ),
        (lambda r: r["files"]["int8"].update(file="a\\b.tflite"), "at files.int8.file:"),
        (lambda r: r["files"]["int8"].update(sha256="0"), "at files.int8.sha256: '0' does not match"),
        (lambda r: r["files"]["int8"].update(sha256="0" * 64 + "\n"), "at files.int8.sha256:"),
        (lambda r: r.update(name="melanoma\n"), "at name:"),
        (lambda r: r["model"].update(classes=["benign", "malig\nnant"]), "at model.classes.1:"),
        (
            lambda r: r["files"]["int8"].update(phones=[{}]),
            "at files.int8.phones.0: 'model' is a required property.",
        ),
        (
            lambda r: r.update(refused={"int8": {"file": None}}),
            "at refused.int8: 'reason' is a required property.",
        ),
    ],
)
def test_a_record_that_does_not_fit_the_schema_is_refused_with_the_place(how, sentence):
    with pytest.raises(ValueError) as refused:
        reports.check_record(changed(RECORDS["binary"], how), "record.json")
    message = str(refused.value)
    assert message.startswith(f"record.json does not fit the schema of a record {sentence}")
    assert message.endswith(".") and "\n" not in message


@pytest.mark.parametrize(
    ("how", "place"),
    [
        (lambda r: r["operating_point"].update(threshold=math.nan), "operating_point.threshold"),
        (
            lambda r: forms(r)["int8"]["metrics"].update(roc_auc=math.nan),
            "repeats.0.forms.int8.metrics.roc_auc",
        ),
        (lambda r: r["training"]["facts"].update(gamma=math.inf), "training.facts.gamma"),
        (
            lambda r: r["files"]["int8"]["latency"][1].update(median_ms=math.nan),
            "files.int8.latency.1.median_ms",
        ),
    ],
)
def test_a_number_that_json_lacks_is_refused_with_the_place(how, place, tmp_path):
    record = changed(RECORDS["binary"], how)
    with pytest.raises(ValueError, match=f"holds a NaN or infinite number at {place}"):
        reports.write_record(tmp_path / "record.json", record)
    (tmp_path / "record.json").write_text(json.dumps(record))  # which Python reads back
    with pytest.raises(ValueError, match=f"holds a NaN or infinite number at {place}"):
        reports.read_record(tmp_path / "record.json")


@pytest.mark.parametrize(
    ("task", "how", "clause"),
    [
        ("binary", lambda r: forms(r).pop("int8"), "files.int8 has no results in repeats.0.forms"),
        ("binary", lambda r: forms(r)["int8"]["metrics"].update(n=11), r"are [(10, 10), (11, 10)]"),
        (
            "binary",
            lambda r: r["operating_point"].update(threshold=0.3),
            "the metrics of float were measured at threshold 0.447265625, where its operating point is 0.3",
        ),
        (
            "binary",
            lambda r: r["files"]["int8"].update(file="other_int8.tflite"),
            "files.int8.file is 'other_int8.tflite', not 'melanoma_lite0_int8.tflite'",
        ),
        ("diagnosis", lambda r: r.update(mean=None), "mean is null, and there are 2 repeats"),
    ],
)
def test_a_record_whose_parts_contradict_each_other_is_refused(task, how, clause):
    with pytest.raises(ValueError) as refused:
        reports.check_record(changed(RECORDS[task], how))
    assert str(refused.value).startswith("The record contradicts itself: ") and clause in str(refused.value)


def test_a_long_value_does_not_hide_what_is_wrong_with_it():
    record = changed(RECORDS["binary"], lambda r: r.update(name="x" * 1000))
    with pytest.raises(ValueError, match=r"at name: 'xxx.* \.\.\. x*' is too long\.$") as refused:
        reports.check_record(record)
    assert len(str(refused.value)) < 300


@pytest.mark.parametrize("task", RECORDS)
def test_what_is_written_is_read_back(task, tmp_path):
    written = reports.write_record(tmp_path / "record.json", RECORDS[task])
    assert written == RECORDS[task] == reports.read_record(tmp_path / "record.json")


def test_arrays_dataclasses_tuples_and_paths_are_converted(tmp_path):
    record = binary_record()
    metrics = evaluation.binary_metrics(
        [0, 1], [0.2, 0.7], record["operating_point"]["threshold"], bootstrap=5
    )
    record["repeats"][0]["forms"] = {name: {"metrics": metrics} for name in ("float", "int8")}
    record["settings"] = {
        "out": Path("runs/a"),
        "seed": np.int64(7),
        "sizes": np.arange(3),
        "kinds": ("int8",),
    }
    written = reports.write_record(tmp_path / "record.json", record)
    assert written["settings"] == {"out": "runs/a", "seed": 7, "sizes": [0, 1, 2], "kinds": ["int8"]}
    expected = json.loads(json.dumps(dataclasses.asdict(metrics)))
    assert written["repeats"][0]["forms"]["int8"]["metrics"] == expected
    assert reports.read_record(tmp_path / "record.json") == written


def test_a_refused_record_leaves_the_file_as_it_was(tmp_path):
    path = tmp_path / "record.json"
    reports.write_record(path, RECORDS["binary"])
    before = path.read_bytes()
    with pytest.raises(ValueError, match=f"{path} does not fit the schema"):
        reports.write_record(path, {})
    assert path.read_bytes() == before


def test_a_file_that_is_missing_or_no_json_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"There is no file .*record\.json\."):
        reports.read_record(tmp_path / "record.json")
    (tmp_path / "record.json").write_text("{")
    with pytest.raises(ValueError, match=r"record\.json is not JSON"):
        reports.read_record(tmp_path / "record.json")


def test_the_schema_is_one_itself_and_describes_the_results_of_every_form():
    from jsonschema import Draft202012Validator

    Draft202012Validator.check_schema(reports.record_schema())
    parts = {
        "job",
        "settings",
        "versions",
        "git_revision",
        "command",
        "data",
        "model",
        "training",
        "repeats",
        "files",
    }
    assert parts < set(reports.record_schema()["required"])
