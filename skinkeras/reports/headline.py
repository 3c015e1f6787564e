"""The tables of results that the console shows at the end of a run."""

from skinkeras.reports.evidence_tables import RANKING, STRATA
from skinkeras.reports.words import interval

# Task -> {heading: metric}.
_DECISIONS = {
    "binary": {
        "threshold": "threshold",
        "malignant recall": "malignant_recall",
        "benign recall": "benign_recall",
    },
    "diagnosis": {"balanced accuracy": "balanced_accuracy", "accuracy": "accuracy", "mean F1": "mean_f1"},
}
_UNKNOWN = "-"


def headline(record):
    """The tables of results at the end of a run: how it ranks images, then what it decides and costs.

    Args:
        record: a record that `check_record` accepts.

    Returns:
        A list of (title, column names, rows of text): one row for each form of the first repeat's model and, if there
        are several repeats, one for the mean of the float models.
    """
    return [_ranking(record), _decisions(record)]


def _ranking(record):
    binary = record["task"]["name"] == "binary"
    key, name = RANKING[binary]
    rows = [
        [form, *(_stratum(entry, one, key) for one in STRATA), interval(entry["metrics"], key)]
        for form, entry in record["repeats"][0]["forms"].items()
    ]
    if len(record["repeats"]) > 1:
        mean = record["mean"].get(key)
        unknown = [_UNKNOWN] * len(STRATA)
        rows.append([_mean_title(record), *unknown, _UNKNOWN if mean is None else f"{mean:.3f}"])
    title = (
        f"{name} on the test images{_of_first(record)} [95 %]; the pooled one may partly reflect the clinic"
    )
    return _marked(record, title), ("model", *STRATA.values(), "pooled"), rows


def _stratum(entry, stratum, key):
    found = entry.get("strata", {}).get(stratum, {})
    return interval(found, key) if key in found else _UNKNOWN


def _decisions(record):
    columns, point = _DECISIONS[record["task"]["name"]], record["operating_point"]
    rows = [
        [
            name,
            *(f"{form['metrics'][key]:.3f}" for key in columns.values()),
            *_file_cells(record["files"].get(name)),
        ]
        for name, form in record["repeats"][0]["forms"].items()
    ]
    if len(record["repeats"]) > 1:
        mean = [f"{record['mean'][key]:.3f}" for key in columns.values()]
        rows.append([_mean_title(record), *mean, "", "", ""])
    title = f"Decisions on the test images{_of_first(record)}"
    title += ", each row at its own threshold" if point else ""
    return _marked(record, title), ("model", *columns, "size", "1 thread", "2 threads"), rows


def _marked(record, title):
    return f"SYNTHETIC. {title}" if record["synthetic"] else title


def _of_first(record):
    return " of the first split" if len(record["repeats"]) > 1 else ""


def _mean_title(record):
    return f"float, mean of {len(record['repeats'])} splits"


def _file_cells(file):
    if not file:
        return ["", "", ""]
    medians = {timing["threads"]: f"{timing['median_ms']:.1f} ms" for timing in file["latency"]}
    return [f"{file['size_bytes'] / 1e6:.1f} MB", medians.get(1, ""), medians.get(2, "")]
