"""What a paper's report on a sweep consists of."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Report:
    """A report, ready to be written.

    Attributes:
        title: of the claims on the console.
        claims: list of `Claim`.
        metrics: those of the claims' comparisons, metric -> its name in words.
        printed: those of `metrics` that the console has room for.
        texts: file name -> Markdown.
        csv_files: file name -> table; `claims.csv` is made from the claims.
        figures: file name -> function that draws it to a path.
    """

    title: str
    claims: list
    metrics: dict
    printed: tuple
    texts: dict
    csv_files: dict
    figures: dict


def note(sweep, images):
    """The line at the foot of every figure; `images`: how many were measured, in words."""
    if sweep.synthetic:
        return "SYNTHETIC drawings: says nothing about real lesions"
    return f"{sweep.path.resolve().name}, {images}"
