"""Renders reports again: a run's card, contract and metrics from its record, or a sweep's tables, figures and claims.

python -m pipelines.report RUN_DIR
python -m pipelines.report RUN_DIR --external EVALUATION_DIR --clear-derm answers.yaml
python -m pipelines.report SWEEP_DIR
python -m pipelines.report tflite_models/records/NAME.json
python -m pipelines.report --clear-derm-template answers.yaml
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, arg

from pipelines.common.console import refuse_invalid_input, run, say
from pipelines.common.groups import Place
from pipelines.common.run_folder import RunFolder
from skinkeras.files.locks import locked_folder, remove_leftovers

_ANSWERS = Annotated[
    tuple[Path, ...] | None, arg(metavar="[ANSWERS.yaml]", help_behavior_hint="(default: no such report)")
]


@dataclass(frozen=True)
class Settings:
    """Settings of the report."""

    source: Positional[Place] = None
    """The folder of a run, the folder of a sweep (its report goes into the subfolder `report`), or the record of a
    released model."""
    external: tuple[Path, ...] = ()
    """Folders that pipelines.evaluate wrote for this model: they become sections of its card, and stay in its
    record."""
    clear_derm: _ANSWERS = None
    """Also write clear_derm.md, a report by the CLEAR Derm checklist, with the answers of a person in this file, if
    one is named."""
    clear_derm_template: Place = None
    """Only write this new YAML file, in which a person fills in what no record knows."""


def main(settings):
    """Renders a record, or compares the runs of a sweep and says which of a paper's claims they support."""
    with refuse_invalid_input():
        _check(settings)
        if settings.clear_derm_template:
            write_template(settings.clear_derm_template)
            return
        clear_derm = _clear_derm(settings.clear_derm)
    source = settings.source
    if (source / "config.yaml").is_file():
        report_run(source, settings.external, clear_derm)
    elif source.is_file():
        report_released(source, settings.external, clear_derm)
    else:
        from pipelines.sweeps.engine.sweep_report import report_sweep

        report_sweep(source)


def _check(settings):
    additions = settings.external or settings.clear_derm is not None
    if settings.clear_derm_template and (settings.source or additions):
        raise ValueError("--clear-derm-template writes an empty template and nothing else: give it alone.")
    if settings.clear_derm_template:
        return
    if settings.source is None:
        raise ValueError(
            "Name what to report, before any flags: the folder of a run or of a sweep, or the record of a released "
            "model."
        )
    if settings.clear_derm is not None and len(settings.clear_derm) > 1:
        raise ValueError("--clear-derm takes one file of answers.")
    if additions and settings.source.is_dir() and not (settings.source / "config.yaml").is_file():
        raise ValueError(
            f"--external and --clear-derm are of one model, and {settings.source} is not the folder of a run."
        )


def write_template(path):
    """Writes the template of a person's answers; a file that is there already is kept."""
    from skinkeras import reports
    from skinkeras.files.writing import write_text

    if path.exists():
        raise ValueError(f"{path} exists: choose another file for the template.")
    write_text(path, reports.clear_derm_template())
    say(f"Fill in: {path}")
    say(f"Then run: python -m pipelines.report RUN --clear-derm {path}")


def _clear_derm(asked):
    """A function from a record to its CLEAR Derm report, or None if none was asked for."""
    if asked is None:
        return None
    from skinkeras import reports

    answers = reports.read_answers(asked[0]) if asked else {}
    return lambda record: reports.clear_derm(record, answers)


def report_run(folder, external=(), clear_derm=None):
    """Renders metrics, card and contract of a complete run from its record, and prints its results.

    A run of the released version gets a record; its `metrics.json` and `predictions.csv` stay as they are.

    Args:
        folder: the run's.
        external: folders of evaluations that are added to its record first.
        clear_derm: function from a record to the text of `clear_derm.md`, or None.
    """
    with locked_folder(folder, "run"), refuse_invalid_input():
        from pipelines.common import released_runs
        from skinkeras import reports

        target = RunFolder(folder)
        record = released_runs.record_of(target)
        remove_leftovers(folder)
        released = released_runs.is_released(target)
        record = _with_external(record, external)
        if released or external:
            reports.write_record(target.file("record.json"), record)
        # The predictions.csv of a released run stays, and its metrics.json says how to read it.
        paths = reports.render_documents(record, folder) if released else reports.render_run(record, folder)
        paths += _write_clear_derm(record, folder / "clear_derm.md", clear_derm)
    _print(record, paths)


def report_released(path, external=(), clear_derm=None):
    """Renders the card and the contract of a released model, into the folder above that of its record.

    Its CLEAR Derm report lies beside the record: a person's answers cannot be rendered again by `verify_release`.

    Args:
        path: of the record.
        external, clear_derm: as in `report_run`.
    """
    with refuse_invalid_input():
        from skinkeras import reports

        record = reports.read_record(path)
        if path.parent.name != "records" or path.stem != record["name"]:
            raise ValueError(
                f"{path} is not the record of a released model: those lie in tflite_models/records/."
            )
    with locked_folder(path.parent.parent, "model"), refuse_invalid_input():
        remove_leftovers(path.parent.parent)
        record = _with_external(reports.read_record(path), external)
        if external:
            reports.write_record(path, record)
        paths = reports.render_model(record, path.parent.parent)
        paths += _write_clear_derm(record, path.with_name(f"{path.stem}.clear_derm.md"), clear_derm)
    _print(record, paths)


def _with_external(record, folders):
    from skinkeras import reports

    for folder in folders:
        record = reports.add_external(record, reports.read_evaluation(folder), f"{folder}/evaluation.json")
    return record


def _write_clear_derm(record, path, clear_derm):
    """Writes the report, if there is one, and returns the list of its path."""
    if clear_derm is None:
        return []
    from skinkeras.files.writing import write_text

    write_text(path, clear_derm(record))
    return [path]


def _print(record, paths):
    from pipelines.common.summary import print_table
    from skinkeras.reports import headline

    for table in headline(record):
        print_table(*table)
    for path in paths:
        say(path)


if __name__ == "__main__":
    run(main, Settings)
