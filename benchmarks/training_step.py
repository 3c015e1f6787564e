"""What parts of a training step cost, each against its plain counterpart.

    python benchmarks/training_step.py [--size 128] [--rounds 7]

- RecallCrossentropy and RecallTerms against Keras' cross-entropy;
- FusedBatchNormalization against Keras' batch normalisation.

Models that differ in that alone are trained in turn, a few steps each a round, on random pixels (their values
do not change the work). A figure is the median over the rounds of the ratio of their times.
"""

import argparse
import statistics
import time

import keras
import numpy as np

from skinkeras import callbacks, layers, losses, models

BATCH, STEPS = 32, 8


def trainer(model, loss, extra=()):
    """A function that trains for a round and returns its seconds."""
    model.compile(optimizer=callbacks.CyclicalAdam(), loss=loss, jit_compile=False)
    generator = np.random.default_rng(0)
    images = generator.uniform(0, 255, (BATCH * STEPS, *model.input_shape[1:])).astype("float32")
    labels = np.eye(2, dtype="float32")[generator.integers(0, 2, BATCH * STEPS)]

    def train():
        started = time.perf_counter()
        model.fit(images, labels, batch_size=BATCH, verbose=0, shuffle=False, callbacks=list(extra))
        return time.perf_counter() - started

    train()  # tracing
    return train


def with_keras_normalisation(model):
    """The same model with Keras' batch normalisation in place of the fused one."""

    def plain(layer):
        kind = type(layer)
        if kind is layers.FusedBatchNormalization:
            kind = keras.layers.BatchNormalization
        return kind.from_config(layer.get_config())

    return keras.models.clone_model(model, clone_function=plain)


def compare(first, second, rounds):
    """Prints the speed of two (name, trainer) and the ratio of their times, round by round."""
    times = []
    for number in range(rounds):
        # Turn about, so that neither always has the other's warm or throttled processor.
        order = (first, second) if number % 2 else (second, first)
        seconds = {name: train() for name, train in order}
        times.append((seconds[first[0]], seconds[second[0]]))
    for place, (name, _) in enumerate((first, second)):
        print(f"{name}: {statistics.median(BATCH * STEPS / pair[place] for pair in times):.1f} images/s")
    ratios = [b / a for a, b in times]
    print(f"time: {statistics.median(ratios):.3f} (rounds from {min(ratios):.3f} to {max(ratios):.3f})")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()

    def lite0():
        return models.create("efficientnet_lite0", 2, options.size, weights="none")

    plain = trainer(lite0(), keras.losses.CategoricalCrossentropy())
    loss = losses.RecallCrossentropy(gamma=10)
    recall = trainer(lite0(), loss, [callbacks.RecallTerms(loss)])
    compare(("cross-entropy", plain), ("recall cross-entropy and its terms", recall), options.rounds)
    unfused = trainer(with_keras_normalisation(lite0()), keras.losses.CategoricalCrossentropy())
    compare(("fused batch normalisation", plain), ("Keras' batch normalisation", unfused), options.rounds)


if __name__ == "__main__":
    main()
