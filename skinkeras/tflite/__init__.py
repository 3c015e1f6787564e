"""TensorFlow Lite files: conversion, embedded labels, verification, running and timing. Light to import: no
TensorFlow."""

from skinkeras.tflite.benchmark import Latency, benchmark
from skinkeras.tflite.contract import SCHEMA_VERSION, decide, find_contract, read_contract
from skinkeras.tflite.convert import convert
from skinkeras.tflite.metadata import ModelInfo, add_metadata, read_labels
from skinkeras.tflite.runtime import Classifier, Picture, PictureError
from skinkeras.tflite.verify import TOLERANCES, Report, Tolerances, VerificationError, check, verify

__all__ = [
    "SCHEMA_VERSION",
    "TOLERANCES",
    "Classifier",
    "Latency",
    "ModelInfo",
    "Picture",
    "PictureError",
    "Report",
    "Tolerances",
    "VerificationError",
    "add_metadata",
    "benchmark",
    "check",
    "convert",
    "decide",
    "find_contract",
    "read_contract",
    "read_labels",
    "verify",
]
