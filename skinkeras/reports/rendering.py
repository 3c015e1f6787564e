"""Renders a record to the files that people and programs read."""

from skinkeras.files.reading import holds
from skinkeras.files.writing import json_text, write_json, write_text
from skinkeras.reports.card import model_card
from skinkeras.reports.contract import contract_of
from skinkeras.reports.record import metrics_of, read_record


def render_run(record, folder):
    """Writes `metrics.json`, `card.md` and, if files were exported, their contract and card.

    Args:
        record: a record that `check_record` accepts.
        folder: path of the run's folder.

    Returns:
        The paths written; `card.md`, which marks the run as complete, comes last.
    """
    write_json(folder / "metrics.json", metrics_of(record))
    return [folder / "metrics.json", *render_documents(record, folder)]


def render_documents(record, folder):
    """Like `render_run`, without `metrics.json`."""
    paths = render_model(record, folder / "export") if record["files"] else []
    write_text(folder / "card.md", model_card(record))
    return [*paths, folder / "card.md"]


def render_model(record, folder):
    """Writes `NAME.json` and `NAME.card.md` beside exported files. Returns their paths."""
    contract, card = folder / f"{record['name']}.json", folder / f"{record['name']}.card.md"
    write_json(contract, contract_of(record))
    write_text(card, model_card(record))
    return [contract, card]


def rendering_faults(folder):
    """Compares the cards and contracts in a folder of released models with their records.

    Args:
        folder: a path; the record of `NAME.json` is `records/NAME.json`.

    Returns:
        {file name: list of sentences}, for the files that are at fault only.
    """
    faults = {}
    contracts = {path.stem for path in folder.glob("*.json")}
    for name in sorted(contracts | {path.stem for path in (folder / "records").glob("*.json")}):
        path = folder / "records" / f"{name}.json"
        if name not in contracts or not path.is_file():
            faults[path.name] = [
                f"{name} has no record." if name in contracts else f"no {name}.json goes with it."
            ]
            continue
        try:
            record = read_record(path)
        except ValueError as error:
            faults[f"records/{path.name}"] = [str(error)]
            continue
        rendered = {f"{name}.json": json_text(contract_of(record)), f"{name}.card.md": model_card(record)}
        for file, text in rendered.items():
            if not holds(folder / file, text.encode()):
                faults[file] = [f"is not what its record says: run python -m pipelines.report {path}."]
    return faults
