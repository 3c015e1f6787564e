"""Memory between one model and the next."""

import ctypes
import gc
import sys

import keras


def give_back_memory():
    """Frees every model that no variable holds any longer, back to the system where that can be asked.

    A run trains one model after another in one process: what the last one needed must not be added to
    what the next one needs.
    """
    keras.backend.clear_session()
    gc.collect()
    if sys.platform == "linux":
        # GNU's allocator keeps what is freed below the top of its heaps, which after training is most of it.
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim:
            trim(0)
