"""Effects with an interval that covers the choice of test images and the luck of training.

An effect is a weighted sum of what the runs of a sweep reached, such as the mean of some less the mean of others. Its
variance has two parts. The test images: the variance over paired resamples. Training luck: what the same recipe
reaches with another seed, `sum of w_i^2 s^2`, where `s^2` is the variance between the seeds of a run's recipe. The
degrees of freedom of the sum are Welch and Satterthwaite's (Welch 1947, *Biometrika* 34, eq. 28; Satterthwaite 1946,
*Biometrics Bulletin* 2), and the interval is that of Student's t.

Models of two seeds err on different test images, which both parts count: the sum is a little too large. Taking it out
of one of them finds no more real differences with three seeds, and with two decides too often (both simulated).
"""

from dataclasses import dataclass, field

import numpy as np
from scipy import stats

from skinkeras.evaluation import estimate

#: Where the variance of training luck comes from.
SEEDS = "seeds"
BORROWED = "other recipes' seeds"
ASSUMED = "assumed"
UNKNOWN = "unknown"


@dataclass(frozen=True)
class Effect:
    """An effect on one metric.

    Attributes:
        value: of the test images as they are.
        low, high: the ends of its 95 % interval.
        p: of the hypothesis that it is 0, two-sided.
        luck: what its interval knows of training luck: SEEDS, BORROWED, ASSUMED or UNKNOWN.
    """

    value: float
    low: float
    high: float
    p: float
    luck: str

    @property
    def ends(self):
        """(value, low, high)"""
        return self.value, self.low, self.high


@dataclass(frozen=True)
class Rates:
    """What every run of a sweep reached, on the same resamples of the same test images.

    Attributes:
        draws: {metric: array of shape (runs, ..., 1 + resamples)}, as a paired bootstrap returns it. Column 0 is that
            of the test images as they are; each other column is one resample of them, the same for all runs.
        recipes: (runs,) int; runs of one number differ in nothing but the seed.
        assumed: {metric: standard deviation between seeds}, taken where no recipe was trained twice.
    """

    draws: dict
    recipes: np.ndarray
    assumed: dict = field(default_factory=dict)

    def mean_of(self, rows):
        """The weights (runs,) of the mean of these runs; `rows`: row numbers or a mask."""
        weights = np.zeros(len(self.recipes))
        weights[rows] = 1
        return weights / weights.sum()

    def effect(self, metric, weights, part=()):
        """The `Effect` of a weighted sum of the runs.

        Args:
            metric: a key of `draws`.
            weights: (runs,).
            part: index into the axes of the metric between the runs and the resamples, such as that of a class.
        """
        reached = self._reached(metric, part)
        return self.effect_of(metric, weights @ reached, weights, part)

    def effect_of(self, metric, values, weights, part=()):
        """The `Effect` of any function of the runs.

        Args:
            metric: a key of `draws`.
            values: (1 + resamples,), the function column by column.
            weights: (runs,), its slope in what each run reached.
            part: as in `effect`.
        """
        # The difference of equal rates can miss 0 by a rounding error, which must not exclude 0 from the interval.
        values = np.round(values, 12) + 0.0
        parts, luck = self._luck(metric, weights, part)
        drawn = values[1:][np.isfinite(values[1:])]  # a resample can be without a pair within a source
        parts.append((drawn.var(ddof=1) if len(drawn) > 1 else 0.0, np.inf))
        variance = sum(variance for variance, _ in parts)
        value, error = float(values[0]), np.sqrt(variance)
        if not error:
            return Effect(value, value, value, float(value == 0), luck)
        freedom = variance**2 / max(sum(each**2 / df for each, df in parts), 1e-300)
        half = stats.t.ppf(0.975, freedom) * error
        p = 2 * stats.t.sf(abs(value) / error, freedom)
        return Effect(value, float(value - half), float(value + half), float(p), luck)

    def level(self, metric, rows, part=()):
        """What one recipe reaches, with its 95 % interval: (value, low, high).

        With several seeds, the interval is that of `effect`, within 0..1; with one, it covers the test images alone.

        Args:
            metric: a key of `draws`, a rate in 0..1.
            rows: the numbers of the recipe's runs, or a mask.
            part: as in `effect`.
        """
        reached = self._reached(metric, part)[rows]
        if len(reached) == 1:
            return tuple(estimate(reached[0][np.isfinite(reached[0])]))
        value, low, high = self.effect(metric, self.mean_of(rows), part).ends
        return value, max(low, 0.0), min(high, 1.0)

    def between_seeds(self, metric, rows, part=()):
        """The standard deviation between the runs of one recipe, NaN if there is only one; `rows`: their numbers."""
        reached = self._reached(metric, part)[rows, 0]
        return float(reached.std(ddof=1)) if len(reached) > 1 else np.nan

    def _reached(self, metric, part):
        return self.draws[metric][(slice(None), *np.atleast_1d(part).astype(int))]

    def _luck(self, metric, weights, part):
        """([(variance, degrees of freedom)] of training luck in a weighted sum, where it is known from)."""
        reached = self._reached(metric, part)[:, 0]
        squares, counts, loads = (np.zeros(self.recipes.max() + 1) for _ in range(3))
        for recipe in range(len(loads)):
            mine = self.recipes == recipe
            counts[recipe], loads[recipe] = mine.sum(), np.sum(weights[mine] ** 2)
            squares[recipe] = np.sum((reached[mine] - reached[mine].mean()) ** 2) if mine.any() else 0.0
        repeated, used = counts > 1, loads > 0
        parts = [
            (load * square / (count - 1), count - 1)
            for load, square, count in zip(loads, squares, counts, strict=True)
            if load and count > 1
        ]
        once = loads[used & ~repeated].sum()
        if not once:
            return parts, SEEDS
        if metric in self.assumed and not repeated.any():
            return [(once * self.assumed[metric] ** 2, np.inf)], ASSUMED
        if repeated.any():
            freedom = np.sum(counts[repeated] - 1)
            return [*parts, (once * squares[repeated].sum() / freedom, freedom)], BORROWED
        return [], UNKNOWN
