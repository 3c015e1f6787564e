"""Reads the results of finished runs, `metrics.json` and `predictions.csv`, of this and of the released version."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from skinkeras.datasets import BINARY_CLASSES
from skinkeras.files.reading import check_regular
from skinkeras.files.reading_json import read_json

IMAGE_COLUMNS = ("image_id", "image", "group", "label")


@dataclass(frozen=True)
class RepeatResults:
    """The predictions and metrics of one repeat on its test images.

    Attributes:
        images: table of image_id, image, group and label, all text.
        probabilities: {form: (n, classes) float}.
        metrics: {form: dict}, at the operating point (binary runs) or of the most probable class.
        metrics_at_half: {form: dict}, at threshold 0.5; empty if the run is not binary.
    """

    images: pd.DataFrame
    probabilities: dict
    metrics: dict
    metrics_at_half: dict


@dataclass(frozen=True)
class RunResults:
    """The results of a run.

    Attributes:
        classes: tuple of str, in the order of the probabilities.
        synthetic: whether the images were generated.
        counts: {subset: {class: number of images}} of the first repeat.
        mean: metrics of the float models averaged over the repeats, or None if there is only one.
        repeats: list of `RepeatResults`.
    """

    classes: tuple
    synthetic: bool
    counts: dict
    mean: dict | None
    repeats: list


def predictions_table(images, classes, probabilities, decisions):
    """The table of `predictions.csv`.

    Args:
        images: table with the columns image_id, image, group and label, and what else is known of the images.
        classes: names, in the order of the probabilities.
        probabilities: {form: (n, classes)}.
        decisions: {form: (n,) int}, the index of the predicted class.

    Returns:
        DataFrame with the columns of `images`, and for each form `probability_FORM_CLASS` for each class and
        `predicted_FORM`.
    """
    columns = {name: images[name].to_numpy() for name in images}
    for form, values in probabilities.items():
        columns |= {f"probability_{form}_{name}": values[:, i] for i, name in enumerate(classes)}
        columns[f"predicted_{form}"] = np.asarray(classes)[decisions[form]]
    return pd.DataFrame(columns)


def read_results(folder):
    """Reads the folder of a finished run.

    Args:
        folder: path of a run of this or of the released version.

    Returns:
        `RunResults`.

    Raises:
        FileNotFoundError: `metrics.json` or `predictions.csv` is missing.
        ValueError: they do not hold what they should; one sentence that names the folder.
    """
    folder = Path(folder)
    metrics = read_json(folder / "metrics.json")
    try:
        if "repeats" in metrics:
            return _read(folder, metrics)
        if "splits" in metrics:
            return _released_multiclass(folder, metrics)
        return _released_binary(folder, metrics)
    except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        reason = f"they lack {error}" if isinstance(error, KeyError) else " ".join(str(error).split())
        raise ValueError(
            f"metrics.json and predictions.csv in {folder} are not the results of a run: {reason}."
        ) from error


def _read(folder, metrics):
    classes, repeats = tuple(metrics["classes"]), []
    for number, recorded in enumerate(metrics["repeats"], 1):
        place = folder if number == 1 else folder / f"repeat_{number}"
        if (folder / f"split_{number}").is_dir():  # begun by the released version
            place = folder / f"split_{number}"
        table, forms = _read_table(place / "predictions.csv"), recorded["forms"]
        names = {form: [f"probability_{form}_{name}" for name in classes] for form in forms}
        repeats.append(
            RepeatResults(
                table[list(IMAGE_COLUMNS)],
                {form: table[columns].to_numpy(float) for form, columns in names.items()},
                {form: entry["metrics"] for form, entry in forms.items()},
                {form: e["metrics_at_half"] for form, e in forms.items() if "metrics_at_half" in e},
            )
        )
    counts = metrics["repeats"][0]["images"]
    return RunResults(classes, bool(metrics["synthetic"]), counts, metrics["mean"], repeats)


def _read_table(path):
    check_regular(path)
    return pd.read_csv(path, dtype=dict.fromkeys(IMAGE_COLUMNS, str), keep_default_na=False)


def _released_binary(folder, metrics):
    table, test = _read_table(folder / "predictions.csv"), metrics["test"]
    images = table[["image_id", "group"]].assign(
        image="", label=np.asarray(BINARY_CLASSES)[table["malignant"].to_numpy(int)]
    )
    malignant = {form: table[f"probability_{form}"].to_numpy(float) for form in test}
    repeat = RepeatResults(
        images[list(IMAGE_COLUMNS)],
        {form: np.stack([1 - values, values], axis=1) for form, values in malignant.items()},
        {form: entry["at_threshold"] for form, entry in test.items()},
        {form: entry["at_0.5"] for form, entry in test.items()},
    )
    return RunResults(BINARY_CLASSES, bool(metrics["synthetic"]), metrics["images"], None, [repeat])


def _released_multiclass(folder, metrics):
    classes, repeats = tuple(metrics["classes"]), []
    for number, split in enumerate(metrics["splits"], 1):
        table = _read_table(folder / f"split_{number}" / "predictions.csv")
        names = {form: [f"{form}_{name}" for name in classes] for form in split["test"]}
        repeats.append(
            RepeatResults(
                table[list(IMAGE_COLUMNS)],
                {form: table[columns].to_numpy(float) for form, columns in names.items()},
                dict(split["test"]),
                {},
            )
        )
    mean, counts = metrics["mean"]["float"], metrics["splits"][0]["images"]
    return RunResults(classes, bool(metrics["synthetic"]), counts, mean, repeats)
