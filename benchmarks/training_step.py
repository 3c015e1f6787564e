"""Training time that RecallCrossentropy and RecallTerms add to plain cross-entropy.

    python benchmarks/training_step.py [--size 128] [--rounds 7]

Two identical models are trained in turn, a few steps of each per round, on random pixels (their values do not
change the time). The figure is the median over the rounds of the ratio of their times.
"""

import argparse
import statistics
import time

import keras
import numpy as np

from skinkeras import callbacks, losses, models

BATCH, STEPS = 32, 8


def trainer(size, loss, extra):
    """A function that trains for a round and returns its seconds."""
    model = models.create("efficientnet_lite0", 2, input_size=size, weights="none")
    model.compile(optimizer=callbacks.CyclicalAdam(), loss=loss, jit_compile=False)
    generator = np.random.default_rng(0)
    images = generator.uniform(0, 255, (BATCH * STEPS, size, size, 3)).astype("float32")
    labels = np.eye(2, dtype="float32")[generator.integers(0, 2, BATCH * STEPS)]

    def train():
        started = time.perf_counter()
        model.fit(images, labels, batch_size=BATCH, verbose=0, shuffle=False, callbacks=list(extra))
        return time.perf_counter() - started

    train()  # tracing
    return train


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    plain = trainer(options.size, keras.losses.CategoricalCrossentropy(), ())
    loss = losses.RecallCrossentropy(gamma=10)
    recall = trainer(options.size, loss, [callbacks.RecallTerms(loss)])
    pairs = []
    for number in range(options.rounds):
        # Alternating the order keeps either from always running on a processor that the other has heated up.
        order = (plain, recall) if number % 2 else (recall, plain)
        seconds = {train: train() for train in order}
        pairs.append((seconds[plain], seconds[recall]))
    images = BATCH * STEPS
    for name, place in (("cross-entropy", 0), ("recall cross-entropy and its terms", 1)):
        print(f"{name}: {statistics.median(images / pair[place] for pair in pairs):.1f} images/s")
    ratios = [recall / plain for plain, recall in pairs]
    low, middle, high = min(ratios) - 1, statistics.median(ratios) - 1, max(ratios) - 1
    print(f"overhead: {middle:+.1%} (rounds from {low:+.1%} to {high:+.1%})")


if __name__ == "__main__":
    main()
