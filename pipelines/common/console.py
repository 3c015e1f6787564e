"""The console: one place that prints, and turns errors into one sentence and an exit code."""

import errno
import sys
from contextlib import contextmanager

import rich.console
import rich.progress
import tyro

from skinkeras.errors import RunError

# A log file has no width of its own: give it enough for the table of results.
console = rich.console.Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else 110)
error_console = rich.console.Console(stderr=True, highlight=False, soft_wrap=True)


class UsageError(Exception):
    """What the user asked for cannot be done; found before any work was done. Exit code 2."""


@contextmanager
def refuse_invalid_input():
    """Errors about settings and data become refusals: one sentence, no traceback."""
    try:
        yield
    except (ValueError, OSError) as error:
        if getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT):
            raise  # nothing is wrong with what was asked for
        raise UsageError(str(error)) from error


def run(main, settings_class):
    """Reads the command line into `settings_class` and calls `main` with it.

    Exit codes: 0 done; 1 it failed while working (full disk, a cleaning that cannot go on, an exported file
    that disagrees with its model); 2 refused at the door (unknown flag, bad value, bad data); 130 stopped by
    Ctrl-C. Anything else is a defect of ours and keeps its traceback.
    """
    specification = sys.modules["__main__"].__spec__  # None where no `python -m` was used
    program = f"python -m {specification.name}" if specification else None
    settings = tyro.cli(settings_class, prog=program, description=main.__doc__)
    try:
        main(settings)
    except UsageError as error:
        _fail(error, 2)
    except (OSError, RunError) as error:
        _fail(error, 1)
    except KeyboardInterrupt:
        further = " Run the same command with --resume to go on." if hasattr(settings, "resume") else ""
        _fail(f"Stopped.{further}", 130)


def _fail(message, code):
    error_console.print(f"[bold red]Error:[/] {rich.markup.escape(str(message))}")
    sys.exit(code)


def section(title):
    """A heading in the run's output."""
    console.print(f"\n[bold]{title}[/]")


@contextmanager
def progress_bar(title):
    """Yields a function (done, total) that keeps a progress bar."""
    columns = [*rich.progress.Progress.get_default_columns(), rich.progress.MofNCompleteColumn()]
    with rich.progress.Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(title, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
