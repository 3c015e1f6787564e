"""The groups that change the training images: oversampling and cleaning."""

import dataclasses
from dataclasses import dataclass
from typing import Annotated, Literal

from tyro.conf import arg

from pipelines.common.groups.fields import Count, Name, Number, Place
from pipelines.common.options import Options
from skinkeras import cleaning, inputs, models


@dataclass(frozen=True)
class OversamplingOptions(Options):
    """Training images in several variants (Gilal et al. 2023)."""

    oversample: Literal[tuple(inputs.OVERSAMPLING)] = "none"
    """"g23": benign images twice, malignant four times, blurred; -separate, -barrel ...: beyond the paper."""
    blur_strength: Annotated[tuple[float, float] | None, arg(metavar="LOW HIGH", help_behavior_hint="")] = (
        None
    )
    """Lowest and highest strength of the radial blur; by default the paper's, 0.005 and 0.02."""
    materialise: Place = None
    """Also write every variant of the training images into this folder, to look at."""

    def check(self):
        if self.blur_strength is not None and self.oversample == "none":
            raise ValueError("--blur-strength needs --oversample: without variants nothing is blurred.")
        try:
            _ = self.policy
        except ValueError as error:
            raise ValueError(f"--blur-strength: {error}") from error

    def facts(self):
        """{setting in words: value}, for the card."""
        return {"oversampling": self.oversample}

    @property
    def policy(self):
        """The `inputs.Oversampling` that is asked for."""
        policy = inputs.OVERSAMPLING[self.oversample]
        if self.blur_strength is None:
            return policy
        return dataclasses.replace(policy, rho=tuple(self.blur_strength))


@dataclass(frozen=True)
class CleaningOptions(Options):
    """Removal of benign training images by loss ranking (Gilal et al. 2023)."""

    clean: Literal[("none", *cleaning.PRESETS, "custom")] = "none"
    """Which rounds: a preset of the paper, the same -scaled to the size of the data, or "custom"."""
    clean_rounds: Count = None
    """Number of rounds; of a preset, its first ones."""
    clean_remove: Number = None
    """Benign training images that a custom round removes (variants count singly); below 1, a share."""
    clean_until_ratio: Number = None
    """Stop a custom cleaning at this ratio of malignant to benign images."""
    clean_model: Name = None
    """Architecture that ranks; by default --model."""
    clean_epochs: int = 4
    """Epochs of each round's model, which starts from the pretrained weights."""
    clean_folds: int = 0
    """Rank each image by one of so many models that was not trained on it; 0: by one trained on all, as the paper."""
    clean_dir: Place = None
    """Where the rounds are kept, to be shared by several runs; by default in the run's folder."""

    def check(self):
        self.at_least(clean_epochs=1, clean_rounds=1)
        if self.clean_folds == 1 or self.clean_folds < 0 or self.clean_folds > 1000:
            raise ValueError(f"--clean-folds must be 0, or 2 to 1000. Received: {self.clean_folds}")
        self.between("clean_until_ratio", 1e-6, 1e6)
        if self.clean_remove is not None and not 1e-9 <= self.clean_remove < 1e12:
            raise ValueError(
                "--clean-remove must be a number of rows, or a share of them below 1. "
                f"Received: {self.clean_remove}"
            )
        if self.clean_model is not None:
            models.architecture(self.clean_model)
        _ = self.plan

    def facts(self):
        """{setting in words: value}, for the card."""
        if self.clean == "none":
            return {"cleaning": "none"}
        how = f"out of {self.clean_folds} folds" if self.clean_folds else "by one model"
        rounds = "" if self.clean_rounds is None else f", {self.clean_rounds} rounds"
        return {"cleaning": f"{self.clean}{rounds}, ranked {how}"}

    @property
    def plan(self):
        """The `cleaning.CleaningPlan` that is asked for, or None."""
        custom = {"--clean-remove": self.clean_remove, "--clean-until-ratio": self.clean_until_ratio}
        if self.clean == "custom":
            if self.clean_remove is None:
                raise ValueError("--clean custom needs --clean-remove: how many images a round removes.")
            return cleaning.CleaningPlan(
                self.clean_rounds, self.clean_remove, until_ratio=self.clean_until_ratio
            )
        given = [name for name, value in custom.items() if value is not None]
        if given:
            raise ValueError(f"{given[0]} goes with --clean custom. Received: --clean {self.clean}")
        if self.clean == "none":
            if self.clean_rounds is not None or self.clean_dir is not None:
                raise ValueError("--clean-rounds and --clean-dir need --clean: say which cleaning.")
            return None
        plan = cleaning.PRESETS[self.clean]
        if self.clean_rounds is None:
            return plan
        if self.clean_rounds > plan.rounds:
            raise ValueError(f"--clean {self.clean} has {plan.rounds} rounds. Received: {self.clean_rounds}")
        return plan.first(self.clean_rounds)
