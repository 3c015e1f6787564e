#!/usr/bin/env python3
"""Answers as adb and TensorFlow Lite's benchmark_model do; the folder in FAKE_ADB is its phones' storage.

The log's lines are those that benchmark_model.cc and benchmark_tflite_model.cc of TensorFlow's
tensorflow/lite/tools/benchmark print; recent builds add the percentiles. FAKE_PHONES is what `adb devices`
lists: "serial=state ...".
"""

import os
import shutil
import sys
from pathlib import Path

FOLDER = Path(os.environ["FAKE_ADB"])
PHONES = dict(phone.split("=") for phone in os.environ.get("FAKE_PHONES", "").split())
PROPERTIES = {
    "ro.product.manufacturer": "Google",
    "ro.product.model": "Pixel 8",
    "ro.build.version.release": "15",
}
CPU_RUN = """\
INFO: STARTING!
INFO: Log parameter values verbosely: [0]
INFO: Loaded model /data/local/tmp/skinkeras_benchmark/model.tflite
INFO: Created TensorFlow Lite XNNPACK delegate for CPU.
INFO: The input model file size (MB): 3.98114
INFO: Initialized session in 12.345ms.
INFO: Running benchmark for at least 5 iterations and at least 0.5 seconds but \
terminate if exceeding 150 seconds.
INFO: count=98 first=9100 curr=5000 min=4900 max=9100 avg=5100 std=400 p5=4950 median=5050 p95=5500

INFO: Running benchmark for at least 50 iterations and at least 1 seconds but \
terminate if exceeding 150 seconds.
INFO: count=193 first=5200 curr={median} min=4800 max=7000 avg={mean} std=200 p5=4900 median={median} p95=5400

INFO: Inference timings in us: Init: 12345, First inference: 9100, Warmup (avg): 5100, Inference (avg): {mean}
INFO: Note: as the benchmark tool itself affects memory footprint, the following is only APPROXIMATE to the \
actual memory footprint of the model at runtime. Take the information at your discretion.
INFO: Memory footprint delta from the start of the tool (MB): init=10.5 overall=14.8164
"""
GPU_PART = """\
INFO: Created TensorFlow Lite delegate for GPU.
INFO: GPU delegate created.
ERROR: Following operations are not supported by GPU delegate:
SOFTMAX: Operation is not supported.
INFO: Explicitly applied GPU delegate, and the model graph will be partially executed by the delegate w/ 1 \
delegate kernels.
"""
NNAPI_NOTHING = """\
INFO: NNAPI accelerators available: [nnapi-reference]
INFO: Created TensorFlow Lite delegate for NNAPI.
INFO: Though NNAPI delegate is explicitly applied, the model graph will not be executed by the delegate.
"""


def run_benchmark_model(serial, command):
    storage = FOLDER / serial
    binary, *flags = command.split(" 2>&1")[0].split()
    graph = next(flag.split("=", 1)[1] for flag in flags if flag.startswith("--graph="))
    if not (storage / binary.lstrip("/")).exists() or not (storage / graph.lstrip("/")).exists():
        print(f"/system/bin/sh: {binary}: inaccessible or not found")
    elif serial == "broken":
        print("INFO: STARTING!\nERROR: Failed to allocate tensors!\nERROR: Benchmarking failed.")
    else:
        if "--use_gpu=true" in flags:
            print(GPU_PART, end="")
        if "--use_nnapi=true" in flags:
            print(NNAPI_NOTHING, end="")
        faster = 4 if "--num_threads=4" in flags else 1
        print(CPU_RUN.format(mean=5040 / faster, median=5000 // faster), end="")


def shell(serial, command):
    storage = FOLDER / serial
    verb, *rest = command.split()
    if verb == "getprop":
        print(PROPERTIES[rest[0]])
    elif verb == "mkdir":
        (storage / rest[-1].lstrip("/")).mkdir(parents=True, exist_ok=True)
    elif verb == "rm":
        shutil.rmtree(storage / rest[-1].lstrip("/"))
    elif verb != "chmod":
        run_benchmark_model(serial, command)


def main():
    arguments = sys.argv[1:]
    if arguments == ["devices"]:
        print("* daemon not running; starting now at tcp:5037\n* daemon started successfully")
        print("List of devices attached")
        for serial, state in PHONES.items():
            print(f"{serial}\t{state}")
        print()
        return
    serial, verb = arguments[1:3]
    if PHONES.get(serial) != "device" or (serial == "unplugged" and verb == "push"):
        sys.exit(f"adb: device '{serial}' not found")
    if verb == "push":
        shutil.copy(arguments[3], FOLDER / serial / arguments[4].lstrip("/"))
        print(f"{arguments[3]}: 1 file pushed, 0 skipped.")
    elif verb == "shell":
        shell(serial, " ".join(arguments[3:]))


if __name__ == "__main__":
    main()
