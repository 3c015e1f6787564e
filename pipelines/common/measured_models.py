"""What is measured by `pipelines.evaluate`: one `.tflite` file, or the forms of a run's model."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from skinkeras import evaluation, tflite
from skinkeras.geometries import DEFAULT_GEOMETRY

#: What a decision is taken at where nothing says so.
_HALF = {"threshold": 0.5, "criterion": "fixed", "chosen_on": None}


@dataclass(frozen=True)
class UsedImages:
    """The images that a model was trained on, or that its threshold was chosen on.

    Attributes:
        ids: {image id: subset}.
        digests: {`skinkeras.image_files.digest` of a file: subset}; empty where they are not recorded.
    """

    ids: dict
    digests: dict

    def subset_of(self, image_id, digest):
        """`"train"` or `"validation"` if the image, or another file with the same bytes, was used; else None."""
        return self.ids.get(image_id) or self.digests.get(digest)


@dataclass(frozen=True)
class MeasuredModel:
    """A model with what has to be known to measure it.

    Attributes:
        name: for people.
        forms: {name of the form: (`evaluation.ModelForm`, operating point as a record has it, or None)}.
        classes: names of the outputs.
        class_titles: {class: its name in full}.
        positive_class: name of the class that the operating point is for, or None.
        image_size: pixels.
        geometry: what of an image is resized.
        used: `UsedImages`, or None where it is not known which images were used.
        data: title of the data set that it was trained on, or None.
    """

    name: str
    forms: dict
    classes: tuple
    class_titles: dict
    positive_class: str | None
    image_size: int
    geometry: str
    used: UsedImages | None
    data: str | None = None


def read_model(path):
    """The `MeasuredModel` of a `.tflite` file or of a run's folder.

    Raises:
        FileNotFoundError, ValueError: there is neither at `path`, or it cannot be read; one sentence.
    """
    path = Path(path)
    if path.is_dir():
        return _run_model(path)
    if not path.is_file():
        raise FileNotFoundError(f"There is no file or folder {path}.")
    if path.suffix != ".tflite":
        raise ValueError(f"{path} is no .tflite file: name one, or the folder of a complete run.")
    return _file_model(path)


def _file_model(path):
    classifier, beside = tflite.Classifier(path), tflite.find_contract(path)
    if classifier.input_size[0] != classifier.input_size[1]:
        raise ValueError(f"{path} does not take square images: it cannot be measured here.")
    classes, positive, titles, geometry = classifier.labels, None, {}, DEFAULT_GEOMETRY
    point, name, used, data = None, path.stem, None, None
    if beside is not None:
        contract = tflite.read_contract(beside)
        kind = next(kind for kind, entry in contract["files"].items() if entry["file"] == path.name)
        positive, titles = contract["positive_class"], contract.get("class_titles", {})
        geometry, name = classifier.geometry, contract["name"]
        used, data = _used_images(beside.parent, name), contract.get("data", {}).get("name")
        if positive is not None:
            entry = contract["files"][kind]
            point = {**_HALF, "threshold": tflite.threshold_of(contract, kind), "chosen_on": "validation"}
            point["criterion"] = "operating point"
            point |= {"others": entry.get("operating_points"), "not_sure": entry.get("not_sure")}
    elif set(classes) == {"benign", "malignant"}:
        positive, point = "malignant", dict(_HALF)
    if positive is not None and (len(classes) != 2 or list(classes).index(positive) != 1):
        raise ValueError(f"{path}: a model with a positive class has two classes, the positive one last.")
    form = evaluation.ModelForm(path.stem.removeprefix(f"{name}_"), classifier.predict)
    size = classifier.input_size[0]
    return MeasuredModel(
        name, {form.name: (form, point)}, classes, titles, positive, size, geometry, used, data
    )


def _run_model(folder):
    from pipelines.common import released_runs
    from pipelines.common.line_models import load_models
    from pipelines.common.run_folder import RunFolder

    run = RunFolder(folder)
    record = released_runs.record_of(run)
    of_forms = record["repeats"][0]["forms"]

    def point_of(form):
        return of_forms[form].get("operating_point", record["operating_point"])

    float_model, _ = load_models(run.repeat(1))
    forms = {"float": (evaluation.ModelForm("float", float_model.predict_on_batch), point_of("float"))}
    for kind, entry in record["files"].items():
        classifier = tflite.Classifier(run.export / entry["file"])
        forms[kind] = (evaluation.ModelForm(kind, classifier.predict), point_of(kind))
    model = record["model"]
    return MeasuredModel(
        record["name"],
        forms,
        tuple(model["classes"]),
        model["class_titles"],
        record["task"]["positive_class"],
        model["input_size"],
        model.get("geometry", DEFAULT_GEOMETRY),
        _used_images(run.export, record["name"]),
        record["data"]["title"],
    )


def _used_images(folder, name):
    """The `UsedImages` of the model called `name`, whose files lie in `folder`; None where nothing says.

    A released model has them in `records/NAME.images.csv`; a run has `images.csv`, or as an earlier version
    `split.csv`, above its folder of exported files.
    """
    places = (
        folder / "records" / f"{name}.images.csv",
        *_of_run(folder.parent),
        *_of_run(folder.parent / "split_1"),
    )
    path = next((path for path in places if path.is_file()), None)
    if path is None:
        return None
    table = pd.read_csv(path, dtype=str, keep_default_na=False)
    subset = next((column for column in ("subset", "split") if column in table), None)
    if "image_id" not in table or subset is None:
        raise ValueError(
            f"{path} does not say which images the model was trained on: it has no column image_id or subset."
        )
    table = table[table[subset].isin(("train", "validation"))]
    digests = dict(zip(table["digest"], table[subset], strict=True)) if "digest" in table else {}
    return UsedImages(dict(zip(table["image_id"], table[subset], strict=True)), digests)


def _of_run(folder):
    return folder / "images.csv", folder / "split.csv"
