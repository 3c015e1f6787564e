"""Keras layers that are not in Keras: fused batch normalisation, merging fine classes into coarse ones."""

from skinkeras.layers.fused_batch_normalization import FusedBatchNormalization
from skinkeras.layers.merge_classes import MergeClasses

__all__ = ["FusedBatchNormalization", "MergeClasses"]
