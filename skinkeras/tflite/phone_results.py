"""Figures of phones, written into the json and the card beside a released file."""

import dataclasses
import os
import re
from collections.abc import Sequence
from pathlib import Path

from skinkeras.files import write_json, write_text
from skinkeras.tflite.contract import find_contract, read_contract
from skinkeras.tflite.phones import Phone, PhoneLatency

_BEGIN, _END = "<!-- phones: begin -->", "<!-- phones: end -->"


def contract_of(path: str | os.PathLike) -> Path:
    """The path of the json that describes a file. Raises ValueError if there is none."""
    contract = find_contract(path)
    if contract is None:
        raise ValueError(f"No json beside {path} describes it: there is nothing to join figures to.")
    return contract


def join(path: str | os.PathLike, phone: Phone, latencies: Sequence[PhoneLatency]) -> Path:
    """Writes a phone's figures for a file into its json and, if there is one, into its card.

    In the json they are `files.KIND.phones`: one entry a phone model and Android version, replaced when
    measured again. The serial number stays out. The card's section is made from the whole json.

    Returns:
        The json's path.

    Raises:
        ValueError: no json describes the file.
    """
    place = contract_of(path)
    contract = read_contract(place)
    entry = next(one for one in contract["files"].values() if one["file"] == Path(path).name)
    name = {"model": phone.model, "android": phone.android}
    others = [one for one in entry.get("phones", ()) if {key: one[key] for key in name} != name]
    entry["phones"] = [*others, {**name, "results": [dataclasses.asdict(one) for one in latencies]}]
    write_json(place, contract)
    card = place.with_suffix(".card.md")
    if card.exists():
        write_text(card, _with_section(card.read_text("utf-8"), _section(contract)))
    return place


def _with_section(card: str, section: str) -> str:
    block = f"{_BEGIN}\n{section}\n{_END}"
    if _BEGIN in card:
        return re.sub(f"{_BEGIN}.*?{_END}", lambda _: block, card, flags=re.DOTALL)
    return f"{card.rstrip()}\n\n{block}\n"


def _section(contract: dict) -> str:
    lines = [
        "## On phones",
        "",
        "Milliseconds for one picture, batch of one, by TensorFlow Lite's `benchmark_model` over adb.",
        "",
        "| file | phone | on | threads | mean | median | first run | MiB |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for entry in contract["files"].values():
        for phone in entry.get("phones", ()):
            for one in phone["results"]:
                mean, median, first, memory = (
                    "" if one[key] is None else f"{one[key]:.1f}"
                    for key in ("mean_ms", "median_ms", "first_ms", "memory_mb")
                )
                on = one["backend"] + (" and CPU" if one["share"] == "part" else "")
                lines.append(
                    f"| {entry['file']} | {phone['model']}, Android {phone['android']} | {on} "
                    f"| {one['threads']} | {mean or 'not to be had'} | {median} | {first} | {memory} |"
                )
    return "\n".join(lines)
