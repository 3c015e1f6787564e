"""Train, validation and test: by lesion and patient, or by image as Gilal et al. 2023 did."""

import warnings
from itertools import combinations

import numpy as np
import pandas as pd
from sklearn.model_selection import StratifiedGroupKFold, train_test_split

from skinkeras.datasets.manifest import read_table
from skinkeras.files import replacing

PARTS = ("train", "validation", "test")
_FOLDS, _TEST, _VALIDATION = 10, 0.2, 0.1
_CLOSE_ENOUGH = 0.02  # of every class, to the shares of test and validation
_PAPER_TEST = 0.2
_PAPER_VALIDATION = 0.1


def split(manifest, method="grouped", seed=0):
    """Assigns every picture to train, validation or test.

    Args:
        manifest: `Manifest`.
        method: `"grouped"`: about 70, 10 and 20 % (more even parts if a class is in fewer than ten groups);
            pictures that share a lesion or a patient are on one side, and every class is spread as evenly
            as the groups allow. `"paper"`: by image, stratified, 20 % of each class for the test as Gilal
            et al. 2023; the validation images are a tenth of their training images, which they used
            whole. Related pictures then straddle the split.
        seed: int >= 0.

    Returns:
        (n,) array of `"train"`, `"validation"` and `"test"`.

    Raises:
        ValueError: an unknown method, or a class that a part would have no picture of.
    """
    if method == "grouped":
        assignment = _grouped(manifest, seed)
    elif method == "paper":
        assignment = _by_image(manifest, seed)
    else:
        raise ValueError(f'The split must be "grouped" or "paper". Received: {method!r}')
    check_split(manifest, assignment)
    return assignment


def check_split(manifest, assignment):
    """Raises ValueError if some part has no picture of some class that the manifest has."""
    for part in PARTS:
        present = set(manifest.labels[assignment == part])
        for number, (name, count) in enumerate(manifest.counts().items()):
            if number not in present:
                raise ValueError(
                    f"The {part} part has no picture of class {name}, of which there are {count} in all: "
                    "add pictures of it, merge it with another class, or use another seed."
                )


def _grouped(manifest, seed):
    groups, labels = manifest.groups(), manifest.labels
    smallest, rarest = min((len(set(groups[labels == number])), number) for number in set(labels))
    if smallest < len(PARTS):
        raise ValueError(
            f"Class {manifest.classes[rarest]} is in {smallest} group(s) of related pictures, too few for "
            f"one in each part ({', '.join(PARTS)}): add pictures of it, or merge it with another class."
        )
    # Scikit-learn wants no more folds than there are groups, or than the commonest class has pictures, and
    # warns of rarer ones.
    folds = min(_FOLDS, np.bincount(labels).max(), len(set(groups)))
    folder = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
    fold_of = np.empty(len(labels), int)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The least populated class", UserWarning)
        for number, (_, rows) in enumerate(folder.split(labels, labels, groups)):
            fold_of[rows] = number
    test, validation = _choose_folds(fold_of, labels, folds)
    parts = [np.isin(fold_of, test), np.isin(fold_of, validation)]
    return np.select(parts, ["test", "validation"], "train")


def _choose_folds(fold_of, labels, folds):
    """The folds for test and for validation: the first choice that is close enough, or else the closest.

    It matters for a class in fewer groups than there are folds: not every fold has some of it.
    """
    counts = np.zeros((labels.max() + 1, folds))
    np.add.at(counts, (labels, fold_of), 1)
    shares = counts[counts.any(axis=1)]
    shares /= shares.sum(axis=1, keepdims=True)
    closest, choice = np.inf, None
    for test in combinations(range(folds), max(1, round(folds * _TEST))):
        others = [fold for fold in range(folds) if fold not in test]
        for validation in combinations(others, max(1, round(folds * _VALIDATION))):
            in_test, in_validation = shares[:, test].sum(axis=1), shares[:, validation].sum(axis=1)
            off = max(np.abs(in_test - _TEST).max(), np.abs(in_validation - _VALIDATION).max())
            # A class that a part lacks is worse than any share.
            off += min(in_test.min(), in_validation.min(), (1 - in_test - in_validation).min()) < 1e-9
            if off < closest:
                closest, choice = off, (test, validation)
            if closest <= _CLOSE_ENOUGH:
                return choice
    return choice


def _by_image(manifest, seed):
    labels, rows = manifest.labels, np.arange(len(manifest))
    rare = [name for name, count in manifest.counts().items() if 0 < count < 2 * len(PARTS)]
    if rare:
        raise ValueError(f"Class {rare[0]} has too few pictures to be in every part: add some, or merge it.")
    # Over all classes at once, which for ISIC-merge gives the paper's numbers to the image.
    train, test = train_test_split(rows, test_size=_PAPER_TEST, stratify=labels, random_state=seed)
    _, validation = train_test_split(
        train, test_size=_PAPER_VALIDATION, stratify=labels[train], random_state=seed
    )
    assignment = np.full(len(manifest), "train", dtype="<U10")
    assignment[test], assignment[validation] = "test", "validation"
    return assignment


def save_split(manifest, assignment, path):
    """Writes image_id, label, group and part of every picture to a CSV file."""
    table = pd.DataFrame(
        {
            "image_id": manifest.table["image_id"],
            "label": manifest.table["label"],
            "group": manifest.groups(),
            "split": assignment,
        }
    )
    with replacing(path) as temporary:
        table.to_csv(temporary, index=False)


def load_split(manifest, path):
    """The assignment in a file written by `save_split`.

    Raises:
        ValueError: the file is of other pictures than the manifest's, or names an unknown part.
    """
    table = read_table(path, ("image_id", "split"))
    if table["image_id"].tolist() != manifest.table["image_id"].tolist():
        raise ValueError(f"{path} is the split of other pictures than those of {manifest.origin}.")
    unknown = table[~table["split"].isin(PARTS)]
    if len(unknown):
        raise ValueError(
            f"{path}, line {unknown.index[0] + 2}: {unknown['split'].iloc[0]!r} is no part of a split."
        )
    return table["split"].to_numpy(str)
