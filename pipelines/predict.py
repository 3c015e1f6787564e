"""What a .tflite file says of pictures.

python -m pipelines.predict FILE IMAGES...
"""

import csv
import json
import sys
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import rich.table
from rich.markup import escape
from tyro.conf import Positional

from pipelines.common.console import console, error_console, progress_bar, refuse_invalid_input, run
from skinkeras import tflite
from skinkeras.decoding import images_below
from skinkeras.errors import RunError


@dataclass(frozen=True)
class Settings:
    """Settings of the prediction."""

    file: Positional[Path]
    """A .tflite file with embedded labels."""
    images: Positional[tuple[Path, ...]]
    """DecodedImages, or folders of pictures (their subfolders too)."""
    format: Literal["table", "csv", "json"] = "table"
    """How the answers are printed."""
    threads: int = 1
    """Threads of LiteRT."""


@dataclass(frozen=True)
class Decision:
    """How probabilities become a class: see `skinkeras.tflite.decide`."""

    classes: tuple[str, ...]
    positive_class: str | None
    threshold: float | None

    def of(self, probabilities) -> str:
        return tflite.decide(probabilities, self.classes, self.positive_class, self.threshold)

    def __str__(self) -> str:
        if self.threshold is None:
            return "Named is the most probable class: no threshold is known for this file."
        return (
            f"Named is {self.positive_class} from {self.threshold:.4f} on, as the json beside the file says."
        )


def main(settings):
    """Classifies pictures with one .tflite file, decoded and cut as in training."""
    with refuse_invalid_input():
        if settings.threads < 1:
            raise ValueError(f"--threads must be 1 or more. Received: {settings.threads}")
        classifier = tflite.Classifier(settings.file, settings.threads)
        decision = read_decision(settings.file, classifier.labels)
        paths = find_images(settings.images)
    # Even an unused bar writes a line, which is none of CSV or JSON.
    bar = progress_bar("Classifying") if settings.format == "table" else nullcontext(lambda *_: None)
    with bar as progress:
        answers, problems = classify(classifier, paths, progress)
    write = {"table": print_table, "csv": print_csv, "json": print_json}[settings.format]
    write(settings, decision, answers, problems)
    if problems:
        raise RunError(
            f"{len(problems)} of {len(paths)} pictures cannot be read:\n" + "\n".join(problems.values())
        )


def read_decision(file, labels):
    """The operating threshold of `NAME.json` beside the file, where there is one."""
    beside = tflite.find_contract(file)
    if beside is None:
        return Decision(labels, None, None)
    contract = tflite.read_contract(beside)
    if tuple(contract.get("classes", ())) != labels:
        raise ValueError(f"{beside} has other classes than {file}, whose labels are {list(labels)}.")
    positive, threshold = contract.get("positive_class"), contract.get("threshold")
    if positive is not None and positive not in labels:
        raise ValueError(f"{beside} has positive_class {positive!r}, which is none of {list(labels)}.")
    if threshold is not None and not isinstance(threshold, int | float):
        raise ValueError(f"{beside} has the threshold {threshold!r}, which is no number.")
    return Decision(labels, positive, threshold)


def find_images(images):
    """The pictures that were asked for: files as given, folders searched by the endings of picture files."""
    if not images:
        raise ValueError("Name pictures, or folders of pictures, behind the file.")
    paths = []
    for path in images:
        found = images_below(path) if path.is_dir() else [path]
        if not found:
            raise ValueError(f"{path} holds no pictures.")
        paths += found
    return paths


def classify(classifier, paths, progress):
    """The probabilities of each picture that can be read, and what is wrong with the others."""
    answers, problems = {}, {}
    for done, path in enumerate(paths, 1):
        try:
            answers[path] = classifier.classify(path)[0]
        except tflite.ImageError as error:
            problems[path] = str(error)
        progress(done, len(paths))
    return answers, problems


def print_table(settings, decision, answers, problems):
    """For people; the unreadable pictures follow as the error."""
    table = rich.table.Table()
    table.add_column("picture", overflow="fold")
    table.add_column("class")
    for label in decision.classes:
        table.add_column(escape(label), justify="right")
    for path, probabilities in answers.items():
        cells = (f"{probability:.3f}" for probability in probabilities)
        table.add_row(escape(str(path)), escape(decision.of(probabilities)), *cells)
    if answers:
        console.print(table)
    console.print(str(decision), markup=False)
    console.print(
        "Not a medical device. These probabilities are not calibrated: the model card says how often they "
        "were right."
    )


def print_csv(settings, decision, answers, problems):
    """One row a picture that could be read."""
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(["image", "class", *decision.classes])
    for path, probabilities in answers.items():
        writer.writerow([path, decision.of(probabilities), *(f"{value:.6g}" for value in probabilities)])
    error_console.print(str(decision), markup=False)


def print_json(settings, decision, answers, problems):
    """Everything as one object."""
    pictures = [
        {
            "image": str(path),
            "class": decision.of(probabilities),
            "probabilities": dict(zip(decision.classes, map(float, probabilities), strict=True)),
        }
        for path, probabilities in answers.items()
    ]
    report = {
        "file": str(settings.file),
        "classes": decision.classes,
        "positive_class": decision.positive_class,
        "threshold": decision.threshold,
        "pictures": pictures,
        "unreadable": [{"image": str(path), "problem": text} for path, text in problems.items()],
    }
    print(json.dumps(report, indent=2, ensure_ascii=False))


if __name__ == "__main__":
    run(main, Settings)
