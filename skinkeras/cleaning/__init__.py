"""Iterative cleaning by loss ranking (Gilal et al. 2023): how much, the state of the rounds, the ranking."""

from skinkeras.cleaning.plan import PRESETS, CleaningPlan
from skinkeras.cleaning.ranking import example_losses, out_of_fold
from skinkeras.cleaning.rounds import CleaningError, CleaningRounds

__all__ = ["PRESETS", "CleaningError", "CleaningPlan", "CleaningRounds", "example_losses", "out_of_fold"]
