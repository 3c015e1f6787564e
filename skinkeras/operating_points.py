"""The rules by which a threshold can be chosen, as a table: what `--operating-point` takes.

It imports nothing heavy, because settings are checked against it; `skinkeras.evaluation.choose_threshold`
applies it.
"""

import math
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class OperatingPoint:
    """A rule for the threshold above which an image is called malignant.

    Attributes:
        name: what `parse_operating_point` takes.
        kind: what `skinkeras.evaluation.choose_threshold` does with it.
        title: the rule in words, for cards and `--help`.
        value: the least sensitivity or specificity in 0..1, the cost ratio, or the threshold itself; None without
            one.
    """

    name: str
    kind: Literal["balanced_accuracy", "sensitivity", "specificity", "cost", "fixed"]
    title: str
    value: float | None = None

    @property
    def needs_validation(self) -> bool:
        """Whether the threshold is chosen on validation images."""
        return self.kind != "fixed"


def _sensitivity(percent: float) -> OperatingPoint:
    return OperatingPoint(
        f"sensitivity_{percent:g}",
        "sensitivity",
        f"highest specificity with a sensitivity of at least {percent:g} %",
        percent / 100,
    )


def _specificity(percent: float) -> OperatingPoint:
    return OperatingPoint(
        f"specificity_{percent:g}",
        "specificity",
        f"highest sensitivity with a specificity of at least {percent:g} %",
        percent / 100,
    )


def _cost(ratio: float) -> OperatingPoint:
    return OperatingPoint(
        f"cost_{ratio:g}", "cost", f"lowest cost if a miss costs {ratio:g} times a false alarm", ratio
    )


OPERATING_POINTS = {
    row.name: row
    for row in (
        OperatingPoint("balanced_accuracy", "balanced_accuracy", "highest balanced accuracy"),
        _sensitivity(95),
        _sensitivity(90),
        OperatingPoint("fixed_0.5", "fixed", "0.5, fixed in advance", 0.5),
    )
}

# Within these limits a name has neither an exponent nor a sign, which the contract of an app would refuse.
_PERCENTAGE = ("a percentage from 0.001 to 100", lambda value: 0.001 <= value <= 100)
# {prefix: (what the number may be, whether it is, the row)}
_FAMILIES = {
    "sensitivity": (*_PERCENTAGE, _sensitivity),
    "specificity": (*_PERCENTAGE, _specificity),
    "cost": ("a number from 0.001 to 100,000", lambda value: 0.001 <= value <= 100_000, _cost),
}


def parse_operating_point(name: str) -> OperatingPoint:
    """The rule called `name`.

    Args:
        name: a key of `OPERATING_POINTS`; `"sensitivity_N"` or `"specificity_N"` with another percentage N; or
            `"cost_R"`, where a missed malignant image costs R times a false alarm.

    Returns:
        Its `OperatingPoint`.

    Raises:
        ValueError: there is no such rule, or its number is out of range.

    Example:
        >>> parse_operating_point("cost_20").value
        20.0
    """
    if name in OPERATING_POINTS:
        return OPERATING_POINTS[name]
    prefix, _, number = str(name).partition("_")
    if prefix not in _FAMILIES:
        raise ValueError(
            f"There is no operating point {name!r}: choose {', '.join(OPERATING_POINTS)}, sensitivity_N, "
            "specificity_N or cost_R."
        )
    allowed, valid, row = _FAMILIES[prefix]
    try:
        value = float(number)
    except ValueError:
        value = math.nan
    if not valid(value):
        raise ValueError(f"The operating point {name!r} needs {allowed} behind {prefix + '_'!r}.")
    return row(value)
