"""Evaluation on images that a model has not seen: metrics, operating point, reliability, figures."""

from skinkeras.evaluation import plots
from skinkeras.evaluation.bootstrap import Estimate, estimate, paired_bootstrap
from skinkeras.evaluation.forms import ModelForm, probabilities
from skinkeras.evaluation.metrics import BinaryMetrics, binary_metrics, expected_calibration_error
from skinkeras.evaluation.multiclass import MulticlassMetrics, level_metrics, multiclass_metrics
from skinkeras.evaluation.multiclass_bootstrap import paired_multiclass_bootstrap
from skinkeras.evaluation.operating_point import choose_threshold, sensitivity_at_specificity
from skinkeras.evaluation.reliability import ReliabilityBin, reliability
from skinkeras.evaluation.submission import is_isic_challenge, isic_submission

__all__ = [
    "BinaryMetrics",
    "Estimate",
    "ModelForm",
    "MulticlassMetrics",
    "ReliabilityBin",
    "binary_metrics",
    "choose_threshold",
    "estimate",
    "expected_calibration_error",
    "is_isic_challenge",
    "isic_submission",
    "level_metrics",
    "multiclass_metrics",
    "paired_bootstrap",
    "paired_multiclass_bootstrap",
    "plots",
    "probabilities",
    "reliability",
    "sensitivity_at_specificity",
]
