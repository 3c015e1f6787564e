"""The sections of a model card that say what was measured."""

from skinkeras.evaluation.markdown import table
from skinkeras.reports import evidence_tables
from skinkeras.reports.words import NOT_MEASURED, escaped, interval, number, title_of

# Metrics of several classes: heading -> key.
MEANS = {
    "accuracy": "accuracy",
    "balanced accuracy": "balanced_accuracy",
    "mean precision": "mean_precision",
    "mean F1": "mean_f1",
    "mean AUC": "macro_auc",
}

# Further figures of a binary model: heading -> key.
_SCORES = {
    "average precision": "average_precision",
    "sensitivity at 90 % specificity": "sensitivity_at_90_specificity",
    "ECE": "expected_calibration_error",
}

# `verified_on` of a record -> which images these are.
_COMPARED = {
    "validation": "the validation images",
    "train": "a fixed sample of the training images (no images were set aside for validation)",
    "test": "the test images",
}


def results_section(record):
    """What every form of the model reached on the test images, and what its file costs in bytes and milliseconds."""
    results = _diagnosis_results(record) if record["operating_point"] is None else _binary_results(record)
    parts = ["## Results", results, _reliability(record), _disturbed(record), _costs(record)]
    return "\n\n".join(filter(None, parts))


def _disturbed(record):
    """What disturbances of the test images do to the form that ships; "" if it was not measured."""
    rows = evidence_tables.robustness_table(record.get("robustness"))
    return f"Robustness of {list(record['repeats'][0]['forms'])[-1]}. {rows}" if rows else ""


def _binary_results(record):
    point, first = record["operating_point"], record["repeats"][0]
    forms, details = first["forms"], first.get("details", {})
    benign, malignant = record["model"]["classes"]
    counted = next(iter(forms.values()))["metrics"]
    grouped = counted["n_groups"] < counted["n"]
    resampled = f"group ({counted['n_groups']:,} groups)" if grouped else "image"
    shipped_name, shipped = list(forms.items())[-1]
    recalls = ["model", "balanced accuracy", f"{malignant} recall", f"{benign} recall"]
    parts = [
        f"All rows are measured on the same {counted['n']:,} test images, {counted['n_malignant']:,} of them "
        f"{malignant}. In brackets: 95 % intervals, by {resampled}. {_forms(record)}".rstrip(),
        evidence_tables.ranking_table(forms, binary=True, extra=_SCORES),
        evidence_tables.baselines_table(details.get("baselines")),
        _at_thresholds(point, forms, recalls),
        _by_stratum(shipped_name, shipped, binary=True),
        _titled("Operating points of", shipped_name, evidence_tables.operating_points_table(shipped)),
        evidence_tables.calibration_table(forms, record["settings"].get("prevalence")),
        evidence_tables.slices_section(details.get("slices"), binary=True),
        evidence_tables.diagnoses_table(details.get("diagnoses", ())),
    ]
    return "\n\n".join(filter(None, parts))


def _by_stratum(name, form, *, binary):
    """What the decisions of a form are worth within a source and of confirmed images; "" if it was not measured."""
    if "strata" not in form:
        return ""
    what = "at its threshold" if binary else "its most probable class"
    return f"Decisions of {name}, {what}:\n\n{evidence_tables.decisions_table(form, binary=binary)}"


def _titled(words, name, text):
    return f"{words} {name}, chosen on the validation images:\n\n{text}" if text else ""


def _at_thresholds(point, forms, header):
    """The recalls of every form at 0.5, and where thresholds were chosen, at its own."""
    if not point["chosen_on"]:
        fixed = [_recall_row(name, form["metrics"]) for name, form in forms.items()]
        # Others are chosen wherever there are validation images.
        why = "" if "others" in point else " (no images were set aside for choosing one)"
        return f"At threshold {point['threshold']:g}, fixed in advance{why}:\n\n{table(header, fixed)}"
    half = [_recall_row(name, form.get("metrics_at_half")) for name, form in forms.items()]
    chosen = [
        [name, f"{form['metrics']['threshold']:.4f}", *_recall_row(name, form["metrics"])[1:]]
        for name, form in forms.items()
    ]
    return (
        f"At threshold 0.5:\n\n{table(header, half)}\n\n"
        f"At the threshold of each row, chosen on the {point['chosen_on']} images:\n\n"
        f"{table([header[0], 'threshold', *header[1:]], chosen)}"
    )


def _forms(record):
    """What the names of the rows mean."""
    forms = record["repeats"][0]["forms"]
    if "QAT" in forms:
        keras = "float and QAT are the Keras model before and after quantization-aware fine-tuning"
    else:
        keras = "float is the Keras model"
    return f"{keras}{', the other rows the `.tflite` files' if record['files'] else ''}. "


def _recall_row(name, metrics):
    keys = ("balanced_accuracy", "malignant_recall", "benign_recall")
    return [name, *(interval(metrics, key) for key in keys)]


def _diagnosis_results(record):
    forms = record["repeats"][0]["forms"]
    overall = [
        [name, *(interval(form["metrics"], key) for key in MEANS.values())] for name, form in forms.items()
    ]
    shipped_name, shipped = list(forms.items())[-1]
    metrics = shipped["metrics"]
    parts = [
        f"All rows are measured on the same {metrics['n']:,} test images of {metrics['n_groups']:,} groups. In "
        f"brackets: 95 % intervals, by group. {_forms(record)}".rstrip(),
        table(["model", *MEANS], overall),
        evidence_tables.ranking_table(forms, binary=False) if "strata" in shipped else "",
        _by_stratum(shipped_name, shipped, binary=False),
        _by_class(shipped_name, metrics, record["model"]),
        evidence_tables.calibration_table(forms),
        evidence_tables.slices_section(record["repeats"][0].get("details", {}).get("slices"), binary=False),
        _averages(record),
        _by_level(shipped_name, shipped.get("levels")),
    ]
    return "\n\n".join(filter(None, parts))


def _by_class(name, metrics, model):
    if not metrics.get("per_class"):
        return ""
    rows = [
        [
            title_of(label, model),
            f"{row['support']:,}",
            *(f"{row[key]:.3f}" for key in ("recall", "precision", "f1")),
        ]
        for label, row in metrics["per_class"].items()
    ]
    ties = metrics.get("n_undecided")
    tied = (
        f" ({ties:,} of {metrics['n']:,} images have no single most probable class: counted as wrong)"
        if ties
        else ""
    )
    header = ["class", "test images", "recall", "precision", "F1"]
    return f"By class, {name}{tied}:\n\n{table(header, rows)}"


def _averages(record):
    repeats, mean = record["repeats"], record["mean"]
    if len(repeats) == 1:
        return ""
    rows = [
        [f"split {number_}", *(f"{repeat['forms']['float']['metrics'][key]:.3f}" for key in MEANS.values())]
        for number_, repeat in enumerate(repeats, 1)
    ]
    rows.append(["mean", *(f"{mean[key]:.3f}" for key in MEANS.values())])
    return (
        f"The float models of {len(repeats)} splits, each on its own test images; the figures above are those of the "
        f"first split:\n\n{table(['split', *MEANS], rows)}"
    )


def _by_level(name, levels):
    if not levels:
        return ""
    rows = [
        [
            level.removeprefix("level"),
            f"{m['n']:,}",
            ", ".join(map(escaped, m["classes"])),
            f"{m['accuracy']:.3f}",
            f"{m['balanced_accuracy']:.3f}",
        ]
        for level, m in levels.items()
    ]
    header = ["level", "test images", "nodes", "accuracy", "balanced accuracy"]
    return f"By level of the taxonomy, {name}, on the images whose diagnosis has that level:\n\n{table(header, rows)}"


def _reliability(record):
    """How often the probabilities of the form that ships were right."""
    name, form = list(record["repeats"][0]["forms"].items())[-1]
    bins = form["metrics"].get("reliability")
    if not bins:
        return ""
    if record["operating_point"]:
        which, share = (
            f"probability of {record['operating_point']['class']}",
            record["operating_point"]["class"],
        )
    else:
        which, share = "highest probability", "classified correctly"
    rows = [
        [
            f"{row['low']:g} to {row['high']:g}",
            f"{row['n']:,}",
            f"{row['mean_probability']:.2f}",
            f"{row['share']:.2f} [{row['share_interval'][0]:.2f}, {row['share_interval'][1]:.2f}]",
        ]
        for row in bins
    ]
    return (
        f"Reliability of the probabilities: the test images by their {which} ({name}), and the share of them that is "
        f"{share} (in brackets: 95 % Wilson interval). The shares depend on the prevalence: where the classes are "
        "more or less common than in these images, they differ.\n\n"
        f"{table(['probability', 'test images', 'mean probability', f'share {share}'], rows)}"
    )


def _costs(record):
    rows = []
    for kind, file in record["files"].items():
        medians = {timing["threads"]: timing["median_ms"] for timing in file["latency"]}
        rows.append([kind, number(file["size_bytes"] / 1e6, 2), *(number(medians.get(n), 2) for n in (1, 2))])
    if not rows:
        return ""
    return (
        f"File size, and median latency for one image ({record['host'] or 'host not recorded'}):\n\n"
        f"{table(['file', 'size, MB', '1 thread, ms', '2 threads, ms'], rows)}"
    )


def verification_section(record):
    """How well each file agrees with its Keras model, and which files were refused."""
    rows = []
    for file in record["files"].values():
        report = file["verification"]
        agreement, largest = (report or {}).get("agreement"), (report or {}).get("max_difference")
        percent = NOT_MEASURED if agreement is None else f"{100 * agreement:.2f}"
        rows.append([file["file"], percent, number(largest, 4)])
    parts = []
    if rows:
        parts = [
            f"Each file compared with its Keras model on {_COMPARED[record['verified_on']]}:",
            table(["file", "same class, %", "largest difference in probability"], rows),
        ]
    share = ((record["files"].get("int8") or {}).get("verification") or {}).get("int8_share", 1)
    if share < 1:
        parts.append(
            f"The int8 file computes {100 * share:.0f} % of its multiplications in integers, and the first layers in "
            "float: in integers, they would round too much. An accelerator that takes integers alone cannot run it."
        )
    if record["refused"]:
        parts.append(
            "\n".join(
                f"- {kind} was refused: {escaped(refused['reason'])}"
                for kind, refused in record["refused"].items()
            )
        )
    return "## Verification\n\n" + "\n\n".join(parts) if parts else ""


def phones_section(files):
    """What was measured on phones, or "".

    Args:
        files: `files` of a record or of a `NAME.json`.
    """
    rows = []
    for file in files.values():
        for phone in file.get("phones", ()):
            for one in phone["results"]:
                mean, median, first, memory = (
                    "" if one[key] is None else f"{one[key]:.1f}"
                    for key in ("mean_ms", "median_ms", "first_ms", "memory_mb")
                )
                on = one["backend"] + (" and CPU" if one["share"] == "part" else "")
                name = escaped(f"{phone['model']}, Android {phone['android']}")
                figures = [mean or "unavailable", median, first, memory]
                rows.append([file["file"], name, on, str(one["threads"]), *figures])
    if not rows:
        return ""
    header = ["file", "phone", "backend", "threads", "mean", "median", "first run", "memory, MiB"]
    return (
        "## On phones\n\nMilliseconds for one image, measured with TensorFlow Lite's `benchmark_model` over adb:"
        f"\n\n{table(header, rows)}"
    )
