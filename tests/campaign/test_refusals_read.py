"""Every refusal, read: as the code writes it here; as it is provoked by `refusals.check_words` in the other tests."""

import ast
import re

import pytest
from processes import ROOT
from refusals import check_words

#: What a value in a message is read as.
_VALUE = "VALUE"
#: Where an error is a clause ("it is empty") behind the name of a file, which its caller adds with the full stop.
_CLAUSES = {
    *(
        "skinkeras/callbacks/training_state.py",
        "skinkeras/datasets/tables.py",
        "skinkeras/images/decoding.py",
    ),
    *("skinkeras/images/colours.py", "skinkeras/inputs/decoded_images.py", "skinkeras/files/reading_json.py"),
    "skinkeras/images/embedded_profiles.py",
    *("skinkeras/models/torch_file.py", "skinkeras/images/preparation.py", "skinkeras/tflite/runtime.py"),
}
#: Errors about the code that calls, which no command line provokes.
_OF_CODE = {"NotImplementedError", "TypeError", "AttributeError", "AssertionError", "KeyError", "IndexError"}


def messages():
    """(where, text) of every error that is raised with a text of its own."""
    for folder in ("pipelines", "skinkeras"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) and node.exc.args:
                    name = ast.unparse(node.exc.func).rpartition(".")[2]
                    text = as_text(node.exc.args[0])
                    if text and name.endswith("Error") and name not in _OF_CODE:
                        yield f"{path.relative_to(ROOT)}, line {node.lineno}", text


def as_text(node):
    """A string of the source with `_VALUE` where a value is put in; None where it is no string."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(part.value if isinstance(part, ast.Constant) else _VALUE for part in node.values)
    if isinstance(node, ast.BinOp):
        left, right = as_text(node.left), as_text(node.right)
        return None if left is None else left + (_VALUE if right is None else right)
    return None


def test_every_error_in_the_code_reads_as_a_sentence():
    read = list(messages())
    for where, text in read:
        # What another error or a list says comes with its own full stop.
        is_part = where.split(",")[0] in _CLAUSES and text[0].islower()
        ends_in_another = re.search(rf"{_VALUE}$", text) and "Received: " not in text
        whole = f"{text}." if (is_part and text[-1] != ".") or ends_in_another else text
        try:
            check_words(whole.replace("\n", "\n  "))
        except AssertionError as error:
            raise AssertionError(f"{where}: {error}") from None
    assert len(read) > 300


@pytest.mark.parametrize(
    "text",
    [
        "No full stop at the end",
        "Two at the end..",
        "Two in the middle.. So it is.",
        "[Errno 2] No such file.",
        "Class np.int32(1) is unknown.",
        "<function f at 0x7f00> is no name.",
        "One line.\nAnother.",
        "",
    ],
)
def test_what_reads_otherwise_is_found(text):
    with pytest.raises(AssertionError):
        check_words(text)


@pytest.mark.parametrize(
    "text",
    [
        "There is no folder /a/../b: check --data-dir.",
        "--epochs must be at least 1. Received: 0",
        "2 image(s) cannot be read:\n  a.jpg: it is empty\n  b.jpg: it is cut off",
    ],
)
def test_what_reads_well_is_not(text):
    check_words(text)
