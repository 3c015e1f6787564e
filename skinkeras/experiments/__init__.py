"""The papers' experiments by name, as settings of a job: `get("gilal2023/b2_blur_rcel").settings`.

    python -m pipelines.binary --experiment gilal2023/b2_blur_rcel --data-dir DIR

trains one, and a grid of `pipelines/sweeps/` all whose names match: `experiments: [gilal2023/b2_*]`. Needs no Keras.
"""

from skinkeras.experiments.catalog import EXPERIMENTS, Experiment, get, names

__all__ = ["EXPERIMENTS", "Experiment", "get", "names"]
