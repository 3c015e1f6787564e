"""Checks that released models match their json files and records.

python -m pipelines.verify_release [tflite_models]
"""

from dataclasses import dataclass
from pathlib import Path

from rich.markup import escape
from tyro.conf import Positional

from pipelines.common.console import console, refuse_invalid_input, run
from skinkeras.errors import RunError
from skinkeras.files.locks import locked_folder, remove_leftovers
from skinkeras.files.reading import check_regular, read_text
from skinkeras.files.writing import write_text


@dataclass(frozen=True)
class Settings:
    """Settings of the check."""

    folder: Positional[Path] = Path("tflite_models")
    """The folder of released models."""
    write_table: bool = False
    """First update the table of models in the folder's README.md."""


def main(settings):
    """Checks the released files against their json and record, and runs their golden predictions."""
    with refuse_invalid_input():
        import rich.table

        from skinkeras.reports import rendering_faults
        from skinkeras.tflite import release_faults, with_models_table

        if settings.write_table:
            readme = settings.folder / "README.md"
            check_regular(readme)  # a lock would make the folder
            with locked_folder(settings.folder, "folder"):
                remove_leftovers(settings.folder)
                write_text(readme, with_models_table(read_text(readme), settings.folder))
        faults = release_faults(settings.folder)
        for name, sentences in rendering_faults(settings.folder).items():
            faults[name] = [*faults.get(name, []), *sentences]
    table = rich.table.Table()
    table.add_column("file", overflow="fold")
    table.add_column("verdict", overflow="fold")
    for name, sentences in faults.items():
        table.add_row(escape(name), "\n".join(f"[red]{escape(one)}[/]" for one in sentences) or "as promised")
    console.print(table)
    wrong = [f"{name}: {one}" for name, sentences in faults.items() for one in sentences]
    if wrong:
        raise RunError(f"{settings.folder} must not be released:\n" + "\n".join(wrong))


if __name__ == "__main__":
    run(main, Settings)
