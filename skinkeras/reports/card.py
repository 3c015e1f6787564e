"""The model card: what a model is, what it was measured to do, and where it must not be trusted.

After Mitchell et al. 2019, *Model Cards for Model Reporting*. It is rendered from a run's record
(`skinkeras.reports.record`) and says nothing else; what the record lacks is "not measured" or "not recorded".
"""

from skinkeras.evaluation.markdown import table
from skinkeras.images.geometries import DEFAULT_GEOMETRY, GEOMETRIES
from skinkeras.reports.card_copies import copies_limits, copies_paragraph
from skinkeras.reports.card_results import phones_section, results_section, verification_section
from skinkeras.reports.card_usage import android_example, python_example
from skinkeras.reports.contract import contract_of
from skinkeras.reports.external import external_section
from skinkeras.reports.fitness import unfit_forms
from skinkeras.reports.words import code, escaped, title_of
from skinkeras.tflite import wording

_THIRD_PERSON = {"crop": "crops", "squash": "squashes", "pad": "pads"}


def model_card(record):
    """The model card of a run as Markdown text.

    Args:
        record: a record that `skinkeras.reports.check_record` accepts.
    """
    sections = (
        _heading(record),
        _intended_use(),
        _usage(record),
        _data(record),
        _training(record),
        results_section(record),
        *(external_section(one).rstrip() for one in record.get("external", ())),
        phones_section(record["files"]),
        verification_section(record),
        _limits(record),
        _reproduce(record),
    )
    return "\n\n".join(filter(None, sections)) + "\n"


def _heading(record):
    model, lines = record["model"], [f"# {escaped(record['name'])}"]
    if record["synthetic"]:
        lines.append(
            "> **SYNTHETIC: not for real lesions.** This model was trained and evaluated on synthetic images "
            "only. It shows that the software works; it knows nothing about skin."
        )
    if unfit := unfit_forms(record):
        reasons = "\n".join(f"> - {name}: {escaped(' '.join(reasons))}" for name, reasons in unfit.items())
        lines.append(f"> **Not fit for use.** On the test images:\n>\n{reasons}")
    classes, size = model["classes"], model["input_size"]
    if record["operating_point"] is None:
        purpose = f"distinguishes {len(classes)} classes"
        listed = f": {', '.join(_marked_title(name, model) for name in classes)}."
    else:
        purpose = f"tells {escaped(wording.target_title(contract_of(record)))} from all other lesions"
        listed = "."
    lines.append(
        f"A model of architecture {code(model['architecture'])} (initial weights: "
        f"{escaped(model['initial_weights'])}) that {purpose} in dermoscopy images of {size} x {size} pixels{listed}"
    )
    if record["files"]:
        lines[-1] += " It was converted to TensorFlow Lite for use on phones."
    if record["operating_point"]:
        lines.append(escaped(wording.low_score_note(contract_of(record))))
    return "\n\n".join(lines)


def _marked_title(name, model):
    """`basal cell carcinoma (bcc, malignant)`."""
    mark, title = wording.mark_of(model.get("malignancy", {}).get(name)), title_of(name, model)
    if not mark:
        return title
    return f"{title[:-1]}, {mark})" if title.endswith(")") else f"{title} ({mark})"


def _intended_use():
    words = wording.words()
    sentences = (words[name] for name in ("limits_of_use", "low_score", "see_a_doctor", "not_a_chance"))
    return (
        "## Intended use\n\n"
        "Research, teaching and experiments with on-device inference.\n\n"
        f"**{words['not_a_device']}.** {' '.join(sentences)}"
    )


def _usage(record):
    model, point = record["model"], record["operating_point"]
    size, classes = model["input_size"], model["classes"]
    geometry = model.get("geometry", DEFAULT_GEOMETRY)
    if not record["files"]:
        reason = "no `.tflite` file was made"
        if record["refused"]:
            reason = "no `.tflite` file passed verification (see below)"
        return f"## How to use it\n\nOnly the Keras model is available: {reason}."
    file = list(record["files"].values())[-1]["file"]
    names = ", ".join(map(code, classes))
    decision, threshold, target = "the class with the highest probability.", None, None
    if point:
        threshold, origin = point["threshold"], "a threshold fixed in advance"
        if point["chosen_on"]:
            origin = f"a threshold chosen on the {point['chosen_on']} images"
        target = wording.target_title(contract_of(record))
        decision = (
            f"above the model's line for {escaped(target)} if the probability of {code(point['class'])} is at least "
            f"{threshold:.4f} ({origin}), and below it otherwise. Each file may have a line of its own: "
            "`files.KIND.threshold` in the json."
        )
    return (
        "## How to use it\n\n"
        f"- Input: float32, shape (1, {size}, {size}, 3), RGB, 0..255: {GEOMETRIES[geometry].square}, "
        f"resized to {size} x {size}. Normalisation is part of the model: pass unscaled pixel values.\n"
        f"- Output: float32, shape (1, {len(classes)}): the probabilities of {names}, in this order.\n"
        f"- Decision: {decision}\n\n"
        f"Python (`pip install ai-edge-litert opencv-python-headless`):\n\n```python\n"
        f"{python_example(file, size, classes, threshold, target, geometry)}```\n\n"
        "Android (`com.google.ai.edge.litert:litert` 2.x), with the file in `assets/`; `tflite_models/README.md` "
        f"lists `modelInput`, which {_THIRD_PERSON[geometry]} and resizes as in training:\n\n```kotlin\n"
        f"{android_example(file, size, classes, threshold, geometry)}```"
    )


def _data(record):
    data, counts = record["data"], record["repeats"][0]["images"]
    classes = list(dict.fromkeys(name for subset in counts.values() for name in subset))
    rows = [
        [subset, *(f"{of_classes.get(name, 0):,}" for name in classes)]
        for subset, of_classes in counts.items()
    ]
    split = (
        f"No {data['grouped_by']} has images in more than one subset."
        if data["grouped_by"]
        else "The split is by image: images of one lesion can be in different subsets."
    )
    parts = (
        "## Data",
        f"{code(data['name'])}: {escaped(data['title'])}. Licence: {escaped(data['licence'])}. {split}",
        copies_paragraph(data),
        "Number of images:",
        table(["subset", *map(escaped, classes)], rows),
    )
    return "\n\n".join(filter(None, parts))


def _training(record):
    rows = [[escaped(label), escaped(value)] for label, value in record["training"]["facts"].items()]
    return f"## Training\n\n{table(['setting', 'value'], rows)}"


def _limits(record):
    data = record["data"]
    limits = [*record["training"]["limits"], *data["limits"], *copies_limits(data), *_cut(data)]
    if not data["grouped_by"]:
        limits.append(
            "The split is by image: images of one lesion can be in both the training and the test set, which "
            "makes the results look better than they are."
        )
    elif not record["synthetic"]:
        if "patient" not in data["grouped_by"]:
            limits.append(
                "Patients are unknown: lesions of one patient can be in both the training and the test set."
            )
        if data["ungrouped"]:
            limits.append(
                f"For {data['ungrouped']:,} images neither lesion nor patient is known: each counts as a lesion of "
                "its own, so two images of one lesion can be in both the training and the test set."
            )
    if not record.get("external"):
        limits.append(
            "No external validation: the test images come from the same source as the training images."
        )
    limits.append(
        "Trained on dermoscopy only: the model has not seen photographs taken without a dermatoscope."
    )
    return "## Limits\n\n" + "\n".join(f"- {limit}" for limit in limits)


def _cut(data):
    """What a crop does to elongated images, where that has been counted."""
    cut = data.get("cut", {"images": 0})
    if not cut["images"]:
        return []
    share = 100 * cut["images"] / cut["of"]
    return [
        f"The crop to a centred square drops more than a quarter of {cut['images']:,} of the {cut['of']:,} images "
        f"({'below 1' if share < 1 else f'{share:.0f}'} %): what lies at their ends was never seen. `--geometry "
        "squash` and `--geometry pad` keep the whole image."
    ]


def _reproduce(record):
    versions = ", ".join(f"{name} {version}" for name, version in record["versions"].items())
    return (
        f"## How to reproduce it\n\n```\n{record['command']}\n```\n\nVersions: {versions or 'not recorded'}."
    )
