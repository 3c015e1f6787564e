"""TensorFlow Lite files: conversion, embedded labels, verification, running and timing. Light to import: no
TensorFlow."""

from skinkeras.tflite.benchmark import Comparison, Latency, benchmark, compare
from skinkeras.tflite.contract import (
    SCHEMA_VERSION,
    decide,
    find_contract,
    geometry_of,
    read_contract,
    threshold_of,
)
from skinkeras.tflite.convert import convert
from skinkeras.tflite.golden import GOLDEN_TOLERANCE, golden, golden_images
from skinkeras.tflite.metadata import Metadata, ModelInfo, add_metadata, read_labels, read_metadata
from skinkeras.tflite.release import models_table, release_faults, with_models_table
from skinkeras.tflite.runtime import Classifier, ImageError, ImageInput
from skinkeras.tflite.verify import (
    TOLERANCES,
    Report,
    Tolerances,
    VerificationError,
    check,
    tolerances_of,
    verify,
)

__all__ = [
    "GOLDEN_TOLERANCE",
    "SCHEMA_VERSION",
    "TOLERANCES",
    "Classifier",
    "Comparison",
    "ImageError",
    "ImageInput",
    "Latency",
    "Metadata",
    "ModelInfo",
    "Report",
    "Tolerances",
    "VerificationError",
    "add_metadata",
    "benchmark",
    "check",
    "compare",
    "convert",
    "decide",
    "find_contract",
    "geometry_of",
    "golden",
    "golden_images",
    "models_table",
    "read_contract",
    "read_labels",
    "read_metadata",
    "release_faults",
    "threshold_of",
    "tolerances_of",
    "verify",
    "with_models_table",
]
