"""A run's record as a report by the CLEAR Derm checklist (Daneshjou et al. 2022)."""

from collections.abc import Mapping
from typing import Any

from skinkeras.evaluation.markdown import table
from skinkeras.reports.checklist.answers import AUTHOR, check_answers
from skinkeras.reports.checklist.data_facts import DATA_FACTS
from skinkeras.reports.checklist.items import ITEMS
from skinkeras.reports.checklist.model_facts import MODEL_FACTS
from skinkeras.reports.words import one_line

_CHECKLIST = (
    "By the checklist of Daneshjou et al. 2022 (CLEAR Derm, JAMA Dermatology 158:90-96, "
    "doi:10.1001/jamadermatol.2021.4915), whose 25 items are named here in other words. **Record** marks what the "
    "run's record says, which may be only a part of what the item asks for; **Person** marks what was written by "
    "{author} and not checked by any program."
)
_TRIPOD = (
    "## TRIPOD+AI\n\nWhere a report by TRIPOD+AI (Collins et al. 2024, doi:10.1136/bmj-2023-078378) finds the same; "
    "the mapping is ours. No item above covers ethics approval (17), funding, interests, protocol and registration "
    "(18a to 18d) or the involvement of patients (19)."
)


def clear_derm(record: Mapping[str, Any], answers: Mapping[str, str] | None = None) -> str:
    """The CLEAR Derm report of a run as Markdown text.

    Each of the checklist's 25 items has what the record says, what a person says, or "not reported".

    Args:
        record: a record that `skinkeras.reports.check_record` accepts.
        answers: {key of an item: text}, as `read_answers` returns them. The texts may hold anything: none of it is
            markup in the report.

    Raises:
        ValueError: an answer has an unknown key, is no text, or is empty.

    Example:
        >>> from skinkeras import reports
        >>> record = reports.read_record("tflite_models/records/melanoma_efficientnet_lite0_224.json")
        >>> report = reports.clear_derm(record, {"impact": "None: it is not used."})
        >>> "**Person:** None: it is not used." in report
        True
    """
    answers = dict(answers or {})
    check_answers(answers)
    author = one_line(answers.pop(AUTHOR, "a person"))
    facts = {key: blocks for key, of in {**DATA_FACTS, **MODEL_FACTS}.items() if (blocks := of(record))}
    parts = [f"# CLEAR Derm report of {one_line(record['name'])}"]
    if record["synthetic"]:
        parts.append("> **SYNTHETIC: not for real lesions.** Trained and evaluated on generated images only.")
    parts += [_CHECKLIST.format(author=author), _summary(facts, answers)]
    domain = None
    for number, item in enumerate(ITEMS, 1):
        if item.domain != domain:
            domain = item.domain
            parts.append(f"## {domain}")
        parts.append(f"### {number}. {item.title}")
        parts += _said(facts.get(item.key, ()), answers.get(item.key))
    mapping = [[f"{number}. {item.title}", item.tripod] for number, item in enumerate(ITEMS, 1)]
    parts.append(f"{_TRIPOD}\n\n{table(['CLEAR Derm', 'TRIPOD+AI'], mapping)}")
    return "\n\n".join(parts) + "\n"


def _summary(facts, answers):
    silent = [
        f"{number}. {item.title}"
        for number, item in enumerate(ITEMS, 1)
        if item.key not in {*facts, *answers}
    ]
    counts = f"Of {len(ITEMS)} items, the record speaks to {len(facts)} and a person to {len(answers)}."
    if not silent:
        return counts
    return f"{counts} **Not reported ({len(silent)}):** {'; '.join(silent)}."


def _said(blocks, answer):
    """What record and person say on one item, as Markdown blocks."""
    said = []
    if blocks:
        # A list or table has to begin a block of its own.
        first = blocks[0]
        own = first.startswith(("|", "- "))
        said += ["**Record:**", *blocks] if own else [f"**Record:** {first}", *blocks[1:]]
    if answer:
        said.append(f"**Person:** {one_line(answer)}")
    return said or ["Not reported."]
