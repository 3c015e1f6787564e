"""How much faster the radial blur is than the paper's own loop, and how close to it.

    python benchmarks/radial_blur.py --data-dir DIR [--size 320 ...] [--count 32] [--only blur]

DIR is any folder of JPEG files. The paper's loop is five iterations of two OpenCV remaps and a blend; the
float maps are computed beforehand and not timed. Both blurs run on one thread over the same images with the
same rho for each, in turn, `ROUNDS` times, and the thread's processor time counts, which other processes disturb
least. Printed are, for each size, the medians, the median of the rounds' ratios, and the ratio of the quickest
rounds. In tf.data, which has threads of its own, it is the clock that counts. The signal-to-noise ratio is
against the recursion in float64, and so is the effective rho: that with which the recursion comes closest to
the blurred image, by the nominal one.
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np
import tensorflow as tf

from skinkeras import inputs

ROUNDS = 9
STEPS = 5


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--size", type=int, nargs="+", default=[320])
    parser.add_argument("--count", type=int, default=32)
    parser.add_argument("--only", choices=["blur"], help="leave out tf.data and oversampling")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    paths = sorted(options.data_dir.glob("*.jpg"))[: options.count]
    rhos = np.random.default_rng(0).uniform(0.005, 0.02, len(paths))
    for size in options.size:
        images = np.stack([inputs.decode(path, size) for path in paths])
        maps = [(maps_of(size, 1 + rho), maps_of(size, 1 - rho)) for rho in rhos]
        print(f"{size} pixels, {len(images)} images")
        bare(images, rhos, maps)
        effective(images[:2], size)
        if options.only is None:
            in_tf_data(images, {"the paper's loop": paper_batch(maps), "radial_blur": our_batch(rhos)})
            oversampled(paths, images, size)


def bare(images, rhos, maps):
    """Times both blurs on one thread, and says how far they are from the recursion."""

    def paper():
        return [opencv_loop(image, *pair) for image, pair in zip(images, maps, strict=True)]

    def ours():
        return inputs.radial_blur(images, rhos, dtype="uint8")

    speeds = {"the paper's loop": [], "radial_blur": []}
    for _ in range(ROUNDS):
        for name, blur in (("the paper's loop", paper), ("radial_blur", ours)):
            started = time.thread_time()
            blur()
            speeds[name].append(len(images) / (time.thread_time() - started))
    ratios = [b / a for a, b in zip(*speeds.values(), strict=True)]
    for name, values in speeds.items():
        print(f"{name}: {statistics.median(values):.0f} images/s ({min(values):.0f} to {max(values):.0f})")
    quickest = max(speeds["radial_blur"]) / max(speeds["the paper's loop"])
    print(
        f"ratio: {statistics.median(ratios):.2f} (rounds from {min(ratios):.2f} to {max(ratios):.2f}), of the "
        f"quickest rounds {quickest:.2f}"
    )
    exact = [reference(image, rho) for image, rho in zip(images, rhos, strict=True)]
    for name, blurred in (("the paper's loop", paper()), ("radial_blur", ours())):
        decibels = [psnr(a, b) for a, b in zip(blurred, exact, strict=True)]
        print(f"{name}: {statistics.median(decibels):.1f} dB, worst {min(decibels):.1f} dB")


def effective(images, size):
    """Prints by how much the strength that explains a blurred image differs from the nominal one, at most.

    It is the lowest point of a parabola through three mean squared errors.
    """
    worst, step = 0.0, 0.03
    for nominal in (0.005, 0.0133, 0.02):
        for image in images:
            blurred = np.asarray(inputs.radial_blur(image, nominal))
            below, at, above = (
                np.mean((reference(image, factor * nominal) - blurred) ** 2)
                for factor in (1 - step, 1, 1 + step)
            )
            worst = max(worst, abs(step * (below - above) / 2 / (below - 2 * at + above)))
    print(f"effective rho of {size} pixels: within {worst:.2%} of the nominal one")


def paper_batch(maps):
    return lambda images, rows: np.stack(
        [opencv_loop(image, *maps[row]) for image, row in zip(images, rows, strict=True)]
    )


def our_batch(rhos):
    return lambda images, rows: inputs.radial_blur(images, rhos[rows], dtype="uint8")


def in_tf_data(images, blurs):
    """Times both blurs in a tf.data pipeline of two threads."""
    speeds = {name: [] for name in blurs}
    for _ in range(ROUNDS):
        for name, blur in blurs.items():
            rows = np.arange(len(images))
            dataset = tf.data.Dataset.from_tensor_slices((images, rows)).repeat(2).batch(8)
            dataset = dataset.map(
                lambda x, row, blur=blur: tf.numpy_function(blur, [x, row], tf.uint8), num_parallel_calls=2
            )
            started = time.perf_counter()
            for _ in dataset:
                pass
            speeds[name].append(2 * len(images) / (time.perf_counter() - started))
    ratios = [b / a for a, b in zip(*speeds.values(), strict=True)]
    for name, values in speeds.items():
        print(f"tf.data, two threads, {name}: {statistics.median(values):.0f} images/s")
    print(f"ratio: {statistics.median(ratios):.2f} (rounds from {min(ratios):.2f} to {max(ratios):.2f})")


def oversampled(paths, images, size):
    """Times the training pipeline with the paper's oversampling, and without."""
    labels = np.where(np.arange(len(paths)) % 2, "malignant", "benign")
    names = [path.stem for path in paths]
    with tempfile.TemporaryDirectory() as folder:
        np.save(Path(folder) / "images.npy", images)
        decoded = inputs.DecodedImages(Path(folder) / "images.npy")
        speeds = {"none": [], "g23": []}
        for _ in range(ROUNDS):
            for policy in speeds:
                table = inputs.variant_table(names, labels, inputs.OVERSAMPLING[policy], 0)
                shown = inputs.VariantImages(decoded, np.arange(len(names)), table)
                one_hot = np.eye(2, dtype=np.float32)[(table["label"] == "malignant").astype(int)]
                started = time.perf_counter()
                for _ in inputs.training_dataset(shown, np.arange(len(shown)), one_hot, 32, 0, 2):
                    pass
                speeds[policy].append(2 * len(shown) / (time.perf_counter() - started))
    for policy, values in speeds.items():
        middle = statistics.median(values)
        print(f"tf.data, oversampling {policy}, {size} px: {middle:.0f} images/s")


def maps_of(size, factor):
    middle = (size - 1) / 2
    x = (middle + factor * (np.arange(size) - middle)).astype(np.float32)
    return np.meshgrid(x, x)


def opencv_loop(image, expand, shrink):
    border = {"borderMode": cv2.BORDER_REPLICATE}
    for _ in range(STEPS):
        expanded = cv2.remap(image, *expand, cv2.INTER_LINEAR, **border)
        shrunk = cv2.remap(image, *shrink, cv2.INTER_LINEAR, **border)
        image = cv2.addWeighted(expanded, 0.5, shrunk, 0.5, 0)
    return image


def reference(image, rho):
    """Gilal et al. 2023, eq. 1, in float64: a zoom multiplies by a matrix from each side."""
    image = np.moveaxis(image.astype(float), -1, 0)
    expand, shrink = (zoom_matrix(image.shape[1], factor) for factor in (1 + rho, 1 - rho))
    for _ in range(STEPS):
        image = (expand @ image @ expand.T + shrink @ image @ shrink.T) / 2
    return np.moveaxis(image, 0, -1)


def zoom_matrix(size, factor):
    middle = (size - 1) / 2
    x = np.clip(middle + factor * (np.arange(size) - middle), 0, size - 1)
    left = np.minimum(x.astype(int), size - 2)
    matrix = np.zeros((size, size))
    matrix[np.arange(size), left] = 1 - (x - left)
    matrix[np.arange(size), left + 1] += x - left
    return matrix


def psnr(a, b):
    return 10 * np.log10(255**2 / np.mean((a - b) ** 2))


if __name__ == "__main__":
    main()
