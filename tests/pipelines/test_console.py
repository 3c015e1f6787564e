"""What the user of a command line sees when something is wrong."""

import errno
import sys
from dataclasses import dataclass

import pytest

from pipelines import binary
from pipelines.common.console import refuse_invalid_input, run


@dataclass(frozen=True)
class Settings:
    gamma: float = 1.0
    """Anything."""


@pytest.fixture
def outcome(monkeypatch, capsys):
    """Runs a job with a command line; (exit code, what it wrote to the error stream)."""

    def call(main, *arguments, settings_class=Settings):
        monkeypatch.setattr(sys, "argv", ["job", *arguments])
        code = 0
        try:
            run(main, settings_class)
        except SystemExit as stopped:
            code = stopped.code
        return code, capsys.readouterr().err

    return call


def raising(error, refused=False):
    def main(settings):
        """A job."""
        if refused:
            with refuse_invalid_input():
                raise error
        raise error

    return main


def test_settings_come_from_the_command_line(outcome):
    seen = []
    assert outcome(seen.append, "--gamma", "10") == (0, "")
    assert seen == [Settings(gamma=10.0)]


@pytest.mark.parametrize("arguments", [["--gama", "10"], ["--gamma", "ten"], ["--gamma"], ["surplus"]])
def test_a_command_line_that_cannot_be_read_exits_with_2_and_runs_nothing(outcome, arguments):
    seen = []
    code, text = outcome(seen.append, *arguments)
    assert (code, seen) == (2, [])
    assert arguments[-1] in text or arguments[0] in text
    assert "Traceback" not in text


@pytest.mark.parametrize("error", [ValueError("gamma is wrong."), FileNotFoundError("gamma is wrong.")])
def test_invalid_input_is_one_sentence_and_exits_with_2(outcome, error):
    assert outcome(raising(error, refused=True)) == (2, "Error: gamma is wrong.\n")


def test_a_full_disk_is_one_sentence_and_exits_with_1(outcome):
    error = OSError("Could not write a.txt: No space left on device.")
    error.errno = errno.ENOSPC
    assert outcome(raising(error)) == (1, "Error: Could not write a.txt: No space left on device.\n")


def test_ctrl_c_says_how_to_go_on_and_exits_with_130(outcome):
    assert outcome(raising(KeyboardInterrupt())) == (130, "Error: Stopped.\n")  # nothing of it goes on
    code, text = outcome(raising(KeyboardInterrupt()), settings_class=binary.Settings)
    assert code == 130
    assert "--resume" in text and "Traceback" not in text


def test_brackets_in_a_message_are_printed_as_they_are(outcome):
    assert outcome(raising(OSError("images[red]/a.jpg is missing.")))[1] == (
        "Error: images[red]/a.jpg is missing.\n"
    )


def test_a_long_sentence_stays_on_one_line(outcome):
    sentence = "/a/long/path" * 40 + " is missing."
    assert outcome(raising(OSError(sentence)))[1] == f"Error: {sentence}\n"


def test_a_defect_keeps_its_traceback(outcome):
    with pytest.raises(ZeroDivisionError):
        outcome(raising(ZeroDivisionError()))
    with pytest.raises(ValueError, match="inside the work"):
        outcome(raising(ValueError("inside the work")))
