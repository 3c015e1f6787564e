"""How much faster one .tflite file is than another, measured turn about.

    python benchmarks/latency.py FLOAT32.tflite INT8.tflite [--rounds 5]

Each round times both files with LiteRT's own benchmark tool, in a process of its own. The figures are
medians over the rounds; the ratio is the median of the rounds' ratios.
"""

import argparse
import statistics

from skinkeras import tflite

THREADS = (1, 2)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs=2)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    rounds = [[tflite.benchmark(file, THREADS) for file in options.files] for _ in range(options.rounds)]
    for place, threads in enumerate(THREADS):
        times = [(first[place].median_ms, second[place].median_ms) for first, second in rounds]
        first, second = (statistics.median(column) for column in zip(*times, strict=True))
        ratio = statistics.median(a / b for a, b in times)
        print(f"{threads} thread(s): {first:.2f} ms and {second:.2f} ms, {ratio:.2f} times faster")


if __name__ == "__main__":
    main()
