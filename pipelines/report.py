"""Renders reports again: a run's card, contract and metrics from its record, or a sweep's tables, figures and claims.

python -m pipelines.report RUN_DIR
python -m pipelines.report SWEEP_DIR
python -m pipelines.report tflite_models/records/NAME.json
"""

from dataclasses import dataclass
from pathlib import Path

from tyro.conf import Positional

from pipelines.common.console import refuse_invalid_input, run, say
from pipelines.common.run_folder import RunFolder


@dataclass(frozen=True)
class Settings:
    """Settings of the report."""

    source: Positional[Path]
    """The folder of a run, the folder of a sweep (its report goes into the subfolder `report`), or the record of a
    released model."""


def main(settings):
    """Renders a record, or compares the runs of a sweep and says which of a paper's claims they support."""
    source = settings.source
    if (source / "config.yaml").is_file():
        report_run(source)
    elif source.is_file():
        report_released(source)
    else:
        from pipelines.sweeps.engine.sweep_report import report_sweep

        report_sweep(source)


def report_run(folder):
    """Renders metrics, card and contract of a complete run from its record, and prints its results.

    A run of the released version gets a record; its `metrics.json` and `predictions.csv` stay as they are.
    """
    with refuse_invalid_input():
        from pipelines.common import released_runs
        from skinkeras import reports

        target = RunFolder(folder)
        record = released_runs.record_of(target)
        if released_runs.is_released(target):
            # Its predictions.csv stays, and metrics.json says how to read it.
            reports.write_record(target.file("record.json"), record)
            paths = reports.render_documents(record, folder)
        else:
            paths = reports.render_run(record, folder)
    _print(record, paths)


def report_released(path):
    """Renders the card and the contract of a released model, into the folder above that of its record."""
    with refuse_invalid_input():
        from skinkeras import reports

        record = reports.read_record(path)
        if path.parent.name != "records" or path.stem != record["name"]:
            raise ValueError(
                f"{path} is not the record of a released model: those lie in tflite_models/records/."
            )
        paths = reports.render_model(record, path.parent.parent)
    _print(record, paths)


def _print(record, paths):
    from pipelines.common.records import print_table
    from skinkeras.reports import headline

    print_table(*headline(record))
    for path in paths:
        say(path)


if __name__ == "__main__":
    run(main, Settings)
