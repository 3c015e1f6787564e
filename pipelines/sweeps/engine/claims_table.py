"""Claims and comparisons as tables of data and as Markdown; `metrics` is metric -> its name in words."""

import pandas as pd

from skinkeras.evaluation import markdown

ENDS = ("", "_low", "_high")


def claims_table(claims, metrics):
    """One row a comparison; `decides` marks those that the verdict rests on."""
    rows = []
    for claim in claims:
        row = {"claim": claim.name, "text": claim.text, "verdict": claim.verdict, "decides": False}
        if not claim.comparisons:
            rows.append(row)
        for i, comparison in enumerate(claim.comparisons):
            compared = {"comparison": comparison.what, "count": comparison.count}
            effect = differences(comparison.effect, metrics)
            rows.append(row | {"decides": i < claim.deciding} | compared | effect)
    return pd.DataFrame(rows, columns=[*row, "comparison", "count", *difference_columns(metrics)])


def difference_columns(metrics):
    """The columns of a difference and the ends of its interval."""
    return [f"{metric}_difference{end}" for metric in metrics for end in ENDS]


def differences(effect, metrics):
    """Column -> value of an effect, metric -> `Estimate`."""
    values = [value for metric in metrics for value in effect[metric]]
    return dict(zip(difference_columns(metrics), values, strict=True))


def comparisons_markdown(claim, metrics):
    """The comparisons that a claim rests on, as Markdown."""
    rows = [
        [comparison.what, str(comparison.count), *(signed(comparison.effect[m]) for m in metrics)]
        for comparison in claim.comparisons
    ]
    return markdown.table(["comparison", "matched", *metrics.values()], rows)


def signed(effect):
    """A difference and its interval."""
    value, low, high = effect
    return f"{value:+z.3f} [{low:+z.3f}, {high:+z.3f}]"


def interval(value, low, high):
    """A value and its interval."""
    return f"{value:.3f} [{low:.3f}, {high:.3f}]"


def unfinished_markdown(runs, total):
    """Which runs failed, and how many of `total` have not been run yet; "" if all have finished."""
    failed = runs[runs["status"] == "failed"]
    parts = []
    if len(failed):
        lines = [f"- `{row['run']}`: {row['error']}" for _, row in failed.iterrows()]
        parts.append("Failed:\n\n" + "\n".join(lines))
    if waiting := len(runs) - len(failed):
        parts.append(f"Not run yet: {waiting} of {total} configurations.")
    return "\n\n".join(parts)
