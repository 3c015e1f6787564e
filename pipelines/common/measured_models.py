"""What is measured by `pipelines.evaluate`: one `.tflite` file, or the forms of a run's model."""

import re
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from skinkeras import evaluation, tflite
from skinkeras.files.reading import check_regular
from skinkeras.images.geometries import DEFAULT_GEOMETRY
from skinkeras.tflite.runtime import check_runs

#: What a decision is taken at where nothing says so.
_HALF = {"threshold": 0.5, "criterion": "fixed", "chosen_on": None}
# Ids of the ISIC Archive name the same image in each data set that took it from there, and in files' names.
_ISIC_ID = re.compile(r"isic_\d{7}")


@dataclass(frozen=True)
class UsedImages:
    """The images that a model was trained on, or that its threshold was chosen on.

    Attributes:
        ids: of an id that holds one of the ISIC Archive, that one in lower case.
        digests: `skinkeras.images.image_files.digest` of their files; empty where they are not recorded.
        with_digest: those of `ids` whose digests are recorded.
    """

    ids: frozenset
    digests: frozenset
    with_digest: frozenset

    @classmethod
    def of_table(cls, table, subset):
        """Of the rows of a table with the columns image_id, digest (or not), and the one called `subset`."""
        table = table[table[subset].isin(("train", "validation"))]
        ids = [_key(image_id) for image_id in table["image_id"]]
        digests = list(table["digest"]) if "digest" in table else [""] * len(table)
        with_digest = frozenset(one for one, digest in zip(ids, digests, strict=True) if digest)
        return cls(frozenset(ids), frozenset(digests) - {""}, with_digest)

    def has_content(self, digest):
        """Whether a file of these bytes was used."""
        return digest in self.digests

    def has_id(self, image_id):
        """Whether an image of this id was used."""
        return _key(image_id) in self.ids

    def is_same_name_only(self, image_id):
        """Whether an image of this id from elsewhere is another one, as long as its bytes are others.

        Where the bytes of the image that was used are not recorded, nobody knows.
        """
        return _key(image_id) in self.with_digest and not _ISIC_ID.search(image_id.casefold())


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
        raise ValueError(f"{path} is not a .tflite file: name one, or the folder of a complete run.")
    return _file_model(path)


def _file_model(path):
    check_runs(path)
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
            entry, point = contract["files"][kind], dict(_HALF)
            # A threshold that was chosen is a half step of 1/256, and never 0.5.
            if (threshold := tflite.threshold_of(contract, kind)) != point["threshold"]:
                point = {"threshold": threshold, "criterion": "operating point", "chosen_on": "validation"}
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
    from pipelines.common.run_folder import RunFolder
    from pipelines.common.saved_models import load_models

    run = RunFolder(folder)
    record = released_runs.record_of(run)
    of_forms = record["repeats"][0]["forms"]

    def point_of(form):
        return of_forms[form].get("operating_point", record["operating_point"])

    float_model, _ = load_models(run.repeat(1))
    if float_model is None:
        raise FileNotFoundError(f"{folder} has no model.keras: restore it, or name one of its .tflite files.")
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
    return UsedImages.of_table(*used_images_table(path))


def used_images_table(path):
    """(table, name of its column of subsets) of the file that says which images a model was trained on.

    Raises:
        ValueError: it is no such table.
    """
    try:
        check_regular(path)
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
    except ValueError as error:  # of pandas and of the encoding alike
        raise ValueError(f"{path} is not a table that can be read: restore it from a copy.") from error
    subset = next((column for column in ("subset", "split") if column in table), None)
    if "image_id" not in table or subset is None:
        raise ValueError(
            f"{path} does not say which images the model was trained on: it has no column image_id or subset."
        )
    return table, subset


def _key(image_id):
    """An id as `UsedImages.ids` has it."""
    found = _ISIC_ID.search(image_id.casefold())
    return found[0] if found else image_id


def _of_run(folder):
    return folder / "images.csv", folder / "split.csv"
