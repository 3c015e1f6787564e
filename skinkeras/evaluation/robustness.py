"""What becomes of a model's answers when its images are disturbed."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from skinkeras.evaluation.bootstrap import estimate, group_codes
from skinkeras.evaluation.checks import binary_inputs
from skinkeras.evaluation.corruptions import CORRUPTIONS, corrupt
from skinkeras.evaluation.forms import ModelForm
from skinkeras.evaluation.intervals import class_recalls, clustered_wilson, mean_interval
from skinkeras.evaluation.multiclass_bootstrap import decisions
from skinkeras.evaluation.within_source import auc_interval, pair_auc_draws

_BATCH = 64
UNDISTURBED = "undisturbed"
"""The name and title of the first row."""


def measured_robustness(
    form: ModelForm,
    subset: Any,
    *,
    positive: bool,
    threshold: float | None = None,
    corruptions: Sequence[str] | None = None,
    max_images: int | None = 2000,
    bootstrap: int = 1000,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> list[dict[str, Any]]:
    """The metrics of one form of a model on the same images, undisturbed and disturbed in each way.

    The images are disturbed as the model receives them: decoded, square and resized to its input. Every image keeps
    its random numbers over all severities and calls. Batches of 64 are read; only probabilities are kept.

    Args:
        form: `ModelForm`.
        subset: `skinkeras.inputs.subsets.Subset`.
        positive: whether the model has two classes, of which the second is malignant.
        threshold: with `positive`, an image with `probability >= threshold` is called malignant; None: 0.5.
        corruptions: rows of `CORRUPTIONS`; None: all.
        max_images: measure on no more images than that, evenly spaced within each class; None: all. Every image is
            predicted once for each row, 34 times for all rows.
        bootstrap: number of resamples of the AUC.
        seed: seed of the resampling.
        progress: called as `progress(done, total)`, in images, after each batch.

    Returns:
        One dict a row, the undisturbed images first, then each disturbance with each of its severities:

        - name, title (in words, with the severity), severity (None where there is none) and n;
        - with `positive`: roc_auc, malignant_recall and benign_recall; otherwise macro_auc (mean one-vs-rest AUC) and
          balanced_accuracy, both over the classes that have images. Each has its `..._interval`: of an AUC by
          bootstrap, of a recall `clustered_wilson`, both by lesion;
        - roc_auc_change or macro_auc_change: the AUC minus that of the undisturbed images, and its interval (paired
          bootstrap by lesion);
        - changed: the share of images whose decision is another one than undisturbed, and its interval;
        - mean_shift: by how much the probability of malignant, or with several classes that of the true class, moves
          on average.

        Of the first row, the last four are None.

    Raises:
        ValueError: there is no such disturbance, or the images are of one class.

    Example:
        >>> from types import SimpleNamespace
        >>> images = np.array([50, 200], np.uint8)[:, None, None, None] * np.ones((1, 8, 8, 3), np.uint8)
        >>> subset = SimpleNamespace(
        ...     images=SimpleNamespace(read=lambda rows: images[rows]),
        ...     rows=np.arange(2), malignant=np.array([1, 0]), groups=np.arange(2),
        ... )  # the darker image is malignant
        >>> brightness = lambda images: images.mean(axis=(1, 2, 3)) / 255
        >>> form = ModelForm("float", lambda images: np.stack([brightness(images), 1 - brightness(images)], axis=1))
        >>> rows = measured_robustness(form, subset, positive=True, corruptions=["darker"])
        >>> [(row["title"], row["changed"]) for row in rows]
        [('undisturbed', None), ('darker light, -0.7 EV', 0.0), ('darker light, -1.5 EV', 0.5)]
    """
    cases = [(None, None), *_cases(corruptions)]
    labels = subset.malignant if positive else subset.labels
    chosen = _spread(labels, max_images)
    labels, codes = labels[chosen], group_codes(np.asarray(subset.groups)[chosen], len(chosen))
    if len(np.unique(labels)) < 2:
        raise ValueError(f"All {len(labels):,} images are of one class: nothing can be distinguished.")
    answers = _answers(form, subset, chosen, cases, progress)
    if positive:
        binary_inputs(labels, answers[0][:, 1])
        metrics = _binary_metrics(
            labels, answers[..., 1], 0.5 if threshold is None else threshold, codes, bootstrap, seed
        )
    else:
        metrics = _multiclass_metrics(labels, answers, codes, bootstrap, seed)
    return [
        {**_title(name, severity), "n": len(labels), **row}
        for (name, severity), row in zip(cases, metrics, strict=True)
    ]


def _cases(names: Sequence[str] | None) -> list[tuple[str, float | None]]:
    """(name, severity) of every row beside the first."""
    names = tuple(CORRUPTIONS) if names is None else names
    unknown = [name for name in names if name not in CORRUPTIONS]
    if unknown:
        raise ValueError(f"There is no disturbance {unknown[0]}: choose among {', '.join(CORRUPTIONS)}.")
    return [(name, severity) for name in names for severity in CORRUPTIONS[name].severities]


def _title(name: str | None, severity: float | None) -> dict[str, Any]:
    title = UNDISTURBED if name is None else CORRUPTIONS[name].title_of(severity)
    return {"name": name or UNDISTURBED, "title": title, "severity": severity}


def _spread(labels: np.ndarray, most: int | None) -> np.ndarray:
    """The places of at most so many images, ascending; each class keeps its share."""
    if most is None or len(labels) <= most:
        return np.arange(len(labels))
    by_class = np.argsort(labels, kind="stable")
    return np.sort(by_class[((np.arange(most) + 0.5) * len(labels) / most).astype(int)])


def _answers(
    form: ModelForm,
    subset: Any,
    chosen: np.ndarray,
    cases: Sequence[tuple[str | None, float | None]],
    progress: Callable[[int, int], None] | None,
) -> np.ndarray:
    """The probabilities (cases, n, classes) of the chosen images, disturbed in each way."""
    batches = []
    for start in range(0, len(chosen), _BATCH):
        places = chosen[start : start + _BATCH]
        images = subset.images.read(subset.rows[places])
        batches.append(
            [
                form.predict(
                    (images if name is None else corrupt(images, name, severity, places)).astype(np.float32)
                )
                for name, severity in cases
            ]
        )
        if progress:
            progress(start + len(places), len(chosen))
    # The float32 sum of several classes can be slightly above 1.
    return np.minimum(np.concatenate(batches, axis=1), 1.0).astype(np.float64)


def _binary_metrics(
    labels: np.ndarray, scores: np.ndarray, threshold: float, codes: np.ndarray, bootstrap: int, seed: int
) -> list[dict[str, Any]]:
    """The metrics of each row of scores (cases, n)."""
    positive, one_source = np.tile(labels == 1, (len(scores), 1)), np.zeros(len(labels), np.int64)
    draws = pair_auc_draws(labels, scores, positive, one_source, codes, bootstrap, seed)
    called = scores >= threshold
    rows = []
    for case in range(len(scores)):
        recalls, intervals = class_recalls(labels, called[case] == labels, None, codes, (1, 0))
        rows.append(
            {
                **_auc("roc_auc", draws, case, labels, codes),
                "malignant_recall": recalls[0],
                "malignant_recall_interval": intervals[0],
                "benign_recall": recalls[1],
                "benign_recall_interval": intervals[1],
                **_changes(called, scores, case, codes),
            }
        )
    return rows


def _multiclass_metrics(
    labels: np.ndarray, probabilities: np.ndarray, codes: np.ndarray, bootstrap: int, seed: int
) -> list[dict[str, Any]]:
    """The metrics of each case of probabilities (cases, n, classes)."""
    present = np.unique(labels)
    scores = probabilities[..., present].swapaxes(1, 2).reshape(-1, len(labels))
    positive = np.tile(labels == present[:, None], (len(probabilities), 1))
    one_source = np.zeros(len(labels), np.int64)
    draws = pair_auc_draws(labels, scores, positive, one_source, codes, bootstrap, seed)
    draws = draws.reshape(len(probabilities), len(present), -1).mean(axis=1)
    named = np.array([decisions(one) for one in probabilities])
    of_truth = probabilities[:, np.arange(len(labels)), labels]
    rows = []
    for case in range(len(probabilities)):
        recalls, intervals = class_recalls(labels, named[case] == labels, None, codes, present)
        rows.append(
            {
                **_auc("macro_auc", draws, case, labels, codes),
                "balanced_accuracy": float(np.mean(recalls)),
                "balanced_accuracy_interval": mean_interval(recalls, intervals),
                **_changes(named, of_truth, case, codes),
            }
        )
    return rows


def _auc(key: str, draws: np.ndarray, case: int, labels: np.ndarray, codes: np.ndarray) -> dict[str, Any]:
    """The AUC of a case and its change, from draws (cases, 1 + resamples)."""
    change = estimate(draws[case] - draws[0]) if case else None
    return {
        key: float(draws[case, 0]),
        f"{key}_interval": auc_interval(draws[case], labels, codes),
        f"{key}_change": change and change.value,
        f"{key}_change_interval": change and (change.low, change.high),
    }


def _changes(answers: np.ndarray, scores: np.ndarray, case: int, codes: np.ndarray) -> dict[str, Any]:
    """How many decisions of a case, and how far its scores, differ from those of the first."""
    if case == 0:
        return {"changed": None, "changed_interval": None, "mean_shift": None}
    changed = answers[case] != answers[0]
    return {
        "changed": float(changed.mean()),
        "changed_interval": clustered_wilson(changed, codes),
        "mean_shift": float(np.mean(scores[case] - scores[0])),
    }
