"""Losses for imbalanced classes, and weightings of any loss. Focal loss is Keras' own,
`CategoricalFocalCrossentropy`."""

from skinkeras.losses.class_weighted import ClassWeighted
from skinkeras.losses.class_weights import class_balanced_weights, effective_number_weights
from skinkeras.losses.curriculum import Curriculum
from skinkeras.losses.diagnosis_recall import DiagnosisRecallCrossentropy
from skinkeras.losses.hierarchical import HierarchicalCrossentropy
from skinkeras.losses.inverse_frequency import InverseFrequencyCrossentropy
from skinkeras.losses.logit_adjusted import LogitAdjusted
from skinkeras.losses.recall import RecallCrossentropy

__all__ = [
    "ClassWeighted",
    "Curriculum",
    "DiagnosisRecallCrossentropy",
    "HierarchicalCrossentropy",
    "InverseFrequencyCrossentropy",
    "LogitAdjusted",
    "RecallCrossentropy",
    "class_balanced_weights",
    "effective_number_weights",
]
