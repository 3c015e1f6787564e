"""The settings of Keras that skinkeras needs."""

import json
import os
import sys
from pathlib import Path

from skinkeras.errors import UsageError

_NEEDED = {"backend": "tensorflow", "image_data_format": "channels_last", "floatx": "float32"}


def check_keras_settings():
    """Checks that Keras computes as the models here expect, before it is imported if possible.

    Models are built, saved and exported in TensorFlow, channels last and in float32. Keras takes other
    settings from the environment (`KERAS_BACKEND`) and from the user's `keras.json`, for all programs.

    Raises:
        skinkeras.errors.UsageError: another backend, image data format or float type; the sentence says where
            it is set.
    """
    settings = _settings_in_use() if "keras" in sys.modules else _settings_to_come()
    for name, needed in _NEEDED.items():
        value, origin = settings[name]
        if value != needed:
            raise UsageError(
                f"Keras is set to {name}={value} in {origin}; skinkeras needs {needed}: change it."
            )


def _settings_in_use():
    config = sys.modules["keras"].config
    return {name: (getattr(config, name)(), "this process") for name in _NEEDED}


def _settings_to_come():
    path = Path(os.environ.get("KERAS_HOME", Path.home() / ".keras")) / "keras.json"
    try:
        in_file = json.loads(path.read_text())
    except (OSError, ValueError):  # Keras then takes its defaults, which are those that are needed
        in_file = {}
    settings = {name: (in_file.get(name, needed), path) for name, needed in _NEEDED.items()}
    if os.environ.get("KERAS_BACKEND"):
        settings["backend"] = (os.environ["KERAS_BACKEND"], "the environment variable KERAS_BACKEND")
    return settings
