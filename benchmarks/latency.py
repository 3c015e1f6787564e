"""How fast and how large the files of each architecture are: float32, float16 and int8, timed turn about.

    python benchmarks/latency.py                              all that the mobile targets are, a table
    python benchmarks/latency.py efficientnet_lite0           some of them
    python benchmarks/latency.py --folder FOLDER              keeps the files, and uses those that are there

Each architecture has its own input size. Weights are random and ranges come from noise: neither changes a
speed. Each round times the three files with LiteRT's own benchmark tool, each in a process of its own.
Milliseconds are medians over the rounds; how many times faster a file is than float32 is the median of the
rounds' ratios.
(`python -m pipelines.benchmark FILE...` compares files of your own.)
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np

from pipelines.common.export import KINDS
from pipelines.multiclass import backbone_of, is_hierarchical
from skinkeras import models, quantization, tflite
from skinkeras.datasets import ISIC2018_TAXONOMY
from skinkeras.files import write_bytes
from skinkeras.models.architectures import variant

THREADS = (1, 2)
ARCHITECTURES = (
    *(f"efficientnet_lite{number}" for number in range(5)),
    *(f"efficientnet_b{number}" for number in range(3)),
    *("vgg16_cbam", "hierarchical_vgg16"),
)


def build(name):
    """An untrained model at its own size, named as the jobs name it; its labels."""
    backbone, cbam = backbone_of(name), name.endswith("_cbam")
    size, diagnoses = variant(backbone).input_size, ISIC2018_TAXONOMY.classes
    if is_hierarchical(name):
        return models.create_hierarchical(backbone, ISIC2018_TAXONOMY, size, "none"), diagnoses
    labels = diagnoses if cbam else ("benign", "malignant")
    return models.create(backbone, len(labels), size, "none", cbam=cbam), labels


def make_files(name, folder):
    """The paths of an architecture's files in `folder`, where they are made unless they are there."""
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
    size = variant(backbone_of(name)).input_size
    megabytes = ", ".join(f"{path.stat().st_size / 1e6:.1f}" for path in paths)
    compared = tflite.compare(paths, THREADS, (True,), runs=options.runs, rounds=options.rounds)
    for start in range(0, len(compared), len(KINDS)):
        whole, *others = compared[start : start + len(KINDS)]
        cells = [f"{other.latency.median_ms:.1f} ms ({other.ratio:.2f} x)" for other in others]
        row = (name, size, megabytes, whole.latency.threads, f"{whole.latency.median_ms:.1f} ms", *cells)
        print("| " + " | ".join(map(str, row)) + " |", flush=True)


if __name__ == "__main__":
    main()
