"""What a command costs before its work begins."""

import importlib
import pkgutil
import subprocess
import sys
import time

import pytest
from processes import ROOT, SURROUNDINGS

import pipelines

JOBS = sorted(f"pipelines.{module.name}" for module in pkgutil.iter_modules(pipelines.__path__))
JOBS = [name for name in JOBS if hasattr(importlib.import_module(name), "Settings")]

HEAVY = "{'tensorflow', 'keras', 'pandas', 'sklearn', 'matplotlib'}"


def python(code, *words, **surroundings):
    """What Python wrote to both its streams."""
    command = [sys.executable, "-c", code, *map(str, words)]
    surroundings = {**SURROUNDINGS, **surroundings}
    done = subprocess.run(command, capture_output=True, text=True, check=False, **surroundings)
    assert done.returncode == 0, done.stderr
    return done.stdout, done.stderr


def test_every_job_is_known_here():
    assert {"pipelines.binary", "pipelines.multiclass", "pipelines.clean", "pipelines.sweep"} <= set(JOBS)
    assert len(JOBS) >= 11


def test_help_imports_nothing_heavy():
    python(
        f"""
import importlib, sys
from pipelines.common import options
for name in sys.argv[1:]:
    job = importlib.import_module(name)
    try:
        options.read_command_line(job.Settings, ["--help"], name, job.main.__doc__)
    except SystemExit as stopped:
        assert stopped.code == 0
    heavy = {HEAVY} & set(sys.modules)
    assert not heavy, (name, heavy)
""",
        *JOBS,
    )


@pytest.mark.slow
@pytest.mark.parametrize("job", JOBS)
def test_help_answers_at_once(job):
    best = float("inf")
    for _ in range(3):
        started = time.monotonic()
        subprocess.run([sys.executable, "-m", job, "--help"], check=True, capture_output=True, **SURROUNDINGS)
        best = min(best, time.monotonic() - started)
        if best < 2:
            return
    raise AssertionError(f"{job} --help took {best:.1f} s")


def test_what_is_refused_without_images_is_refused_without_tensorflow(tmp_path):
    python(
        f"""
import contextlib, io, sys
from pathlib import Path
from pipelines.common.console import run
from pipelines.common.options import flags
from refused_settings import BY_A_GROUP, BY_A_JOB, JOBS
from test_options import refusing_jobs

def refuse(job, words):
    sys.argv = ["job", *words, "--out", sys.argv_out]
    try:
        run(job.main, job.Settings)
    except SystemExit as stopped:
        assert stopped.code == 2, (job, words)
    else:
        raise AssertionError((job, words))
    heavy = {HEAVY} & set(sys.modules)
    assert not heavy, (job, words, heavy)

sys.argv_out = sys.argv[1]
for values, _ in BY_A_GROUP:
    for job in refusing_jobs(values):
        refuse(job, flags(values))
for job, words, _ in BY_A_JOB:
    refuse(job, words)
begun = Path(sys.argv_out)
begun.mkdir()
(begun / "config.yaml").write_text("settings: {{gamma: 10.0}}")
for job in JOBS:
    refuse(job, ())
    refuse(job, ("--resume",))
""",
        tmp_path / "run",
        env={**SURROUNDINGS["env"], "PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}:{ROOT / 'tests' / 'pipelines'}"},
    )


def test_importing_the_package_changes_nothing_else():
    code = (
        "import os, sys; before = list(sys.meta_path), dict(os.environ); import pipelines, pipelines.common; "
        "assert before == (list(sys.meta_path), dict(os.environ))"
    )
    python(code)


def test_tensorflow_loads_quietly_when_it_is_needed():
    code = (
        "from pipelines.common.startup import start_keras; start_keras(); "
        "import keras, tensorflow; print(tensorflow.__name__)"
    )
    env = {name: value for name, value in SURROUNDINGS["env"].items() if name != "TF_CPP_MIN_LOG_LEVEL"}
    assert python(code, env=env) == ("tensorflow\n", "")
