"""Runs a .tflite file with LiteRT's profiler, which only its C interface has, and says how long each operation took.

Run as a file, in a process of its own, by `op_times`: profiled_process.py FILE THREADS RUNS RESULT. The library
is the one that the package ai-edge-litert carries for Kotlin and C; functions and structures are those of its headers
`litert/c/litert_compiled_model.h` and `litert/c/litert_profiler.h`.
"""

import ctypes
import json
import re
import statistics
import sys
import time
from ctypes import byref, c_char_p, c_int, c_size_t, c_void_p
from pathlib import Path

import ai_edge_litert

_ON_CPU = 1
_WARM_UP_RUNS = 10
# Runs of which the profiler gives the mean: it counts whole microseconds. A process that interrupts one of them falls
# on few operations, and the median over the groups leaves it out.
_TOGETHER = 5
# A name, which may hold blanks, in front of three numbers.
_ROW = re.compile(r"\s*(?P<name>\S.*?)\s+[\d.]+\s+[\d.]+\s+(?P<average>\d+\.\d+)\s")
_C = ctypes.CDLL(None)
_C.strdup.restype, _C.strdup.argtypes, _C.free.argtypes = c_void_p, [c_char_p], [c_void_p]


class _Layout(ctypes.Structure):
    _fields_ = [("rank", ctypes.c_uint), ("dimensions", c_int * 8), ("strides", ctypes.c_uint * 8)]


class _TensorType(ctypes.Structure):
    _fields_ = [("element", c_int), ("layout", _Layout)]


class _Library:
    """`library.Name(...)` calls LiteRtName and raises RuntimeError if that answers with an error."""

    def __init__(self):
        folder = Path(ai_edge_litert.__file__).parent
        paths = [path for path in folder.iterdir() if path.name.lower().startswith(("liblitert.", "litert."))]
        if not paths:
            raise RuntimeError(f"{folder} holds no LiteRT library with a C interface.")
        self._library = ctypes.CDLL(str(paths[0]))

    def __getattr__(self, name):
        function = getattr(self._library, f"LiteRt{name}")

        def call(*arguments):
            if status := function(*arguments):
                raise RuntimeError(f"LiteRt{name} answered with status {status}.")

        return call

    def new(self, name, *arguments):
        """What a function gives through its last argument."""
        made = c_void_p()
        getattr(self, name)(*arguments, byref(made))
        return made


def profile(path, threads, runs):
    """{"run_ms": milliseconds without the profiler, "ops": [[name, milliseconds], ...] in order}, all medians."""
    lite = _Library()
    environment = lite.new("CreateEnvironment", 0, None)
    model = lite.new("CreateModelFromFile", environment, c_char_p(str(path).encode()))
    compiled = lite.new("CreateCompiledModel", environment, model, _options(lite, threads))
    signature = lite.new("GetModelSignature", model, c_size_t(0))
    buffers = []
    for side in ("Input", "Output"):
        tensor, kind = lite.new(f"GetSignature{side}TensorByIndex", signature, c_size_t(0)), _TensorType()
        lite.GetRankedTensorType(tensor, byref(kind))
        needs = lite.new(f"GetCompiledModel{side}BufferRequirements", compiled, c_size_t(0), c_size_t(0))
        made = lite.new("CreateManagedTensorBufferFromRequirements", environment, byref(kind), needs)
        buffers.append((c_void_p * 1)(made))
    one = c_size_t(1)

    def run():
        started = time.perf_counter()
        lite.RunCompiledModel(compiled, c_size_t(0), one, buffers[0], one, buffers[1])
        return 1000 * (time.perf_counter() - started)

    profiler = lite.new("CompiledModelGetProfiler", compiled)
    for _ in range(_WARM_UP_RUNS):
        run()
    alone = statistics.median(run() for _ in range(runs))
    groups = []
    for _ in range(-(-runs // _TOGETHER)):
        lite.ResetProfiler(profiler)
        lite.StartProfiler(profiler)
        for _ in range(_TOGETHER):
            run()
        lite.StopProfiler(profiler)
        summary = lite.new("GetProfileSummary", profiler, compiled)
        groups.append(read_summary(ctypes.string_at(summary.value).decode()))
        _C.free(summary)
    names = [name for name, _ in groups[0]]
    each = zip(*([ms for _, ms in group] for group in groups), strict=True)
    return {
        "run_ms": alone,
        "ops": [list(op) for op in zip(names, map(statistics.median, each), strict=True)],
    }


def _options(lite, threads):
    options = lite.new("CreateOptions")
    lite.SetOptionsHardwareAccelerators(options, _ON_CPU)
    texts = {"runtime_options_string": "enable_profiling = true\n", "xnnpack": f"num_threads = {threads}\n"}
    for name, text in texts.items():
        copy = c_void_p(_C.strdup(text.encode()))  # LiteRT frees it
        free = ctypes.cast(_C.free, c_void_p)
        lite.AddOpaqueOptions(options, lite.new("CreateOpaqueOptions", c_char_p(name.encode()), copy, free))
    return options


def read_summary(text):
    """[[name, milliseconds], ...] from the part "Run Order" of TensorFlow Lite's summary.

    Its lines are: name, start, first run, average in milliseconds, and others that are not needed.
    """
    lines = iter(text.splitlines())
    for line in lines:
        if " Run Order " in line:
            break
    if "[avg ms]" not in next(lines, ""):
        raise RuntimeError("LiteRT's profiler gave no table of operations in the order in which they run.")
    operations = []
    for line in lines:
        if not (found := _ROW.match(line)):
            break
        operations.append([found["name"].removeprefix("Delegate/"), float(found["average"])])
    return operations


if __name__ == "__main__":
    Path(sys.argv[4]).write_text(json.dumps(profile(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))))
