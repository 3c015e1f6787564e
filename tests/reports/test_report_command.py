"""`python -m pipelines.report`: what it renders again, and what it leaves alone."""

import json
import shutil
from pathlib import Path

import pytest

from pipelines import report
from pipelines.common.console import UsageError
from skinkeras import reports
from skinkeras.files import write_json

RELEASED = Path(__file__).parents[1] / "pipelines" / "released"


@pytest.fixture
def finished(binary, tmp_path):
    """The folder of a run of this version, as far as a report needs it."""
    run = tmp_path / "run"
    reports.write_record(run / "record.json", binary)
    (run / "config.yaml").write_text("job: binary\n")
    reports.render_run(binary, run)
    return run


@pytest.mark.parametrize("damage", [Path.unlink, lambda path: path.write_text("{")])
@pytest.mark.parametrize("name", ["metrics.json", "card.md", "export/melanoma_lite0.json"])
def test_what_is_lost_or_broken_is_rendered_again(finished, name, damage, capsys):
    before = (finished / name).read_bytes()
    damage(finished / name)
    report.main(report.Settings(finished))
    assert (finished / name).read_bytes() == before
    assert "Test images" in capsys.readouterr().out


def test_a_run_that_is_not_finished_is_refused(finished):
    (finished / "state").mkdir()
    (finished / "card.md").unlink()
    with pytest.raises(UsageError, match=r"run holds no complete run: finish it first \(--resume\)"):
        report.main(report.Settings(finished))
    assert not (finished / "card.md").exists()


@pytest.mark.parametrize("job", ["binary", "multiclass"])
def test_results_of_a_released_run_can_be_read_however_often_it_is_reported(job, tmp_path):
    run = shutil.copytree(RELEASED / job, tmp_path / "run")
    metrics, before = (run / "metrics.json").read_bytes(), reports.read_results(run)
    for _ in range(2):
        report.main(report.Settings(run))
        assert (run / "metrics.json").read_bytes() == metrics
        assert reports.read_results(run).counts == before.counts


def test_phones_measured_with_the_released_version_are_kept(tmp_path):
    run = shutil.copytree(RELEASED / "binary", tmp_path / "run")
    (path,) = (run / "export").glob("*.json")
    contract = json.loads(path.read_text())
    result = {
        "backend": "CPU",
        "threads": 4,
        "share": "all",
        "mean_ms": 1.26,
        "median_ms": 1.2,
        "first_ms": 9.1,
    }
    phones = [{"model": "Pixel 8", "android": "15", "results": [{**result, "memory_mb": 14.8}]}]
    contract["files"]["int8"]["phones"] = phones
    write_json(path, contract)
    report.main(report.Settings(run))
    assert reports.read_record(run / "record.json")["files"]["int8"]["phones"] == phones
    assert json.loads(path.read_text())["files"]["int8"]["phones"] == phones
    assert "| Pixel 8, Android 15 | CPU | 4 | 1.3 |" in (run / "card.md").read_text()


def test_a_record_elsewhere_is_not_that_of_a_released_model(binary, tmp_path):
    reports.write_record(tmp_path / "record.json", binary)
    with pytest.raises(
        UsageError, match=r"is not the record of a released model: those lie in tflite_models/records/"
    ):
        report.main(report.Settings(tmp_path / "record.json"))
