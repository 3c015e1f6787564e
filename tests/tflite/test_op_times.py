"""How long each operation takes, by LiteRT's profiler."""

import json
from pathlib import Path

import pytest

from pipelines import benchmark
from skinkeras.tflite.op_times import OpTime, Profile, op_times
from skinkeras.tflite.profiled_process import read_summary

ROOT = Path(__file__).parents[2]
INT8 = ROOT / "tflite_models" / "melanoma_efficientnet_lite0_224_int8.tflite"

# Two delegated nodes around one of the builtin kernels, as TensorFlow Lite's summary prints them.
SUMMARY = """Profile
===== Run Order =====
                       [node type]    [start]    [first]   [avg ms]        [%]     [cdf%]  [Name]
             Delegate/Convert (NC)      0.000      0.011      0.012     2.000%     2.000%  [Delegate]:0
Delegate/Convolution (NHWC, QC8) DWConv  0.000     0.116      0.580    97.000%    99.000%  [Delegate]:1
                           SOFTMAX      0.000      0.003      0.003     1.000%   100.000%  [Builtin]:2

===== Top by Computation Time =====
                       [node type]    [start]    [first]   [avg ms]        [%]     [cdf%]  [Name]
             Delegate/Convert (NC)      0.000      0.011      0.012     2.000%     2.000%  [Delegate]:0
"""


def test_the_average_of_each_operation_is_read_in_the_order_in_which_they_run():
    assert read_summary(SUMMARY) == [
        ["Convert (NC)", 0.012],
        ["Convolution (NHWC, QC8) DWConv", 0.58],
        ["SOFTMAX", 0.003],
    ]


def test_a_summary_without_the_table_is_refused():
    with pytest.raises(RuntimeError, match="no table of operations"):
        read_summary("Number of nodes executed: 0\n")


def test_operations_of_one_name_add_up():
    profile = Profile(Path("a"), 1, 3.0, (OpTime("A", 0.5), OpTime("B", 2.0), OpTime("A", 0.25)))
    assert profile.by_name() == {"B": (1, 2.0), "A": (2, 0.75)}


def test_the_released_network_has_its_convolutions_and_little_else():
    (profile,) = op_times([INT8], runs=10, rounds=1)
    by_name = profile.by_name()
    # EfficientNet-Lite0: 16 blocks of one depthwise convolution each, 32 pointwise ones and the stem; the heads.
    assert sum(count for name, (count, _) in by_name.items() if "DWConv" in name) == 16
    assert sum(count for name, (count, _) in by_name.items() if name.startswith("Fully Connected")) == 34
    total = sum(op.ms for op in profile.ops)
    convolutions = sum(ms for name, (_, ms) in by_name.items() if "Conv" in name or "Fully" in name)
    assert convolutions > 0.9 * total
    assert profile.run_ms > 0


def test_a_file_that_is_no_model_is_refused(tmp_path):
    path = tmp_path / "no.tflite"
    path.write_bytes(b"nothing")
    with pytest.raises(ValueError, match=r"no\.tflite"):
        op_times([path])


def test_the_command_prints_and_writes_them(tmp_path, capsys):
    settings = benchmark.Settings(
        files=(INT8,), ops=True, threads=(1,), runs=3, rounds=1, json=tmp_path / "o.json"
    )
    benchmark.main(settings)
    (profile,) = json.loads((tmp_path / "o.json").read_text())["ops"]
    assert (profile["path"], profile["threads"]) == (INT8.name, 1)
    assert len(profile["ops"]) > 50 and all(op["ms"] >= 0 for op in profile["ops"])
    assert "SOFTMAX" in capsys.readouterr().out


def test_phones_and_the_older_kernels_are_not_profiled():
    with pytest.raises(ValueError, match="leave out --device adb and --xnnpack off"):
        benchmark.check(benchmark.Settings(files=(INT8,), ops=True, xnnpack="off"))
