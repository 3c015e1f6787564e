"""Losses for imbalanced classes, and weightings of any loss. Focal loss is Keras' own,
`CategoricalFocalCrossentropy`.

Keras is imported with the first loss that is used; the tables of losses and weightings do without.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "catalog": [
            "LOSSES",
            "PARAMETERS",
            "WEIGHTINGS",
            "Loss",
            "LossContext",
            "Parameter",
            "SampleWeighting",
            "build",
            "check_parameters",
            "effective_parameters",
            "probability_limits",
        ],
        "checks": ["check_focal_delta", "check_gamma"],
        "class_weighted": ["ClassWeighted"],
        "class_weights": ["class_balanced_weights", "effective_number_weights"],
        "curriculum": ["Curriculum"],
        "diagnosis_recall": ["DiagnosisRecallCrossentropy"],
        "hierarchical": ["HierarchicalCrossentropy"],
        "inverse_frequency": ["InverseFrequencyCrossentropy"],
        "logit_adjusted": ["LogitAdjusted"],
        "recall": ["RecallCrossentropy"],
    },
)
