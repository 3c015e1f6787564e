"""Writes what a sweep's report says into a page of `docs/`, between two marks, and copies its figures beside it.

    python -m pipelines.report runs/g23_small
    python tools/replication_section.py runs/g23_small docs/replication_gilal2023.md

Figures that show patients' images (attention) are left out: their licence keeps them out of the repository.
"""

import argparse
import re
import shutil
from pathlib import Path

import pandas as pd

BEGIN, END = "<!-- small grid -->", "<!-- end of the small grid -->"
# Number of a figure -> what it shows. Those of attention, 3 and 4, are not among them.
FIGURES = {
    1: "Recall of the classes that are not melanocytic",
    2: "Recall of the melanocytic classes",
    5: "Data management: error rates against each other and against the balance ratio",
    6: "Losses: error rates against each other and against the balance ratio",
}


def section(report, figures):
    """The text between the marks.

    Args:
        report: path of a sweep's `report` folder.
        figures: where the page finds the copied figures, relative to it.
    """
    scope = re.search(
        r"^[\d,]+ of [\d,]+ configurations.*$", (report / "report.md").read_text(), re.MULTILINE
    )
    runs = pd.read_csv(report.parent / "runs.csv")
    parts = [
        f"{scope.group(0)} The runs took {runs['seconds'].sum() / 60:.0f} minutes.",
        "| claim | these runs | corrected for all claims |\n| --- | --- | --- |\n"
        + "\n".join(verdicts(report)),
    ]
    for path in sorted(report.glob("table_*.md")):
        number = {"1": "I", "2": "II"} if (report / "figure_5.png").exists() else {}
        name = path.stem.removeprefix("table_")
        parts += [f"### Table {number.get(name, name)}", path.read_text().strip()]
    for number, title in FIGURES.items():
        if (report / f"figure_{number}.png").exists():
            parts.append(f"![{title}]({figures}/small_figure_{number}.png)")
    return "\n\n".join(parts)


def verdicts(report):
    """A row of Markdown for each claim."""
    claims = pd.read_csv(report / "claims.csv", keep_default_na=False).drop_duplicates("claim")
    for claim in claims.to_dict("records"):
        once = " (one seed)" if claim["training_luck"] == "unknown" else ""
        yield f"| {claim['text']} | {claim['verdict']}{once} | {claim['corrected_verdict'] or '-'} |"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sweep", type=Path)
    parser.add_argument("page", type=Path)
    options = parser.parse_args()
    report, folder = options.sweep / "report", options.page.with_suffix("")
    before, _, rest = options.page.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    if not after:
        parser.error(f"{options.page} lacks the marks {BEGIN} and {END}.")
    text = section(report, folder.name)
    options.page.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{after}")
    for number in FIGURES:
        if (report / f"figure_{number}.png").exists():
            shutil.copy2(report / f"figure_{number}.png", folder / f"small_figure_{number}.png")
    print(f"Written: {options.page}, figures in {folder}")


if __name__ == "__main__":
    main()
