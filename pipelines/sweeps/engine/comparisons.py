"""Comparisons of the runs of a sweep, and what they say about a claim.

Rates are what a paired bootstrap returns: metric -> shape (runs, 1 + resamples). Column 0 is that of the test images
as they are; each other column is one resample of them, the same for all runs.
"""

from dataclasses import dataclass

from skinkeras.evaluation import estimate

SUPPORTED = "supported"
CONTRADICTED = "contradicted"
UNDECIDED = "not decided by these runs"


@dataclass(frozen=True)
class Comparison:
    """The effect of one factor on some metrics.

    Attributes:
        what: the two sides, or what was measured.
        count: how many matched pairs, or sets of runs, it is the mean of.
        effect: metric -> `Estimate`.
    """

    what: str
    count: int
    effect: dict


@dataclass(frozen=True)
class Condition:
    """One thing that has to be true for a claim to hold.

    Attributes:
        comparison: `Comparison`, or None if the sweep has no runs for it.
        metric: the one that has to change.
        rises: whether it has to rise; else it has to fall.
        lacking: what the sweep lacks if there is no comparison, to follow the words "the sweep has".
    """

    comparison: Comparison | None
    metric: str
    rises: bool
    lacking: str

    @property
    def verdict(self):
        """Of this condition alone, by the 95 % interval."""
        _, low, high = self.comparison.effect[self.metric]
        rises, falls = low > 0, high < 0
        if not rises and not falls:
            return UNDECIDED
        return SUPPORTED if rises == self.rises else CONTRADICTED


@dataclass(frozen=True)
class Claim:
    """One of a paper's claims, and what these runs say about it.

    Attributes:
        name: one word.
        text: the claim.
        verdict: SUPPORTED, CONTRADICTED or UNDECIDED, followed by what was not tested, if anything; or
            "not tested: the sweep has no ...".
        comparisons: those that decide come first.
        deciding: how many of them decide.
    """

    name: str
    text: str
    verdict: str
    comparisons: tuple
    deciding: int

    @property
    def tested(self):
        """Whether the sweep has runs that the claim is about."""
        return self.deciding > 0


def judge(name, text, conditions, others=()):
    """The `Claim` that needs all of `conditions`.

    It is supported if every condition is, contradicted if one is, else not decided.

    Args:
        name, text: of the claim.
        conditions: `Condition`s, at least one.
        others: `Comparison`s that are shown and decide nothing; a None is left out.
    """
    tested = [condition for condition in conditions if condition.comparison]
    lacking = "; ".join(dict.fromkeys(each.lacking for each in conditions if not each.comparison))
    verdicts = {condition.verdict for condition in tested}
    if not tested:
        verdict = f"not tested: the sweep has {lacking}"
    elif CONTRADICTED in verdicts:
        verdict = CONTRADICTED
    else:
        verdict = SUPPORTED if verdicts == {SUPPORTED} else UNDECIDED
    if tested and lacking:
        verdict += f" (a part is not tested: the sweep has {lacking})"
    deciding = []
    for condition in tested:
        if condition.comparison not in deciding:
            deciding.append(condition.comparison)
    return Claim(name, text, verdict, (*deciding, *filter(None, others)), len(deciding))


def agreeing_columns(factors, factor):
    """The columns in which runs must agree to be compared in `factor`.

    Args:
        factors: everything that two runs can differ in: factor -> columns.
        factor: a key of it.
    """
    return [column for name, columns in factors.items() if name != factor for column in columns]


def matched_pairs(runs, treated, base, keys):
    """Row numbers (treated, base) of all pairs of runs that agree in the columns `keys`.

    Args:
        runs: index 0, 1, ...
        treated, base: masks of rows.
        keys: columns.

    Returns:
        Two integer vectors of one length, which may be 0.
    """
    left, right = (runs.loc[mask, keys].reset_index(names="row") for mask in (treated, base))
    pairs = left.merge(right, on=keys, suffixes=("", "_base"))
    return pairs["row"].to_numpy(int), pairs["row_base"].to_numpy(int)


def difference(rates, pairs, what, metrics):
    """The mean of treated minus base over the pairs in each of `metrics`, or None if there is no pair."""
    treated, base = pairs
    if not len(treated):
        return None
    effect = {m: estimate((rates[m][treated] - rates[m][base]).mean(axis=0)) for m in metrics}
    return Comparison(what, len(treated), effect)
