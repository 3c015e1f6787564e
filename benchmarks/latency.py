"""How fast and how large the files of each architecture are: float32, float16 and int8, timed in alternation.

    python benchmarks/latency.py                              all mobile architectures, as a table
    python benchmarks/latency.py efficientnet_lite0           some of them
    python benchmarks/latency.py --folder FOLDER              keeps the files, and uses those already there

Each architecture has its own input size. Weights are random and ranges come from noise, which does not change
the speed. Each round times the three files with LiteRT's own benchmark tool, each in a process of its own.
Milliseconds are medians over the rounds; how many times faster a file is than float32 is the median of the
rounds' ratios. To compare files of your own, use `python -m pipelines.benchmark FILE...`.
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np

from pipelines.common.export import KINDS
from skinkeras import models, quantization, tflite
from skinkeras.datasets import ISIC2018_TAXONOMY
from skinkeras.files.writing import write_bytes

THREADS = (1, 2)
ARCHITECTURES = (
    *(f"efficientnet_lite{number}" for number in range(5)),
    *(f"efficientnet_b{number}" for number in range(3)),
    *("vgg16_cbam", "hierarchical_vgg16"),
)


def build(name):
    """(untrained model of a --model name at its own size, its labels)."""
    if models.parse_name(name).head == "dense":
        return models.create(name, weights="none"), ("benign", "malignant")
    return models.create(name, weights="none", taxonomy=ISIC2018_TAXONOMY), ISIC2018_TAXONOMY.classes


def make_files(name, folder):
    """The paths of an architecture's files in `folder`; files that are not there yet are made."""
    paths = [folder / f"{name}_{kind}.tflite" for kind in KINDS]
    if all(path.exists() for path in paths):
        return paths
    model, labels = build(name)
    quantized = quantization.quantize(model)
    noise = np.random.default_rng(0).uniform(0, 255, (2, *model.input_shape[1:])).astype("float32")
    quantization.calibrate(quantized, [noise])
    about = tflite.ModelInfo(name, "Untrained, for timing.", "skinkeras", "0", "none needed")
    for kind, path in zip(KINDS, paths, strict=True):
        source = quantized if kind == "int8" else model
        write_bytes(path, tflite.add_metadata(tflite.convert(source, kind), labels, about))
    return paths


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="*", metavar="MODEL", help=", ".join(ARCHITECTURES))
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--runs", type=int, default=30, help="timed runs a round")
    options = parser.parse_args()
    unknown = set(options.models) - set(ARCHITECTURES)
    if unknown:
        parser.error(f"no such architecture: {', '.join(sorted(unknown))}")
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        files = {name: make_files(name, folder) for name in options.models or ARCHITECTURES}
        print("| model | pixels | MB (float32, float16, int8) | threads | float32 | float16 | int8 |")
        print("| --- | --- | --- | --- | --- | --- | --- |")
        for name, paths in files.items():
            print_rows(name, paths, options)


def print_rows(name, paths, options):
    """Times an architecture's files and prints a row of the table for each number of threads."""
    size = models.architecture(models.parse_name(name).architecture).input_size
    megabytes = ", ".join(f"{path.stat().st_size / 1e6:.1f}" for path in paths)
    compared = tflite.compare(paths, THREADS, (True,), runs=options.runs, rounds=options.rounds)
    for start in range(0, len(compared), len(KINDS)):
        whole, *others = compared[start : start + len(KINDS)]
        cells = [f"{other.latency.median_ms:.1f} ms ({other.ratio:.2f} x)" for other in others]
        row = (name, size, megabytes, whole.latency.threads, f"{whole.latency.median_ms:.1f} ms", *cells)
        print("| " + " | ".join(map(str, row)) + " |", flush=True)


if __name__ == "__main__":
    main()
