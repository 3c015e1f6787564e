"""A folder of released models: does every file hold what its json promises?"""

import html
import os
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from skinkeras.files.reading import holds, read_text
from skinkeras.tflite.contract import read_contract, sha256, threshold_of
from skinkeras.tflite.golden import ADDED_GOLDEN_IMAGES, GOLDEN_TOLERANCE, golden
from skinkeras.tflite.graph import read_graph
from skinkeras.tflite.metadata import LABELS_FILE, read_labels, read_metadata
from skinkeras.tflite.verify import float_islands, int8_share

_BEGIN, _END = "<!-- models: begin -->", "<!-- models: end -->"


def release_faults(folder: str | os.PathLike) -> dict[str, list[str]]:
    """Everything that is wrong with a folder of released models.

    Checked of every `NAME.json`: its fields; labels and card beside it; and of each of its files: digest,
    size, operations (builtin, static; for int8 integers throughout), type and shape of input and output,
    embedded labels and metadata, and the golden predictions. Of the folder: no file that no json names, and
    the table in its README.md.

    Returns:
        {file name: sentences}, one entry for each json and each file, whose list is empty where nothing is
        wrong.

    Raises:
        FileNotFoundError: there is no such folder.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise FileNotFoundError(f"There is no folder {folder}.")
    faults: dict[str, list[str]] = {}
    expected = {"README.md"}
    for path in sorted(folder.glob("*.json")):
        expected |= {path.name, f"{path.stem}.labels.txt", f"{path.stem}.card.md"}
        try:
            contract = read_contract(path)
            faults[path.name] = list(_contract_faults(path, contract))
        except ValueError as error:
            faults[path.name] = [str(error)]
            continue
        if faults[path.name]:
            continue  # its promises cannot be relied on
        for kind, entry in contract["files"].items():
            expected.add(entry["file"])
            found = _file_faults(folder / entry["file"], kind, entry, contract)
            faults.setdefault(entry["file"], []).extend(found)
    if not faults:
        return {folder.name: ["holds no NAME.json."]}
    for path in sorted(folder.iterdir()):
        if path.name not in expected and path.suffix in (".tflite", ".txt", ".md"):
            faults[path.name] = ["no json names this file."]
    if not any(faults.values()):
        faults["README.md"] = list(_readme_faults(folder))
    return faults


def _contract_faults(path: Path, contract: dict) -> Iterator[str]:
    classes, name = contract["classes"], contract["name"]
    if name != path.stem:
        yield f"is called {name} inside."
    if set(contract.get("class_titles", classes)) != set(classes):
        yield "class_titles has other classes than classes."
    labels = path.with_suffix(".labels.txt")
    if not labels.is_file():
        yield f"{labels.name} is missing."
    elif not holds(labels, "".join(f"{one}\n" for one in classes).encode()):
        yield f"{labels.name} has other classes than the json."
    if not path.with_suffix(".card.md").is_file():
        yield f"{path.stem}.card.md is missing."
    if not any(entry.get("shipped", True) for entry in contract["files"].values()):
        yield "names no file that is shipped."
    for kind, entry in contract["files"].items():
        # Any other name may be that of another model's file.
        if entry["file"] != f"{name}_{kind}.tflite":
            yield f"files.{kind}.file is {entry['file']}, not {name}_{kind}.tflite."
        if "test" not in entry:
            yield f"files.{kind} lacks test."
            continue
        measured_at = entry["test"].get("threshold")
        if measured_at is not None and measured_at != threshold_of(contract, kind):
            yield (
                f"files.{kind}.test was measured at threshold {measured_at}, and the file is used at "
                f"{threshold_of(contract, kind)}."
            )


def _file_faults(path: Path, kind: str, entry: dict, contract: dict) -> Iterator[str]:
    if not entry.get("shipped", True):
        if path.exists():
            yield 'is there, though the json says "shipped": false.'
        return
    if path.is_symlink() or not path.is_file():
        yield 'is missing or no regular file, and the json does not say "shipped": false.'
        return
    if path.stat().st_size != entry["size_bytes"]:
        yield f"has {path.stat().st_size} bytes, not {entry['size_bytes']}."
    if sha256(path) != entry["sha256"]:
        yield "has another sha256 than the json says."
        return  # it is another file, or damaged
    try:
        labels, metadata = read_labels(path), read_metadata(path)
        graph = read_graph(path.read_bytes())
    except ValueError as error:
        yield str(error)
        return
    yield from _graph_faults(graph, kind, contract, entry.get("int8_share", 1))
    same_classes = list(labels) == contract["classes"]
    if not same_classes:
        yield f"its {LABELS_FILE} holds {list(labels)}, not {contract['classes']}."
    if metadata.info.name != contract["name"]:
        yield f"its metadata name it {metadata.info.name!r}."
    if metadata.info.licence != contract["data"].get("licence"):
        yield f"its metadata give the licence as {metadata.info.licence!r}."
    if (metadata.mean, metadata.std) != (0, 1) or metadata.input_size != tuple(
        contract["input"]["shape"][1:3]
    ):
        yield "its metadata ask for another preprocessing than plain pixels of the input's size."
    if same_classes:
        yield from _golden_faults(path, entry)


def _graph_faults(graph, kind: str, contract: dict, promised_share: float) -> Iterator[str]:
    custom = sorted({op.name for op in graph.ops if not op.builtin})
    if custom:
        yield f"operations that are not builtin: {', '.join(custom)}."
    if any(-1 in tensor.shape for op in graph.ops for tensor in op.outputs):
        yield "some tensors have no fixed shape."
    for name, tensors in (("input", graph.inputs), ("output", graph.outputs)):
        promised = contract[name]
        told = (promised["name"], promised["dtype"], tuple(promised["shape"]))
        found = [(tensor.name, tensor.dtype, tensor.shape) for tensor in tensors]
        if found != [told]:
            yield f"its {name} is {found}, not {told}."
    if kind != "int8":
        return
    if float_islands(graph):
        yield "not everything between its first QUANTIZE and its last DEQUANTIZE is an integer."
    if (share := int8_share(graph)) < promised_share - 1e-6:
        yield f"{share:.1%} of its multiplications are in integers, not {promised_share:.1%}."


def _golden_faults(path: Path, entry: dict) -> Iterator[str]:
    if entry.get("golden") is None:
        yield "has no golden predictions in the json."
        return
    try:
        now, then = golden(path), entry["golden"]
    except ValueError as error:
        yield str(error)
        return
    if not 0 < then["tolerance"] <= GOLDEN_TOLERANCE:
        yield f"its golden tolerance {then['tolerance']} is not above 0 and at most {GOLDEN_TOLERANCE}."
    fresh = {(one["name"], one["sha256"]): one for one in now["pictures"]}
    drawn = {(one["name"], one["sha256"]): one for one in then["pictures"]}
    missing = {name for name, _ in fresh.keys() - drawn.keys()}
    if not drawn.keys() <= fresh.keys() or not missing <= ADDED_GOLDEN_IMAGES:
        yield "its golden predictions are of other images."
        return
    for identity, old in drawn.items():
        new = fresh[identity]
        difference = np.abs(np.subtract(new["probabilities"], old["probabilities"])).max()
        if not difference <= then["tolerance"]:
            yield f"its golden prediction of {new['name']} is off by {difference:.4f}."


def models_table(folder: str | os.PathLike) -> str:
    """The table of a folder's models as Markdown, made from their json files."""
    lines = [
        "| NAME | task | input | size | on test images | int8, 1 thread | data licence |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for path in sorted(Path(folder).glob("*.json")):
        contract = read_contract(path)
        files = contract["files"]
        height, width = contract["input"]["shape"][1:3]
        shipped = {kind: entry for kind, entry in files.items() if entry.get("shipped", True)}
        main = files.get("int8") or next(iter((shipped or files).values()))
        cells = [
            f"`{contract['name']}`",
            f"{_escaped(contract['task'])} ({len(contract['classes'])} classes)",
            f"{width} x {height}",
            ", ".join(f"{kind} {entry['size_bytes'] / 1e6:.1f} MB" for kind, entry in shipped.items()),
            _quality(main.get("test", {}), main.get("strata", {})),
            _latency(main, contract),
            _escaped(contract["data"]["licence"]),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _quality(test: dict, strata: dict) -> str:
    """The headline of a model: within a source and of confirmed images before all of them pooled."""
    names = {"roc_auc": "AUC", "balanced_accuracy": "balanced accuracy"}
    key = next((key for key in names if test.get(key) is not None), None)
    if key is None:
        return "not measured"
    titles = {"within_source": "within a source", "confirmed": "histology only"}
    parts = [
        f"{_with_interval(strata[name], key)} {title}"
        for name, title in titles.items()
        if key in strata.get(name, {})
    ]
    pooled = _with_interval(test, key)
    return f"{names[key]} {', '.join([*parts, f'{pooled} pooled'] if parts else [pooled])}"


def _with_interval(results: dict, key: str) -> str:
    interval = results.get(f"{key}_interval")
    within = f" [{interval[0]:.3f}, {interval[1]:.3f}]" if interval else ""
    return f"{results[key]:.3f}{within}"


def _latency(entry: dict, contract: dict) -> str:
    median = entry.get("median_ms", {}).get("1")
    if median is None:
        return "not measured"
    host = contract.get("latency_host")
    return f"{median:.1f} ms ({_escaped(host)})" if host else f"{median:.1f} ms"


def _escaped(text: str) -> str:
    """A text for a cell of a Markdown table, in which nothing is markup."""
    return re.sub(r"[\\`*\[\]|]", r"\\\g<0>", html.escape(text, quote=False))


def with_models_table(readme: str, folder: str | os.PathLike) -> str:
    """A README with the table between its two marks made anew. Raises ValueError if it lacks the marks."""
    if readme.count(_BEGIN) != 1 or readme.count(_END) != 1:
        raise ValueError(
            f"README.md needs one {_BEGIN} and one {_END}, with the table of models between them."
        )
    before, _, rest = readme.partition(_BEGIN)
    _, _, after = rest.partition(_END)
    return f"{before}{_BEGIN}\n{models_table(folder)}\n{_END}{after}"


def _readme_faults(folder: Path) -> Iterator[str]:
    path = folder / "README.md"
    if not path.is_file():
        yield "is missing."
        return
    try:
        text = read_text(path)
        current = with_models_table(text, folder) == text
    except ValueError as error:
        yield str(error)
        return
    if not current:
        yield "its table is not that of the json files: run python -m pipelines.verify_release --write-table."
