"""Keras layers that are not in Keras: attention (CBAM), colour constancy, merging classes."""

from skinkeras.layers.cbam import CBAM, ChannelAttention, ChannelPooling, SpatialAttention
from skinkeras.layers.merge_classes import MergeClasses
from skinkeras.layers.shades_of_gray import ShadesOfGray

__all__ = ["CBAM", "ChannelAttention", "ChannelPooling", "MergeClasses", "ShadesOfGray", "SpatialAttention"]
