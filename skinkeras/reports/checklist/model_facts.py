"""What a run's record says on the last ten items of the CLEAR Derm checklist: technique, assessment, application.

Each function takes a record and returns a list of Markdown blocks, empty where the record says nothing.
"""

from skinkeras.evaluation.markdown import table
from skinkeras.reports import evidence_tables
from skinkeras.reports.checklist.data_facts import command_of, counted, details_of, shipped_form
from skinkeras.reports.words import code, one_line
from skinkeras.tflite import wording


def _labelling(record):
    return counted(record, "confirmed_by", "how their diagnosis was confirmed")


def _label_references(record):
    titles, target = record["model"]["class_titles"], record["task"].get("target")
    blocks = []
    if titles:
        blocks.append(
            ", ".join(f"{one_line(name)}: {one_line(title)}" for name, title in titles.items()) + "."
        )
    if target:
        classes = ", ".join(map(one_line, target["classes"]))
        blocks.append(
            f"The positive class is {one_line(target['title'])}: what the data set calls {classes}."
        )
    return blocks


def _histopathology(record):
    form = shipped_form(record)
    stratum = form.get("strata", {}).get("confirmed", {"missing": ""})
    if "missing" in stratum:
        return []
    metrics = form["metrics"]
    if "n_malignant" in stratum and "n_malignant" in metrics:
        return [
            f"Of the {metrics['n_malignant']:,} malignant test images, histopathology confirmed "
            f"{stratum['n_malignant']:,}."
        ]
    return [f"Of the {metrics['n']:,} test images, histopathology confirmed {stratum['n']:,}."]


def _algorithm(record):
    model, revision = record["model"], record["git_revision"]
    size, facts = model["input_size"], record["training"]["facts"]
    versions = ", ".join(
        f"{one_line(name)} {one_line(version)}" for name, version in record["versions"].items()
    )
    return [
        f"{one_line(model['architecture'])} at {size} x {size} pixels; initial weights: "
        f"{one_line(model['initial_weights'])}.",
        table(["setting", "value"], [[one_line(name), one_line(value)] for name, value in facts.items()]),
        f"Versions: {versions or 'not recorded'}; source revision: {one_line(revision or 'not recorded')}. Command: "
        f"{command_of(record)}",
    ]


def _public_evaluation(record):
    files = [file for file in record["files"].values() if file.get("shipped", True)]
    if not files:
        return []
    digests = "\n".join(f"- {code(file['file'])}, sha256 {code(file['sha256'])}" for file in files)
    measure = code(f"python -m pipelines.evaluate {files[-1]['file']} --data folder --data-dir DIR")
    return [
        f"Whoever has one of these files can measure it on other labelled images with {measure}:\n\n{digests}"
    ]


def _performance(record):
    forms, binary = record["repeats"][0]["forms"], _is_binary(record)
    name, form = list(forms.items())[-1]
    at = "its most probable class"
    if binary:
        at = f"at threshold {form.get('operating_point', record['operating_point'])['threshold']:.4f}"
    return [
        evidence_tables.ranking_table(forms, binary=binary),
        f"Decisions of {one_line(name)}, {at}:",
        evidence_tables.decisions_table(form, binary=binary),
    ]


def _benchmarking(record):
    blocks = [evidence_tables.baselines_table(details_of(record).get("baselines"))]
    others = [one["against"]["model"] for one in record.get("external", ()) if one.get("against")]
    if others:
        names = ", ".join(map(one_line, dict.fromkeys(others)))
        blocks.append(f"Compared on external images with {names}: see the model card.")
    return list(filter(None, blocks))


def _bias_assessment(record):
    section = evidence_tables.slices_section(details_of(record).get("slices"), binary=_is_binary(record))
    return list(filter(None, [section]))


def _use_cases(record):
    words, task = wording.words(), record["task"]
    target = task.get("target")
    blocks = [f"The question it answers: {one_line(task['description'])}."]
    if target and target["not_looked_for"]:
        blocks.append(f"Not looked for: {', '.join(map(one_line, target['not_looked_for']))}.")
    blocks.append(f"Research, teaching and experiments. {words['not_a_device']}. {words['limits_of_use']}")
    return [" ".join(blocks)]


def _is_binary(record):
    return record["operating_point"] is not None


MODEL_FACTS = {
    "labelling": _labelling,
    "label_references": _label_references,
    "histopathology": _histopathology,
    "algorithm": _algorithm,
    "public_evaluation": _public_evaluation,
    "performance": _performance,
    "benchmarking": _benchmarking,
    "bias_assessment": _bias_assessment,
    "use_cases": _use_cases,
}
"""{key of an item: function of a record}; on the impact a record says nothing."""
