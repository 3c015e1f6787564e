"""The report on a sweep of binary runs: Tables I and II, Figures 5 and 6, and four claims."""

from functools import partial

from pipelines.sweeps.g23 import tables
from pipelines.sweeps.g23.claims import METRICS, all_claims
from pipelines.sweeps.g23.results import read_sweep
from pipelines.sweeps.g23.text import report_text
from pipelines.sweeps.report import Report, note
from skinkeras.evaluation import paired_bootstrap, sweep_plots

__all__ = ["make_report", "read_sweep"]


def make_report(sweep, resamples):
    """The `Report` of a sweep as `read_sweep` returns it."""
    rates = paired_bootstrap(
        sweep.images["malignant"], sweep.scores, groups=sweep.images["group"], resamples=resamples
    )
    claims = all_claims(sweep.runs, rates)
    configurations = tables.configurations(sweep)
    ablation = tables.ablation(sweep.runs, rates)
    foot = note(sweep, f"{len(sweep.images):,} test images")
    return Report(
        title=f"Finished runs: {len(sweep.runs)}. Differences at threshold 0.5 with 95 % intervals",
        claims=claims,
        metrics=METRICS,
        printed=tuple(METRICS),
        texts={
            "report.md": report_text(sweep, claims, configurations, ablation, resamples),
            "table_1.md": tables.configurations_markdown(configurations) + "\n",
            "table_2.md": tables.ablation_markdown(ablation) + "\n",
        },
        csv_files={"table_1.csv": configurations, "table_2.csv": ablation},
        figures={
            "figure_5.png": partial(sweep_plots.error_rates, sweep.runs, rates, note=foot),
            "figure_6.png": partial(sweep_plots.error_rates_by_balance, sweep.runs, rates, note=foot),
        },
    )
