"""Reads damaged copies of real files, in a process of its own, whose memory and time are bounded.

    python mutated_files.py READER FILE FIRST LAST

prints one line a copy: its number, "read" or "refused", and what was said.
"""

import random
import resource
import signal
import sys
import tempfile
from pathlib import Path

import numpy as np

SECONDS, MEGABYTES = 20, 700  # for one file; the memory beyond what the imports took
_EXTREMES = (b"\0" * 4, b"\xff" * 4, b"\x7f\xff\xff\xff", b"\xff\xff\xff\x7f", b"\x80\0\0\0", b"\0\0\0\x80")


def damaged(data, number):
    """The bytes of a file with one to four changes: half of them at its start or end, where headers are."""
    rng, data = random.Random(number), bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 4))):
        length = rng.choice((1, 2, 4, 64))
        near = rng.randrange(min(len(data), 20_000)) if data else 0
        place = rng.choice((near, len(data) - near, rng.randrange(max(len(data), 1))))
        kind = rng.choice(("bytes", "bit", "extreme", "extreme", "remove", "insert", "cut"))
        if kind == "bytes":
            data[place : place + length] = rng.randbytes(length)
        elif kind == "bit" and place < len(data):
            data[place] ^= 1 << rng.randrange(8)
        elif kind == "extreme":
            data[place : place + 4] = rng.choice(_EXTREMES)
        elif kind == "remove":
            del data[place : place + length]
        elif kind == "insert":
            data[place:place] = rng.randbytes(length)
        elif kind == "cut":
            del data[place:]
    return bytes(data)


def read_tflite(path):
    from skinkeras import tflite
    from skinkeras.tflite.runtime import check_runs

    check_runs(path)
    classifier = tflite.Classifier(path)
    classifier.predict(np.full((1, *classifier.input_size, 3), 127, np.uint8))


def read_npz(path):
    from skinkeras.callbacks.training_state import TrainingState

    TrainingState(path)._read()


def read_torch(path):
    from skinkeras.models import read_torch_file

    read_torch_file(path)


def read_jpeg(path):
    from skinkeras.images.decoding import decode

    decode(path, 224)


def main(reader, file, first, last):
    read, data = globals()[f"read_{reader}"], Path(file).read_bytes()
    read(file)  # whatever it imports is there from now on
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    most = pages * resource.getpagesize() + MEGABYTES * 2**20
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / f"a{Path(file).suffix}"
        for number in range(int(first), int(last)):
            copy.write_bytes(damaged(data, number))
            print(number, end=" ", flush=True)
            signal.alarm(SECONDS)  # ends the process
            try:
                read(copy)
                print("read")
            except ValueError as error:
                print("refused", repr(str(error)))


if __name__ == "__main__":
    main(*sys.argv[1:])
