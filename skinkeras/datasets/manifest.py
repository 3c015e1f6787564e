"""The manifest: which images there are, what they show, and which of them belong together."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from skinkeras.datasets.image_index import ImageIndex, stem
from skinkeras.datasets.metadata import IDS, METADATA, clean_ids, clean_metadata, group_warnings
from skinkeras.datasets.tables import read_table
from skinkeras.datasets.taxonomy import BINARY_CLASSES, check_positive
from skinkeras.files.writing import replacing
from skinkeras.images import image_files

_ALWAYS = ("image", "image_id", "label", *IDS, "source")
COLUMNS = (*_ALWAYS, *METADATA)
# A given split, and images that are copies of each other: columns only where there is one.
_OPTIONAL = ("split", "duplicate_set")
# As in `skinkeras/tflite/contract.schema.json`: control characters, ends of lines, changes of direction.
_NOT_IN_A_NAME = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_LONGEST_NAME = 200


class Manifest:
    """A checked table of labelled images, one row an image.

    Args:
        table: `pandas.DataFrame` with the columns image (path), image_id (unique), label (one of
            `classes`), and, where known, lesion_id, patient_id and source; acquisition (clinic or device),
            age (years), sex (male, female, other), site (on the body), confirmed_by (histopathology,
            follow-up, consensus, confocal, ...), skin_tone; and split (train, validation, test), where the
            source gives one. Other columns are dropped.
        classes: the class names; their order is the order of labels and predictions.
        origin: where the table came from, for error sentences.
        file_columns: dict from a column to what the file it came from calls it, for error sentences.
        notes: sentences on what a reader took and left out.
        root: the folder in which the images were looked for, or None.

    Attributes:
        table: the table, with all of `COLUMNS` and rows numbered from 0; a missing value is None, as is a
            placeholder such as "unknown" or "-1". Ages are floats.
        classes: tuple of str.
        notes: tuple of sentences for the user: those given, and what was made of placeholders.
        root: as given.

    Raises:
        ValueError: a column, value or class is wrong; the sentence names row, column and value.

    Example:
        >>> table = pd.DataFrame({"image": ["a.jpg", "b.jpg"], "image_id": ["a", "b"], "label": ["nv", "mel"]})
        >>> Manifest(table, ("mel", "nv")).counts()
        {'mel': 1, 'nv': 1}
    """

    def __init__(self, table, classes, origin="the manifest", file_columns=None, *, notes=(), root=None):
        self.origin = str(origin)
        self.classes = tuple(classes)
        self.root = root
        missing = {"image", "image_id", "label"} - set(table.columns)
        if missing:
            raise ValueError(
                f"{origin} has no column {', '.join(sorted(missing))}; it needs {', '.join(_ALWAYS)}."
            )
        if len(table) == 0:
            raise ValueError(f"{origin} has no rows.")
        if len(set(self.classes)) != len(self.classes) or len(self.classes) < 2:
            raise ValueError(f"{origin} needs two or more different classes. Received: {self.classes}")
        self._check_names()
        optional = [name for name in _OPTIONAL if name in table and table[name].notna().any()]
        numbered = pd.api.types.is_integer_dtype(table.index)
        self._rows = table.index.to_numpy() if numbered else np.arange(len(table))
        table = table.reindex(columns=[*COLUMNS, *optional]).reset_index(drop=True).astype(object)
        self.table = table.where(table.notna() & (table != ""), None)
        self._check_rows(file_columns or {})
        self.notes = (*notes, *clean_ids(self.table))

    def _check_names(self):
        seen = {}
        for name in map(str, self.classes):
            if name != name.strip():
                raise ValueError(f"{self.origin} has a class with spaces around it: {name!r}.")
            if not 0 < len(name) <= _LONGEST_NAME or _NOT_IN_A_NAME.search(name):
                raise ValueError(
                    f"{self.origin} has a class that no exported model can have, {name!a:.100}: give it a name of 1 "
                    f"to {_LONGEST_NAME} characters on one line, none of which steers how text is shown."
                )
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
        clean_metadata(
            table,
            lambda wrong, column, problem: self._refuse(
                wrong, column, file_columns.get(column, column), problem
            ),
        )

    def _refuse(self, wrong, column, called, problem):
        if wrong.any():
            row = int(np.flatnonzero(wrong)[0])
            value = self.table[column][row]
            said = "the value is missing" if value is None else f"{value!r} {problem}"
            # + 2: rows are counted from 1, below a line of column names.
            raise ValueError(f"{self.origin}, line {self._rows[row] + 2}, column {called}: {said}.")

    def with_table(self, table, *notes, classes=None):
        """The manifest of another table of the same source, with further notes."""
        return Manifest(
            table, classes or self.classes, self.origin, notes=(*self.notes, *notes), root=self.root
        )

    def __len__(self):
        return len(self.table)

    @classmethod
    def from_csv(cls, path, classes=None, *, images_below=None):
        """Reads a table written by `to_csv`, or by hand.

        Args:
            path: table with a line of column names; image and label are needed, and without image_id the names of
                the files are the ids. Relative image paths count from its folder. A path that
                does not lead to a file is looked for below that folder, whatever its slashes, its ending and
                its first folders are.
            classes: the class names in order; None takes those that occur, sorted.
            images_below: the folder in which such an image is looked for instead.

        Raises:
            FileNotFoundError: there is no such file.
            ValueError: see `Manifest`.
        """
        path = Path(path)
        if not path.is_file():
            raise FileNotFoundError(f"There is no manifest {path}.")
        table = read_table(path, ("image", "label"))
        _check_group_columns(table, path)
        table["label"] = table["label"].str.strip()
        notes = []
        if "image_id" not in table:
            table["image_id"] = _ids_of(table["image"])
            notes.append(f"{path} has no column image_id: the names of the files are the ids.")
        root = path.parent if images_below is None else Path(images_below)
        table["image"] = _existing(path.parent, table["image"], root)
        found = sorted(table["label"].dropna().unique()) if classes is None else classes
        return cls(table, found, origin=path, notes=notes, root=str(root))

    def to_csv(self, path):
        """Writes the table; images below the file's folder get relative paths, others absolute ones."""
        folder = Path(path).absolute().parent
        table = self.table.dropna(axis=1, how="all")
        table = table.reindex(columns=[c for c in self.table if c in _ALWAYS or c in table])
        table["image"] = [_relative_to(folder, image) for image in table["image"]]
        with replacing(path) as temporary:
            table.to_csv(temporary, index=False)

    @property
    def given_split(self):
        """(n,) array of `"train"`, `"validation"` and `"test"`, or None where the source gives no split."""
        return self.table["split"].to_numpy(str) if "split" in self.table else None

    def warnings(self, *, given=True):
        """Sentences on groups that are suspiciously large, or that the given split divides.

        Args:
            given: whether that split is used.
        """
        return group_warnings(self, self.given_split if given else None)

    @property
    def labels(self):
        """(n,) int: each row's class as an index into `classes`."""
        return pd.Categorical(self.table["label"], categories=self.classes).codes.astype(int)

    def one_hot(self):
        """(n, classes) float32."""
        return np.eye(len(self.classes), dtype=np.float32)[self.labels]

    def counts(self):
        """{class: number of images}, every class in order."""
        counts = self.table["label"].value_counts()
        return {name: int(counts.get(name, 0)) for name in self.classes}

    def groups(self):
        """(n,) int: equal for images that share a lesion, a patient or a copy, directly or through others.

        An image with neither is a group of its own. Copies are known after `group_duplicates`.
        """
        n = len(self)
        rows, nodes, offset = [np.arange(n)], [np.arange(n)], n
        for column in (*IDS, *(["duplicate_set"] if "duplicate_set" in self.table else [])):
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
        return self.with_table(self.table.iloc[np.arange(len(self))[rows]])

    def binary(self, positive):
        """The manifest with the classes benign and malignant.

        Args:
            positive: the class names that become malignant; upper and lower case do not matter.

        Raises:
            ValueError: a name is not a class, or none or all of the classes are named.
        """
        positive = check_positive(positive, self.classes)
        table = self.table.assign(
            label=np.where(self.table["label"].isin(positive), BINARY_CLASSES[1], BINARY_CLASSES[0])
        )
        return self.with_table(table, classes=BINARY_CLASSES)

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
                f"--max-images {n} leaves too few of the {count} images of class {name} to split: "
                f"use at least {least}."
            )


# Train, validation and test each need one, and a class in fewer groups than this is seldom in all of them.
_LEAST_OF_A_CLASS = 5


def _check_group_columns(table, path):
    """Raises ValueError for a column that looks like one of those that keep related images together."""
    for column in table.columns:
        letters = "".join(filter(str.isalpha, column.casefold()))
        for meant in ("lesion", "patient"):
            if f"{meant}_id" not in table.columns and letters in (meant, f"{meant}id"):
                raise ValueError(f"{path} has a column {column}, which is not looked at: call it {meant}_id.")


def _ids_of(images):
    """The names of the files without folders and endings; where two would be alike, the whole paths."""
    names = images.str.replace("\\", "/").str.rsplit("/", n=1).str[-1]
    names = names.map(lambda name: name if pd.isna(name) else stem(name))
    return images if names.dropna().duplicated().any() else names


def _relative_to(folder, image):
    path = Path(image).absolute()
    return str(path.relative_to(folder)) if path.is_relative_to(folder) else str(path)


def _existing(folder, images, root):
    """The paths in a table's column image, counted from `folder`; for those that lead nowhere, what is found below
    `root`."""
    paths = [None if pd.isna(image) else str(folder / image) for image in images]
    lost = [row for row, path in enumerate(paths) if path is not None and not image_files.exists(path)]
    if lost:
        index = ImageIndex(root)
        for row in lost:
            found = index.find(images.iloc[row])
            if found is not None:
                paths[row] = str(root / found)
    return paths
