"""A folder belongs to one process at a time, and holds no leftovers of a killed one."""

import os
import signal
import subprocess
import sys

import numpy as np
import pytest
from processes import SURROUNDINGS, start

from skinkeras.errors import RunError, UsageError
from skinkeras.files import locks
from skinkeras.files.locks import exclusive, locked_folder, remove_leftovers
from skinkeras.files.writing import replacing, write_text

HOLDER = """
import sys, time
from skinkeras.files import locks
with getattr(locks, sys.argv[1])(sys.argv[2]):
    print("in", flush=True)
    time.sleep(600)
"""


@pytest.fixture
def holding():
    """Starts a process that is in a block of `locked_folder` or `exclusive`."""
    started = []

    def call(function, path):
        command = [sys.executable, "-c", HOLDER, function, path]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, **SURROUNDINGS)
        started.append(process)
        assert process.stdout.readline() == "in\n"
        return process

    yield call
    for process in started:
        process.kill()
        process.wait()


def test_a_second_process_is_refused_at_once_and_a_killed_one_leaves_no_lock(holding, tmp_path):
    first = holding("locked_folder", tmp_path / "run")
    with (
        pytest.raises(
            UsageError, match=r"^Another process is working in .*/run: wait for it, or choose another"
        ),
        locked_folder(tmp_path / "run"),
    ):
        pass
    first.send_signal(signal.SIGKILL)
    first.wait()
    assert os.listdir(tmp_path / "run") == [".lock"]
    with locked_folder(tmp_path / "run"):
        (tmp_path / "run" / "config.yaml").touch()
    assert os.listdir(tmp_path / "run") == ["config.yaml"]


def test_a_folder_into_which_nothing_came_is_gone_again(tmp_path):
    with locked_folder(tmp_path / "runs" / "mine"), locked_folder(tmp_path / "runs" / "mine"):
        assert os.listdir(tmp_path / "runs" / "mine") == [".lock"]
    assert not (tmp_path / "runs").exists()


def test_another_name_of_the_folder_is_the_same_folder(holding, tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "run")
    (tmp_path / "run").mkdir()
    holding("locked_folder", tmp_path / "run")
    with pytest.raises(UsageError, match="Another process"), locked_folder(tmp_path / "link"):
        pass


@pytest.mark.parametrize("place", ["file", "file/below", "/proc/run", "x" * 300])
def test_a_folder_that_cannot_be_written_is_refused_in_a_sentence(tmp_path, place):
    (tmp_path / "file").touch()
    with (
        pytest.raises(UsageError, match=r"choose another --out\.$") as refused,
        locked_folder(tmp_path / place),
    ):
        pass
    assert "Errno" not in str(refused.value)
    assert os.listdir(tmp_path) == ["file"]


def test_a_folder_that_was_removed_does_not_come_back_by_half(tmp_path):
    with locked_folder(tmp_path / "run"):
        write_text(tmp_path / "run" / "a.txt", "here")
        (tmp_path / "run").rename(tmp_path / "away")
        with pytest.raises(RunError, match="was removed while this process was working there"):
            write_text(tmp_path / "run" / "state" / "b.txt", "half")
        assert not (tmp_path / "run").exists()
        write_text(tmp_path / "elsewhere" / "c.txt", "whole")
    (tmp_path / "run").mkdir()
    write_text(tmp_path / "run" / "d.txt", "nobody's")


def test_what_killed_writers_left_goes_and_everything_else_stays(holding, tmp_path):
    gone = [".model.0123abcd.keras", "state/.all.89abcdef.npz", ".images-96-0a.00000000.npy"]
    kept = [
        *("model.keras", ".hidden", ".lock", ".cache/.images.0123abcd.npy", "other/.lock"),
        *("other/.model.0123abcd.keras", ".written.0123abcd.npy"),
    ]
    for name in (*gone, *kept):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    holding("exclusive", tmp_path / "written.npy")
    remove_leftovers(tmp_path)
    assert [name for name in gone if (tmp_path / name).exists()] == []
    assert [name for name in kept if not (tmp_path / name).exists()] == []


def test_leftovers_are_what_a_killed_writer_leaves(tmp_path):
    with pytest.raises(ZeroDivisionError), replacing(tmp_path / "a.b.keras") as temporary:
        temporary.touch()
        assert locks._TEMPORARY.match(temporary.name)["stem"] == "a.b"
        raise ZeroDivisionError


def test_two_writers_of_one_file_take_turns(holding, tmp_path):
    first, waited = holding("exclusive", tmp_path / "images.npy"), []

    def end_the_first():
        waited.append(True)
        first.kill()

    with exclusive(tmp_path / "images.npy", end_the_first):
        pass
    assert waited == [True]
    assert os.listdir(tmp_path) == []


@pytest.mark.long
@pytest.mark.timeout(900)
def test_of_two_runs_that_start_together_in_one_folder_one_is_refused(small_run, tmp_path):
    import yaml

    out, logs = tmp_path / "run", [tmp_path / "1.log", tmp_path / "2.log"]
    words = (*small_run, "--data-seed", "0", "--out", out)
    pair = [start("binary", *words, "--seed", str(number), log=log) for number, log in enumerate(logs, 1)]
    codes = [process.wait(800) for process in pair]
    assert sorted(codes) == [0, 2], [log.read_text()[-2000:] for log in logs]
    winner, loser = codes.index(0), codes.index(2)
    assert logs[loser].read_text() == (
        f"Error: Another process is working in {out}: wait for it, or choose another --out.\n"
    )
    assert yaml.safe_load((out / "config.yaml").read_text())["settings"]["seed"] == winner + 1
    assert not [path for path in out.rglob(".*")]
    shapes = {np.load(path, mmap_mode="r").shape for path in (tmp_path / "cache").glob("*.npy")}
    assert shapes == {(24, 32, 32, 3), (24, 2)}  # the images, and the shapes that they had
    assert not [path for path in (tmp_path / "cache").glob(".*")]
