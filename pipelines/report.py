"""What a sweep found out: its paper's tables and figures, and whether the paper's claims hold here.

python -m pipelines.report SWEEP_DIR
"""

from dataclasses import dataclass
from pathlib import Path

import rich.markup
import rich.table
import yaml
from tyro.conf import Positional

from pipelines.common.console import console, refuse_invalid_input, run
from pipelines.sweeps.grid import paper_module
from pipelines.sweeps.tables import claims_table, signed
from skinkeras.files import replacing, write_text

_RESAMPLES = 1000


@dataclass(frozen=True)
class Settings:
    """Settings of the report."""

    sweep_dir: Positional[Path]
    """The folder of a sweep; the report goes to its folder `report`."""


def main(settings):
    """Compares the runs of a sweep and says which of the paper's claims they support."""
    with refuse_invalid_input():
        paper = paper_of(settings.sweep_dir)
        sweep = paper.read_sweep(settings.sweep_dir)
    with console.status(f"Comparing {len(sweep.runs)} runs"):
        report = paper.make_report(sweep, _RESAMPLES)
    out = sweep.path / "report"
    for name, draw in report.figures.items():
        draw(path=out / name)
    for name, table in (
        report.csv_files | {"claims.csv": claims_table(report.claims, report.metrics)}
    ).items():
        write_csv(out / name, table)
    for name, text in report.texts.items():
        write_text(out / name, text)
    print_claims(report, sweep.synthetic)
    for name in (*report.texts, "claims.csv", *report.figures):
        console.print(str(out / name), markup=False)


def paper_of(sweep_dir):
    """The module that reports on the paper whose grid was run; that of the binary job, if nothing says."""
    record = sweep_dir / "sweep.yaml"
    try:
        source = yaml.safe_load(record.read_text("utf-8")) if record.is_file() else {}
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ValueError(f"{record} is not the record of a sweep.") from error
    return paper_module(source, record, "report")


def write_csv(path, table):
    """Writes a table whole or not at all."""
    with replacing(path) as temporary:
        table.to_csv(temporary, index=False, float_format="%.6g")


def print_claims(report, synthetic):
    """Each claim, its verdict, and what decided it."""
    title = f"SYNTHETIC. {report.title}" if synthetic else report.title
    table = rich.table.Table(title=title, title_justify="left")
    for column in ("claim", "verdict", "comparison", *(report.metrics[m] for m in report.printed)):
        table.add_column(column)
    for claim in report.claims:
        head = (claim.name, claim.verdict)
        if not claim.tested:
            table.add_row(*head)
        for comparison in claim.comparisons[: claim.deciding]:
            cells = [signed(comparison.effect[metric]).replace(" ", "\n", 1) for metric in report.printed]
            table.add_row(*map(rich.markup.escape, (*head, comparison.what, *cells)))
            head = ("", "")
    console.print()
    console.print(table)


if __name__ == "__main__":
    run(main, Settings)
