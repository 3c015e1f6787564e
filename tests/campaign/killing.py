"""Jobs in processes of their own that are killed at a moment of our choice, and what two folders have in common."""

import json
import re
import signal
import subprocess
import sys
import zipfile
from io import BytesIO

import h5py
import numpy as np
import pandas as pd
import yaml
from processes import ROOT, SURROUNDINGS

#: Runs a job and notes the files that it moves into place, in `moves`; at the one that it is told, it kills itself,
#: so that a temporary file lies beside an old one.
_COUNTS_MOVES = """
import os, runpy, signal, sys
fatal, job, moved, replace = sys.argv[1], sys.argv[2], [], os.replace
def counting(source, target):
    moved.append(os.path.basename(target))
    if fatal in (str(len(moved)), moved[-1]):
        os.kill(os.getpid(), signal.SIGKILL)
    replace(source, target)
os.replace = counting
del sys.argv[1:3]
try:
    runpy.run_module("pipelines." + job, run_name="__main__", alter_sys=True)
finally:
    with open("moves", "w") as file:
        file.write("\\n".join(moved))
"""

#: What a record says of the last process or its folder instead of the run: how long it took, and of which revision
#: it was; a sweep names folders by their whole paths.
_OF_THE_PROCESS = {"seconds", "latency", "median_ms", "peak_memory_mb", "git_revision"}
_OF_THE_PROCESS |= {"out", "cache_dir", "clean_dir"}
#: What Keras numbers anew in every process.
_ADDRESSES = {"shared_object_id"}
#: Rendered from the record, with its times between words.
_CARD = re.compile(r"(^|\.)card\.md$")


def start(job, *words, folder, fatal_move=None):
    """A process of `pipelines.JOB` that works in `folder`, with everything that it prints in the file `log` there.

    Args:
        job: name of the module.
        words: of its command line.
        folder: where the process is, so that relative paths mean the same in every such folder.
        fatal_move: the process kills itself when it moves its n-th file into place, or the first one of a name.
    """
    command = [sys.executable, "-c", _COUNTS_MOVES, str(fatal_move), job, *map(str, words)]
    environment = {**SURROUNDINGS["env"], "PYTHONPATH": str(ROOT)}
    with open(folder / "log", "a") as log:
        return subprocess.Popen(
            command,
            stdout=log,
            stderr=subprocess.STDOUT,
            **{**SURROUNDINGS, "cwd": folder, "env": environment},
        )


def is_killed(process, seconds=None):
    """Waits, kills the process after `seconds` (None: it kills itself), and says whether that came before its end."""
    try:
        process.wait(600 if seconds is None else seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    return process.returncode == -signal.SIGKILL


def files_of(folder):
    """Paths of all files below a folder, relative to it, less what each process writes of itself: logs."""
    paths = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return sorted(path for path in paths if "logs" not in path.parts and path.suffix != ".log")


def content(path):
    """What a file says, without the times in it, as something that can be compared."""
    if path.suffix == ".keras":
        return _weights(path)
    if path.name == "history.csv" or path.name == "runs.csv":
        return pd.read_csv(path).drop(columns="seconds").to_csv(index=False)
    if path.suffix == ".yaml":
        return _without(_OF_THE_PROCESS, yaml.safe_load(path.read_text()))
    if path.suffix == ".json":
        return _without(_OF_THE_PROCESS, json.loads(path.read_text()))
    return path.read_bytes()


def _without(names, value):
    """A value of JSON without the entries of these names, at every depth."""
    if isinstance(value, dict):
        return {name: _without(names, inner) for name, inner in value.items() if name not in names}
    return [_without(names, inner) for inner in value] if isinstance(value, list) else value


def _weights(path):
    """{name: bytes of the array} of everything that a model keeps, and its configuration."""
    arrays = {}
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        arrays["configuration"] = _without(_ADDRESSES, json.loads(archive.read("config.json")))
        with h5py.File(BytesIO(archive.read("model.weights.h5"))) as file:
            file.visititems(
                lambda name, item: (
                    arrays.update({name: np.asarray(item).tobytes()})
                    if isinstance(item, h5py.Dataset)
                    else None
                )
            )
    assert len(arrays) > 20
    return arrays


def differences(whole, other):
    """Names of the files of a folder that differ from those of another, or are missing in one of the two."""
    names = set(files_of(whole)) ^ set(files_of(other))
    common = set(files_of(whole)) - names
    names |= {
        name
        for name in common
        if not _CARD.search(name.name) and content(whole / name) != content(other / name)
    }
    return sorted(map(str, names))
