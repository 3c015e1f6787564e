"""Reads the models of a run back."""

import keras

from skinkeras import layers as _layers  # noqa: F401  registers the layers that a file may hold
from skinkeras import training
from skinkeras.errors import DamagedFileError


def load_models(folder):
    """The float and the quantization-aware model as saved (None where there is none), after the memory of whatever
    was trained before has been freed.

    Read back even if they have just been trained: a resumed run must go on from the same thing.

    Raises:
        DamagedFileError: a file is none of Keras'.
    """
    training.free_memory()
    paths = (folder.file("model.keras"), folder.file("model_qat.keras"))
    return [_loaded(path) if path.exists() else None for path in paths]


def _loaded(path):
    try:
        return keras.models.load_model(path, compile=False)
    except Exception as error:  # whatever a damaged file breaks first
        raise DamagedFileError(
            f"{path} cannot be loaded as a Keras model: delete it and resume, to make it again."
        ) from error
