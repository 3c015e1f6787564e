"""What a .tflite file says about images.

python -m pipelines.predict FILE IMAGES...
"""

import csv
import json
import sys
from collections import Counter
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from tyro.conf import Positional, arg

from pipelines.common.console import console, error_console, progress_bar, refuse_invalid_input, run
from pipelines.common.options import MOST_THREADS, check_count
from skinkeras.datasets.taxonomy import BINARY_CLASSES
from skinkeras.errors import RunError
from skinkeras.images.geometries import GEOMETRIES

# NumPy, OpenCV and LiteRT are imported when work begins: `--help` does not wait for them.

_MOST_LINES = 20  # of a list of files on the screen


@dataclass(frozen=True)
class Settings:
    """Settings of the prediction."""

    file: Positional[Path]
    """A .tflite file with embedded labels."""
    images: Positional[tuple[Path, ...]]
    """Images, or folders of them (their subfolders too)."""
    format: Literal["table", "csv", "json"] = "table"
    """How the answers are printed. In csv, text that a spreadsheet would take for a formula begins with an
    apostrophe ('); json holds every name as it is."""
    threads: int = 1
    """Threads of LiteRT."""
    geometry: Annotated[
        Literal[tuple(GEOMETRIES)] | None,
        arg(metavar="{" + ",".join(GEOMETRIES) + "}", help_behavior_hint=""),
    ] = None
    """What of an image the model takes; by default what the json beside the file says, or crop without one."""
    operating_point: str | None = None
    """Decide at another threshold of the json beside the file, such as sensitivity_95; by default at the model's own
    line, where a score close to it is "not sure"."""


@dataclass(frozen=True)
class Decision:
    """How probabilities become a class: see `skinkeras.tflite.decide`.

    Attributes:
        contract, kind: the json beside the file and the file's key in it; None where there is none.
        operating_point: the threshold that was asked for by name; None for the model's own line.
    """

    classes: tuple[str, ...]
    positive_class: str | None
    threshold: float | None
    contract: dict | None = None
    kind: str | None = None
    operating_point: str | None = None

    @property
    def wording_contract(self):
        """What `skinkeras.tflite.wording` reads: the json or, where there is none, the labels of the file."""
        if self.contract is not None:
            return self.contract
        positive = BINARY_CLASSES[1] if self.classes == BINARY_CLASSES else None
        return {"classes": list(self.classes), "positive_class": positive, "files": {}}

    def of(self, probabilities) -> str:
        from skinkeras import tflite

        return tflite.decide(probabilities, self.classes, self.positive_class, self.threshold)

    def is_not_sure(self, probabilities) -> bool:
        from skinkeras.tflite import wording

        if self.threshold is None or self.operating_point is not None:
            return False
        probability = float(probabilities[self.classes.index(self.positive_class)])
        return wording.is_not_sure(self.contract, self.kind, probability)

    def __str__(self) -> str:
        if self.threshold is None:
            return "Named is the most probable class: no threshold is known for this file."
        return (
            f"Named is {self.positive_class} from {self.threshold:.4f} on, as the json beside the file says."
        )


def main(settings):
    """Classifies images with one .tflite file, decoded and resized as in training."""
    with refuse_invalid_input():
        check_count("threads", settings.threads, MOST_THREADS)
        from skinkeras import tflite
        from skinkeras.tflite.runtime import check_runs

        check_runs(settings.file)
        classifier = tflite.Classifier(settings.file, settings.threads, geometry=settings.geometry)
        decision = read_decision(settings.file, classifier.labels, settings.operating_point)
        passed_over = Counter()
        paths = find_images(settings.images, passed_over)
    # Even an unused bar writes a line, which is none of CSV or JSON.
    bar = progress_bar("Classifying") if settings.format == "table" else nullcontext(lambda *_: None)
    with bar as progress:
        answers, problems = classify(classifier, paths, progress)
    write = {"table": print_table, "csv": print_csv, "json": print_json}[settings.format]
    write(settings, decision, answers, problems, passed_over)
    if passed_over:
        error_console.print(passed_over_sentence(passed_over), markup=False)
    if problems:
        lines = list(problems.values())[:_MOST_LINES]
        more = len(problems) - len(lines)
        if more:
            lines.append(f"and {more:,} more: --format json names all of them.")
        raise RunError(f"{len(problems):,} of {len(paths):,} images cannot be read:\n" + "\n".join(lines))


def read_decision(file, labels, operating_point=None):
    """The operating threshold of this very file in the `NAME.json` beside it, where there is one.

    Raises:
        ValueError: the json is of other classes, or has no such operating point.
    """
    from skinkeras import tflite

    beside = tflite.find_contract(file)
    if beside is None:
        if operating_point is not None:
            raise ValueError(f"--operating-point needs the json of the model, which is not beside {file}.")
        return Decision(labels, None, None)
    contract = tflite.read_contract(beside)
    if tuple(contract["classes"]) != labels:
        raise ValueError(f"{beside} has other classes than {file}, whose labels are {list(labels)}.")
    kind = next(kind for kind, entry in contract["files"].items() if entry["file"] == Path(file).name)
    threshold = tflite.threshold_of(contract, kind, operating_point)
    return Decision(labels, contract["positive_class"], threshold, contract, kind, operating_point)


def find_images(images, passed_over=None):
    """The images that were asked for: files as given, folders searched by the endings of image files.

    Args:
        images: paths of files and folders.
        passed_over: a `Counter` that counts the other files of the folders by their endings.

    Raises:
        ValueError: nothing was named, or a folder holds no images.
    """
    from skinkeras.datasets.file_search import what_is_there

    if not images:
        raise ValueError("Name images, or folders of images, after the file.")
    passed_over = Counter() if passed_over is None else passed_over
    paths = []
    for path in images:
        found = _images_below(path, passed_over) if path.is_dir() else [path]
        if not found:
            raise ValueError(f"{path} and its folders hold no images: {what_is_there(path)}.")
        paths += found
    return paths


def _images_below(folder, passed_over):
    from skinkeras.datasets.file_search import ending, is_image, walk

    found = []
    for relative, _, files in walk(folder):
        found += [folder / relative / name for name in files if is_image(name)]
        passed_over.update(ending(name) for name in files if not is_image(name))
    return sorted(found)


def passed_over_sentence(passed_over):
    """`12 files were passed over: 9 .txt, 3 .mov.`, with the ten commonest endings."""
    from skinkeras.datasets.file_search import count_endings

    total = passed_over.total()
    files = "1 file was" if total == 1 else f"{total:,} files were"
    return f"{files} passed over: {count_endings(passed_over)}."


def classify(classifier, paths, progress):
    """The probabilities of each image that can be read, and what is wrong with the others."""
    from skinkeras import tflite

    answers, problems = {}, {}
    for done, path in enumerate(paths, 1):
        try:
            answers[path] = classifier.classify(path)[0]
        except tflite.ImageError as error:
            problems[path] = str(error)
        progress(done, len(paths))
    return answers, problems


def print_table(settings, decision, answers, problems, passed_over):
    """For people; the unreadable images follow as the error."""
    import rich.table
    from rich.text import Text

    table = rich.table.Table()
    # As text, so that square brackets in names are no markup.
    for heading, justify in _headings(decision):
        table.add_column(Text(heading), justify=justify, overflow="fold")
    for path, probabilities in answers.items():
        table.add_row(*map(Text, (_printable(path), *_cells(decision, probabilities))))
    if not answers:
        return
    console.print(table)
    for sentence in _notes(decision, answers.values()):
        console.print(sentence, markup=False, highlight=False)


def _headings(decision):
    from skinkeras.tflite import wording

    contract = decision.wording_contract
    if contract["positive_class"] is not None:
        score = wording.words()["score_for"].format(target=wording.target_title(contract))
        verdict = [("verdict", "left")] if decision.threshold is not None else []
        return [("image", "left"), *verdict, (score, "right")]
    scores = [_marked(contract, name) for name in decision.classes]
    return [("image", "left"), ("highest score", "left"), *((score, "right") for score in scores)]


def _marked(contract, name):
    """A class with an asterisk if it is malignant or pre-malignant; `_notes` says which of them is what."""
    from skinkeras.tflite import wording

    return f"{name}*" if wording.mark_of(contract.get("malignancy", {}).get(name)) else name


def _cells(decision, probabilities):
    from skinkeras.tflite import wording

    positive = decision.wording_contract["positive_class"]
    if positive is None:
        scores = (wording.score_text(float(probability)) for probability in probabilities)
        return [_marked(decision.wording_contract, decision.of(probabilities)), *scores]
    probability = float(probabilities[decision.classes.index(positive)])
    if decision.threshold is None:
        return [wording.score_text(probability)]
    score, _ = wording.score_and_line(probability, decision.threshold)
    said = wording.answer(decision.contract, decision.kind, probabilities, decision.operating_point)
    return [said.verdict, score]


def _notes(decision, answers):
    """What belongs under the table, sentence by sentence."""
    from skinkeras.tflite import wording

    words, contract, positive = wording.words(), decision.wording_contract, decision.positive_class
    if decision.contract is None:
        yield "No threshold is known for this file: its json is not beside it."
    elif positive is not None:
        _, line = wording.score_and_line(0.0, decision.threshold)
        if decision.operating_point is not None:
            yield f"Decided at the operating point {decision.operating_point}."
        yield (
            f"The line is at {line} of 100 ({decision.threshold:.4f} as a probability of {positive}), as the json "
            "beside the file says."
        )
    if decision.contract is not None and (
        limits := wording.limits(contract, decision.kind, decision.operating_point)
    ):
        yield limits
    if marks := wording.marked_classes(contract):
        yield "* " + "; ".join(f"{mark}: {', '.join(names)}" for mark, names in marks.items()) + "."
    if positive is None:
        yield words["low_score"] if contract["positive_class"] else words["only_these"]
    elif any(decision.of(probabilities) != positive for probabilities in answers):
        yield wording.low_score_note(contract)
    yield f"{words['not_a_device']}. {words['not_a_chance']} {words['see_a_doctor']}"


def _printable(path):
    """The path on one line: what moves the cursor of a terminal is written as in Python's strings."""
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in str(path)
    )


def print_csv(settings, decision, answers, problems, passed_over):
    """One row an image that could be read."""
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(["image", "class", *map(harmless, decision.classes)])
    for path, probabilities in answers.items():
        named = harmless(decision.of(probabilities))
        writer.writerow([harmless(str(path)), named, *(f"{value:.6g}" for value in probabilities)])
    error_console.print(str(decision), markup=False)


def harmless(text):
    """Text for a cell of a spreadsheet: an apostrophe before what it would take for a formula.

    OWASP, "CSV Injection": cells that begin with = + - @, a tab or a line break.
    """
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r", "\n")) else text


def print_json(settings, decision, answers, problems, passed_over):
    """Everything as one object."""
    images = [
        {
            "image": str(path),
            "class": decision.of(probabilities),
            "not_sure": decision.is_not_sure(probabilities),
            "probabilities": dict(zip(decision.classes, map(float, probabilities), strict=True)),
        }
        for path, probabilities in answers.items()
    ]
    report = {
        "file": str(settings.file),
        "classes": decision.classes,
        "positive_class": decision.positive_class,
        "operating_point": decision.operating_point,
        "threshold": decision.threshold,
        "images": images,
        "unreadable": [{"image": str(path), "problem": text} for path, text in problems.items()],
        "passed_over": dict(passed_over),
    }
    # Bytes of a name that are not UTF-8 are written as \udc80 to \udcff, which Python's json reads as the same name.
    print(json.dumps(report, indent=2, ensure_ascii=False))


if __name__ == "__main__":
    run(main, Settings)
