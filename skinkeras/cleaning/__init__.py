"""Iterative cleaning by loss ranking (Gilal et al. 2023): how much, the state of the rounds, the ranking.

pandas and scikit-learn are imported with the first round; the plans do without.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "plan": ["PRESETS", "CleaningPlan"],
        "ranking": ["example_losses", "out_of_fold"],
        "rounds": ["CleaningError", "CleaningRounds"],
    },
)
