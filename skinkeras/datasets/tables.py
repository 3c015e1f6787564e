"""Tables of labels as people have them: with commas, tabs or semicolons, found by name or by their columns."""

import csv
import fnmatch
import os
import re
from pathlib import Path

import pandas as pd

from skinkeras.datasets.file_search import advice, ending, name_some, walk, what_is_there
from skinkeras.datasets.image_index import image_key

_ENDINGS = (".csv", ".tab", ".tsv", ".txt", "")  # in the order in which they are preferred
_DEPTH = 5  # archives unpack to a folder in a folder, and some hold their tables in another one
_HEADER_BYTES = 1 << 16
# What Excel reads and writes above the names of the columns.
_SEPARATOR_LINE = re.compile(r"sep=(.)\r?\n")


class NoTableError(FileNotFoundError):
    """A folder without the table by which a data set is known."""


class NoColumnError(ValueError):
    """A table that lacks a column, although it is called like one that has it."""


def read_table(path, columns=(), **options):
    """A table as text, with the columns that it must have. Only an empty cell is a missing value.

    The names of its columns are those of `column_name`; empty lines are left out, and the index still counts them, so
    that row + 2 is the line of the file.

    Args:
        path: a file whose first line names the columns, which commas, tabs, semicolons or vertical bars separate.
        columns: names of columns.
        **options: for `pandas.read_csv`.

    Raises:
        FileNotFoundError: there is no such file.
        NoColumnError: it lacks a column.
        ValueError: it is not a table.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"There is no label file {path}.")
    try:
        with open(path, "rb") as file:
            encoding, separator, skipped = _form(file.read(_HEADER_BYTES))
        table = pd.read_csv(
            path,
            dtype=str,
            sep=separator,
            encoding=encoding,
            skiprows=skipped,
            skip_blank_lines=False,
            keep_default_na=False,  # a class may be called NA or None
            na_values=[""],
            **options,
        )
    except ValueError as error:  # of pandas and of the encoding alike
        reason = str(error).strip().rstrip(".").removeprefix("Error tokenizing data. C error: ")
        raise ValueError(f"{path} is not a table of comma-separated values: {reason}.") from error
    table = _without_row_names(table)
    table.columns = _column_names(table.columns)
    table.index += skipped
    table = table[table.notna().any(axis=1)]
    missing = [column for column in columns if column not in table.columns]
    if missing:
        raise NoColumnError(f"{path} has no column {missing[0]}; it has {name_some(table.columns)}.")
    return table


def _without_row_names(table):
    """A table of which every row has more cells than there are names, without the cells too many.

    They are empty, behind a separator at the end of each line, or the names of the rows, which R writes in front.
    """
    if isinstance(table.index, pd.RangeIndex):
        return table
    names = table.columns
    table = table.reset_index()  # pandas took the first cells for an index
    extra = len(table.columns) - len(names)
    at_the_end = table.iloc[:, -extra:].isna().all(axis=None)
    table = table.iloc[:, :-extra] if at_the_end else table.iloc[:, extra:]
    return table.set_axis(names, axis=1)


def read_rows_of(image_ids, path, key, columns=()):
    """The rows of a further table of a data set that belong to its images; no row may be missing.

    Upper and lower case, spaces and the ending of an image do not matter to an id.

    Args:
        image_ids: `pandas.Series` of str.
        path: see `read_table`.
        key: the column with the ids.
        columns: names of further columns that the table must have.

    Returns:
        `pandas.DataFrame` with the index of `image_ids`.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is not a table, lacks a column or has an id twice, or an image has no row.
    """
    table = read_table(path, (key, *columns))
    keys = table[key].map(image_key, na_action="ignore")
    twice = keys.duplicated() & keys.notna()
    if twice.any():
        row = int(twice.to_numpy().argmax())
        raise ValueError(
            f"{path}, line {table.index[row] + 2}, column {key}: {table[key].iloc[row]!r} occurs more than once."
        )
    wanted = image_ids.map(image_key, na_action="ignore")
    lost = image_ids[~wanted.isin(keys) & wanted.notna()]
    if len(lost):
        raise ValueError(
            f"{path} has no row for {len(lost):,} of {len(image_ids):,} images: {name_some(lost)}. Download it anew, "
            "or add them."
        )
    known = keys.notna()
    return table[known].set_axis(keys[known]).reindex(wanted).set_axis(image_ids.index)


def numbers(values):
    """A column of a table as numbers, whether it has decimal points or commas; NaN for what is none."""
    return pd.to_numeric(values.astype("string").str.strip().str.replace(",", "."), errors="coerce").astype(
        float
    )


def column_name(name):
    """The name by which a column is known: in lower case, with underscores for spaces, hyphens and points."""
    return re.sub(r"[\s.-]+", "_", str(name).strip().casefold())


def _column_names(names):
    known = [column_name(name) for name in names]
    # Two columns that only differ in this are told from each other by what the file calls them.
    return known if len(set(known)) == len(known) else [str(name).strip() for name in names]


def find_table(root, names, columns, what, *, required=True, beside=None):
    """The path of a table: the first of `names` that is there, or else the only one with all of `columns`.

    It is looked for in `root` and five folders deep; upper and lower case and the ending do not matter.

    Args:
        root: the folder.
        names: file names without ending, the preferred one first; may have `*`.
        columns: what makes a table of another name the right one; empty where only the name does.
        what: what the table is, for the error sentence.
        required: whether a table that is not there is an error.
        beside: the path of the data set's first table, if this is a further one.

    Returns:
        `Path`, or None.

    Raises:
        NoTableError: there is none.
        FileNotFoundError: there is none, and `beside` is there.
        ValueError: several different tables have the columns, and none of them the name; or several the same name.
    """
    tables = find_tables(root)
    named = [path for name in names for path in tables if _is_called(path, name)]
    if not columns:
        fitting = named
    else:
        fitting = [path for path in named if set(columns) <= set(header(path))]
        if not fitting:
            fitting = [path for path in tables if set(columns) <= set(header(path))]
            _refuse_several(fitting, root, what)
    if fitting:
        _refuse_several([path for path in fitting if _could_be_swapped(path, fitting[0])], root, what)
        return fitting[0]
    if named:  # its missing column is named when it is read
        return named[0]
    if not required:
        return None
    wanted = " nor ".join(f"{name}.csv" for name in names)
    wanted = f"neither {wanted}" if columns or len(names) > 1 else f"no {wanted}"
    by_columns = f", nor another table with the columns {', '.join(columns)}" if columns else ""
    needed = f", which {Path(beside).name} needs" if beside else ""
    error = FileNotFoundError if beside else NoTableError
    raise error(f"{root} has no {what}{needed}: {wanted}{by_columns}; {what_is_there(root)}.{advice(root)}")


def _could_be_swapped(path, other):
    """Whether nothing but the names of their folders tells which of two tables is meant."""
    return path.name.casefold() == other.name.casefold() and len(path.parts) == len(other.parts)


def _refuse_several(paths, root, what):
    """Raises ValueError if the tables differ."""
    if len(paths) > 1 and len({path.read_bytes() for path in paths}) > 1:
        raise ValueError(
            f"{root} holds {len(paths)} tables where one is expected ({what}): "
            f"{name_some(path.relative_to(root) for path in paths)}: keep one of them there, or name its folder."
        )


def header(path):
    """The names of a table's columns, see `column_name`; empty for what is not a table."""
    if not os.path.isfile(path):  # of a pipe, nothing may ever come
        return []
    try:
        with open(path, "rb") as file:
            start = file.read(_HEADER_BYTES)
        encoding, separator, skipped = _form(start)
        lines = start.decode(encoding, errors="ignore").splitlines()[skipped:]
        return _column_names(next(csv.reader(lines[:1], delimiter=separator), []))
    except (OSError, ValueError, csv.Error):
        return []


def _form(start):
    """(encoding, separator, lines above the names) of a table, from its first bytes.

    Raises ValueError where they are no text.
    """
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
        if "\0" in text:
            continue
        if match := _SEPARATOR_LINE.match(text):
            return encoding, match[1], 1
        lines = text.splitlines()
        skipped = next((number for number, line in enumerate(lines) if line.strip()), 0)
        first = lines[skipped] if lines else ""
        separator = max(",\t;|", key=first.count)
        if encoding != "utf-16" or separator in first:
            return encoding, separator, skipped
    raise ValueError(
        "it is not text in UTF-8, in UTF-16 with its mark or in Windows' encoding: save it in UTF-8"
    )


def find_tables(root):
    """The files below `root` that may be tables, the upper folders and the preferred endings first."""
    found = []
    for folder, _, files in walk(root, _DEPTH):
        found += [Path(root, folder, name) for name in files if ending(name) in _ENDINGS]
    return sorted(found, key=lambda path: (len(path.parts), _ENDINGS.index(ending(path.name)), path.name))


def _is_called(path, name):
    stem = path.name.removesuffix(path.suffix)
    return fnmatch.fnmatchcase(stem.casefold(), name.casefold())
