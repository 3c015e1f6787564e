"""Claims and comparisons as tables of data and as Markdown; `metrics` is metric -> its name in words."""

import pandas as pd

from pipelines.sweeps.engine import effects
from skinkeras.evaluation import markdown

ENDS = ("", "_low", "_high")


def claims_table(claims, metrics):
    """One row a comparison; `decides` marks those that the verdict rests on.

    `p` and `corrected_p` are the claim's, before and after Holm's correction for all claims of the paper.
    """
    rows = []
    for claim in claims:
        row = {
            "claim": claim.name,
            "text": claim.text,
            "verdict": claim.verdict,
            "corrected_verdict": claim.corrected_verdict,
            "p": claim.p,
            "corrected_p": claim.corrected_p,
            "training_luck": claim.luck,
            "decided_by": "; ".join(dict.fromkeys(condition.metric for condition in claim.conditions)),
            "decides": False,
        }
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
    """Column -> value of an effect, metric -> `Effect`."""
    values = [value for metric in metrics for value in effect[metric].ends]
    return dict(zip(difference_columns(metrics), values, strict=True))


def claim_title(claim, claims):
    """The claim with its verdict, and with that after the correction for all of `claims` that are tested."""
    if not claim.tested:
        return f"{claim.text}: {claim.verdict}"
    tested = sum(each.tested for each in claims)
    text = f"{claim.text}: {claim.verdict}"
    if tested > 1 and claim.p <= 0.05:
        text += f"; corrected for {tested} claims: {claim.corrected_verdict}"
    if claim.luck == effects.UNKNOWN:
        text += " (one seed: training luck is not in this interval)"
    return text


def conditions_markdown(claim, metrics):
    """What decides a claim, condition by condition, as Markdown."""
    rows = [
        [
            condition.comparison.what,
            metrics[condition.metric],
            "rise" if condition.rises else "fall",
            signed(condition.effect.ends),
            f"{condition.effect.p:.2g}",
            condition.verdict,
        ]
        for condition in claim.conditions
    ]
    text = markdown.table(["decides", "metric", "has to", "difference", "p", "alone"], rows)
    p = f"p of the claim: {claim.p:.2g}; corrected: {claim.corrected_p:.2g}. {_LUCK[claim.luck]}"
    return f"{text}\n\n{p}"


_LUCK = {
    effects.SEEDS: "Training luck: from the seeds of these recipes.",
    effects.BORROWED: "Training luck: recipes that were trained once take it from those with several seeds.",
    effects.ASSUMED: "Training luck: one seed, and the standard deviation that the sweep's YAML file assumes.",
    effects.UNKNOWN: "**One seed: training luck is not in this interval.** The same recipe, trained again, may "
    "decide otherwise.",
}


def comparisons_markdown(claim, metrics):
    """The comparisons that a claim rests on, as Markdown."""
    rows = [
        [comparison.what, str(comparison.count), *(signed(comparison.effect[m].ends) for m in metrics)]
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


def with_deviation(row, name):
    """The value in the column `name` of a row, its interval, and the standard deviation between seeds if known."""
    deviation = row[f"{name}_sd"]
    text = interval(*(row[f"{name}{end}"] for end in ENDS))
    return text if pd.isna(deviation) else f"{text}, sd {deviation:.3f}"


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
