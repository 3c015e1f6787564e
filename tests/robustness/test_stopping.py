"""Ctrl-C, SIGTERM, a closed pipe, a folder that is removed: one line, an exit code, and the run goes on."""

import os
import shutil
import signal
import subprocess
import sys
import time

import pytest
from processes import ROOT, SURROUNDINGS, start

#: Where in its imports the process is when the signal comes.
WHILE_IMPORTING = """
import os, runpy, signal, sys
class Stops:
    def find_spec(self, name, *more):
        if name == sys.argv_module:
            sys.meta_path.remove(self)
            os.kill(os.getpid(), sys.argv_signal)
sys.argv_module, sys.argv_signal = sys.argv[1], int(sys.argv[2])
sys.meta_path.insert(0, Stops())
sys.argv, sys.orig_argv = ["-m"], ["python", "-m", "pipelines.binary"]
runpy._run_module_as_main("pipelines.binary")
"""


@pytest.mark.parametrize("module", ["tyro", "skinkeras.losses.catalog", "rich.console", "filelock"])
@pytest.mark.parametrize(
    ("number", "text"), [(signal.SIGINT, "Stopped."), (signal.SIGTERM, "Stopped (SIGTERM).")]
)
def test_a_signal_while_importing_is_one_line(module, number, text):
    command = [sys.executable, "-c", WHILE_IMPORTING, module, str(int(number))]
    done = subprocess.run(command, capture_output=True, text=True, **SURROUNDINGS)
    assert (done.returncode, done.stdout, done.stderr) == (128 + number, "", f"Error: {text}\n")


def test_importing_the_package_elsewhere_changes_no_signal():
    code = (
        "import signal; before = signal.getsignal(signal.SIGTERM); import pipelines.common.console; "
        "assert signal.getsignal(signal.SIGTERM) == before"
    )
    subprocess.run([sys.executable, "-c", code], check=True, **SURROUNDINGS)


@pytest.mark.parametrize("words", [["binary", "--help"], ["report", str(ROOT / "tflite_models" / "records")]])
def test_a_closed_pipe_ends_quietly(words):
    command = [sys.executable, "-m", f"pipelines.{words[0]}", *words[1:]]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **SURROUNDINGS
    )
    process.stdout.close()
    errors = process.stderr.read()
    assert process.wait(120) in (0, 1, 2) and "Traceback" not in errors and "Broken pipe" not in errors


@pytest.mark.parametrize("columns", ["1", "0", "-5", "wide"])
def test_a_terminal_of_any_width_shows_the_help(columns):
    command = [sys.executable, "-m", "pipelines.predict", "--help"]
    environment = {**SURROUNDINGS["env"], "COLUMNS": columns}
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
        **{**SURROUNDINGS, "env": environment},
    )
    assert (done.returncode, done.stderr) == (0, "") and "--operating-point" in done.stdout


def test_a_job_needs_no_docstrings():
    """`python -OO` leaves them out."""
    command = [sys.executable, "-OO", "-m", "pipelines.predict", "--help"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, **SURROUNDINGS)
    assert (done.returncode, done.stderr) == (0, "") and "--operating-point" in done.stdout


@pytest.mark.parametrize("closed", [(0,), (1,), (2,), (0, 1, 2)])
@pytest.mark.parametrize(("words", "code"), [(["binary", "--gamma", "-1"], 2), (["predict", "--help"], 0)])
def test_streams_that_the_shell_has_closed_do_not_matter(tmp_path, closed, words, code):
    command = [sys.executable, "-m", f"pipelines.{words[0]}", *words[1:]]
    process = subprocess.Popen(
        command,
        **{**SURROUNDINGS, "preexec_fn": lambda: [os.close(number) for number in closed]},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    output, errors = process.communicate(timeout=240)
    assert process.returncode == code and "Traceback" not in errors
    assert bool(errors) == (code == 2 and 2 not in closed) and bool(output) == (code == 0 and 1 not in closed)


def test_a_current_folder_that_was_removed_is_one_sentence(tmp_path):
    (tmp_path / "gone").mkdir()
    script = f'cd "{tmp_path}/gone" && rmdir "{tmp_path}/gone" && exec "$@"'
    command = ["sh", "-c", script, "sh", sys.executable, "-m", "pipelines.binary", "--out", "run"]
    environment = {**SURROUNDINGS["env"], "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, **{**SURROUNDINGS, "env": environment}
    )
    assert (done.returncode, done.stderr) == (
        2,
        "Error: The current folder has been removed: change to another one.\n",
    )


def test_printing_into_a_closed_pipe_ends_quietly(tmp_path):
    code = (
        "import sys\nfrom dataclasses import dataclass\nfrom pipelines.common.console import run\n"
        "@dataclass\nclass Settings:\n    a: int = 1\n"
        "def main(settings):\n    'A job.'\n    print('x' * 100_000)\n"
        "sys.argv = ['job']\nrun(main, Settings)\n"
    )
    (tmp_path / "job.py").write_text(code)
    process = subprocess.Popen(
        [sys.executable, tmp_path / "job.py"],
        **{**SURROUNDINGS, "env": {**SURROUNDINGS["env"], "PYTHONPATH": str(ROOT)}},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    process.stdout.close()
    assert (process.stderr.read(), process.wait(60)) == ("", 1)


def test_ctrl_c_that_breaks_off_code_made_of_a_string_keeps_the_exit_code(tmp_path):
    """As dataclasses are made. Python would otherwise end by SIGINT, although the exception was caught; unless more
    such code runs at the end, as when `rich` is first used: so it is used before."""
    (tmp_path / "job.py").write_text(
        "import sys\nfrom dataclasses import dataclass\nfrom pipelines.common.console import run\n"
        "@dataclass\nclass Settings:\n    a: int = 1\n"
        "def main(settings):\n    'A job.'\n"
        "    from pipelines.common.console import error_console\n"
        "    error_console.print('begun')\n"
        "    exec('import os, signal; os.kill(os.getpid(), signal.SIGINT)')\n"
        "run(main, Settings)\n"
    )
    environment = {**SURROUNDINGS["env"], "PYTHONPATH": f"{ROOT}:{tmp_path}"}
    command = [sys.executable, "-m", "job"]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, **{**SURROUNDINGS, "env": environment}
    )
    assert (done.returncode, done.stderr) == (130, "begun\nError: Stopped.\n")


@pytest.mark.parametrize("how", ["finalizer", "weak reference", "garbage collection"])
def test_a_signal_while_python_drops_exceptions_still_stops_the_job(tmp_path, how):
    code = (
        "import gc, os, signal, sys, time, weakref\nfrom dataclasses import dataclass\n"
        "from pipelines.common.console import run\n"
        "@dataclass\nclass Settings:\n    a: int = 1\n"
        "def stop(*_):\n    os.kill(os.getpid(), signal.SIGTERM)\n    time.sleep(0.01)\n"
        "class Finalized:\n    pass\n"
        "def main(settings):\n    'A job.'\n    one = Finalized()\n"
        f"    if {how!r} == 'finalizer':\n        Finalized.__del__ = stop\n"
        f"    elif {how!r} == 'weak reference':\n        kept = weakref.ref(one, stop)\n"
        "    else:\n"
        "        gc.callbacks.append(lambda phase, _: phase == 'stop' and (gc.callbacks.clear(), stop()))\n"
        "    del one\n    gc.collect()\n    time.sleep(60)\n"
        "run(main, Settings)\n"
    )
    (tmp_path / "job.py").write_text(code)
    environment = {**SURROUNDINGS["env"], "PYTHONPATH": f"{ROOT}:{tmp_path}"}
    done = subprocess.run(
        [sys.executable, "-m", "job"],
        capture_output=True,
        text=True,
        check=False,
        timeout=50,
        **{**SURROUNDINGS, "env": environment},
    )
    assert (done.returncode, done.stderr) == (143, "Error: Stopped (SIGTERM).\n")


def wait_for(path, process, log, seconds=600):
    end = time.monotonic() + seconds
    while not path.exists():
        assert process.poll() is None and time.monotonic() < end, log.read_text()[-2000:]
        time.sleep(0.02)


@pytest.mark.long
@pytest.mark.timeout(900)
def test_sigterm_ctrl_c_and_a_removed_folder_end_a_run_with_a_sentence(small_run, tmp_path):
    out, log = tmp_path / "run", tmp_path / "log"
    words = (*small_run, "--epochs", "1000", "--out", out)
    for number, name in ((signal.SIGTERM, "Stopped (SIGTERM)."), (signal.SIGINT, "Stopped.")):
        log.write_text("")
        process = start("binary", *words, "--resume", log=log)
        wait_for(out / "state" / "head.npz", process, log)
        wait_for(out / ".lock", process, log)
        time.sleep(3)  # anywhere
        process.send_signal(number)
        assert process.wait(120) == 128 + number, log.read_text()
        last = log.read_text().splitlines()[-1]
        assert last == f"Error: {name} Run the same command with --resume to go on."
        assert "Traceback" not in log.read_text()
        assert not [path for path in out.rglob(".*")]
    log.write_text("")
    process = start("binary", *words, "--resume", log=log)
    wait_for(out / ".lock", process, log)
    shutil.move(out, tmp_path / "moved away")
    assert process.wait(300) == 1, log.read_text()
    assert "was removed while this process was working there: start again." in log.read_text()
    assert "Traceback" not in log.read_text() and not out.exists()
