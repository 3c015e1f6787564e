"""From settings to a job's command line, and back through the job's own door."""

import contextlib
import io

import tyro


def flags(settings):
    """The command line, a list of str, that says `settings` (name -> value); None says nothing."""
    arguments = []
    for name, value in settings.items():
        flag = "--" + name.replace("_", "-")
        if isinstance(value, bool):
            arguments.append(flag if value else flag.replace("--", "--no-", 1))
        elif isinstance(value, list | tuple):
            arguments += [flag, *map(str, value)]
        elif value is not None:
            arguments += [flag, str(value)]
    return arguments


def parsed(job, arguments):
    """The settings that a job reads off a command line.

    Args:
        job: module with `Settings`, such as `pipelines.binary`.
        arguments: list of str.

    Raises:
        ValueError: it does not take them.
    """
    said = io.StringIO()
    try:
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            return tyro.cli(job.Settings, args=arguments)
    except SystemExit:
        words = " ".join(word for word in said.getvalue().split() if set(word) - set("│╭╮╰╯─"))
        raise ValueError(words) from None
