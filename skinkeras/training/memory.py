"""Memory between one model and the next."""

import ctypes
import gc
import sys

import keras


def free_memory():
    """Frees every model that no variable holds any longer.

    A run trains one model after another in one process: what the last one needed must not be added to what
    the next one needs. TensorFlow keeps its large blocks for the next model; small ones go back to the
    system.
    """
    keras.backend.clear_session()
    gc.collect()
    if sys.platform == "linux":
        # By itself, GNU's allocator keeps what is freed below the top of its heaps.
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim:
            trim(0)
