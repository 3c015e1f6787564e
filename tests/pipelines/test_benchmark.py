"""The benchmark's command line, on this machine and with phones that a fake adb stands for."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from skinkeras import tflite
from skinkeras.tflite import phones

ROOT = Path(__file__).parents[2]
NAME = "melanoma_efficientnet_lite0_224"
INT8, FLOAT16 = (ROOT / "tflite_models" / f"{NAME}_{kind}.tflite" for kind in ("int8", "float16"))


def run(*arguments, **environment):
    command = [sys.executable, "-m", "pipelines.benchmark", *map(str, arguments)]
    return subprocess.run(
        command, capture_output=True, text=True, cwd=ROOT, check=False, env={**os.environ, **environment}
    )


@pytest.fixture
def adb(tmp_path):
    """A function that runs the benchmark with an adb that lists the given phones."""
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin" / "adb"
    fake = Path(__file__).parents[1] / "tflite" / "fake_adb.py"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} {fake} "$@"\n')
    program.chmod(0o755)
    (tmp_path / "benchmark_model").write_bytes(b"\x7fELF")

    def call(listed, *arguments):
        path = f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}"
        options = ("--device", "adb", "--benchmark-model", tmp_path / "benchmark_model", *arguments)
        return run(*options, PATH=path, FAKE_ADB=str(tmp_path), FAKE_PHONES=listed)

    return call


@pytest.fixture
def released(tmp_path):
    """A copy of the released int8 file with its json and card."""
    for name in (INT8.name, f"{NAME}.json", f"{NAME}.card.md"):
        shutil.copy(INT8.with_name(name), tmp_path)
    return tmp_path / INT8.name


def test_the_host_table_and_json_have_every_combination(tmp_path):
    out = tmp_path / "figures.json"
    options = ("--threads", "1", "2", "--rounds", "2", "--runs", "5", "--json", out)
    done = run(FLOAT16, INT8, *options)
    assert done.returncode == 0, done.stderr
    rows = json.loads(out.read_text())["files"]
    assert [(row["file"], row["threads"], row["xnnpack"]) for row in rows] == [
        (path.name, threads, kernels)
        for kernels in (True, False)
        for threads in (1, 2)
        for path in (FLOAT16, INT8)
    ]
    for row in rows:
        assert 0 < row["p5_ms"] <= row["median_ms"] <= row["p95_ms"]
        assert row["load_ms"] > 0 and row["first_ms"] > 0
        assert (len(row["rounds"]), row["runs"]) == (2, 10)
    # XNNPACK unpacks float16 weights to float32: at least 4 bytes for each of 3.4 million.
    assert rows[0]["peak_memory_mb"] > 13.6 > rows[1]["peak_memory_mb"] * 0.2
    assert [row["times_faster_than_first"] for row in rows[::2]] == [1, 1, 1, 1]
    assert "A  " in done.stdout and "XNNPACK" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "Name one or more .tflite files."),
        (("missing.tflite",), "missing.tflite"),
        (("README.md",), "not a whole TensorFlow Lite file"),
        ((INT8, "--threads", "0"), "--threads must be 1 or more"),
        ((INT8, "--rounds", "0"), "--rounds must be 1 or more"),
        ((INT8, "--join"), "belong to --device adb"),
        ((INT8, "--device", "adb"), "needs --benchmark-model PATH"),
        ((INT8, "--device", "adb", "--benchmark-model", "nowhere"), "There is no file nowhere"),
    ],
)
def test_what_cannot_be_timed_is_one_sentence_and_exit_code_2(arguments, message):
    done = run(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr and "Traceback" not in done.stderr


def test_without_adb_it_says_so(tmp_path):
    binary = tmp_path / "benchmark_model"
    binary.write_bytes(b"")
    done = run(INT8, "--device", "adb", "--benchmark-model", binary, PATH=str(tmp_path))
    assert done.returncode == 1
    assert "There is no adb on the PATH" in done.stderr


def test_without_a_phone_it_says_so(adb):
    done = adb("", INT8)
    assert done.returncode == 1
    assert "adb sees no phone" in done.stderr
    assert "It lists: R58 unauthorized" in adb("R58=unauthorized", INT8).stderr


def test_every_ready_phone_is_measured_and_cleaned_up(adb, tmp_path):
    out = tmp_path / "figures.json"
    done = adb("one=device two=unauthorized three=device", INT8, "--json", out)
    assert done.returncode == 0, done.stderr
    report = json.loads(out.read_text())["phones"]
    assert [(phone["serial"], phone["model"], phone["android"]) for phone in report] == [
        ("one", "Google Pixel 8", "15"),
        ("three", "Google Pixel 8", "15"),
    ]
    one, four, gpu, nnapi = report[0]["files"]
    assert (one["mean_ms"], one["median_ms"], one["p5_ms"], one["p95_ms"]) == (5.04, 5.0, 4.9, 5.4)
    assert (one["first_ms"], one["load_ms"], one["memory_mb"], one["runs"]) == (9.1, 12.345, 14.8164, 193)
    assert (four["threads"], four["mean_ms"]) == (4, 1.26)
    assert (gpu["backend"], gpu["share"], gpu["problem"]) == ("GPU", "part", "")
    # The tool printed a latency for NNAPI too, but it was the CPU's.
    assert nnapi["mean_ms"] is None and "will not be executed by the delegate" in nnapi["problem"]
    for serial in ("one", "three"):
        assert list((tmp_path / serial).rglob("*.tflite")) == []


def test_a_tool_that_fails_and_a_phone_that_leaves_are_said(adb, tmp_path):
    out = tmp_path / "figures.json"
    assert adb("broken=device", INT8, "--json", out).returncode == 0
    (phone,) = json.loads(out.read_text())["phones"]
    assert {row["problem"] for row in phone["files"]} == {"ERROR: Failed to allocate tensors!"}
    left = adb("unplugged=device", INT8)
    assert left.returncode == 1
    assert "failed: adb: device 'unplugged' not found" in left.stderr


def test_phones_are_joined_to_json_and_card_once_each(adb, released):
    for _ in range(2):  # measured again, replaced
        assert adb("one=device", released, "--join").returncode == 0
    contract = json.loads((released.parent / f"{NAME}.json").read_text())
    (phone,) = contract["files"]["int8"]["phones"]
    assert (phone["model"], len(phone["results"])) == ("Google Pixel 8", 4)
    assert "serial" not in phone
    card = (released.parent / f"{NAME}.card.md").read_text()
    assert card.startswith(INT8.with_name(f"{NAME}.card.md").read_text().rstrip())
    assert card.count("## On phones") == 1
    assert "| Google Pixel 8, Android 15 | CPU | 4 | 1.3 |" in card
    assert "| NNAPI | 1 | unavailable |" in card


def test_a_file_without_json_has_nothing_to_join_to(adb, released):
    (released.parent / f"{NAME}.json").unlink()
    done = adb("one=device", released, "--join")
    assert done.returncode == 2
    assert "there is nothing to join figures to" in done.stderr


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"files": []}, "files must be an object"),
        ({"threshold": float("nan")}, "threshold is not a finite number"),
        ({"name": "../x"}, "name must be a bare file name"),
    ],
)
def test_a_wrong_json_is_refused_before_a_phone_is_measured(adb, released, changed, words):
    path = released.parent / f"{NAME}.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changed))
    before = path.read_bytes()
    done = adb("one=device", released, "--join")
    assert done.returncode == 2
    assert words in done.stderr and "Traceback" not in done.stderr and done.stderr.count("\n") <= 3
    assert path.read_bytes() == before


def test_logs_of_older_tools_are_read():
    # As TensorFlow 2.4 prints it: no percentiles, and "peak" for what is a difference.
    text = (
        "count=50 first=307215 curr=309783 min=305938 max=333030 avg=309350 std=4411\n\n"
        "Inference timings in us: Init: 5664363, First inference: 328140, Warmup (avg): 3e+05, "
        "Inference (avg): 309350\n"
        "Peak memory footprint (MB): init=4.92969 overall=138.809\n"
    )
    latency = phones.read_output(text, "CPU", 1)
    assert (latency.mean_ms, latency.median_ms, latency.memory_mb) == (309.35, None, 138.809)
    assert phones.read_output("", "GPU", 1).problem == "no output"


def test_a_drifting_machine_hits_all_files_alike(monkeypatch):
    """Each process is slower than the one before; in alternation, the ratio of equal files stays near 1."""
    calls = []

    def slower_and_slower(path, threads, runs, xnnpack):
        calls.append(path)
        time = 10.0 * 1.1 ** len(calls)
        return tflite.Latency(threads, time, time, time, time, time, runs, xnnpack)

    monkeypatch.setattr(sys.modules["skinkeras.tflite.benchmark"], "_run", slower_and_slower)
    first, second = tflite.compare([FLOAT16, INT8], threads=(1,), xnnpack=(True,), rounds=4)
    assert calls == [FLOAT16, INT8, INT8, FLOAT16] * 2
    assert (first.ratio, second.ratio) == (1, pytest.approx((1.1 + 1 / 1.1) / 2))
    assert first.latency.runs == 200
