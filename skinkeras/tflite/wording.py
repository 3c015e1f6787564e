"""What people read about a score: the sentences of `wording.json`, filled in.

The web page (`apps/web/page/wording.js`) and the Android app (`Wording.kt`) fill in the same sentences by the
same rules; tests hold the three to one table of answers. A score is the probability in steps of 1 of 100, named for
what the model looks for, and never the chance of a disease.
"""

import functools
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any

import numpy as np

from skinkeras.tflite.contract import threshold_of

_MOST_DIGITS = 3
# A class with less than half of the probability has the others together against it.
_HALF = 0.5
# Rules of operating points, as in skinkeras.operating_points, and the sentences that are their titles.
_NUMBERED_POINTS = {
    "sensitivity": "point_sensitivity",
    "specificity": "point_specificity",
    "cost": "point_cost",
    "fixed": "point_fixed",
}


@dataclass(frozen=True)
class Said:
    """An answer in words.

    Attributes:
        verdict: a few words: on which side of the line, or which class scores highest.
        explanation: sentences that belong under it.
    """

    verdict: str
    explanation: str


@functools.cache
def words() -> Mapping[str, str]:
    """{name: sentence}, with placeholders in braces, as in `str.format`."""
    return json.loads(resources.files("skinkeras.tflite").joinpath("wording.json").read_text("utf-8"))


def target_title(contract: Mapping[str, Any]) -> str:
    """What a binary model looks for, as a noun; `lesions labelled "NAME"` where its contract does not say.

    Args:
        contract: what `tflite.read_contract` returned, of a model with a positive class.
    """
    if "target" in contract:
        return contract["target"]["title"]
    positive = contract["positive_class"]
    return words()["unnamed_target"].format(**{"class": _title(contract, positive)})


def marked_title(contract: Mapping[str, Any], name: str) -> str:
    """A class by its title, with "(malignant)" or "(pre-malignant or in situ)" where the contract says so."""
    mark, title = mark_of(contract.get("malignancy", {}).get(name)), _title(contract, name)
    return words()["marked_class"].format(**{"class": title, "mark": mark}) if mark else title


def mark_of(malignancy: str | None) -> str:
    """The mark of a class in words: "" for a benign one, and for one of which it is not known."""
    return words()[malignancy] if malignancy in ("malignant", "premalignant") else ""


def marked_classes(contract: Mapping[str, Any]) -> dict[str, list[str]]:
    """{mark in words: classes that have it}, as `{"malignant": ["bcc", "mel"]}`; empty where none is known."""
    marks: dict[str, list[str]] = {}
    for name in contract["classes"]:
        if mark := mark_of(contract.get("malignancy", {}).get(name)):
            marks.setdefault(mark, []).append(name)
    return marks


def score_text(probability: float, digits: int = 0) -> str:
    """A probability as a score of 100: never a 0 or 100 that may be due to rounding.

    Args:
        probability: 0 to 1.
        digits: after the point.

    Example:
        >>> [score_text(p) for p in (0.0, 0.004, 0.156, 0.996, 1.0)]
        ['under 1', 'under 1', '16', 'over 99', 'over 99']
    """
    unit = 10.0**-digits
    if 100 * probability < unit:
        return words()["under"].format(bound=_fixed(unit, digits))
    if 100 * probability > 100 - unit:
        return words()["over"].format(bound=_fixed(100 - unit, digits))
    return _fixed(100 * probability, digits)


def score_and_line(probability: float, threshold: float) -> tuple[str, str]:
    """A score and the model's line, with as few digits as show on which side of it the score is.

    Example:
        >>> score_and_line(0.62, 0.1504), score_and_line(0.1484, 0.1504)
        (('62', '15'), ('14.8', '15.0'))
    """
    on_the_line = np.float32(probability) == np.float32(threshold)
    for digits in range(_MOST_DIGITS + 1):
        line = _fixed(100 * threshold, digits)
        if float(line) in (0, 100):
            continue
        if _fixed(100 * probability, digits) != line or on_the_line:
            break
    return score_text(probability, digits), line


def percent_text(share: float) -> str:
    """A share as a percentage without false precision: whole numbers, and "under 1 %" rather than a rounded 0."""
    number = str(int(100 * share)) if share in (0, 1) else score_text(share)
    return words()["percent"].format(number=number)


def operating_points(contract: Mapping[str, Any], kind: str) -> dict[str | None, str]:
    """{operating point: its title} of a file, for a list to choose from; None stands for the model's own line.

    Those whose threshold is that of the model's own line are left out. Empty without a positive class.

    Args:
        contract: what `tflite.read_contract` returned.
        kind: key of `contract["files"]`.
    """
    own = threshold_of(contract, kind)
    if own is None:
        return {}
    points = contract["files"][kind].get("operating_points", {})
    others = {name: _point_title(name, line) for name, line in points.items() if line != own}
    return {None: words()["own_line"]} | others


def _point_title(name, threshold):
    rule, _, number = name.rpartition("_")
    if rule in _NUMBERED_POINTS:
        return words()[_NUMBERED_POINTS[rule]].format(number=number, line=_fixed(100 * threshold))
    if name == "balanced_accuracy":
        return words()["point_balanced_accuracy"]
    return name.replace("_", " ")  # of a later version


def is_not_sure(contract: Mapping[str, Any], kind: str, probability: float) -> bool:
    """Whether a score lies in the band that the file leaves undecided at the model's own line.

    Args:
        contract: what `tflite.read_contract` returned.
        kind: key of `contract["files"]`.
        probability: of the positive class, 0 to 1.
    """
    low, high = contract["files"][kind].get("not_sure", (0, 0))
    return bool(np.float32(low) <= np.float32(probability) < np.float32(high))


def answer(
    contract: Mapping[str, Any],
    kind: str,
    probabilities: Sequence[float],
    operating_point: str | None = None,
) -> Said:
    """What one file of a model says about an image.

    Args:
        contract: what `tflite.read_contract` returned.
        kind: key of `contract["files"]`.
        probabilities: (classes,), in the order of its classes.
        operating_point: key of the file's `operating_points`; None: the model's own line, at which the file may
            also be not sure.

    Raises:
        ValueError: the file has no such operating point.
    """
    if contract["positive_class"] is None:
        said = _ranked(contract, probabilities)
        shown = float(max(probabilities))
    else:
        shown = float(probabilities[contract["classes"].index(contract["positive_class"])])
        threshold = threshold_of(contract, kind, operating_point)
        if operating_point is None and is_not_sure(contract, kind, shown):
            said = _undecided(contract, kind, threshold, shown)
        else:
            said = _decided(contract, threshold, shown)
    return Said(said.verdict, f"{said.explanation} {reliability(contract, kind, shown)}".strip())


def low_score_note(contract: Mapping[str, Any]) -> str:
    """What belongs under every score below the line of a binary model."""
    others = contract.get("target", {}).get("not_looked_for")
    note = words()["low_score"]
    return f"{words()['not_looked_for'].format(others=' or '.join(others))} {note}" if others else note


def reliability(contract: Mapping[str, Any], kind: str, probability: float) -> str:
    """How often such a score was right on the file's test images; "" where its contract does not say."""
    for row in contract["files"][kind].get("test", {}).get("reliability", ()):
        if row["low"] <= probability and (probability < row["high"] or row["high"] == 1):
            break
    else:
        return ""
    facts = {
        "n": f"{row['n']:,}",
        "low": _fixed(100 * row["low"]),
        "high": _fixed(100 * row["high"]),
        "share": percent_text(row["share"]),
    }
    if contract["positive_class"] is None:
        return words()["ranked_reliability"].format(**facts)
    return words()["reliability"].format(**facts, target=target_title(contract))


def limits(contract: Mapping[str, Any], kind: str, operating_point: str | None = None) -> str:
    """How often the file was wrong on its test images; "" where its contract does not say.

    At the model's own line within a clinic, where that is known: pooled figures mostly tell clinics apart.

    Args:
        contract: what `tflite.read_contract` returned.
        kind: key of `contract["files"]`.
        operating_point: as in `answer`.
    """
    entry = contract["files"][kind]
    test, within = entry.get("test", {}), entry.get("strata", {}).get("within_source", {})
    images = words()["images_uncounted"]
    if "n" in test:
        images = words()["images"].format(n=f"{test['n']:,}")
    if contract["positive_class"] is None:
        return _ranked_limits(contract, test, images)
    sentence, measured = "limits", test
    if operating_point is not None:
        measured = test.get("operating_points", {}).get(operating_point, {})
    elif within.get("malignant_recall") is not None and within.get("benign_recall") is not None:
        sentence = "limits_within_clinic"
        measured = {
            "miss_rate": 1 - within["malignant_recall"],
            "false_alarm_rate": 1 - within["benign_recall"],
        }
    missed, flagged = measured.get("miss_rate"), measured.get("false_alarm_rate")
    if missed is None or flagged is None:
        return ""
    return words()[sentence].format(
        images=images,
        missed=percent_text(missed),
        flagged=percent_text(flagged),
        target=target_title(contract),
    )


def _ranked_limits(contract, test, images):
    if test.get("balanced_accuracy") is None:
        return ""
    said = words()["ranked_limits"].format(images=images, right=percent_text(test["balanced_accuracy"]))
    rows = test.get("per_class", {})
    recalls = {name: rows[name]["recall"] for name in contract["classes"] if name in rows}
    recalls = {name: recall for name, recall in recalls.items() if recall is not None}
    if not recalls:
        return said
    worst = min(recalls, key=recalls.get)
    facts = {"class": _title(contract, worst), "right": percent_text(recalls[worst])}
    return f"{said} {words()['worst_class'].format(**facts)}"


def _decided(contract, threshold, probability):
    score, line = score_and_line(probability, threshold)
    facts = words()["score_and_line"].format(score=score, line=line)
    # In float32, as the models compute.
    reached = np.float32(probability) >= np.float32(threshold)
    note = words()["often_wrong"] if reached else low_score_note(contract)
    verdict = words()["above" if reached else "below"].format(target=target_title(contract))
    return Said(verdict, f"{facts} {note}")


def _undecided(contract, kind, threshold, probability):
    score, line = score_and_line(probability, threshold)
    low, high = contract["files"][kind]["not_sure"]
    facts = words()["score_and_line"].format(score=score, line=line)
    band = words()["not_sure_band"].format(low=_fixed(100 * low), high=_fixed(min(100 * high, 100)))
    verdict = words()["not_sure"].format(target=target_title(contract))
    return Said(verdict, f"{facts} {band} {low_score_note(contract)}")


def _ranked(contract, probabilities):
    first, second = sorted(probabilities, reverse=True)[:2]
    # The first of several with one probability, as `tflite.decide` has it.
    name = contract["classes"][list(probabilities).index(first)]
    title = marked_title(contract, name)
    verdict = words()["highest"].format(**{"class": title})
    # Of two classes with the same probability, the order of the classes would choose.
    if first < _HALF or first == second:
        verdict = words()["undecided"]
    facts = {"n": len(probabilities), "class": title, "score": score_text(float(first))}
    return Said(verdict, f"{words()['ranked'].format(**facts)} {words()['only_these']}")


def _title(contract, name):
    return contract.get("class_titles", {}).get(name, name)


def _fixed(value: float, digits: int = 0) -> str:
    """Rounded half up: the same digits as in Kotlin and JavaScript, which round otherwise than Python."""
    whole, part = divmod(math.floor(value * 10**digits + 0.5), 10**digits)
    return f"{whole}.{part:0{digits}d}" if digits else str(whole)
