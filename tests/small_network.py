"""Stands in for EfficientNet-Lite0 in tests of whole jobs: 7 blocks, not 16, and a third as wide.

Most of a short job is the tracing of its graphs."""

from skinkeras import models

SMALL = models.Architecture("lite", 0.35, 0.3, 64, 0.2)
