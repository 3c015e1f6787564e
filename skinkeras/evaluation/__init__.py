"""What a trained model does on images that it has not seen: metrics, operating point, figures, model card."""

from skinkeras.evaluation import plots, sweep_plots
from skinkeras.evaluation.bootstrap import Estimate, estimate, paired_bootstrap
from skinkeras.evaluation.card import KNOWN_LIMITS, DataFacts, ModelFacts, VariantFacts, model_card
from skinkeras.evaluation.metrics import BinaryMetrics, binary_metrics, expected_calibration_error
from skinkeras.evaluation.operating_point import choose_threshold, sensitivity_at_specificity

__all__ = [
    "KNOWN_LIMITS",
    "BinaryMetrics",
    "DataFacts",
    "Estimate",
    "ModelFacts",
    "VariantFacts",
    "binary_metrics",
    "choose_threshold",
    "estimate",
    "expected_calibration_error",
    "model_card",
    "paired_bootstrap",
    "plots",
    "sensitivity_at_specificity",
    "sweep_plots",
]
