"""What a person adds to a CLEAR Derm report: a YAML template, and how a filled-in one is read."""

import os
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from skinkeras.reports.checklist.items import ITEMS

AUTHOR = "answered_by"
"""The key under which people say who they are."""

_MOST_BYTES = 2**20
_HEAD = """\
# Answers to the CLEAR Derm checklist (Daneshjou et al. 2022, doi:10.1001/jamadermatol.2021.4915).
#
# A run's record answers a part of the checklist by itself. Add here what only people know, and leave empty what is
# not known: the report then says "not reported". A long answer starts on the next line, indented, after a |:
#
#   labelling: |
#     Two dermatologists read each image;
#     a third one decided where they disagreed.
#
#   python -m pipelines.report RUN --clear-derm THIS_FILE
"""
_KEYS = (AUTHOR, *(item.key for item in ITEMS))
# A plain number, date or yes is a text here: it is taken as it is written.
_TEXTS = tuple(f"tag:yaml.org,2002:{name}" for name in ("str", "int", "float", "bool", "timestamp"))
_NULL = "tag:yaml.org,2002:null"


def clear_derm_template() -> str:
    """A YAML text with an empty key for each item of the checklist, and its question as a comment.

    Example:
        >>> "# 8. Skin colour" in clear_derm_template()
        True
    """
    parts = [_HEAD, f"# Who answers: name, role, date.\n{AUTHOR}:\n"]
    domain = None
    for number, item in enumerate(ITEMS, 1):
        if item.domain != domain:
            domain = item.domain
            parts.append(f"# ---- {domain} ----\n")
        question = textwrap.fill(item.question, 110, initial_indent="# ", subsequent_indent="# ")
        parts.append(f"# {number}. {item.title}\n{question}\n{item.key}:\n")
    return "\n".join(parts)


def read_answers(path: str | os.PathLike) -> dict[str, str]:
    """Reads a filled-in `clear_derm_template`. Nothing in it is executed or expanded.

    Args:
        path: the YAML file. Keys with nothing behind them count as not answered.

    Returns:
        {key: answer}, of the keys that have one.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is no such file, has a key that is unknown or stands there twice, an answer that is no text or
            an empty one, or no answer at all; one sentence with the key and what to do.
    """
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(
            f"There is no file {path}: python -m pipelines.report --clear-derm-template {path} makes one."
        )
    if not path.is_file():
        raise ValueError(f"{path} is not a file: name a YAML file of answers.")
    if path.stat().st_size > _MOST_BYTES:
        raise ValueError(f"{path} is larger than {_MOST_BYTES // 2**20} MiB: shorten the answers.")
    answers = _scalars(_root(path), path)
    check_answers(answers, str(path))
    if not answers.keys() - {AUTHOR}:
        raise ValueError(f"{path} has no answers: write at least one, or leave the file out.")
    return answers


def check_answers(answers: Mapping[str, Any], origin: str = "answers") -> None:
    """Checks that answers have known keys and are texts that say something.

    Args:
        answers: {key: answer}.
        origin: what the sentence of an error calls them.

    Raises:
        ValueError: they do not; one sentence with the key and what to do.
    """
    for key, answer in answers.items():
        if key not in _KEYS:
            raise ValueError(
                f"{origin}: {key!r:.60} is no item of the checklist. Use the keys of the template that "
                "--clear-derm-template writes."
            )
        if not isinstance(answer, str):
            raise ValueError(f"{origin}: {key} is a {type(answer).__name__}. Write its answer as a text.")
        if not answer.strip():
            raise ValueError(f"{origin}: the answer to {key} is empty. Write one, or remove the quotes.")


def _root(path):
    """The file as YAML nodes: composed, but never made into objects."""
    try:
        return yaml.compose(path.read_bytes().decode("utf-8-sig"), Loader=yaml.SafeLoader)
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is not text in UTF-8: save it as such.") from error
    except RecursionError as error:
        raise ValueError(f"{path} is nested too deeply: write each answer as a text.") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" in line {mark.line + 1}" if mark else ""
        reason = getattr(error, "problem", None) or "unreadable characters"
        raise ValueError(
            f"{path} is not YAML{where} ({reason}): write a long answer on the next lines, indented, after a |."
        ) from error


def _scalars(root, path):
    """{key: text} of a mapping of texts; keys with nothing behind them are left out."""
    if root is None:
        return {}
    if not isinstance(root, yaml.MappingNode):
        raise ValueError(f"{path} does not hold `item: answer` lines: start from --clear-derm-template.")
    answers, seen = {}, set()
    for key, value in root.value:
        if not isinstance(key, yaml.ScalarNode):
            raise ValueError(
                f"{path}: line {key.start_mark.line + 1} has no plain key. Use those of the template."
            )
        if key.value in seen:
            raise ValueError(f"{path}: {key.value!r:.60} stands there twice. Join the two answers.")
        seen.add(key.value)
        if value.tag == _NULL and key.value in _KEYS:
            continue
        if not isinstance(value, yaml.ScalarNode) or value.tag not in (*_TEXTS, _NULL):
            raise ValueError(
                f"{path}: {key.value!r:.60} holds no plain text. Write its answer as one text, after a |."
            )
        answers[key.value] = value.value
    return answers
