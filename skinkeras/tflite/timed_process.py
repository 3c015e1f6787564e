"""LiteRT's `litert-benchmark` with two additions: the choice of the CPU's kernels, and the memory it took.

Run as a file, in a process of its own, by `benchmark`: its arguments are those of the tool, behind "xnnpack"
or "builtin". Imports nothing of skinkeras, which would count as memory of the model.
"""

import json
import sys
from pathlib import Path

from ai_edge_litert.cpu_kernel_mode import CpuKernelMode
from ai_edge_litert.tools import benchmark_litert_model as tool

_KERNELS = {"xnnpack": CpuKernelMode.XNNPACK, "builtin": CpuKernelMode.BUILTIN}


def main() -> None:
    """Times the file that the command line names, with the kernels that its first word names."""
    kernels = _KERNELS[sys.argv.pop(1)]
    arguments = tool.parse_args()
    before = None

    def options(arguments, options_class, cpu_options_class, accelerators):
        nonlocal before
        before = _kibibytes("VmRSS")  # the tool asks for the options right before it loads the model
        cpu = cpu_options_class(num_threads=arguments.num_threads, kernel_mode=kernels)
        return options_class(hardware_accelerators=accelerators, cpu_options=cpu)

    tool.create_model_options = options  # the tool has no flag for the kernels
    results = tool.run_benchmark(arguments)
    peak = _kibibytes("VmHWM")
    results["peak_memory_mb"] = None if before is None or peak is None else (peak - before) * 1024 / 1e6
    Path(arguments.result_json).write_text(json.dumps(results))


def _kibibytes(field: str) -> int | None:
    """A field of Linux's /proc/self/status; None on other systems. The peak that the module `resource` tells
    would include the process that started this one."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return None
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{field}:"))


if __name__ == "__main__":
    main()
