"""What a command line says: one sentence, as people write it, with every character of a name as it is."""

import ast
import errno
import re
from dataclasses import dataclass

import numpy as np
import pytest
from processes import ROOT

from pipelines.common.console import refuse_invalid_input, run, say, section, sentence


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (
            FileNotFoundError(errno.ENOENT, "No such file or directory", "a/b.csv"),
            "a/b.csv: No such file or directory.",
        ),
        (OSError(f"Cannot listen: {OSError(98, 'Address in use')}."), "Cannot listen: Address in use."),
        (
            ValueError(f"Class {np.int32(1)!r} of {[np.str_('mel')]} is {np.float64(0.5)!r}."),
            "Class 1 of ['mel'] is 0.5.",
        ),
        (ValueError("It is wrong.. Choose another."), "It is wrong. Choose another."),
        (ValueError("It is wrong.."), "It is wrong."),
        (
            ValueError("There is no folder .. here, nor a/.. there: 1, 2, ..."),
            "There is no folder .. here, nor a/.. there: 1, 2, ...",
        ),
        (ValueError("../x..y is missing."), "../x..y is missing."),
    ],
)
def test_an_error_reads_as_a_sentence(error, text):
    assert sentence(error) == text


def outcome(monkeypatch, capsys, raised, refuse):
    @dataclass(frozen=True)
    class Settings:
        pass

    def main(settings):
        """A job."""
        if refuse:
            with refuse_invalid_input():
                raise raised
        raise raised

    monkeypatch.setattr("sys.argv", ["job"])
    with pytest.raises(SystemExit) as stopped:
        run(main, Settings)
    return stopped.value.code, capsys.readouterr().err


@pytest.mark.parametrize(("refuse", "code"), [(True, 2), (False, 1)])
def test_a_missing_file_is_a_sentence_whenever_it_is_missed(monkeypatch, capsys, refuse, code):
    error = PermissionError(errno.EACCES, "Permission denied", "/a [red]b[/]/c.csv")
    assert outcome(monkeypatch, capsys, error, refuse) == (
        code,
        "Error: /a [red]b[/]/c.csv: Permission denied.\n",
    )


HOSTILE = ["[red]", "[/]", "[/red]x", "[bold]a[/bold]", "\\[", "[link=file:///]x", "a\udce4b"]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_is_printed_as_it_is(monkeypatch, capsys, name):
    code, text = outcome(monkeypatch, capsys, ValueError(f"There is no class {name}: see it."), True)
    shown = name.encode("utf-8", "backslashreplace").decode()
    assert (code, text) == (2, f"Error: There is no class {shown}: see it.\n")
    say(name if "\udce4" not in name else "ab")
    section(name if "\udce4" not in name else "ab")
    assert (name if "\udce4" not in name else "ab") in capsys.readouterr().out


def _prints():
    """(file, line, call) of every `console.print` and `error_console.print` in the pipelines."""
    for path in sorted((ROOT / "pipelines").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr == "print"
                and getattr(node.func.value, "id", "").endswith("console")
            ):
                yield path.relative_to(ROOT), node


def test_whatever_prints_text_that_is_not_ours_prints_it_as_it_is():
    found = 0
    for path, call in _prints():
        found += 1
        as_it_is = any(word.arg == "markup" for word in call.keywords)
        if as_it_is or not call.args or "rich.text.Text" in ast.unparse(call.args[0]):
            continue
        for part in ast.walk(call.args[0]):
            if isinstance(part, ast.FormattedValue) and not part.format_spec:
                text = ast.unparse(part.value)
                harmless = re.search(r"escape|^(kind|form|done|address|host|len\(.*\))$", text)
                assert harmless, (
                    f"{path}, line {call.lineno}: {text} may hold markup: say(...) prints it as it is"
                )
    assert found > 10
