import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[1] / "benchmarks" / "gpu_check.py"


def check(*words):
    return subprocess.run(
        [sys.executable, SCRIPT, *words],
        env={**os.environ, "CUDA_VISIBLE_DEVICES": "-1", "TF_CPP_MIN_LOG_LEVEL": "3"},
        capture_output=True,
        text=True,
    )


@pytest.mark.long
@pytest.mark.parametrize("words", [(), ("--devices", "CPU:0", "GPU:0")])
def test_without_a_gpu_it_says_so(words):
    done = check(*words)
    assert done.returncode == 1
    assert "TensorFlow finds no GPU:0 here: --cpu-only runs the processor's half." in done.stderr
    assert "PASS" not in done.stdout


@pytest.mark.long
def test_the_processors_half_passes():
    done = check("--cpu-only", "--networks", "efficientnet_tiny", "--steps", "2")
    assert done.returncode == 0, done.stdout
    assert "FAIL" not in done.stdout
    assert "efficientnet_tiny: twice the same on CPU:0" in done.stdout
