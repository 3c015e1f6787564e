"""Keras layers that are not in Keras: attention (CBAM), merging classes."""

from skinkeras.layers.cbam import CBAM, ChannelAttention, ChannelPooling, SpatialAttention
from skinkeras.layers.merge_classes import MergeClasses

__all__ = ["CBAM", "ChannelAttention", "ChannelPooling", "MergeClasses", "SpatialAttention"]
