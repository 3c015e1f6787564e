"""The table of results that the console shows at the end of a run."""

# Task -> {heading: (metric, whether its interval is shown)}.
COLUMNS = {
    "binary": {
        "AUC [95 %]": ("roc_auc", True),
        "threshold": ("threshold", False),
        "malignant recall": ("malignant_recall", False),
        "benign recall": ("benign_recall", False),
    },
    "diagnosis": {
        "balanced accuracy [95 %]": ("balanced_accuracy", True),
        "accuracy": ("accuracy", False),
        "mean F1": ("mean_f1", False),
    },
}


def headline(record):
    """The table of results at the end of a run.

    Args:
        record: a record that `check_record` accepts.

    Returns:
        (title, column names, rows of text): one row for each form of the first repeat's model and, if there are
        several repeats, one for the mean of the float models.
    """
    columns = COLUMNS[record["task"]["name"]]
    repeats, point = record["repeats"], record["operating_point"]
    rows = [
        [name, *_cells(form["metrics"], columns), *_file_cells(record["files"].get(name))]
        for name, form in repeats[0]["forms"].items()
    ]
    if len(repeats) > 1:
        mean = [f"{record['mean'][key]:.3f}" for key, _ in columns.values()]
        rows.append([f"float, mean of {len(repeats)} splits", *mean, "", "", ""])
    title = "Test images, each row at its own threshold" if point else "Test images"
    title += " of the first split" if len(repeats) > 1 else ""
    title = f"SYNTHETIC. {title}" if record["synthetic"] else title
    return title, ("model", *columns, "size", "1 thread", "2 threads"), rows


def _cells(metrics, columns):
    cells = []
    for key, with_interval in columns.values():
        low, high = metrics[f"{key}_interval"] if with_interval else (None, None)
        cells.append(f"{metrics[key]:.3f}" + (f" [{low:.3f}, {high:.3f}]" if with_interval else ""))
    return cells


def _file_cells(file):
    if not file:
        return ["", "", ""]
    medians = {timing["threads"]: f"{timing['median_ms']:.1f} ms" for timing in file["latency"]}
    return [f"{file['size_bytes'] / 1e6:.1f} MB", medians.get(1, ""), medians.get(2, "")]
