"""Keras layers that are not in Keras: merging fine classes into coarse ones."""

from skinkeras.layers.merge_classes import MergeClasses

__all__ = ["MergeClasses"]
