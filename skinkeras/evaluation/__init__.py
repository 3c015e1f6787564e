"""What a trained model does on images that it has not seen: metrics, operating point, figures, model card."""

from skinkeras.evaluation import multiclass_plots, plots, sweep_plots
from skinkeras.evaluation.bootstrap import Estimate, estimate, paired_bootstrap
from skinkeras.evaluation.card import (
    BINARY_LIMITS,
    KNOWN_LIMITS,
    DataFacts,
    ModelFacts,
    VariantFacts,
    model_card,
)
from skinkeras.evaluation.examples import hard_and_easy
from skinkeras.evaluation.metrics import BinaryMetrics, binary_metrics, expected_calibration_error
from skinkeras.evaluation.multiclass import MulticlassMetrics, level_metrics, multiclass_metrics
from skinkeras.evaluation.multiclass_bootstrap import paired_multiclass_bootstrap
from skinkeras.evaluation.operating_point import choose_threshold, sensitivity_at_specificity
from skinkeras.evaluation.reliability import ReliabilityBin, reliability
from skinkeras.evaluation.submission import isic_submission

__all__ = [
    "BINARY_LIMITS",
    "KNOWN_LIMITS",
    "BinaryMetrics",
    "DataFacts",
    "Estimate",
    "ModelFacts",
    "MulticlassMetrics",
    "ReliabilityBin",
    "VariantFacts",
    "binary_metrics",
    "choose_threshold",
    "estimate",
    "expected_calibration_error",
    "hard_and_easy",
    "isic_submission",
    "level_metrics",
    "model_card",
    "multiclass_metrics",
    "multiclass_plots",
    "paired_bootstrap",
    "paired_multiclass_bootstrap",
    "plots",
    "reliability",
    "sensitivity_at_specificity",
    "sweep_plots",
]
