"""How much faster an int8 file is than a float32 file, measured turn about.

    python benchmarks/latency.py [--size 224] [--rounds 5]          EfficientNet-Lite0, made for the purpose
    python benchmarks/latency.py FLOAT32.tflite INT8.tflite         your own files

Each round times both files with LiteRT's own benchmark tool, in a process of its own. The figures are
medians over the rounds; the ratio is the median of the rounds' ratios.
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np

from skinkeras import models, quantization, tflite

THREADS = (1, 2)


def lite0_files(size, folder):
    """A float32 and an int8 file of EfficientNet-Lite0; what its weights are does not change its speed."""
    model = models.create("efficientnet_lite0", classes=2, input_size=size)
    quantized = quantization.quantize(model)
    noise = np.random.default_rng(0).uniform(0, 255, (8, size, size, 3)).astype("float32")
    quantization.calibrate(quantized, [noise])
    about = tflite.ModelInfo("benchmark", "Untrained, for timing.", "skinkeras", "0", "none needed")
    files = []
    for kind, source in (("float32", model), ("int8", quantized)):
        files.append(folder / f"{kind}.tflite")
        content = tflite.add_metadata(tflite.convert(source, kind), ("benign", "malignant"), about)
        files[-1].write_bytes(content)
    return files


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="*")
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    if len(options.files) not in (0, 2):
        parser.error(f"give two files or none, not {len(options.files)}")
    with tempfile.TemporaryDirectory() as folder:
        files = options.files or lite0_files(options.size, Path(folder))
        compared = tflite.compare(files, THREADS, (True,), runs=100, rounds=options.rounds)
    for first, second in zip(compared[::2], compared[1::2], strict=True):
        times = f"{first.latency.median_ms:.2f} ms and {second.latency.median_ms:.2f} ms"
        print(f"{first.latency.threads} thread(s): {times}, {second.ratio:.2f} times faster")


if __name__ == "__main__":
    main()
