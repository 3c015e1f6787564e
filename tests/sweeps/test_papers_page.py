"""The page on both papers: every row names files and tests that exist."""

import re
from pathlib import Path

import pytest

from pipelines import binary, multiclass
from pipelines.common import options
from skinkeras import experiments

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "papers.md").read_text()
ROWS = [
    line for line in PAGE.splitlines() if line.startswith("| ") and not line.startswith(("| in the", "| ---"))
]
HELD = [row for row in ROWS if row.count(" | ") == 3]


def test_there_is_a_row_for_every_line_of_the_papers():
    assert len(HELD) >= 31
    for words in (
        *(f"eq. {n}" for n in range(1, 11) if n not in (3,)),
        "Table I,",
        "Table II,",
        "Figure 5",
        "Figure 6",
    ):
        assert any(words in row for row in HELD), words


@pytest.mark.parametrize("row", HELD, ids=lambda row: row[2:40])
def test_what_a_row_names_exists(row):
    _, made_by, setting, held_by = (cell.strip(" |") for cell in row.split(" | "))
    for path in re.findall(r"`([\w/.]+)`", made_by):
        assert (ROOT / path).is_file(), path
    for path, _, name in re.findall(r"`(tests/[\w/.]+\.py)(::(\w+))?`", held_by):
        assert (ROOT / path).is_file(), path
        assert not name or f"def {name}(" in (ROOT / path).read_text(), name
    assert "`tests/" in held_by
    known = {*options.option_names(binary.Settings), *options.option_names(multiclass.Settings)}
    for name in re.findall(r"--experiment ([\w/]+)", setting):
        experiments.get(name)
    for flag in re.findall(r"--(?!experiment)([\w-]+)", setting):
        assert flag.replace("-", "_") in known, flag


def test_differences_have_a_reason():
    differences = [row for row in ROWS if row.count(" | ") == 2][1:]
    assert len(differences) >= 15
    assert all(cell.strip(" |") for row in differences for cell in row.split(" | "))
