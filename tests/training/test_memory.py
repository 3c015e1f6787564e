"""Memory is free again after a training."""

import resource
import sys
import weakref

import keras
import numpy as np
import pytest

from skinkeras.training import free_memory


def trained_and_forgotten():
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
    model.compile("adam", "mse")
    model.fit(np.ones((8, 4)), np.ones((8, 2)), verbose=0)
    return weakref.ref(model)


def test_a_trained_model_is_gone():
    reference = trained_and_forgotten()
    free_memory()
    assert reference() is None


def resident_mb():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize() / 1e6


@pytest.mark.skipif(sys.platform != "linux", reason="other systems' allocators are not asked for anything")
def test_freed_memory_goes_back_to_the_system():
    # Too small each for the allocator to map singly; the last one stays and holds the heap's top.
    blocks = [np.ones(8_000) for _ in range(3_000)]
    last = blocks.pop()
    del blocks
    before = resident_mb()
    free_memory()
    assert before - resident_mb() > 100
    assert last[0] == 1
