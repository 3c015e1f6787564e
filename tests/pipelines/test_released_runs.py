"""Folders of runs that the released version wrote are read, reported on and gone on with."""

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from pipelines import binary, multiclass, report
from pipelines.common import options
from pipelines.common.console import UsageError
from pipelines.common.run_folder import RunFolder, recorded_run
from skinkeras import datasets, reports

RELEASED = Path(__file__).parent / "released"
FORMS = ["float", "QAT", "float32", "float16", "int8"]


@pytest.fixture
def folder(tmp_path):
    """A function that copies the run of a job."""

    def copy(job):
        return shutil.copytree(RELEASED / job, tmp_path / "run")

    return copy


def test_the_settings_of_a_binary_run_are_those_of_today():
    recorded = recorded_run(RELEASED / "binary")
    values = {"gamma": 10.0, "max_images": 160, "image_size": 64, "weights": "none", "dropout": 0.3}
    values |= {"epochs": 3, "batch_size": 16, "out": Path("/somewhere/runs/binary_whole")}
    values |= {"cache_dir": Path("/somewhere/.cache"), "split_by": "grouped"}
    assert recorded.job == "binary"
    assert recorded.settings == binary.with_defaults(options.build(binary.Settings, values))
    assert (recorded.versions["skinkeras"], recorded.git_revision) == ("0.1.0", "f73709c1757e")


def test_the_settings_of_a_run_over_several_classes_are_those_of_today():
    recorded = recorded_run(RELEASED / "multiclass")
    settings = recorded.settings
    assert recorded.job == "multiclass"
    assert (settings.quick, settings.data.repeats, settings.data.max_images) == (True, 2, 160)
    assert settings.model.model == "hierarchical_efficientnet_lite0"
    assert (settings.loss.loss, settings.loss.weighting) == ("crossentropy", "ohem")
    assert (settings.loss.focal_delta, settings.model.lstm_units) == (None, 256)


@pytest.mark.parametrize("job", ["binary", "multiclass"])
def test_a_run_gets_a_record_and_keeps_what_it_measured(folder, job, capsys):
    run = folder(job)
    before = {name: (run / name).read_bytes() for name in ("metrics.json", "config.yaml")}
    report.main(report.Settings(run))
    assert "SYNTHETIC" in capsys.readouterr().out
    assert {name: (run / name).read_bytes() for name in before} == before
    record = reports.read_record(run / "record.json")
    metrics = json.loads(before["metrics.json"])
    assert list(record["repeats"][0]["forms"]) == FORMS
    assert (record["job"], record["synthetic"], record["verified_on"]) == (job, True, "test")
    assert record["files"].keys() == metrics["files"].keys()
    assert record["versions"]["skinkeras"] == "0.1.0"
    assert record["settings"]["max_images"] == 160 and "limit" not in record["settings"]
    assert "--max-images 160" in record["command"] and "/somewhere" not in record["command"]
    # Nothing was calibrated then.
    assert not {"calibration", "operating point"} & set(record["training"]["facts"])
    assert not {"calibration", "not_sure"} & set(record["settings"])
    contract = json.loads((run / "export" / f"{record['name']}.json").read_text())
    assert contract["classes"] == record["model"]["classes"]
    assert "SYNTHETIC" in (run / "card.md").read_text()
    # And once more, from the record alone.
    card = (run / "card.md").read_text()
    report.main(report.Settings(run))
    assert (run / "card.md").read_text() == card


def test_the_record_of_a_binary_run_has_its_operating_point(folder):
    run = folder("binary")
    report.main(report.Settings(run))
    point = reports.read_record(run / "record.json")["operating_point"]
    assert point["threshold"] == json.loads((RELEASED / "binary" / "metrics.json").read_text())["threshold"]
    assert (point["chosen_on"], point["chosen_by"]) == ("validation", "QAT")


def test_results_of_a_binary_run_are_read():
    results = reports.read_results(RELEASED / "binary")
    metrics = json.loads((RELEASED / "binary" / "metrics.json").read_text())
    assert (results.classes, results.synthetic, results.mean) == (("benign", "malignant"), True, None)
    assert results.counts == metrics["images"]
    (repeat,) = results.repeats
    assert list(repeat.probabilities) == FORMS
    for form, probabilities in repeat.probabilities.items():
        assert probabilities.shape == (33, 2)
        assert probabilities.sum(axis=1) == pytest.approx(1)
        malignant = (repeat.images["label"] == "malignant").to_numpy()
        flagged = probabilities[:, 1] >= 0.5
        assert repeat.metrics_at_half[form]["malignant_recall"] == pytest.approx(
            flagged[malignant].mean(), abs=1e-6
        )
        assert repeat.metrics[form]["threshold"] == metrics["threshold"]


def test_results_of_a_run_over_several_classes_are_read():
    results = reports.read_results(RELEASED / "multiclass")
    assert results.classes == tuple(datasets.SYNTHETIC_TAXONOMY.classes)
    assert [list(repeat.probabilities) for repeat in results.repeats] == [FORMS, ["float"]]
    for repeat in results.repeats:
        labels = repeat.images["label"].to_numpy()
        named = np.asarray(results.classes)[repeat.probabilities["float"].argmax(axis=1)]
        assert repeat.metrics["float"]["accuracy"] == pytest.approx(np.mean(named == labels), abs=1e-6)
    mean = np.mean([repeat.metrics["float"]["accuracy"] for repeat in results.repeats])
    assert results.mean["accuracy"] == pytest.approx(mean, abs=1e-6)


@pytest.mark.parametrize("after_a_report", [False, True])
def test_results_are_the_same_before_and_after_a_report(folder, after_a_report):
    run = folder("multiclass")
    if after_a_report:
        report.main(report.Settings(run))
    results = reports.read_results(run)
    assert len(results.repeats) == 2 and results.repeats[1].metrics["float"]["n"] == len(
        results.repeats[1].images
    )


def test_repeats_lie_where_the_released_version_put_them():
    run = RunFolder(RELEASED / "multiclass")
    assert [run.repeat(number).path.name for number in (1, 2)] == ["split_1", "split_2"]
    assert pd.read_csv(run.repeat(2).file("history.csv"))["phase"].tolist()[0] == "head"
    assert RunFolder(RELEASED / "binary").repeat(1).path == RELEASED / "binary"


@pytest.mark.parametrize(
    ("job", "changed", "sentence"),
    [
        ("binary", {"gamma": 5.0}, "gamma=10.0, this command has gamma=5.0"),
        ("binary", {"max_images": 150}, "max_images=160, this command has max_images=150"),
        ("multiclass", {"weighting": "spl"}, "weighting=ohem, this command has weighting=spl"),
        ("multiclass", {"repeats": 3}, "repeats=2, this command has repeats=3"),
    ],
)
def test_resuming_with_other_settings_is_refused_by_the_name_of_today(job, changed, sentence):
    module = {"binary": binary, "multiclass": multiclass}[job]
    run = RunFolder(RELEASED / job)
    values = options.flatten(recorded_run(run.path).settings)
    run.check(
        options.request_of(job, module.with_defaults(options.build(module.Settings, values))), resume=True
    )
    settings = module.with_defaults(options.build(module.Settings, values | changed))
    with pytest.raises(ValueError, match=f"holds a run with {sentence}"):
        run.check(options.request_of(job, settings), resume=True)


def change_config(run, **values):
    config = yaml.safe_load((run / "config.yaml").read_text())
    config["settings"] = {k: v for k, v in (config["settings"] | values).items() if v != "gone"}
    (run / "config.yaml").write_text(yaml.safe_dump(config, sort_keys=False))


def test_a_setting_that_had_no_effect_is_no_setting_of_today(folder):
    run = folder("binary")
    change_config(run, loss="crossentropy")
    loss = recorded_run(run).settings.loss
    assert (loss.loss, loss.gamma, loss.recall_update, loss.focal_delta) == ("crossentropy", None, None, None)


def test_a_run_from_before_there_was_a_head_phase_goes_on_without_one(folder):
    run = folder("multiclass")
    change_config(run, head_epochs="gone", base_loss="focal", weighting="la", model="efficientnet_lite0_cbam")
    change_config(run, units="gone")
    settings = recorded_run(run).settings
    assert settings.training.head_epochs == 0
    assert (settings.loss.loss, settings.loss.weighting) == ("focal", "logit_adjustment")


@pytest.mark.parametrize("name", ["metrics.json", "card.md"])
def test_a_run_that_lacks_something_is_refused(folder, name):
    run = folder("binary")
    (run / name).unlink()
    with pytest.raises(UsageError, match=r"holds no complete run|is no run of the released version"):
        report.main(report.Settings(run))
    assert not (run / "record.json").exists()
