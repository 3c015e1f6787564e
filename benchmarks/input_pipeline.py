"""Images per second through the input pipeline, stage by stage.

    python benchmarks/input_pipeline.py --data-dir DIR [--size 224] [--count 1024]

DIR is any folder of JPEG files. The stages run in turn, `ROUNDS` times, and the median is printed. The speed
of a shared machine drifts, so only figures of one call may be compared.
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
import tensorflow as tf

from skinkeras import inputs

ROUNDS = 3
BATCH = 32


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--count", type=int, default=1024)
    options = parser.parse_args()
    paths = sorted(options.data_dir.glob("*.jpg"))[: options.count]
    rows, labels = np.arange(len(paths)), np.eye(2, dtype="float32")[np.arange(len(paths)) % 2]
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        images, _ = inputs.decode_all(paths, options.size, folder)
        speed = len(paths) / (time.perf_counter() - started)
        print(f"decode and resize to {options.size}: {speed:.0f} images/s")

        def epoch(augmentation=None):
            return inputs.training_dataset(images, rows, labels, BATCH, 0, 1, augmentation=augmentation)

        def blurred(batch, targets):
            return inputs.radial_blur(batch, tf.random.uniform((tf.shape(batch)[0],), 0.005, 0.02)), targets

        stages = {
            "decoded images, shuffled": epoch(),
            "with augmentation": epoch(inputs.Augmentation()),
            "with radial blur of every image": epoch().map(blurred, num_parallel_calls=2),
        }
        speeds = {name: [] for name in stages}
        for _ in range(ROUNDS):
            for name, dataset in stages.items():
                started = time.perf_counter()
                for _ in dataset:
                    pass
                speeds[name].append(len(paths) / (time.perf_counter() - started))
    for name, values in speeds.items():
        print(f"{name}: {statistics.median(values):.0f} images/s (of {min(values):.0f} to {max(values):.0f})")


if __name__ == "__main__":
    main()
