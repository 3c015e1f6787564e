"""How long `fit` takes to begin: from its call to the end of the first step, tracing included.

    python benchmarks/fit_start.py [--model efficientnet_lite0] [--size 224] [--rounds 3]

A run from pretrained weights: batches of 32, all layers but batch normalization, recall cross-entropy, operations in
a fixed order; then the same in fine-tuning for integers. Each figure comes from a process of its own.
"""

import argparse
import os
import statistics
import subprocess
import sys
import time

BATCH = 32
PHASES = ("training", "fine-tuning for integers")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="efficientnet_lite0")
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--one", choices=PHASES, help=argparse.SUPPRESS)  # a process of its own
    options = parser.parse_args()
    if options.one:
        print(*seconds(options.model, options.size, quantized=options.one != PHASES[0]))
        return
    for phase in PHASES:
        command = [
            sys.executable,
            __file__,
            "--one",
            phase,
            "--model",
            options.model,
            "--size",
            str(options.size),
        ]
        printed = [
            subprocess.run(command, check=True, capture_output=True, text=True) for _ in range(options.rounds)
        ]
        rounds = [tuple(map(float, done.stdout.split())) for done in printed]
        clock, processor, step = map(statistics.median, zip(*rounds, strict=True))
        print(
            f"{phase}: {clock:.1f} s by the clock, {processor:.1f} s of processor time; a step {step:.2f} s"
        )


def seconds(name, size, *, quantized):
    """(clock, processor time, clock of a later step) of the start of one `fit`."""
    import keras
    import numpy as np
    import tensorflow as tf

    from skinkeras import callbacks, losses, models, quantization, training
    from skinkeras.inputs.reading_options import reading_options
    from skinkeras.training.phases import unfreeze

    training.compute_in_order()
    images = np.random.default_rng(0).uniform(0, 255, (BATCH, size, size, 3)).astype("float32")
    labels = np.eye(2, dtype="float32")[np.arange(BATCH) % 2]
    model = models.create(name, 2, input_size=size, weights="none")
    unfreeze(model, "imagenet")
    if quantized:
        model = quantization.quantize(model)
        quantization.calibrate(model, [images[:4]])
    model.compile(callbacks.CyclicalAdam(), losses.RecallCrossentropy(gamma=10), jit_compile=False)
    model.optimizer.build(model.trainable_variables)
    ends = []

    class Steps(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            ends.append((time.perf_counter(), sum(os.times()[:2])))

    batches = tf.data.Dataset.from_tensors((images, labels)).repeat().with_options(reading_options())
    begun = time.perf_counter(), sum(os.times()[:2])
    model.fit(batches, steps_per_epoch=4, verbose=0, callbacks=[Steps()])
    return ends[0][0] - begun[0], ends[0][1] - begun[1], (ends[-1][0] - ends[0][0]) / (len(ends) - 1)


if __name__ == "__main__":
    main()
