"""The groups of settings that say how probabilities are calibrated, and how they become decisions."""

from dataclasses import dataclass
from typing import Annotated, Literal

from tyro.conf import arg

from pipelines.common.groups.fields import Number
from pipelines.common.options import Options
from skinkeras.operating_points import OPERATING_POINTS, parse_operating_point

#: Chosen and measured of every binary model, beside the one that is asked for.
OFFERED = tuple(name for name, row in OPERATING_POINTS.items() if row.needs_validation)

_HOW = {
    "none": "none",
    "temperature": "temperature, fitted on the validation images",
    "temperature_and_bias": "temperature and bias, fitted on the validation images",
}


@dataclass(frozen=True)
class CalibrationOptions(Options):
    """How the probabilities are calibrated."""

    calibration: Literal[tuple(_HOW)] = "temperature"
    """Fitted on the validation images and folded into the last layer. A bias can change which class is likeliest."""

    @property
    def prevalence(self):
        """None: the share of malignant images stays that of the validation images."""
        return None

    def facts(self):
        """{setting in words: value}, for the card."""
        return {"calibration": _HOW[self.calibration]}


@dataclass(frozen=True)
class DecisionOptions(Options):
    """How the probabilities are calibrated, and how they become decisions."""

    calibration: Literal[tuple(_HOW)] = "temperature_and_bias"
    """Fitted on the validation images and folded into the last layer, so that every file and app has it."""
    prevalence: Number = None
    """Share of malignant images where the model will be used; by default that of the validation images."""
    operating_point: Annotated[str, arg(metavar="NAME")] = "balanced_accuracy"
    """balanced_accuracy, sensitivity_N, specificity_N (percent), cost_R (a miss costs R false alarms), fixed_0.5."""
    not_sure: Number = 0.1
    """Share of each class that may be taken for the other outside the "not sure" band; 0: no band."""

    def check(self):
        try:
            parse_operating_point(self.operating_point)
        except ValueError as error:
            raise ValueError(f"--operating-point: {error}") from error
        if self.prevalence is not None and not 1e-6 <= self.prevalence <= 1 - 1e-6:
            raise ValueError(f"--prevalence must be above 0 and below 1. Received: {self.prevalence}")
        if self.prevalence is not None and self.calibration != "temperature_and_bias":
            raise ValueError("--prevalence needs --calibration temperature_and_bias: it changes the bias.")
        if self.not_sure is None or not (self.not_sure == 0 or 0.001 <= self.not_sure <= 0.45):
            raise ValueError(f"--not-sure must be 0, or from 0.001 to 0.45. Received: {self.not_sure}")

    @property
    def points(self):
        """The names of the operating points that are chosen, the one that is asked for first."""
        # However its number was written: "cost_20.0" is called cost_20.
        return tuple(dict.fromkeys((parse_operating_point(self.operating_point).name, *OFFERED)))

    def facts(self):
        """{setting in words: value}, for the card."""
        how = _HOW[self.calibration]
        if self.prevalence is not None:
            how += f", shifted to a prevalence of {self.prevalence:g}"
        return {"calibration": how, "operating point": parse_operating_point(self.operating_point).title}
