"""Comparisons of the runs of a sweep, and what they say about a claim."""

import dataclasses
from dataclasses import dataclass

import numpy as np

from pipelines.sweeps.engine import effects
from pipelines.sweeps.engine.holm import holm

SUPPORTED = "supported"
CONTRADICTED = "contradicted"
UNDECIDED = "not decided by these runs"
_LEVEL = 0.05


@dataclass(frozen=True)
class Comparison:
    """The effect of one factor on some metrics.

    Attributes:
        what: the two sides, or what was measured.
        count: how many matched pairs of recipes, or sets of them, it is the mean of.
        effect: metric -> `Effect`.
        weights: (runs,), the part of each run in it.
    """

    what: str
    count: int
    effect: dict
    weights: np.ndarray = dataclasses.field(compare=False)


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
    def effect(self):
        """The `Effect` that it is judged by."""
        return self.comparison.effect[self.metric]

    @property
    def verdict(self):
        """Of this condition alone, by the 95 % interval."""
        if self.effect.p > _LEVEL:
            return UNDECIDED
        return SUPPORTED if self.agrees else CONTRADICTED

    @property
    def agrees(self):
        """Whether the effect has the claimed direction."""
        return (self.effect.value > 0) == self.rises and self.effect.value != 0


@dataclass(frozen=True)
class Claim:
    """One of a paper's claims, and what these runs say about it.

    Attributes:
        name: one word.
        text: the claim.
        verdict: SUPPORTED, CONTRADICTED or UNDECIDED, followed by what was not tested, if anything; or
            "not tested: the sweep has no ...".
        comparisons: those that decide come first.
        conditions: the tested `Condition`s.
        p: the smallest level at which the runs decide the claim; NaN if it is not tested.
        corrected_p: the same after Holm's correction for the paper's tested claims.
    """

    name: str
    text: str
    verdict: str
    comparisons: tuple
    conditions: tuple
    p: float
    corrected_p: float = np.nan

    @property
    def tested(self):
        """Whether the sweep has runs that the claim is about."""
        return bool(self.conditions)

    @property
    def deciding(self):
        """How many of the comparisons decide."""
        return len({id(condition.comparison) for condition in self.conditions})

    @property
    def corrected_verdict(self):
        """SUPPORTED, CONTRADICTED or UNDECIDED after the correction; "" if the claim is not tested."""
        if not self.tested:
            return ""
        return _decision(self.conditions) if self.corrected_p <= _LEVEL else UNDECIDED

    @property
    def luck(self):
        """What its interval knows of training luck, the least of all conditions; "" if the claim is not tested."""
        known = {condition.effect.luck for condition in self.conditions}
        order = (effects.UNKNOWN, effects.ASSUMED, effects.BORROWED, effects.SEEDS)
        return next((each for each in order if each in known), "")


def judge(name, text, conditions, others=()):
    """The `Claim` that needs all of `conditions`.

    It is supported if every condition is, contradicted if one is, else not decided.

    Args:
        name, text: of the claim.
        conditions: `Condition`s, at least one.
        others: `Comparison`s that are shown and decide nothing; a None is left out.
    """
    tested = tuple(condition for condition in conditions if condition.comparison)
    lacking = "; ".join(dict.fromkeys(each.lacking for each in conditions if not each.comparison))
    if not tested:
        verdict = f"not tested: the sweep has {lacking}"
    else:
        verdict = _decision(tested)
        if lacking:
            verdict += f" (a part is not tested: the sweep has {lacking})"
    deciding = {id(condition.comparison): condition.comparison for condition in tested}
    return Claim(name, text, verdict, (*deciding.values(), *filter(None, others)), tested, _p(tested))


def _decision(conditions):
    verdicts = {condition.verdict for condition in conditions}
    if CONTRADICTED in verdicts:
        return CONTRADICTED
    return SUPPORTED if verdicts == {SUPPORTED} else UNDECIDED


def _p(conditions):
    """The smallest level at which the conditions together decide.

    All of them have to hold, so support is as sure as the least sure of them (Berger 1982,
    *Technometrics* 24: an intersection-union test).
    One of k is enough to contradict, which chance has k tries at: that p value is multiplied by k (Bonferroni).
    """
    if not conditions:
        return np.nan
    against = [condition.effect.p for condition in conditions if not condition.agrees]
    if not against:
        return max(condition.effect.p for condition in conditions)
    return min(len(conditions) * min(against), 1.0)


def corrected(claims):
    """The claims of one paper with Holm's correction for those that are tested."""
    tested = [claim for claim in claims if claim.tested]
    of_name = dict(zip((claim.name for claim in tested), holm([claim.p for claim in tested]), strict=True))
    return [dataclasses.replace(claim, corrected_p=of_name.get(claim.name, np.nan)) for claim in claims]


def number_recipes(runs, factors):
    """The column `recipe`, (runs,) int: runs of one number differ in nothing but the seed.

    Args:
        runs: table of runs.
        factors: everything that two runs can differ in: factor -> columns.
    """
    return runs.groupby(agreeing_columns(factors, "seed"), dropna=False, sort=False).ngroup().to_numpy(int)


def agreeing_columns(factors, factor):
    """The columns in which runs must agree to be compared in `factor`.

    Args:
        factors: everything that two runs can differ in: factor -> columns.
        factor: a key of it.
    """
    return [column for name, columns in factors.items() if name != factor for column in columns]


def matched(runs, treated, base, keys):
    """How much each run weighs in the mean difference of recipes that agree in the columns `keys`.

    The seeds of a recipe are averaged, and then the pairs of recipes.

    Args:
        runs: table with the column `recipe`.
        treated, base: masks of rows.
        keys: columns; those of the seed are left out.

    Returns:
        (weights of shape (runs,), the number of pairs). Without a pair, the weights are 0.
    """
    keys = [key for key in keys if key != "seed"]
    left, right = (runs.loc[mask, ["recipe", *keys]].drop_duplicates() for mask in (treated, base))
    how = {"on": keys} if keys else {"how": "cross"}
    pairs = left.merge(right, **how, suffixes=("", "_base"))
    recipes, weights = runs["recipe"].to_numpy(), np.zeros(len(runs))
    for own, other in zip(pairs["recipe"], pairs["recipe_base"], strict=True):
        for recipe, sign in ((own, 1), (other, -1)):
            rows = recipes == recipe
            weights[rows] += sign / (rows.sum() * len(pairs))
    return weights, len(pairs)


def difference(rates, pairs, what, metrics):
    """The `Comparison` of the recipes of `matched` in each of `metrics`, or None if there is no pair."""
    weights, count = pairs
    if not count:
        return None
    return Comparison(what, count, {m: rates.effect(m, weights) for m in metrics}, weights)


def spread(rates, metric, sets):
    """How far apart the means of a factor's levels lie, averaged over sets of otherwise equal runs.

    It is never negative and grows with the noise and with the number of levels: alone it says nothing, but the
    difference of two spreads over equally many levels can have either sign.

    Args:
        rates: `Rates`.
        metric: a key of `rates.draws`.
        sets: list of sets; each is a list with the row numbers of every level's runs.

    Returns:
        (largest mean less smallest, column by column of the rates; its slope (runs,) in what each run reached).
    """
    values, slopes = [], []
    for levels in sets:
        weights = np.stack([rates.mean_of(rows) for rows in levels])
        means = weights @ rates.draws[metric]
        values.append(np.ptp(means, axis=0))
        slopes.append(weights[means[:, 0].argmax()] - weights[means[:, 0].argmin()])
    return np.mean(values, axis=0), np.mean(slopes, axis=0)


def missing(runs, what, column, levels, titles=None):
    """What a sweep lacks to compare levels of a factor, to follow the words "the sweep has".

    Args:
        runs: table of runs, with the column `run`.
        what: the levels in words, such as "CB and no weighting".
        column: of the factor.
        levels: of `column` that have to be there.
        titles: {level: name in words}, or None.
    """
    titles = titles or {}
    there = [level for level in levels if (runs[column] == level).any()]
    lacking = [str(titles.get(level, level)) for level in levels if level not in there]
    if not there:
        wanted = f"runs of {' and of '.join(lacking)}"
    elif lacking:
        like = runs.loc[runs[column].isin(there), "run"].drop_duplicates()
        more = f" and {len(like) - 1} more" if len(like) > 1 else ""
        wanted = f"runs of {' and of '.join(lacking)}, otherwise as {like.iloc[0]}{more}"
    else:
        wanted = "runs that differ in this alone"
    return f"no matched runs of {what} (missing: {wanted})"
