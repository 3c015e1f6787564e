"""What speaks against using a model at all: it calls everything one thing, or cannot distinguish the classes."""


def unfit_forms(record):
    """Reasons not to ship a model, from its results on the test images.

    Args:
        record: a record that `check_record` accepts.

    Returns:
        {form: list of sentences}, of the forms of the first repeat's model that have such reasons.
    """
    found = {name: list(_reasons(form, record)) for name, form in record["repeats"][0]["forms"].items()}
    return {name: reasons for name, reasons in found.items() if reasons}


def _reasons(form, record):
    metrics, within = form["metrics"], form.get("strata", {}).get("within_source", {})
    if record["operating_point"]:
        for name in record["model"]["classes"]:
            recall = metrics.get(f"{name}_recall")
            if recall is None:
                yield f"No test image is {name}, and so nothing is known of how it answers to one."
            elif recall in (0, 1):
                share = "every" if recall == 1 else "no"
                yield f"At its threshold it names {share} {name} test image correctly."
        yield from _chance(metrics, "roc_auc", "AUC")
        yield from _chance(within, "roc_auc", "AUC within a source")
        return
    yield from _chance(metrics, "macro_auc", "mean AUC")
    yield from _chance(within, "macro_auc", "mean AUC within a source")
    matrix = metrics.get("confusion_matrix")
    if matrix:
        never = [
            name
            for name, column in zip(metrics["classes"], zip(*matrix, strict=True), strict=True)
            if not any(column)
        ]
        if never:
            yield f"It never names {', '.join(never)}."


def _chance(metrics, key, title):
    bounds = metrics.get(f"{key}_interval")
    if not bounds and metrics.get(key) is not None and metrics[key] <= 0.5:
        yield f"Its {title} is {metrics[key]:.3f}, no better than guessing."
    if bounds and bounds[0] <= 0.5:
        yield (
            f"The interval of its {title}, {bounds[0]:.3f} to {bounds[1]:.3f}, includes 0.5 or lies below: it may be "
            "guessing."
        )
