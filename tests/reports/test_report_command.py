"""`python -m pipelines.report`: what it renders again, and what it leaves alone."""

import json
import shutil
from pathlib import Path

import pytest
from sample_evaluations import external_evaluation

from pipelines import report
from pipelines.common.console import UsageError
from skinkeras import reports
from skinkeras.files.writing import write_json

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
    assert "on the test images" in capsys.readouterr().out


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


def test_the_clear_derm_report_is_written_on_request_with_the_answers_of_a_person(finished, tmp_path, capsys):
    answers = tmp_path / "answers.yaml"
    report.main(report.Settings(clear_derm_template=answers))
    answers.write_text(answers.read_text().replace("\nimpact:\n", "\nimpact: None yet.\n"))
    report.main(report.Settings(finished))
    assert not (finished / "clear_derm.md").exists()
    report.main(report.Settings(finished, clear_derm=()))
    text = (finished / "clear_derm.md").read_text()
    assert text == reports.clear_derm(reports.read_record(finished / "record.json"))
    report.main(report.Settings(finished, clear_derm=(answers,)))
    assert "**Person:** None yet." in (finished / "clear_derm.md").read_text()
    assert capsys.readouterr().out.endswith("clear_derm.md\n")


def test_a_released_model_has_its_clear_derm_report_beside_its_record(binary, tmp_path):
    path = tmp_path / "records" / "melanoma_lite0.json"
    reports.write_record(path, binary)
    report.main(report.Settings(path, clear_derm=()))
    assert (tmp_path / "records" / "melanoma_lite0.clear_derm.md").is_file()
    assert {one.suffix for one in tmp_path.iterdir() if one.is_file()} == {".json", ".md"}
    assert reports.rendering_faults(tmp_path) == {}


def test_an_external_evaluation_stays_in_the_record_and_on_the_card(finished, tmp_path):
    write_json(tmp_path / "graz" / "evaluation.json", external_evaluation())
    report.main(report.Settings(finished, external=(tmp_path / "graz",)))
    assert reports.read_record(finished / "record.json")["external"] == [external_evaluation()]
    for card in (finished / "card.md", finished / "export" / "melanoma_lite0.card.md"):
        assert "## External validation: Graz, 2025" in card.read_text()
    before = (finished / "card.md").read_bytes()
    report.main(report.Settings(finished, external=(tmp_path / "graz",)))
    report.main(report.Settings(finished))
    assert (finished / "card.md").read_bytes() == before


def test_an_evaluation_of_another_model_changes_nothing(finished, tmp_path):
    write_json(tmp_path / "graz" / "evaluation.json", external_evaluation() | {"model": "another"})
    before = {path: path.read_bytes() for path in finished.rglob("*") if path.is_file()}
    with pytest.raises(
        UsageError, match=r"graz/evaluation\.json is of the model 'another', not of melanoma_lite0\."
    ):
        report.main(report.Settings(finished, external=(tmp_path / "graz",)))
    assert {path: path.read_bytes() for path in finished.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({}, r"Name what to report, before any flags"),
        ({"clear_derm": (Path("run"),)}, r"Name what to report, before any flags"),
        (
            {"source": Path("RUN"), "clear_derm": (Path("a"), Path("b"))},
            r"--clear-derm takes one file of answers",
        ),
        ({"source": Path("RUN"), "clear_derm_template": Path("a")}, r"give it alone"),
        ({"clear_derm": (), "clear_derm_template": Path("a")}, r"give it alone"),
        ({"clear_derm_template": Path(__file__)}, r"exists: choose another file for the template"),
        ({"source": Path(__file__), "clear_derm": (Path("none.yaml"),)}, r"There is no file none\.yaml"),
        ({"source": Path(__file__).parent, "external": (Path("a"),)}, r"is not the folder of a run"),
    ],
)
def test_flags_that_do_not_go_together_are_refused(settings, sentence):
    with pytest.raises(UsageError, match=sentence):
        report.main(report.Settings(**settings))
