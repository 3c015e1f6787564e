"""Python imports this in every process that has this folder on its PYTHONPATH: the jobs that tests start take
a small network for EfficientNet-Lite0, and draw 160 pictures, not 800."""

import sys

if any(word.startswith("pipelines.") for word in sys.orig_argv):  # not what they start, which need no Keras
    from small_network import SMALL

    from pipelines.common import data
    from skinkeras import models

    models.ARCHITECTURES["efficientnet_lite0"] = SMALL
    data._SYNTHETIC_PICTURES = 160
