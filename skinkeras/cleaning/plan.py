"""How many benign images each round of cleaning removes."""

import dataclasses
import math
from dataclasses import dataclass


@dataclass(frozen=True)
class CleaningPlan:
    """Rounds of cleaning, and what they remove (Gilal et al. 2023, iterative refining).

    Attributes:
        rounds: int >= 1, or None for as many as `until_ratio` needs.
        remove: benign rows per round: an int, or a float in (0, 1), the share of those at the start.
        keep: benign rows that are never removed: an int, or a float as `remove`. The last round removes
            only as many as this allows.
        until_ratio: float, malignant over benign rows; cleaning stops when it is reached.

    Raises:
        ValueError: a number out of its range, or neither `rounds` nor `until_ratio`.
    """

    rounds: int | None
    remove: float
    keep: float = 0
    until_ratio: float | None = None

    def __post_init__(self):
        if self.rounds is None and self.until_ratio is None:
            raise ValueError("A cleaning plan needs a number of rounds or a balance ratio to stop at.")
        if self.rounds is not None and self.rounds < 1:
            raise ValueError(f"rounds must be at least 1. Received: rounds={self.rounds}")
        for name in ("remove", "keep"):
            value = getattr(self, name)
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
        each, keep = (self._rows(value, benign) for value in (self.remove, self.keep))
        if each < 1:
            raise ValueError(
                f"{self.remove} of {benign} benign images is less than one a round: remove more."
            )
        if self.until_ratio is not None:
            wished = math.floor(malignant / self.until_ratio)
            if not 0 < wished < benign:
                raise ValueError(
                    f"A balance ratio of {self.until_ratio} cannot be reached by removing benign images: "
                    f"there are {malignant} malignant and {benign} benign ones to train on, a ratio of "
                    f"{malignant / benign:.3f} (at most {malignant}, with one benign image left)."
                )
            keep = max(keep, wished)
        rounds = self.rounds or math.ceil((benign - keep) / each)
        if keep < 1 and rounds * each >= benign:
            raise ValueError(
                f"{rounds} rounds of {each} would remove all {benign} benign images: remove fewer, "
                "or a share of them (the presets that end in -scaled do)."
            )
        removable = min(max(benign - keep, 0), rounds * each)
        removed = [each] * (removable // each) + [removable % each] * (removable % each > 0)
        if self.until_ratio is not None and benign - sum(removed) > wished:
            left = benign - sum(removed)
            raise ValueError(
                f"{rounds} rounds of {each} leave {left} benign images, a balance ratio of "
                f"{malignant / left:.3f}, below the {self.until_ratio} that was asked for."
            )
        if not removed:
            raise ValueError(f"There are {benign} benign images and {keep} are to be kept: nothing to clean.")
        return removed

    def first(self, rounds):
        """The same plan, stopped after this many rounds."""
        return dataclasses.replace(self, rounds=rounds)

    @staticmethod
    def _rows(value, benign):
        return round(value * benign) if value < 1 else int(value)


# The benign training images of ISIC-merge and of ISIC-blur, and how many of them remain in the paper. Its
# five rounds of 6,000 are more than there are: here the last rounds remove only as many as leave the printed
# 2,045.
_MERGE, _MERGE_KEPT = 26_033, 2_045
_BLUR, _BLUR_KEPT = 52_066, 5_066

#: The two cleanings of Gilal et al. 2023, and the same in proportion to data of any size.
PRESETS = {
    "merge": CleaningPlan(5, 6_000, _MERGE_KEPT),
    "blur": CleaningPlan(4, 12_000, _BLUR_KEPT),
    "merge-scaled": CleaningPlan(5, 6_000 / _MERGE, _MERGE_KEPT / _MERGE),
    "blur-scaled": CleaningPlan(4, 12_000 / _BLUR, _BLUR_KEPT / _BLUR),
}
