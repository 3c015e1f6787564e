"""TensorFlow Lite files: conversion, embedded labels, verification, running and timing. Light to import: no
TensorFlow."""

from skinkeras.tflite.benchmark import Latency, benchmark
from skinkeras.tflite.convert import convert
from skinkeras.tflite.metadata import ModelInfo, add_metadata, read_labels
from skinkeras.tflite.runtime import Classifier
from skinkeras.tflite.verify import TOLERANCES, Report, Tolerances, VerificationError, check, verify

__all__ = [
    "TOLERANCES",
    "Classifier",
    "Latency",
    "ModelInfo",
    "Report",
    "Tolerances",
    "VerificationError",
    "add_metadata",
    "benchmark",
    "check",
    "convert",
    "read_labels",
    "verify",
]
