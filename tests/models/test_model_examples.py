"""Examples in docstrings of the models' modules run."""

import doctest
import importlib

import keras
import numpy as np
import pytest
import tensorflow as tf

from skinkeras import experiments, models
from skinkeras.experiments import catalog

QUICK = ("skinkeras.models.backbones", "skinkeras.models.preprocessor", "skinkeras.models.preset_table")
SLOW = ("skinkeras.models.image_classifier", "skinkeras.models.released")
MODULES = [
    *QUICK,
    "skinkeras.images.preparation",
    *(pytest.param(name, marks=pytest.mark.slow) for name in SLOW),
]


@pytest.mark.parametrize("name", MODULES)
def test_examples_of_the_models_run(name):
    module = importlib.import_module(name)
    names = {"keras": keras, "np": np, "tf": tf, "models": models}
    names |= {public: getattr(models, public) for public in ("ImageClassifier", "Preprocessor", "backbone")}
    failed, tried = doctest.testmod(module, extraglobs=names)
    assert tried and not failed


def test_examples_of_the_experiments_run():
    failed, tried = doctest.testmod(catalog, extraglobs={"experiments": experiments})
    assert tried and not failed
