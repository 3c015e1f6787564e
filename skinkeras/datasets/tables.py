"""Tables of labels as people have them: with commas, tabs or semicolons, found by name or by their columns."""

import csv
import fnmatch
from pathlib import Path

import pandas as pd

from skinkeras.datasets.file_search import ending, name_some, walk, what_is_there

_ENDINGS = (".csv", ".tab", ".tsv", ".txt", "")  # in the order in which they are preferred
_DEPTH = 3  # archives unpack to a folder in a folder
_HEADER_BYTES = 1 << 16


def read_table(path, columns=(), **options):
    """A table as text, with the columns that it must have. Only an empty cell is a missing value.

    Args:
        path: a file whose first line names the columns, which commas, tabs or semicolons separate.
        columns: names of columns.
        **options: for `pandas.read_csv`.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is not a table, or lacks a column.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"There is no label file {path}.")
    try:
        with open(path, "rb") as file:
            encoding, separator = _form(file.read(_HEADER_BYTES))
        table = pd.read_csv(
            path,
            dtype=str,
            sep=separator,
            encoding=encoding,
            keep_default_na=False,  # a class may be called NA or None
            na_values=[""],
            **options,
        )
    except ValueError as error:  # of pandas and of the encoding alike
        raise ValueError(f"{path} is not a table of comma-separated values: {error}") from error
    table.columns = [str(name).strip() for name in table.columns]
    missing = [column for column in columns if column not in table.columns]
    if missing:
        raise ValueError(f"{path} has no column {missing[0]}; it has {name_some(table.columns, 30)}.")
    return table


def find_table(root, names, columns, what, *, required=True):
    """The path of a table: the first of `names` that is there, or else the only one with all of `columns`.

    It is looked for in `root` and three folders deep; upper and lower case and the ending do not matter.

    Args:
        root: the folder.
        names: file names without ending, the preferred one first; may have `*`.
        columns: what makes a table of another name the right one; empty where only the name does.
        what: what the table is, for the error sentence.
        required: whether a table that is not there is an error.

    Returns:
        `Path`, or None.

    Raises:
        FileNotFoundError: there is none.
        ValueError: several tables have the columns, and none of them the name.
    """
    tables = find_tables(root)
    named = [path for name in names for path in tables if _is_called(path, name)]
    if not columns:
        fitting = named
    else:
        fitting = [path for path in named if set(columns) <= set(header(path))]
        if not fitting:
            fitting = [path for path in tables if set(columns) <= set(header(path))]
            if len(fitting) > 1:
                raise ValueError(
                    f"{root} holds {len(fitting)} tables that may be {what}: "
                    f"{name_some(path.relative_to(root) for path in fitting)}: keep one of them there."
                )
    found = fitting or named  # the latter's missing column is named when it is read
    if found:
        return found[0]
    if not required:
        return None
    wanted = " nor ".join(f"{name}.csv" for name in names)
    by_columns = f", nor another table with the columns {', '.join(columns)}" if columns else ""
    raise FileNotFoundError(f"{root} has no {what}: neither {wanted}{by_columns}; {what_is_there(root)}.")


def header(path):
    """The names of a table's columns; empty for what is not a table."""
    try:
        with open(path, "rb") as file:
            start = file.read(_HEADER_BYTES)
        encoding, separator = _form(start)
        lines = start.decode(encoding, errors="ignore").splitlines()
        return [name.strip() for name in next(csv.reader(lines[:1], delimiter=separator), [])]
    except (OSError, ValueError, csv.Error):
        return []


def _form(start):
    """(encoding, separator) of a table, from its first bytes. Raises ValueError where they are no text."""
    for encoding in ("utf-16", "utf-8-sig", "cp1252"):
        # Excel saves "Unicode text" as UTF-16, which without its mark would fit almost anything.
        if encoding == "utf-16" and not start.startswith((b"\xff\xfe", b"\xfe\xff")):
            continue
        try:
            # The first bytes may end in the middle of a character.
            text = (
                start.decode(encoding)
                if len(start) < _HEADER_BYTES
                else start[:-4].decode(encoding, "ignore")
            )
        except UnicodeDecodeError:
            continue
        first = (text.splitlines() or [""])[0]
        separator = max(",\t;", key=first.count)
        if "\0" not in text and (encoding != "utf-16" or separator in first):
            return encoding, separator
    raise ValueError("it is no text")


def find_tables(root):
    """The files below `root` that may be tables, the upper folders and the preferred endings first."""
    found = []
    for folder, _, files in walk(root, _DEPTH):
        found += [Path(root, folder, name) for name in files if ending(name) in _ENDINGS]
    return sorted(found, key=lambda path: (len(path.parts), _ENDINGS.index(ending(path.name)), path.name))


def _is_called(path, name):
    stem = path.name.removesuffix(path.suffix)
    return fnmatch.fnmatchcase(stem.casefold(), name.casefold())
