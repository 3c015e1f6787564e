"""The runnable jobs: `python -m pipelines.binary`, one module a job."""

import os

# TensorFlow and XLA write dozens of lines about CPU features before a job prints its first one.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("GRPC_VERBOSITY", "ERROR")
