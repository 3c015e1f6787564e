"""Command lines that a job must refuse, and how a refusal reads."""

import re
import sys

import pytest

from pipelines.common.console import run

#: What no message may hold: Python's own words, a number of the system's, a type of NumPy's, two full stops at an
#: end, an object's address.
_NO_WORDS = re.compile(r"Traceback|Errno|\bnp\.|(?<![\s./])\.\.(?=\s|$)| at 0x[0-9a-f]|<class |<function ")
#: A message ends with a full stop or a question mark, or with the value that was received, to which none is added.
_END = re.compile(r"[.?]$| Received: .+$")


def check_words(text):
    """Fails unless a message, without the "Error: " before it, is one line for a person to read.

    A list may follow it: a line that ends with a colon, and then one indented line an item.
    """
    assert not _NO_WORDS.search(text), text
    first, *items = text.split("\n")
    if items:
        assert first.endswith(":") and all(item.startswith("  ") for item in items), text
    else:
        assert _END.search(first), f"no full stop at the end: {text}"
    assert first and first == first.strip(), text


def refused(monkeypatch, capsys, job, *words):
    """What the job wrote to the error stream when it ended with 2, as a refusal does."""
    monkeypatch.setattr(sys, "argv", [job.__name__.rpartition(".")[2], *map(str, words)])
    with pytest.raises(SystemExit) as stopped:
        run(job.main, job.Settings)
    assert stopped.value.code == 2
    text = capsys.readouterr().err
    assert "Traceback" not in text
    if "Error: " in text:  # else tyro says it, of a flag that does not exist or a value of another type
        assert text.count("Error: ") == 1 and text.endswith("\n")
        check_words(text.removesuffix("\n").rpartition("Error: ")[2])
    return text
