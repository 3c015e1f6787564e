"""What a sweep found out: the paper's two tables, its figures 5 and 6, and whether its claims hold here.

python -m pipelines.report SWEEP_DIR
"""

from dataclasses import dataclass
from pathlib import Path

import rich.markup
import rich.table
from tyro.conf import Positional

from pipelines.common.console import at_the_door, console, run
from pipelines.sweeps import tables
from pipelines.sweeps.claims import METRICS, all_claims
from pipelines.sweeps.results import read_sweep
from pipelines.sweeps.text import report_text
from skinkeras.evaluation import paired_bootstrap, sweep_plots
from skinkeras.files import replacing, write_text

_RESAMPLES = 1000


@dataclass(frozen=True)
class Settings:
    """Settings of the report."""

    sweep_dir: Positional[Path]
    """The folder of a sweep; the report goes to its folder `report`."""


def main(settings):
    """Compares the runs of a sweep and says which of the paper's claims they support."""
    with at_the_door():
        sweep = read_sweep(settings.sweep_dir)
    rates = paired_bootstrap(
        sweep.images["malignant"], sweep.scores, groups=sweep.images["group"], resamples=_RESAMPLES
    )
    claims = all_claims(sweep.runs, rates)
    configurations = tables.configurations(sweep)
    ablation = tables.ablation(sweep.runs, rates)
    note = sweep_note(sweep)
    texts = {
        "table_1.md": tables.configurations_markdown(configurations) + "\n",
        "table_2.md": tables.ablation_markdown(ablation) + "\n",
        "report.md": report_text(sweep, claims, configurations, ablation, _RESAMPLES),
    }
    csv_files = {
        "table_1.csv": configurations,
        "table_2.csv": ablation,
        "claims.csv": tables.claims_table(claims),
    }
    out = sweep.path / "report"
    sweep_plots.error_rates(sweep.runs, rates, out / "figure_5.png", note)
    sweep_plots.error_rates_by_balance(sweep.runs, rates, out / "figure_6.png", note)
    for name, table in csv_files.items():
        write_csv(out / name, table)
    for name, text in texts.items():
        write_text(out / name, text)
    print_claims(sweep, claims, out)


def sweep_note(sweep):
    """The line at the foot of every figure."""
    if sweep.synthetic:
        return "SYNTHETIC drawings: says nothing about real lesions"
    return f"{sweep.path.resolve().name}, {len(sweep.images):,} test images"


def write_csv(path, table):
    """Writes a table whole or not at all."""
    with replacing(path) as temporary:
        table.to_csv(temporary, index=False, float_format="%.6g")


def print_claims(sweep, claims, out):
    """The last lines: each claim, its verdict, and what decided it."""
    title = f"Finished runs: {len(sweep.runs)}. Differences at threshold 0.5 with 95 % intervals"
    table = rich.table.Table(title=f"SYNTHETIC. {title}" if sweep.synthetic else title, title_justify="left")
    for column in ("claim", "verdict", *METRICS.values()):
        table.add_column(column)
    for claim in claims:
        decisive = claim.comparisons[0].effect if claim.tested else {}
        cells = [tables.signed(decisive[metric]).replace(" ", "\n", 1) for metric in METRICS if decisive]
        table.add_row(claim.name, claim.verdict, *map(rich.markup.escape, cells))
    console.print()
    console.print(table)
    for name in ("report.md", "table_1.md", "table_2.md", "claims.csv", "figure_5.png", "figure_6.png"):
        console.print(str(out / name), markup=False)


if __name__ == "__main__":
    run(main, Settings)
