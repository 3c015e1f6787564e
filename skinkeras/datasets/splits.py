"""Train, validation and test: by lesion and patient, by image as Gilal et al. 2023 did, or as the data gives it."""

import warnings
from itertools import combinations

import numpy as np
import pandas as pd
from sklearn.model_selection import StratifiedGroupKFold, train_test_split

from skinkeras.datasets.metadata import SUBSETS
from skinkeras.datasets.tables import read_table
from skinkeras.files.writing import replacing

METHODS = ("grouped", "paper", "given")
_FOLDS, _TEST = 10, 0.2
_SHUFFLES, _NEXT_SHUFFLE = 5, 100_003  # far from the seeds of further repeats
_CLOSE_ENOUGH = 0.02  # of every class, to the shares of test and validation
_PAPER_TEST = 0.2


def split(manifest, method=None, seed=0, *, validation=0.1):
    """Assigns every image to train, validation or test.

    Args:
        manifest: `Manifest`.
        method: `"grouped"`: about 70, 10 and 20 % (more even subsets if a class is in fewer than ten groups);
            images that share a lesion or a patient are on one side, and every class is spread as evenly
            as the groups allow. `"paper"`: by image, stratified, 20 % of each class for the test as Gilal
            et al. 2023; the validation images are a tenth of their training images, which they used
            whole. Related images then straddle the split. `"given"`: the manifest's own. None: see
            `split_method`.
        seed: int >= 0.
        validation: share of the validation images, 0 to 0.5: of all images (`"grouped"`, in tenths), or of the
            training images (`"paper"`, and `"given"` where the source has train and test only). 0: none,
            which leaves the paper's 80 and 20 %; a given split keeps what it has.

    Returns:
        (n,) array of `"train"`, `"validation"` and `"test"`.

    Raises:
        ValueError: an unknown method, or a class of which a subset would have no image.
    """
    if not 0 <= validation <= 0.5:
        raise ValueError(f"The share of validation images must be 0 to 0.5. Received: {validation}")
    method = split_method(manifest, method)
    if method == "grouped":
        assignment = _grouped(manifest, seed, validation)
    elif method == "paper":
        assignment = _by_image(manifest, seed, validation)
    elif method == "given":
        assignment = _given(manifest, seed, validation)
    else:
        raise ValueError(f'The split must be "grouped", "paper" or "given". Received: {method!r}')
    check_split(manifest, assignment)
    return assignment


def split_method(manifest, method=None):
    """How `split` splits a manifest.

    Args:
        manifest: `Manifest`.
        method: as `split` takes it.

    Returns:
        `method`, or where it is None `"given"` if the manifest names two or more subsets, else `"grouped"`.
    """
    if method is not None:
        return method
    given = manifest.given_split
    return "grouped" if given is None or len(set(given)) < 2 else "given"


def check_split(manifest, assignment):
    """Raises ValueError if a subset has no image of a class that the manifest has.

    A split without any validation image is one of train and test only.
    """
    for subset in SUBSETS:
        present = set(manifest.labels[assignment == subset])
        if subset == "validation" and not present:
            continue
        for number, (name, count) in enumerate(manifest.counts().items()):
            if number not in present:
                raise ValueError(
                    f"The {subset} subset has no image of class {name}, of which there are {count} in all: "
                    "add images of it, merge it with another class, or split the images in another way."
                )


def _given(manifest, seed, validation):
    given = manifest.given_split
    if given is None:
        raise ValueError(
            f"{manifest.origin} gives no split: it has no column split. Add one of train, validation and test, or "
            "let the images be split by group."
        )
    present = set(given)
    if "train" not in present or len(present) < 2:
        raise ValueError(
            f"The split that {manifest.origin} gives has only {' and '.join(sorted(present))} images: it needs "
            "train and test."
        )
    assignment = given.astype("<U10")
    if "test" not in present:
        # Nothing is chosen on it: the images to choose on come out of the training images.
        assignment[given == "validation"] = "test"
    if validation and "validation" not in set(assignment):
        train = np.flatnonzero(assignment == "train")
        part = manifest.select(train)
        chosen = _assign(part, seed, {"test": 0.0, "validation": validation})
        assignment[train] = chosen
    return assignment


def _grouped(manifest, seed, validation):
    return _assign(manifest, seed, {"test": _TEST, "validation": validation})


def _assign(manifest, seed, shares):
    """The subset of every image, whole groups on one side; `shares` are those of test and validation."""
    subsets = [name for name in SUBSETS if shares.get(name, 1)]
    groups, labels = manifest.groups(), manifest.labels
    smallest, rarest = min((len(set(groups[labels == number])), number) for number in set(labels))
    if smallest < len(subsets):
        raise ValueError(
            f"Class {manifest.classes[rarest]} is in {smallest} group(s) of related images, too few for "
            f"one in each subset ({', '.join(subsets)}): add images of it, or merge it with another class."
        )
    # Scikit-learn wants no more folds than there are groups, or than the commonest class has images, and
    # warns of rarer ones.
    folds = min(_FOLDS, np.bincount(labels).max(), len(set(groups)))
    # A shuffle can leave a rare class in too few folds: another one, or larger folds, seldom do.
    for fewer in range(folds, len(subsets) - 1, -1):
        for number in range(_SHUFFLES):
            fold_of = _folds(labels, groups, fewer, (seed + number * _NEXT_SHUFFLE) % 2**32)
            test, validation = _choose_folds(fold_of, labels, fewer, shares)
            parts = [np.isin(fold_of, test), np.isin(fold_of, validation)]
            assignment = np.select(parts, ["test", "validation"], "train")
            if all(set(labels[assignment == name]) == set(labels) for name in subsets):
                return assignment
    return assignment


def _folds(labels, groups, folds, seed):
    """(n,) the fold of every image."""
    folder = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
    fold_of = np.empty(len(labels), int)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The least populated class", UserWarning)
        for number, (_, rows) in enumerate(folder.split(labels, labels, groups)):
            fold_of[rows] = number
    return fold_of


def _choose_folds(fold_of, labels, folds, wanted):
    """The folds for test and for validation: the first choice that is close enough, or else the closest.

    It matters for a class in fewer groups than there are folds: not every fold has some of it.
    """
    counts = np.zeros((labels.max() + 1, folds))
    np.add.at(counts, (labels, fold_of), 1)
    shares = counts[counts.any(axis=1)]
    shares /= shares.sum(axis=1, keepdims=True)
    sizes = {name: max(1, round(folds * share)) if share else 0 for name, share in wanted.items()}
    closest, choice = np.inf, None
    for test in combinations(range(folds), sizes["test"]):
        others = [fold for fold in range(folds) if fold not in test]
        for validation in combinations(others, sizes["validation"]):
            in_test, in_validation = shares[:, test].sum(axis=1), shares[:, validation].sum(axis=1)
            off = max(
                np.abs(in_test - wanted["test"]).max(), np.abs(in_validation - wanted["validation"]).max()
            )
            # A class that a subset lacks is worse than any share.
            subsets = {"test": in_test, "validation": in_validation, "train": 1 - in_test - in_validation}
            off += min(subsets[name].min() for name in subsets if wanted.get(name, 1)) < 1e-9
            if off < closest:
                closest, choice = off, (test, validation)
            if closest <= _CLOSE_ENOUGH:
                return choice
    return choice


def _by_image(manifest, seed, validation_share):
    labels, rows = manifest.labels, np.arange(len(manifest))
    subsets = len(SUBSETS) if validation_share else len(SUBSETS) - 1
    rare = [name for name, count in manifest.counts().items() if 0 < count < 2 * subsets]
    if rare:
        raise ValueError(f"Class {rare[0]} has too few images to be in every subset: add some, or merge it.")
    # Over all classes at once, which for ISIC-merge gives the paper's numbers to the image.
    train, test = train_test_split(rows, test_size=_PAPER_TEST, stratify=labels, random_state=seed)
    assignment = np.full(len(manifest), "train", dtype="<U10")
    assignment[test] = "test"
    if validation_share:
        _, validation = train_test_split(
            train, test_size=validation_share, stratify=labels[train], random_state=seed
        )
        assignment[validation] = "validation"
    return assignment


def save_split(manifest, assignment, path):
    """Writes image_id, label, group and subset of every image to a CSV file."""
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
        ValueError: the file is of other images than the manifest's, or names an unknown subset.
    """
    table = read_table(path, ("image_id", "split"))
    if table["image_id"].tolist() != manifest.table["image_id"].tolist():
        raise ValueError(f"{path} is the split of other images than those of {manifest.origin}.")
    unknown = table[~table["split"].isin(SUBSETS)]
    if len(unknown):
        raise ValueError(
            f"{path}, line {unknown.index[0] + 2}: {unknown['split'].iloc[0]!r} is not a subset of a split."
        )
    return table["split"].to_numpy(str)
