"""Joins what was measured on phones to the record, the json and the card of a file."""

import dataclasses
import os
import re
from collections.abc import Sequence
from pathlib import Path

from skinkeras.files.locks import locked_folder
from skinkeras.files.reading import read_text
from skinkeras.files.writing import write_json, write_text
from skinkeras.reports.card_results import phones_section
from skinkeras.reports.record import read_record, write_record
from skinkeras.reports.rendering import render_model
from skinkeras.tflite.contract import find_contract, read_contract
from skinkeras.tflite.phones import Phone, PhoneLatency

_BEGIN, _END = "<!-- phones: begin -->", "<!-- phones: end -->"


def contract_of(path: str | os.PathLike) -> Path:
    """The path of the `NAME.json` that describes a file.

    Raises:
        ValueError: there is none.
    """
    contract = find_contract(path)
    if contract is None:
        raise ValueError(f"No json beside {path} describes it: there is nothing to join figures to.")
    return contract


def join(path: str | os.PathLike, phone: Phone, latencies: Sequence[PhoneLatency]) -> Path:
    """Writes what was measured on a phone into the model's record, and into the json and the card beside the file.

    In the json it is `files.KIND.phones`: one entry for each phone model and Android version, replaced when it is
    measured again. The serial number is left out. If there is a record, json and card are rendered from it; if not
    (a copy without `records/`), only the card's section on phones is.

    Args:
        path: the file that was measured.
        phone: the phone.
        latencies: one for each backend and number of threads.

    Returns:
        The path of the json.

    Raises:
        ValueError: no json describes the file.
    """
    place = contract_of(path)
    record_path = find_record(place)
    folder = record_path.parent if record_path and record_path.name == "record.json" else place.parent
    with locked_folder(folder, "file"):
        _join(path, place, record_path, phone, latencies)
    return place


def _join(path, place, record_path, phone, latencies):
    contract = read_contract(place)
    kind, entry = next((k, one) for k, one in contract["files"].items() if one["file"] == Path(path).name)
    name = {"model": phone.model, "android": phone.android}
    others = [one for one in entry.get("phones", ()) if {key: one[key] for key in name} != name]
    entry["phones"] = [*others, {**name, "results": [dataclasses.asdict(one) for one in latencies]}]
    if record_path:
        record = read_record(record_path)
        record["files"][kind]["phones"] = entry["phones"]
        render_model(write_record(record_path, record), place.parent)
        return
    write_json(place, contract)
    card = place.with_suffix(".card.md")
    if card.exists():
        block = f"{_BEGIN}\n{phones_section(contract['files'])}\n{_END}"
        write_text(card, _with_block(read_text(card), block))


def find_record(contract: Path) -> Path | None:
    """The record that a `NAME.json` was rendered from (in `records/` or the run's folder above), or None."""
    released, run = contract.parent / "records" / contract.name, contract.parent.parent / "record.json"
    for path in (released, run):
        if path.is_file() and read_record(path)["name"] == contract.stem:
            return path
    return None


def _with_block(card: str, block: str) -> str:
    if _BEGIN in card:
        return re.sub(f"{_BEGIN}.*?{_END}", lambda _: block, card, flags=re.DOTALL)
    return f"{card.rstrip()}\n\n{block}\n"
