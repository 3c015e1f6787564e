"""Command lines that a job must refuse."""

import sys

import pytest

from pipelines.common.console import run


def refused(monkeypatch, capsys, job, *words):
    """What the job wrote to the error stream when it ended with 2, as a refusal does."""
    monkeypatch.setattr(sys, "argv", [job.__name__.rpartition(".")[2], *map(str, words)])
    with pytest.raises(SystemExit) as stopped:
        run(job.main, job.Settings)
    assert stopped.value.code == 2
    text = capsys.readouterr().err
    assert "Traceback" not in text
    return text
