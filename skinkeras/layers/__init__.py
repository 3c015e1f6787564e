"""Keras layers that are not in Keras: attention (CBAM), colour constancy, merging and spreading classes."""

from skinkeras.layers.cbam import CBAM, ChannelAttention, ChannelPooling, SpatialAttention
from skinkeras.layers.merge_classes import MergeClasses
from skinkeras.layers.shades_of_gray import ShadesOfGray
from skinkeras.layers.spread_classes import SpreadClasses

__all__ = [
    "CBAM",
    "ChannelAttention",
    "ChannelPooling",
    "MergeClasses",
    "ShadesOfGray",
    "SpatialAttention",
    "SpreadClasses",
]
