"""The manifest: which pictures there are, what they show, and which of them belong together."""

from pathlib import Path

import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from skinkeras.files import replacing

COLUMNS = ("image", "image_id", "label", "lesion_id", "patient_id", "source")
BINARY_CLASSES = ("benign", "malignant")


class Manifest:
    """A checked table of labelled pictures, one row a picture.

    Args:
        table: `pandas.DataFrame` with the columns image (path), image_id (unique), label (one of
            `classes`), and, where known, lesion_id, patient_id and source. Other columns are dropped.
        classes: the class names; their order is the order of labels and predictions.
        origin: where the table came from, for error sentences.
        file_columns: dict from a column to what the file it came from calls it, for error sentences.

    Attributes:
        table: the table, with all of `COLUMNS` and rows numbered from 0; a missing lesion_id or
            patient_id is None.
        classes: tuple of str.

    Raises:
        ValueError: a column, value or class is wrong; the sentence names row, column and value.
    """

    def __init__(self, table, classes, origin="the manifest", file_columns=None):
        self.origin = str(origin)
        self.classes = tuple(classes)
        missing = {"image", "image_id", "label"} - set(table.columns)
        if missing:
            raise ValueError(
                f"{origin} has no column {', '.join(sorted(missing))}; it needs {', '.join(COLUMNS)}."
            )
        if len(table) == 0:
            raise ValueError(f"{origin} has no rows.")
        if len(set(self.classes)) != len(self.classes) or len(self.classes) < 2:
            raise ValueError(f"{origin} needs two or more different classes. Received: {self.classes}")
        self._check_names()
        table = table.reindex(columns=COLUMNS).reset_index(drop=True).astype(object)
        self.table = table.where(table.notna() & (table != ""), None)
        self._check_rows(file_columns or {})

    def _check_names(self):
        seen = {}
        for name in map(str, self.classes):
            if name != name.strip():
                raise ValueError(f"{self.origin} has a class with spaces around it: {name!r}.")
            other = seen.setdefault(name.casefold(), name)
            if other != name:
                raise ValueError(
                    f"{self.origin} has two classes that differ only in upper and lower case, {other!r} and "
                    f"{name!r}: write them alike."
                )

    def _check_rows(self, file_columns):
        table, known = self.table, ", ".join(self.classes)
        checks = [(column, table[column].isna(), "is missing") for column in ("image", "image_id", "label")]
        checks.append(("label", ~table["label"].isin(self.classes), f"is not one of the classes ({known})"))
        checks.append(("image_id", table["image_id"].duplicated(), "occurs more than once"))
        for column, wrong, problem in checks:
            self._refuse(wrong, column, file_columns.get(column, column), problem)

    def _refuse(self, wrong, column, called, problem):
        if wrong.any():
            row = int(np.flatnonzero(wrong)[0])
            # + 2: rows are counted from 1, below a line of column names.
            raise ValueError(
                f"{self.origin}, line {row + 2}, column {called}: {self.table[column][row]!r} {problem}."
            )

    def __len__(self):
        return len(self.table)

    @classmethod
    def from_csv(cls, path, classes=None):
        """Reads a table written by `to_csv`, or by hand.

        Args:
            path: CSV file with a line of column names; relative picture paths count from its folder.
            classes: the class names in order; None takes those that occur, sorted.

        Raises:
            FileNotFoundError: there is no such file.
            ValueError: see `Manifest`.
        """
        path = Path(path)
        if not path.is_file():
            raise FileNotFoundError(f"There is no manifest {path}.")
        table = read_table(path, ("image", "image_id", "label"))
        _check_group_columns(table, path)
        table["image"] = [None if pd.isna(p) else str(path.parent / p) for p in table["image"]]
        found = sorted(table["label"].dropna().unique()) if classes is None else classes
        return cls(table, found, origin=path)

    def to_csv(self, path):
        """Writes the table; pictures below the file's folder get relative paths, others absolute ones."""
        folder = Path(path).absolute().parent
        table = self.table.copy()
        table["image"] = [_relative_to(folder, image) for image in table["image"]]
        with replacing(path) as temporary:
            table.to_csv(temporary, index=False)

    @property
    def labels(self):
        """(n,) int: each row's class as an index into `classes`."""
        return pd.Categorical(self.table["label"], categories=self.classes).codes.astype(int)

    def one_hot(self):
        """(n, classes) float32."""
        return np.eye(len(self.classes), dtype=np.float32)[self.labels]

    def counts(self):
        """{class: number of pictures}, every class in order."""
        counts = self.table["label"].value_counts()
        return {name: int(counts.get(name, 0)) for name in self.classes}

    def groups(self):
        """(n,) int: equal for pictures that share a lesion or a patient, directly or through others.

        A picture with neither is a group of its own.
        """
        n = len(self)
        rows, nodes, offset = [np.arange(n)], [np.arange(n)], n
        for column in ("lesion_id", "patient_id"):
            codes, values = pd.factorize(self.table[column])
            known = codes >= 0
            rows.append(np.flatnonzero(known))
            nodes.append(codes[known] + offset)
            offset += len(values)
        rows, nodes = np.concatenate(rows), np.concatenate(nodes)
        graph = coo_array((np.ones(len(rows)), (rows, nodes)), shape=(offset, offset))
        return connected_components(graph, directed=False)[1][:n]

    def select(self, rows):
        """The manifest of some rows: a boolean mask or row numbers."""
        return Manifest(self.table.iloc[np.arange(len(self))[rows]], self.classes, self.origin)

    def binary(self, positive):
        """The manifest with the classes benign and malignant.

        Args:
            positive: the class names that become malignant.

        Raises:
            ValueError: a name is not a class, or none or all of the classes are named.
        """
        check_positive(positive, self.classes)
        table = self.table.assign(
            label=np.where(self.table["label"].isin(list(positive)), BINARY_CLASSES[1], BINARY_CLASSES[0])
        )
        return Manifest(table, BINARY_CLASSES, self.origin)

    def limit(self, n, seed=0):
        """About `n` rows for a quick look: whole groups at random, each class in its proportion.

        Raises:
            ValueError: `n` is too small for every class to keep a few groups.
        """
        if n >= len(self):
            return self
        self._check_limit(n)
        order = np.random.default_rng(seed).permutation(len(self))
        groups, labels = self.groups(), self.labels
        taken = set()
        for number in set(labels):
            mine = order[labels[order] == number]
            wanted = round(len(mine) * n / len(self))
            sizes = pd.Series(groups[mine]).groupby(groups[mine], sort=False).size()
            taken.update(sizes.index[: int((sizes.cumsum() < wanted).sum()) + 1])
        return self.select(np.isin(groups, list(taken)))

    def _check_limit(self, n):
        count, name = min((count, name) for name, count in self.counts().items() if count)
        least = min(-(-_LEAST_OF_A_CLASS * len(self) // count), len(self))
        if n < least:
            raise ValueError(
                f"--limit {n} leaves too few of the {count} pictures of class {name} to split: "
                f"use at least {least}."
            )


# Train, validation and test each need one, and a class in fewer pieces than this seldom spreads.
_LEAST_OF_A_CLASS = 5


def check_positive(positive, classes):
    """Raises ValueError unless `positive` names some, but not all, of `classes`."""
    unknown = [name for name in positive if name not in classes]
    if unknown:
        raise ValueError(f"{unknown[0]!r} is not a class of this data: {', '.join(classes)}.")
    if not 0 < len(set(positive)) < len(classes):
        raise ValueError(f"Name at least one positive class and not all of: {', '.join(classes)}.")


def _check_group_columns(table, path):
    """Raises ValueError for a column that looks like one of those that keep related pictures together."""
    for column in table.columns:
        letters = "".join(filter(str.isalpha, column.casefold()))
        for meant in ("lesion", "patient"):
            if f"{meant}_id" not in table.columns and letters in (meant, f"{meant}id"):
                raise ValueError(f"{path} has a column {column}, which is not looked at: call it {meant}_id.")


def read_table(path, columns, **options):
    """A CSV file as strings, with the columns it must have.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is not a table, or lacks a column.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"There is no label file {path}.")
    try:
        table = pd.read_csv(path, dtype=str, **options)
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is not a table of comma-separated values: {error}") from error
    missing = [column for column in columns if column not in table.columns]
    if missing:
        raise ValueError(f"{path} has no column {missing[0]}; it has {', '.join(table.columns)}.")
    return table


def _relative_to(folder, image):
    path = Path(image).absolute()
    return str(path.relative_to(folder)) if path.is_relative_to(folder) else str(path)
