"""The console: one place that prints, and turns errors into one sentence and an exit code."""

import errno
import inspect
import os
import re
import shutil
import signal
import sys
from contextlib import contextmanager, suppress

import rich.console
import rich.text

from pipelines.common import options, stopping
from skinkeras.errors import RunError, UsageError, shown
from skinkeras.files.writing import write_error

# A log file has no width of its own: give it enough for the table of results.
_AS_IT_IS = {"highlight": False, "emoji": False, "soft_wrap": True}
console = rich.console.Console(**_AS_IT_IS, width=None if sys.stdout.isatty() else 110)
_NARROWEST = 40  # columns; below 8, tyro breaks the lines of its help for ever
_LONGEST_LINE = 2000  # of an error: a cell of a table or a field of a file may be of any length
error_console = rich.console.Console(**_AS_IT_IS, stderr=True)


@contextmanager
def refuse_invalid_input():
    """Errors about settings and data become refusals: one sentence, no traceback."""
    try:
        yield
    except (ValueError, OSError) as error:
        # Of work that failed, a full disk or a closed pipe, what was asked for is not the cause.
        if isinstance(error, RunError) or getattr(error, "errno", None) in (
            errno.ENOSPC,
            errno.EDQUOT,
            errno.EPIPE,
        ):
            raise
        raise UsageError(sentence(error)) from error


def run(main, settings_class):
    """Reads the command line into `settings_class` and calls `main` with it.

    Exit codes: 0 done; 1 it failed while working (full disk, a cleaning that cannot go on, an exported file
    that disagrees with its model); 2 refused before any work (unknown flag, bad value, bad data); 130 stopped by
    Ctrl-C; 143 by SIGTERM. Anything else is a defect of ours and keeps its traceback.
    """
    signals = stopping.Signals()
    if shutil.get_terminal_size().columns < _NARROWEST:
        os.environ["COLUMNS"] = str(_NARROWEST)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a file's name need not be UTF-8
            stream.reconfigure(errors="backslashreplace")
    with signals.raised():
        try:
            _run(main, settings_class, signals)
            sys.stdout.flush()
        except BrokenPipeError:  # whoever read the output has stopped reading
            _discard_output()
            sys.exit(1)
        except OSError as error:  # the output goes to a file on a full disk
            _discard_output()
            _fail(str(write_error("what this command prints", error)), 1)


def _run(main, settings_class, signals):
    specification = sys.modules["__main__"].__spec__  # None where no `python -m` was used
    program = None
    if specification:
        program = f"python -m {specification.name.removesuffix('.__main__')}"
    settings = None
    try:
        os.getcwd()
    except FileNotFoundError:
        _fail("The current folder has been removed: change to another one.", 2)
    try:
        settings = options.read_command_line(
            settings_class, program=program, description=inspect.cleandoc(main.__doc__ or "")
        )
        main(settings)
    except BaseException as error:
        stopped_by = signals.received or (signal.SIGINT if isinstance(error, KeyboardInterrupt) else None)
        if stopped_by:
            resumable = settings is not None and "resume" in options.flatten(settings)
            further = " Run the same command with --resume to go on." if resumable else ""
            _fail(stopping.line(stopped_by) + further, 128 + stopped_by)
        if not isinstance(error, UsageError | RunError | OSError):
            raise
        if isinstance(error, BrokenPipeError):
            raise
        if isinstance(error, OSError) and error.strerror and error.filename is None:
            print(flush=True)  # raises the same error again if the output is what could not be written
        _fail(sentence(error), 2 if isinstance(error, UsageError) else 1)


def sentence(error):
    """What an error says, as people write: no number of the system's, no type of NumPy's, one full stop, nothing that
    steers a terminal."""
    text = str(error)
    if isinstance(error, OSError) and error.strerror:
        where = "" if error.filename is None else f"{os.fsdecode(error.filename)}: "
        text = f"{where}{error.strerror}."
    text = re.sub(r"\[Errno -?\d+\] ", "", text)
    text = re.sub(r"\bnp\.(?:u?int|float|str|bool)\d*_?\(([^()]*)\)", r"\1", text)
    text = re.sub(r"(?<=[^\s./])\.\.(?=\s|$)", ".", text)
    return "\n".join(map(_readable, text.split("\n")))


def _readable(line):
    """A line of a message as a terminal should have it: what steers it as escapes, and not longer than a page."""
    line = shown(line, most=None)
    return line if len(line) <= _LONGEST_LINE else f"{line[: _LONGEST_LINE - 300]} ... {line[-300:]}"


def _discard_output():
    """What has not been written yet is lost; Python would complain when it writes it at the end."""
    with suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _fail(message, code):
    error_console.print(rich.text.Text.assemble(("Error:", "bold red"), f" {message}"))
    sys.exit(code)


def section(title):
    """A heading in the run's output."""
    console.print(rich.text.Text(f"\n{title}", style="bold"))


@contextmanager
def progress_bar(title):
    """Yields a function (done, total) that keeps a progress bar."""
    import rich.progress

    columns = [*rich.progress.Progress.get_default_columns(), rich.progress.MofNCompleteColumn()]
    with rich.progress.Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(title, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def say(text):
    """Prints a line as it is: square brackets in it are no markup."""
    console.print(str(text), markup=False)
