"""The list `external` of a record: what was measured on images from elsewhere, and whether it is of this model."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from skinkeras.files.reading_json import read_json
from skinkeras.reports.record import check_record

_FILE = "evaluation.json"
# An evaluation that agrees in these is the same one, measured again. Data and command alone do not tell two
# folders of images apart.
_IDENTITY = ("data", "date", "command", "images", "diagnoses")


def read_evaluation(folder: str | os.PathLike) -> Any:
    """The `evaluation.json` in a folder that `pipelines.evaluate` wrote.

    Raises:
        FileNotFoundError: there is none.
        ValueError: it is not JSON.
    """
    path = Path(folder) / _FILE
    if not path.exists():
        raise FileNotFoundError(
            f"{folder} holds no {_FILE}: name a folder that python -m pipelines.evaluate wrote."
        )
    return read_json(path)


def add_external(
    record: Mapping[str, Any], evaluation: Any, origin: str = "The evaluation"
) -> dict[str, Any]:
    """A record with an evaluation in its list `external`.

    An entry of the same data, date, command and numbers of images is replaced.

    Args:
        record: a record that `check_record` accepts.
        evaluation: what `read_evaluation` returned.
        origin: what the sentence of an error calls it.

    Returns:
        A new record; `record` stays as it is.

    Raises:
        ValueError: it is not an evaluation, or that of another model; one sentence.
    """
    # The schema says what an evaluation is: alone in the list, it is the only thing that can be wrong.
    check_record({**record, "external": [evaluation]}, origin)
    if evaluation["model"] != record["name"]:
        raise ValueError(f"{origin} is of the model {evaluation['model']!r:.80}, not of {record['name']}.")
    theirs, mine = list(evaluation["images"]), record["model"]["classes"]
    if theirs != mine:
        raise ValueError(
            f"{origin} is of a model with the classes {', '.join(theirs)}; those of {record['name']} are "
            f"{', '.join(mine)}."
        )
    others = [
        one for one in record.get("external", ()) if any(one[key] != evaluation[key] for key in _IDENTITY)
    ]
    return {**record, "external": [*others, evaluation]}
