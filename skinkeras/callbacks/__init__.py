"""Callbacks that update the state of losses and optimizers, and make training resumable."""

from skinkeras.callbacks.curriculum_age import CurriculumAge
from skinkeras.callbacks.cyclical_adam import CyclicalAdam, CyclicalAdamW
from skinkeras.callbacks.one_cycle import OneCycle
from skinkeras.callbacks.recall_terms import RecallTerms
from skinkeras.callbacks.training_state import TrainingState

__all__ = ["CurriculumAge", "CyclicalAdam", "CyclicalAdamW", "OneCycle", "RecallTerms", "TrainingState"]
