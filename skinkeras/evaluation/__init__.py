"""Evaluation on images that a model has not seen: metrics, operating point, reliability, figures."""

from skinkeras.evaluation import evidence_plots, plots
from skinkeras.evaluation.abstention import abstention_band, abstention_metrics
from skinkeras.evaluation.baselines import (
    BaselineImages,
    binary_baselines,
    file_sizes,
    image_features,
    source_scores,
)
from skinkeras.evaluation.bootstrap import Estimate, estimate, group_codes, group_draws
from skinkeras.evaluation.calibration import (
    Calibration,
    calibration_metrics,
    fit_calibration,
    prevalence_shift,
    shift_prevalence,
)
from skinkeras.evaluation.corruptions import CORRUPTIONS, Corruption, corrupt
from skinkeras.evaluation.decision_curve import confusion_by_diagnosis, net_benefit, precision_recall
from skinkeras.evaluation.evidence import (
    binary_details,
    binary_evidence,
    multiclass_summary,
)
from skinkeras.evaluation.forms import ModelForm, probabilities
from skinkeras.evaluation.intervals import clustered_wilson, wilson
from skinkeras.evaluation.metrics import BinaryMetrics, binary_metrics, expected_calibration_error
from skinkeras.evaluation.multiclass import MulticlassMetrics, level_metrics, multiclass_metrics
from skinkeras.evaluation.multiclass_bootstrap import decisions, paired_multiclass_bootstrap
from skinkeras.evaluation.paired import paired_bootstrap
from skinkeras.evaluation.reliability import ReliabilityBin, reliability
from skinkeras.evaluation.robustness import measured_robustness
from skinkeras.evaluation.robustness_plots import robustness_plot
from skinkeras.evaluation.slices import age_bands, binary_slices, multiclass_slices, worst_slice
from skinkeras.evaluation.strata import binary_strata, known_sources, multiclass_strata
from skinkeras.evaluation.submission import is_isic_challenge, isic_submission
from skinkeras.evaluation.thresholds import (
    choose_threshold,
    measured_point,
    operating_points,
    sensitivity_at,
    sensitivity_at_specificity,
)

__all__ = [
    "CORRUPTIONS",
    "BaselineImages",
    "BinaryMetrics",
    "Calibration",
    "Corruption",
    "Estimate",
    "ModelForm",
    "MulticlassMetrics",
    "ReliabilityBin",
    "abstention_band",
    "abstention_metrics",
    "age_bands",
    "binary_baselines",
    "binary_details",
    "binary_evidence",
    "binary_metrics",
    "binary_slices",
    "binary_strata",
    "calibration_metrics",
    "choose_threshold",
    "clustered_wilson",
    "confusion_by_diagnosis",
    "corrupt",
    "decisions",
    "estimate",
    "evidence_plots",
    "expected_calibration_error",
    "file_sizes",
    "fit_calibration",
    "group_codes",
    "group_draws",
    "image_features",
    "is_isic_challenge",
    "isic_submission",
    "known_sources",
    "level_metrics",
    "measured_point",
    "measured_robustness",
    "multiclass_metrics",
    "multiclass_slices",
    "multiclass_strata",
    "multiclass_summary",
    "net_benefit",
    "operating_points",
    "paired_bootstrap",
    "paired_multiclass_bootstrap",
    "plots",
    "precision_recall",
    "prevalence_shift",
    "probabilities",
    "reliability",
    "robustness_plot",
    "sensitivity_at",
    "sensitivity_at_specificity",
    "shift_prevalence",
    "source_scores",
    "wilson",
    "worst_slice",
]
