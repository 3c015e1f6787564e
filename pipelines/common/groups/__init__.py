"""The groups of settings that jobs are made of: each checks itself, says on a card what it chose, and is shown by
`--help` as a group of flags.

Light to import: what is refused here is refused before TensorFlow is loaded. A field's text is its help: one line.
"""

from pipelines.common.groups.decisions import OFFERED, CalibrationOptions, DecisionOptions
from pipelines.common.groups.fields import Count, Name, Number, Place
from pipelines.common.groups.images import (
    BinaryDataOptions,
    DataOptions,
    DiagnosisDataOptions,
    ExternalDataOptions,
    ImageOptions,
)
from pipelines.common.groups.losses import BinaryLossOptions, DiagnosisLossOptions, LossOptions
from pipelines.common.groups.networks import ModelOptions, RankingModelOptions
from pipelines.common.groups.output import FolderOptions, OutputOptions
from pipelines.common.groups.training import MAX_SEED, RankingOptions, TrainingOptions
from pipelines.common.groups.training_sets import CleaningOptions, OversamplingOptions

__all__ = [
    "MAX_SEED",
    "OFFERED",
    "BinaryDataOptions",
    "BinaryLossOptions",
    "CalibrationOptions",
    "CleaningOptions",
    "Count",
    "DataOptions",
    "DecisionOptions",
    "DiagnosisDataOptions",
    "DiagnosisLossOptions",
    "ExternalDataOptions",
    "FolderOptions",
    "ImageOptions",
    "LossOptions",
    "ModelOptions",
    "Name",
    "Number",
    "OutputOptions",
    "OversamplingOptions",
    "Place",
    "RankingModelOptions",
    "RankingOptions",
    "TrainingOptions",
]
