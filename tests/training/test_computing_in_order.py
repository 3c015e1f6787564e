import subprocess
import sys

import pytest
from processes import SURROUNDINGS

# Batch normalization that learns: the gradients of its mean, its variance and its output meet in sums of three.
_TRAINS_AGAIN_AND_AGAIN = """
import keras, numpy as np
from skinkeras import models, training
training.compute_in_order()
draw = np.random.default_rng(0)
images, labels = draw.uniform(0, 255, (48, 96, 96, 3)).astype("float32"), np.eye(2)[draw.integers(0, 2, 48)]
def weights():
    training.free_memory()
    keras.utils.set_random_seed(1)
    model = models.create("efficientnet_lite0", 2, input_size=96, weights="none")
    model.compile(keras.optimizers.SGD(0.01, 0.9), "categorical_crossentropy", jit_compile=False)
    for batch in np.split(np.arange(48), 3):
        model.fit(images[batch], labels[batch], batch_size=16, shuffle=False, verbose=0)
    return b"".join(weight.tobytes() for weight in model.get_weights())
print("different:", len({weights() for _ in range(4)}))
"""


@pytest.mark.long
def test_a_network_that_learns_its_statistics_is_trained_to_the_same_bits_every_time():
    """Without `compute_in_order`, several of four trainings differed in their last bits within three steps."""
    command = [sys.executable, "-c", _TRAINS_AGAIN_AND_AGAIN]
    done = subprocess.run(command, capture_output=True, text=True, check=False, **SURROUNDINGS)
    assert "different: 1" in done.stdout, done.stdout + done.stderr
