"""Images a second in training of all layers: what `python -m pipelines.sweep --dry-run` estimates from.

    python benchmarks/training_speed.py --model vgg16 --size 96 --batch 20
    python benchmarks/training_speed.py --model efficientnet_lite0 --size 96

Random pixels: their values do not change the time. "By processor time" is the figure of a machine whose cores do
nothing else; beside other processes, the wall clock says less.
"""

import argparse
import os
import statistics
import time

import keras
import numpy as np

from skinkeras import models

STEPS = 6


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="efficientnet_lite0")
    parser.add_argument("--size", type=int, default=96)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    model = models.create(options.model, 2, input_size=options.size, weights="none")
    model.compile("adam", loss="categorical_crossentropy", jit_compile=False)
    count = options.batch * STEPS
    generator = np.random.default_rng(0)
    images = generator.uniform(0, 255, (count, options.size, options.size, 3)).astype("float32")
    labels = np.eye(2, dtype="float32")[generator.integers(0, 2, count)]
    model.fit(images, labels, batch_size=options.batch, verbose=0)  # tracing
    wall, processor = [], []
    for _ in range(options.rounds):
        started = time.perf_counter(), time.process_time()
        model.fit(images, labels, batch_size=options.batch, verbose=0)
        wall.append(count / (time.perf_counter() - started[0]))
        processor.append(count * (os.cpu_count() or 1) / (time.process_time() - started[1]))
    keras.backend.clear_session()
    print(
        f"{options.model} at {options.size}, batches of {options.batch}: {statistics.median(wall):.1f} images/s, "
        f"by processor time {statistics.median(processor):.1f} on {os.cpu_count()} cores"
    )


if __name__ == "__main__":
    main()
