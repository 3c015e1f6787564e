"""What a binary model looks for, in words, and which diagnoses are malignant: facts for cards and apps.

`MALIGNANCY` follows the WHO Classification of Skin Tumours (4th edition, 2018). Actinic keratosis and
intraepithelial carcinoma (Bowen's disease) are one class in HAM10000 (Tschandl et al., Sci Data 2018): "variants
of squamous cell carcinoma that can be treated locally", seen by some as precursors and by others as cancers in situ.
"""

from collections.abc import Sequence
from dataclasses import dataclass

# Class -> kind; a class that mixes kinds or is not a diagnosis (`misc`, `unk`) is not listed.
MALIGNANCY = {
    "ak": "premalignant",
    "akiec": "premalignant",
    "bcc": "malignant",
    "bkl": "benign",
    "df": "benign",
    "mel": "malignant",
    "nv": "benign",
    "scc": "malignant",
    "sk": "benign",
    "vasc": "benign",
}


@dataclass(frozen=True)
class Target:
    """What counts as malignant in a binary model.

    Attributes:
        classes: the classes of the data that count as malignant.
        title: what these are, as a noun: "melanoma".
        not_looked_for: titles of cancers that count as benign, or are not known to count as malignant.
    """

    classes: tuple[str, ...]
    title: str
    not_looked_for: tuple[str, ...] = ()


# For data sets whose class is called malignant, and holds melanomas alone.
MELANOMA_ONLY = Target(("malignant",), "melanoma", ("basal cell carcinoma", "squamous cell carcinoma"))


def target_of(dataset, positive: Sequence[str]) -> Target:
    """The target of a binary model that learned `positive` of a data set.

    Args:
        dataset: a row of `DATASETS`.
        positive: names of the classes that count as malignant, in upper or lower case.

    Returns:
        The row's own `target` if it has one for these classes, and otherwise one made from the classes' titles.
        Cancers that are classes of the data set and not in `positive` are those that are not looked for.

    Example:
        >>> from skinkeras.datasets.catalog import DATASETS
        >>> target_of(DATASETS["ham10000"], ["mel"])
        Target(classes=('mel',), title='melanoma', not_looked_for=('basal cell carcinoma',))
    """
    names = [name.casefold() for name in positive]
    if dataset.target is not None and names == [name.casefold() for name in dataset.target.classes]:
        return dataset.target
    titles = dataset.class_titles
    spelt = {name.casefold(): name for name in titles}
    classes = tuple(spelt.get(folded, name) for folded, name in zip(names, positive, strict=True))
    missed = tuple(
        title for name, title in titles.items() if name not in classes and MALIGNANCY.get(name) == "malignant"
    )
    if names == ["malignant"]:
        return Target(classes, "malignant lesions", missed)
    if all(name in titles for name in classes):
        return Target(classes, _either([titles[name] for name in classes]), missed)
    return Target(classes, f"lesions labelled {_either([_quoted(name) for name in classes])}", missed)


def malignancy_of(dataset, classes: Sequence[str]) -> dict[str, str]:
    """{class: "benign", "premalignant" or "malignant"} of those classes of a data set for which it is known."""
    known = {name: MALIGNANCY[name] for name in dataset.class_titles if name in MALIGNANCY}
    return {name: known[name] for name in classes if name in known}


def _quoted(name: str) -> str:
    return f'"{name}"'


def _either(names: Sequence[str]) -> str:
    """`a, b or c`."""
    *first, last = names
    return f"{', '.join(first)} or {last}" if first else last
