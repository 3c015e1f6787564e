"""The last lines of a run. Needs no TensorFlow: a complete run that is asked for again answers at once."""

import rich.table
from rich.markup import escape

from pipelines.common import released_runs
from pipelines.common.console import console, say
from skinkeras import reports


def print_results(run):
    """The last lines of a run: its forms side by side, and where everything is.

    Raises:
        VerificationError: a file of the run was refused.
    """
    record = released_runs.record_of(run)
    for table in reports.headline(record):
        print_table(*table)
    if run.export.exists():
        say(f"Files to ship: {run.export}")
    say(f"Card:          {run.file('card.md')}")
    say(f"Figures:       {run.figures}")
    if record["refused"]:
        from skinkeras import tflite

        raise tflite.VerificationError(" ".join(entry["reason"] for entry in record["refused"].values()))


def print_table(title, columns, rows):
    """Prints the last table of a run: a form of the model a row."""
    table = rich.table.Table(title=escape(title), title_justify="left")
    for column in columns:
        # Broken here, so that a log of 110 characters has room for a value and its interval on one line.
        heading = column.replace(" recall", "\nrecall")
        table.add_column(heading, justify="left" if column == "model" else "right", no_wrap=True)
    for row in rows:
        table.add_row(*map(escape, row))
    console.print()
    console.print(table)
