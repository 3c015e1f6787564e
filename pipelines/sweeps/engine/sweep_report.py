"""What a sweep found out: its paper's tables and figures, and whether the paper's claims hold here.

pandas, matplotlib and the rest are imported once it is clear that the folder holds a sweep.
"""

from dataclasses import dataclass
from pathlib import Path

import rich.markup
import rich.table

from pipelines.common.console import console, refuse_invalid_input, say
from pipelines.sweeps.engine.grid_checks import check_keys
from pipelines.sweeps.engine.grid_file import paper_module
from pipelines.sweeps.engine.sweep_folder import check_links
from skinkeras.files.reading_yaml import read_yaml
from skinkeras.files.writing import replacing, write_text

_RESAMPLES = 1000


@dataclass(frozen=True)
class SweepReport:
    """A paper's report on a sweep, ready to be written.

    Attributes:
        title: of the claims on the console.
        claims: list of `Claim`.
        metrics: those of the claims' comparisons, metric -> its name in words.
        printed: those of `metrics` that the console has room for.
        texts: file name -> Markdown.
        csv_files: file name -> table; `claims.csv` is made from the claims.
        figures: file name -> function that draws the figure, called with `path=`.
    """

    title: str
    claims: list
    metrics: dict
    printed: tuple
    texts: dict
    csv_files: dict
    figures: dict


def report_sweep(folder):
    """Compares the runs of a sweep and says which of its paper's claims they support.

    Writes Markdown, CSV files and figures into `folder/report` and prints the claims.

    Args:
        folder: path of the sweep's folder.

    Raises:
        UsageError: it holds no sweep with finished runs that can be compared; one sentence.
    """
    folder = Path(folder)
    with refuse_invalid_input():
        paper = _paper_report(folder)
        sweep = paper.read_sweep(folder)
    with console.status(f"Comparing {len(sweep.runs)} runs"):
        report = paper.make_report(sweep, _RESAMPLES)
    _write(report, folder / "report")
    _print_claims(report, sweep.synthetic)
    for name in (*report.texts, "claims.csv", *report.figures):
        say(folder / "report" / name)


def _paper_report(folder):
    """The module that reports on sweeps of the paper whose grid was run; Gilal's, if nothing says."""
    if not folder.is_dir():
        raise ValueError(f"There is no folder {folder}: name the folder of a run or of a sweep.")
    if not (folder / "runs.csv").is_file():
        raise ValueError(
            f"{folder} is the folder of neither a run nor a sweep: it holds no config.yaml and no runs.csv."
        )
    check_links(folder)
    record = folder / "sweep.yaml"
    source = read_yaml(record) if record.is_file() else {}
    if not isinstance(source, dict):
        check_keys(source, record, "")
    return paper_module(source, record, "paper_report")


def _write(report, out):
    from pipelines.sweeps.engine.claims_table import claims_table

    for name, draw in report.figures.items():
        draw(path=out / name)
    tables = report.csv_files | {"claims.csv": claims_table(report.claims, report.metrics)}
    for name, table in tables.items():
        with replacing(out / name) as temporary:
            table.to_csv(temporary, index=False, float_format="%.6g")
    for name, text in report.texts.items():
        write_text(out / name, text)


def _print_claims(report, synthetic):
    """Each claim, its verdict, and what decided it."""
    from pipelines.sweeps.engine import effects
    from pipelines.sweeps.engine.claims_table import signed

    title = f"SYNTHETIC. {report.title}" if synthetic else report.title
    table = rich.table.Table(title=title, title_justify="left")
    for column in (
        "claim",
        "verdict",
        "corrected",
        "comparison",
        *(report.metrics[m] for m in report.printed),
    ):
        table.add_column(column)
    for claim in report.claims:
        once = " (one seed)" if claim.luck == effects.UNKNOWN else ""
        verdict = claim.verdict if claim.tested else claim.verdict.partition(" (missing: ")[0]
        head = (claim.name, verdict + once, claim.corrected_verdict)
        if not claim.tested:
            table.add_row(*head)
        for comparison in claim.comparisons[: claim.deciding]:
            cells = [
                signed(comparison.effect[metric].ends).replace(" ", "\n", 1) for metric in report.printed
            ]
            table.add_row(*map(rich.markup.escape, (*head, comparison.what, *cells)))
            head = ("", "", "")
    console.print()
    console.print(table)
    if any(claim.luck == effects.UNKNOWN for claim in report.claims):
        say("One seed: training luck is not in these intervals.")
