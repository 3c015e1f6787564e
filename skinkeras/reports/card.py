"""The model card: what a model is, what it was measured to do, and where it must not be trusted.

After Mitchell et al. 2019, *Model Cards for Model Reporting*. It is rendered from a run's record
(`skinkeras.reports.record`) and says nothing else; what the record lacks is "not measured" or "not recorded".
"""

from skinkeras.evaluation.markdown import table
from skinkeras.reports.card_results import phones_section, results_section, verification_section
from skinkeras.reports.card_usage import android_example, python_example
from skinkeras.reports.fitness import unfit_forms
from skinkeras.reports.words import code, escaped, title_of


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
        reasons = "\n".join(f"> - {name}: {' '.join(reasons)}" for name, reasons in unfit.items())
        lines.append(f"> **Not fit for use.** On the test images:\n>\n{reasons}")
    classes, size = model["classes"], model["input_size"]
    purpose = f"distinguishes {escaped(classes[-1])} from {escaped(classes[0])} lesions"
    listed = "."
    if record["operating_point"] is None:
        purpose = f"distinguishes {len(classes)} classes"
        listed = f": {', '.join(title_of(name, model) for name in classes)}."
    lines.append(
        f"A model of architecture {code(model['architecture'])} (initial weights: "
        f"{escaped(model['initial_weights'])}) that {purpose} in dermoscopy images of {size} x {size} pixels{listed}"
    )
    if record["files"]:
        lines[-1] += " It was converted to TensorFlow Lite for use on phones."
    return "\n\n".join(lines)


def _intended_use():
    return (
        "## Intended use\n\n"
        "Research, teaching and experiments with on-device inference.\n\n"
        "**This is not a medical device.** It has not been clinically validated and is not cleared by any "
        "authority. It must not be used to diagnose, triage or reassure anyone. A low score does not mean "
        "that a lesion is harmless. Anyone who is worried about a lesion should see a physician."
    )


def _usage(record):
    model, point = record["model"], record["operating_point"]
    size, classes = model["input_size"], model["classes"]
    if not record["files"]:
        reason = "no `.tflite` file was made"
        if record["refused"]:
            reason = "no `.tflite` file passed verification (see below)"
        return f"## How to use it\n\nOnly the Keras model is available: {reason}."
    file = list(record["files"].values())[-1]["file"]
    names = ", ".join(map(code, classes))
    decision, threshold = "the class with the highest probability.", None
    if point:
        threshold = point["threshold"]
        decision = (
            f"{escaped(point['class'])} if its probability is at least {threshold:.4f} (a threshold chosen on the "
            f"{point['chosen_on']} images)."
        )
    return (
        "## How to use it\n\n"
        f"- Input: float32, shape (1, {size}, {size}, 3), RGB, 0..255: the largest centred square of the image, "
        f"resized to {size} x {size}. Normalisation is part of the model: pass unscaled pixel values.\n"
        f"- Output: float32, shape (1, {len(classes)}): the probabilities of {names}, in this order.\n"
        f"- Decision: {decision}\n\n"
        f"Python (`pip install ai-edge-litert opencv-python-headless`):\n\n```python\n"
        f"{python_example(file, size, classes, threshold)}```\n\n"
        "Android (`com.google.ai.edge.litert:litert` 2.x), with the file in `assets/`; `tflite_models/README.md` "
        "lists `modelInput`, which crops and resizes as in training:\n\n```kotlin\n"
        f"{android_example(file, size, classes, threshold)}```"
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
    return (
        f"## Data\n\n{code(data['name'])}: {escaped(data['title'])}. Licence: {escaped(data['licence'])}. {split}\n\n"
        f"Number of images:\n\n{table(['subset', *map(escaped, classes)], rows)}"
    )


def _training(record):
    rows = [[escaped(label), escaped(value)] for label, value in record["training"]["facts"].items()]
    return f"## Training\n\n{table(['setting', 'value'], rows)}"


def _limits(record):
    data = record["data"]
    limits = [*record["training"]["limits"], *data["limits"]]
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
    limits.append("No external validation: the test images come from the same source as the training images.")
    limits.append(
        "Trained on dermoscopy only: the model has not seen photographs taken without a dermatoscope."
    )
    return "## Limits\n\n" + "\n".join(f"- {limit}" for limit in limits)


def _reproduce(record):
    versions = ", ".join(f"{name} {version}" for name, version in record["versions"].items())
    return (
        f"## How to reproduce it\n\n```\n{record['command']}\n```\n\nVersions: {versions or 'not recorded'}."
    )
