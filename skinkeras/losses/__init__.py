"""Losses for imbalanced classes. Focal loss is Keras' own, `CategoricalFocalCrossentropy`."""

from skinkeras.losses.diagnosis_recall import DiagnosisRecallCrossentropy
from skinkeras.losses.inverse_frequency import InverseFrequencyCrossentropy
from skinkeras.losses.recall import RecallCrossentropy

__all__ = ["DiagnosisRecallCrossentropy", "InverseFrequencyCrossentropy", "RecallCrossentropy"]
