"""What is known of an image beyond its label: names of the columns, placeholders, and what their values may be."""

import re
from collections import Counter

import numpy as np
import pandas as pd

from skinkeras.datasets.file_search import name_some
from skinkeras.datasets.tables import numbers

IDS = ("lesion_id", "patient_id")
METADATA = ("acquisition", "age", "sex", "site", "confirmed_by", "skin_tone")
SUBSETS = ("train", "validation", "test")

# What people write for "not known".
# fmt: off
PLACEHOLDERS = frozenset((
    "unknown", "unk", "unspecified", "undefined", "missing", "not available", "not applicable", "not known",
    "not recorded", "not provided", "not specified", "none", "null", "nil", "nan", "nat", "na", "n/a", "n.a.", "n.a",
    "#n/a", "#na", "#value!", "#ref!", "#null!", "<na>", "-1", "-1.0", "-9", "-99", "-999", "-", "--", "---", ".",
    "?", "??",
))
# fmt: on
_ZEROS = frozenset(("0", "0.0"))
_MANY = 0.05  # of all images, in one group
_LEAST_NAMED = 10

_SUBSET_NAMES = {
    "train": ("train", "training", "trn", "tr"),
    "validation": ("validation", "valid", "val", "dev", "development"),
    "test": ("test", "testing", "tst", "te"),
}
_SUBSET = re.compile(
    r"(\d+[ _-])?(?P<name>{})([ _-]?(data)?[ _-]?(set|split|folder|images?|imgs?)?)".format(
        "|".join(name for names in _SUBSET_NAMES.values() for name in names)
    ),
    re.IGNORECASE,
)
_SEXES = {"m": "male", "male": "male", "f": "female", "female": "female", "other": "other"}
_OLDEST = 120

# How sources say it, in lower case -> how a manifest says it.
CONFIRMATIONS = {
    "histo": "histopathology",
    "histology": "histopathology",
    "histopathology": "histopathology",
    "pathology": "histopathology",
    "biopsy": "histopathology",
    "follow_up": "follow-up",
    "follow up": "follow-up",
    "serial imaging showing no change": "follow-up",
    "consensus": "consensus",
    "single image expert consensus": "consensus",
    "confocal": "confocal",
    "confocal microscopy with consensus dermoscopy": "confocal",
    "single contributor clinical assessment": "clinical assessment",
}
_FITZPATRICK = dict(zip("123456", ("I", "II", "III", "IV", "V", "VI"), strict=True))


def subset_of(name):
    """One of `SUBSETS` for a name that says so, such as `val`, `Test_set` or `training-data`; else None."""
    match = _SUBSET.fullmatch(name.strip())
    if match is None:
        return None
    word = match["name"].casefold()
    return next(subset for subset, names in _SUBSET_NAMES.items() if word in names)


def fitzpatrick(values):
    """Skin types as Roman numbers, from a column of 1 to 6 or I to VI; None for the rest."""
    types = values.fillna("").astype(str).str.strip().str.upper().str.replace(",", ".").str.removesuffix(".0")
    return types.map(lambda value: value if value in _FITZPATRICK.values() else _FITZPATRICK.get(value))


def without_placeholders(values):
    """(the column with None for each placeholder, `Counter`-like Series of the placeholders that it had)."""
    words = values.map(
        lambda value: None if value is None else str(value).strip().casefold().replace("_", " ")
    )
    hit = words.isin(PLACEHOLDERS)
    return values.where(~hit, None), values[hit].astype(str).str.strip().value_counts()


def clean_ids(table):
    """Makes None of the placeholders in lesion_id and patient_id, in place.

    Returns:
        list of sentences that say how many there were.
    """
    sentences = []
    for column in IDS:
        known = table[column].notna().sum()
        cleaned, counts = without_placeholders(table[column])
        zeros = cleaned.map(lambda value: str(value).strip() in _ZEROS)
        if zeros.any() and not _is_numbering(cleaned, zeros):
            counts = pd.concat([counts, cleaned[zeros].astype(str).value_counts()])
            cleaned = cleaned.where(~zeros, None)
        table[column] = cleaned
        if len(counts):
            values = name_some(repr(value) for value in counts.index)
            sentences.append(
                f"{column} is {values} for {int(counts.sum()):,} of {int(known):,} images: such a placeholder "
                "counts as a missing value, and each of these images as a group of its own."
            )
    return sentences


def _is_numbering(values, zeros):
    """Whether 0 is the first of a row of numbers, and so an id as good as the others."""
    others = set(values[~zeros].dropna().astype(str).str.strip().str.removesuffix(".0"))
    return "1" in others and all(v.isdecimal() for v in others) and zeros.mean() <= _MANY


def clean_metadata(table, refuse):
    """Checks the columns of `METADATA` and `split` and writes them in one way, in place.

    Ages are floats; sex is male, female or other; a placeholder is None. Of values that differ only in case or in
    spaces, the commonest spelling counts, and `CONFIRMATIONS` have one name.

    Args:
        table: `pandas.DataFrame` of objects.
        refuse: function (mask of wrong rows, column, what is wrong), which raises where one is wrong.
    """
    for column in METADATA:
        table[column] = without_placeholders(table[column])[0]
    for column in ("source", "acquisition", "site", "confirmed_by", "skin_tone"):
        table[column] = _one_spelling(table[column], CONFIRMATIONS if column == "confirmed_by" else {})
    ages = numbers(table["age"].map(lambda age: age if age is None else str(age).strip().removesuffix("+")))
    wrong = table["age"].notna() & ~ages.between(0, _OLDEST)
    refuse(wrong, "age", f"is not an age in years, 0 to {_OLDEST}")
    table["age"] = ages.astype(object).where(ages.notna(), None)
    sexes = table["sex"].map(lambda sex: sex if sex is None else _SEXES.get(str(sex).strip().casefold()))
    refuse(
        table["sex"].notna() & sexes.isna(),
        "sex",
        "is not one of male, female, other: write one of these, or leave it empty",
    )
    table["sex"] = sexes.astype(object).where(sexes.notna(), None)
    if "split" in table:
        subsets = table["split"].map(lambda name: subset_of(str(name)))
        refuse(subsets.isna(), "split", f"is not one of {', '.join(SUBSETS)}")
        table["split"] = subsets


def _one_spelling(values, names):
    """The column without spaces around its values, and those of `names` under the name given there; of values that
    differ only in case, the commonest spelling."""
    words = [None if value is None else " ".join(str(value).split()) for value in values]
    words = [word and names.get(word.casefold(), word) for word in words]
    counts = Counter(word for word in words if word)
    commonest = {}
    for word in sorted(counts, key=lambda word: (-counts[word], word)):
        commonest.setdefault(word.casefold(), word)
    return pd.Series([commonest[word.casefold()] if word else None for word in words], dtype=object)


def group_warnings(manifest, split):
    """Sentences on ids that join suspiciously many images, and on groups that a given split divides.

    Args:
        manifest: `Manifest`.
        split: (n,) the given split, if it is used, else None.
    """
    sentences = []
    for column in IDS:
        counts = manifest.table[column].value_counts()
        large = counts[(counts > _MANY * len(manifest)) & (counts >= _LEAST_NAMED)]
        if len(large):
            names = name_some(f"{name!r} ({count / len(manifest):.0%})" for name, count in large.items())
            sentences.append(
                f"One {column} has more than {_MANY:.0%} of all {len(manifest):,} images: {names}. They all go to "
                "one subset of a split by groups; check that it is a real id."
            )
    if split is not None:
        subsets = pd.Series(split).groupby(manifest.groups()).nunique()
        divided = int((subsets > 1).sum())
        if divided:
            sentences.append(
                f"The given split divides {divided:,} groups of related images (of one lesion or patient): the "
                "test is then too easy."
            )
    return sentences


def known_counts(table):
    """{column: number of rows with a value}, of the columns of `METADATA` that have any."""
    counts = {column: int(table[column].notna().sum()) for column in METADATA if column in table}
    return {column: count for column, count in counts.items() if count}


def as_labels(values, names, path, column):
    """The classes of a column of published labels.

    Args:
        values: `pandas.Series` of str.
        names: {label in the file, in upper or lower case: class}.
        path, column: for the error sentence.

    Raises:
        ValueError: an unknown or missing label; the sentence names file, line and column.
    """
    folded = {name.casefold(): label for name, label in names.items()}
    labels = values.map(lambda value: folded.get(str(value).strip().casefold()))
    if labels.isna().any():
        row = int(np.flatnonzero(labels.isna())[0])
        raise ValueError(
            f"{path}, line {values.index[row] + 2}, column {column}: {values.iloc[row]!r} is not one of "
            f"{', '.join(names)}."
        )
    return labels
