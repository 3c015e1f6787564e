"""A sentence names the cause, and advises what is there."""

import configparser
import signal
import subprocess
import sys
import time
from types import SimpleNamespace

import keras
import numpy as np
import pytest
import tensorflow as tf
from processes import ROOT, SURROUNDINGS
from refusals import refused

from pipelines import export
from pipelines.common.run_folder import git_revision
from skinkeras.losses import RecallCrossentropy
from skinkeras.training import DivergedError
from skinkeras.training.progress import EpochEvaluation


@pytest.mark.parametrize(
    ("loss", "advice"),
    [
        (RecallCrossentropy(gamma=1e9), "with a lower --gamma (it is 1e+09) or a lower --learning-rate, in"),
        (RecallCrossentropy(gamma=1), "with a lower --learning-rate, in"),
        (keras.losses.CategoricalCrossentropy(), "with a lower --learning-rate, in"),
        (keras.losses.CategoricalFocalCrossentropy(gamma=2.0), "with a lower --learning-rate, in"),
    ],
)
def test_a_training_that_diverged_blames_gamma_only_where_there_is_one(loss, advice):
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    model.compile(loss=loss)
    model.set_weights([np.full((3, 2), np.nan), np.zeros(2)])
    dataset = tf.data.Dataset.from_tensors((np.ones((4, 3)), np.ones((4, 2))))
    evaluation = EpochEvaluation(SimpleNamespace(dataset=lambda _: dataset), 4, None)
    evaluation.set_model(model)
    evaluation.on_epoch_begin(0)
    with pytest.raises(DivergedError) as raised:
        evaluation.on_epoch_end(0, {})
    assert advice in str(raised.value)


@pytest.mark.parametrize("length", [0, 100, 0.5])
def test_a_truncated_keras_file_is_called_damaged_and_not_missing(monkeypatch, capsys, tmp_path, length):
    path = tmp_path / "mine.keras"
    keras.Sequential([keras.Input((32, 32, 3)), keras.layers.Flatten(), keras.layers.Dense(2)]).save(path)
    content = path.read_bytes()
    path.write_bytes(content[: int(length * len(content)) if length < 1 else length])
    text = refused(monkeypatch, capsys, export, path, "--labels", "a", "b")
    assert text == f"Error: {path} is damaged: copy it again, or save it again.\n"


def test_a_sweep_that_is_stopped_ends_its_runs(tmp_path):
    code = (
        "import sys\nfrom pipelines.sweeps.engine.workers import Job, LocalWorkers\n"
        "wait = 'import pathlib, sys, time; pathlib.Path(sys.argv[1]).touch(); time.sleep(600)'\n"
        "jobs = [Job(str(n), ('-c', wait, f'{sys.argv[1]}/{n}'), f'{sys.argv[1]}/{n}.log') for n in range(3)]\n"
        "with LocalWorkers(1) as workers:\n    list(workers.results(jobs))\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, tmp_path], stderr=subprocess.DEVNULL, **SURROUNDINGS
    )
    end = time.monotonic() + 60
    while not (tmp_path / "0").exists():
        assert time.monotonic() < end
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    process.wait(60)
    assert not (tmp_path / "1").exists()


def test_the_revision_is_that_of_the_checkout():
    assert git_revision() is None or len(git_revision().removesuffix("-dirty")) >= 12


def test_a_repository_around_an_installed_package_is_not_asked(monkeypatch, tmp_path):
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    installed = tmp_path / "venv" / "site-packages" / "skinkeras"
    installed.mkdir(parents=True)
    monkeypatch.setattr("pipelines.common.run_folder.skinkeras.__file__", str(installed / "__init__.py"))
    assert git_revision() is None


def test_a_repository_that_does_not_know_the_package_is_not_asked(monkeypatch, tmp_path):
    """As after `pip install --target .` in somebody's project; or inside a hook of its."""
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    identity = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    subprocess.run(["git", "-C", tmp_path, *identity, "commit", "-q", "--allow-empty", "-m", "a"], check=True)
    own = git_revision()
    monkeypatch.setenv("GIT_DIR", str(tmp_path / ".git"))
    assert git_revision() == own
    (tmp_path / "skinkeras").mkdir()
    (tmp_path / "skinkeras" / "__init__.py").touch()
    monkeypatch.setattr(
        "pipelines.common.run_folder.skinkeras.__file__", str(tmp_path / "skinkeras" / "__init__.py")
    )
    assert git_revision() is None


def test_the_package_says_for_which_versions_of_python_its_pins_exist():
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    assert setup["options"]["python_requires"] == ">=3.11,<3.14"
    for version in ("3.11", "3.12", "3.13"):
        assert f"Programming Language :: Python :: {version}" in setup["metadata"]["classifiers"]
