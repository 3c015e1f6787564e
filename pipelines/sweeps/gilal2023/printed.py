"""What Gilal et al. 2023 print in Tables I and II, found by the configuration of a run.

Three readings of the printed tables are ours:

- The training sets are named by their number of benign images: 26,033 is ISIC-merge, 14,033, 8,033 and 2,045 are what
  2, 3 and 4 rounds of cleaning leave of it; 52,066 is ISIC-blur, 15,066 what 3 rounds leave.
- "EfficientNet B02" is B2: the rows stand among those of B2, and one of them would be twice there as B0.
- "Recall Loss" and "RCEL" without a gamma are the recall loss of Tian et al. 2022, "RCEL (gamma=...)" eq. 7: the rows
  of the former agree with "RL (gamma=1)" of Table II to the digit, those of "RCEL (gamma=1)" do not.
"""

import functools

from pipelines.sweeps.engine.printed import read_printed

_METRICS = {
    "Acc": "accuracy",
    "BalAcc": "balanced_accuracy",
    "AUC": "roc_auc",
    "benign_recall": "benign_recall",
    "malignant_recall": "malignant_recall",
}
# Benign training images -> (blurred, rounds of cleaning).
TRAINING_SETS = {
    26_033: (False, 0),
    14_033: (False, 2),
    8_033: (False, 3),
    2_045: (False, 4),
    52_066: (True, 0),
    15_066: (True, 3),
}
_LOSSES = {
    "Cross Entropy": ("crossentropy", None, False),
    "Focal (1)": ("focal", 1, False),
    "Focal (2)": ("focal", 2, False),
    "Recall Loss": ("recall", 1, True),
    "RCEL": ("recall", 1, True),
    "RCEL (gamma=1)": ("recall", 1, False),
    "RCEL (gamma=10)": ("recall", 10, False),
}
#: The rounds of cleaning that Table II has without blur and with it.
UNDER_ROUNDS = {False: 4, True: 3}


@functools.cache
def table_1():
    """{(model, loss, parameter, same_batch, blurred, rounds): {metric: value}} and benign, malignant, titles."""
    rows = {}
    for row in read_printed(__file__, "printed_table_1.csv", percent=_METRICS).to_dict("records"):
        model = row["model"].replace("B02", "B2").lower().replace(" ", "_")
        key = (model, *_LOSSES[row["loss"]], *TRAINING_SETS[row["benign"]])
        values = {metric: row[column] for column, metric in _METRICS.items()}
        rows[key] = (
            values | {"titles": (row["model"], row["loss"])} | {n: row[n] for n in ("benign", "malignant")}
        )
    return rows


@functools.cache
def table_2():
    """{configuration: {metric: value}} of Table II, in its order; the results of others come first."""
    table = read_printed(__file__, "printed_table_2.csv")
    metrics = {"Acc": "accuracy", "benign_recall": "benign_recall", "malignant_recall": "malignant_recall"}
    return {
        row["method"]: {metric: row[column] for column, metric in metrics.items()}
        for row in table.to_dict("records")
    }


def key_of(run, stands_for):
    """The key that a row of the runs' table would have in `table_1`."""
    parameter = {"recall": run["gamma"], "focal": run["focal_delta"]}.get(run["loss"])
    model = stands_for.get(run["model"], run["model"])
    rounds = min(run["rounds"], 4)  # the paper speaks of five rounds, and four reach the printed 2,045
    return (model, run["loss"], parameter, bool(run["same_batch"]), bool(run["blurred"]), int(rounds))
