"""How many benign images each round of cleaning removes."""

import dataclasses
import math
from dataclasses import dataclass


@dataclass(frozen=True)
class CleaningPlan:
    """Rounds of cleaning, and what they remove (Gilal et al. 2023, iterative refining).

    Attributes:
        rounds: int >= 1, or None for as many as `until_ratio` needs.
        remove: benign rows per round: an int, or a float in (0, 1), the share of those at the start; or a tuple of
            such numbers, one for each round.
        keep: benign rows that are never removed: an int, or a float as `remove`. The last round removes
            only as many as this allows.
        until_ratio: float, malignant over benign rows; cleaning stops when it is reached.

    Raises:
        ValueError: a number out of its range, or neither `rounds` nor `until_ratio`.
    """

    rounds: int | None
    remove: float | tuple[float, ...]
    keep: float = 0
    until_ratio: float | None = None

    def __post_init__(self):
        if self.rounds is None and self.until_ratio is None:
            raise ValueError("A cleaning plan needs a number of rounds or a balance ratio to stop at.")
        if self.rounds is not None and self.rounds < 1:
            raise ValueError(f"rounds must be at least 1. Received: rounds={self.rounds}")
        if isinstance(self.remove, tuple) and len(self.remove) != self.rounds:
            raise ValueError(
                f"remove must have one number for each of {self.rounds} rounds. Received: remove={self.remove}"
            )
        removed = self.remove if isinstance(self.remove, tuple) else (self.remove,)
        for name, value in (*(("remove", value) for value in removed), ("keep", self.keep)):
            if not (value >= 0 and (value < 1 or value == int(value))) or (name == "remove" and value == 0):
                raise ValueError(
                    f"{name} must be a number of rows, or a share of them below 1. Received: {name}={value}"
                )
        if self.until_ratio is not None and not 0 < self.until_ratio < math.inf:
            raise ValueError(f"The balance ratio must be positive. Received: {self.until_ratio}")

    def removals(self, benign, malignant):
        """How many benign rows each round removes.

        Args:
            benign, malignant: int, rows before the first round.

        Returns:
            A list of ints, one per round; shorter than `rounds` where nothing more may be removed.

        Raises:
            ValueError: the plan would remove every benign row, or cannot reach its balance ratio.
        """
        keep = self._rows(self.keep, benign)
        if self.until_ratio is not None:
            wished = math.floor(malignant / self.until_ratio)
            if not 0 < wished < benign:
                raise ValueError(
                    f"A balance ratio of {self.until_ratio} cannot be reached by removing benign images: "
                    f"there are {malignant} malignant and {benign} benign ones to train on, a ratio of "
                    f"{malignant / benign:.3f} (at most {malignant}, with one benign image left)."
                )
            keep = max(keep, wished)
        planned = self._planned(benign, keep)
        if keep < 1 and sum(planned) >= benign:
            raise ValueError(
                f"{len(planned)} rounds of {_in_words(planned)} would remove all {benign} benign images: remove "
                "fewer, or a share of them (the presets that end in -scaled do)."
            )
        removable, removed = max(benign - keep, 0), []
        for number in planned:
            if number := min(number, removable - sum(removed)):
                removed.append(number)
        if self.until_ratio is not None and benign - sum(removed) > wished:
            left = benign - sum(removed)
            raise ValueError(
                f"{len(planned)} rounds of {_in_words(planned)} leave {left} benign images, a balance ratio of "
                f"{malignant / left:.3f}, below the {self.until_ratio} that was asked for."
            )
        if not removed:
            raise ValueError(f"There are {benign} benign images and {keep} are to be kept: nothing to clean.")
        return removed

    def _planned(self, benign, keep):
        """How many rows each round would remove, were there enough."""
        values = self.remove if isinstance(self.remove, tuple) else (self.remove,)
        each = [self._rows(value, benign) for value in values]
        if min(each) < 1:
            raise ValueError(
                f"{min(values)} of {benign} benign images is less than one a round: remove more."
            )
        if isinstance(self.remove, tuple):
            return each
        return each * (self.rounds or math.ceil(max(benign - keep, 0) / each[0]))

    def first(self, rounds):
        """The same plan, stopped after this many rounds."""
        remove = self.remove[:rounds] if isinstance(self.remove, tuple) else self.remove
        return dataclasses.replace(self, rounds=rounds, remove=remove)

    @staticmethod
    def _rows(value, benign):
        return round(value * benign) if value < 1 else int(value)


def _in_words(planned):
    return str(planned[0]) if len(set(planned)) == 1 else " + ".join(map(str, planned))


# The benign training images of ISIC-merge and of ISIC-blur, and how many of them remain in the paper. Its
# five rounds of 6,000 are more than there are: here the last rounds remove only as many as leave the printed
# 2,045. Its rounds of 12,000 would leave 16,066 and 4,066: here the third removes 13,000, which leaves the printed
# 15,066, and the last 10,000, which leave 5,066.
_MERGE, _MERGE_KEPT = 26_033, 2_045
_BLUR, _BLUR_REMOVED = 52_066, (12_000, 12_000, 13_000, 10_000)

#: The two cleanings of Gilal et al. 2023, and the same in proportion to data of any size.
PRESETS = {
    "merge": CleaningPlan(5, 6_000, _MERGE_KEPT),
    "blur": CleaningPlan(4, _BLUR_REMOVED, 5_066),
    "merge-scaled": CleaningPlan(5, 6_000 / _MERGE, _MERGE_KEPT / _MERGE),
    "blur-scaled": CleaningPlan(4, tuple(n / _BLUR for n in _BLUR_REMOVED), 5_066 / _BLUR),
}

#: What a preset was in earlier versions, whose cleanings go on as they began.
EARLIER_PRESETS = {
    "blur": CleaningPlan(4, 12_000, 5_066),
    "blur-scaled": CleaningPlan(4, 12_000 / _BLUR, 5_066 / _BLUR),
}


def earlier_plan(plan):
    """What the preset `plan`, or its first rounds, was in earlier versions; None if it was the same."""
    for name, earlier in EARLIER_PRESETS.items():
        if plan.rounds and plan.rounds <= earlier.rounds and plan == PRESETS[name].first(plan.rounds):
            return earlier.first(plan.rounds)
    return None
