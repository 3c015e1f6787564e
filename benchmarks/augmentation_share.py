"""What share of a training step the augmentation takes, by processor time.

    python benchmarks/augmentation_share.py [--model efficientnet_lite0] [--size 96 160 224] [--rounds 5]

The step is that of a run from pretrained weights: batches of 32, all layers but batch normalization, recall
cross-entropy, operations in a fixed order. Each round reads the same batches without and with each augmentation and
then trains on them, in one process; printed are the medians of the rounds' shares. Processor time is what other
processes disturb least; the values of the pixels do not change it.
"""

import argparse
import statistics
import time

import keras
import numpy as np

from skinkeras import callbacks, inputs, losses, models, training
from skinkeras.training.phases import unfreeze

BATCH, STEPS = 32, 4
# More of them, because beginning to read takes time that a run spends once.
READ = 32


class Noise:
    """Decoded images of random pixels."""

    def __init__(self, size):
        self._images = np.random.default_rng(0).integers(0, 256, (BATCH, size, size, 3), np.uint8)
        self.shape = (BATCH * READ, size, size, 3)

    def read(self, rows):
        """The images of these rows."""
        return self._images[np.asarray(rows) % BATCH]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="efficientnet_lite0")
    parser.add_argument("--size", type=int, nargs="+", default=[96, 160, 224])
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    training.compute_in_order()
    for size in options.size:
        measure(options.model, size, options.rounds)
        keras.backend.clear_session()


def measure(name, size, rounds):
    """Prints one size's line for each augmentation."""
    images, rows = Noise(size), np.arange(BATCH * READ)
    labels = np.eye(2, dtype="float32")[rows % 2]

    def batches(key):
        augmentation = inputs.AUGMENTATIONS[key].build() if key else None
        return inputs.training_dataset(images, rows, labels, BATCH, 0, 1, augmentation=augmentation)

    plain, augmented = batches(None), {key: batches(key) for key in inputs.AUGMENTATIONS}
    model = models.create(name, 2, input_size=size, weights="none")
    unfreeze(model, "imagenet")
    model.compile(callbacks.CyclicalAdam(), losses.RecallCrossentropy(gamma=10), jit_compile=False)

    def train():
        model.fit(plain, steps_per_epoch=STEPS, verbose=0)

    milliseconds(train, STEPS)  # tracing
    found = {key: [] for key in augmented}
    for _ in range(rounds):
        reading, step = milliseconds(lambda: read(plain), READ), milliseconds(train, STEPS)
        for key, dataset in augmented.items():
            cost = milliseconds(lambda dataset=dataset: read(dataset), READ) - reading
            found[key].append((cost / (cost + step), cost, step))
    for key, figures in found.items():
        share, cost, step = (statistics.median(column) for column in zip(*figures, strict=True))
        print(
            f"{name}, {size} px, {key}: {share:.1%} ({cost:.1f} ms a batch, the step without it {step:.0f} ms)"
        )


def read(dataset):
    for _ in dataset:
        pass


def milliseconds(work, batches):
    """Processor time for a batch."""
    started = time.process_time()
    work()
    return 1000 * (time.process_time() - started) / batches


if __name__ == "__main__":
    main()
