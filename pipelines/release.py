"""Puts a run's model into the folder of released models.

python -m pipelines.release RUN_DIR
"""

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tyro.conf import Positional

from pipelines import verify_release
from pipelines.common.console import console, refuse_invalid_input, run
from pipelines.common.run_folder import RunFolder
from skinkeras.files import replacing, write_json
from skinkeras.tflite import read_contract


@dataclass(frozen=True)
class Settings:
    """Settings of the release."""

    run_dir: Positional[Path]
    """The folder of a run that is complete."""
    kinds: tuple[str, ...] = ("int8", "float16")
    """The files that are shipped; of the others the json keeps the figures."""
    to: Path = Path("tflite_models")
    """The folder of released models; a model of the same name in it is replaced."""


def main(settings):
    """Puts a run's exported model into the folder of released ones, and checks the folder that comes out."""
    with refuse_invalid_input():
        source, contract = exported(settings)
        if not (settings.to / "README.md").is_file():
            raise ValueError(f"{settings.to} is no folder of released models: it has no README.md.")
    for kind, entry in contract["files"].items():
        if kind not in settings.kinds:
            entry["shipped"] = False
    with tempfile.TemporaryDirectory() as folder:
        # On a copy first: a model that must not be released leaves the good one where it is.
        rehearsed = Path(folder) / settings.to.resolve().name
        shutil.copytree(settings.to, rehearsed)
        place(source, contract, rehearsed)
        verify_release.main(verify_release.Settings(rehearsed, write_table=True))
        place(source, contract, settings.to)
        copy(rehearsed / "README.md", settings.to / "README.md")
    console.print(f"Released: {settings.to / contract['name']}", markup=False)


def place(source, contract, folder):
    """Copies the files of a contract that are shipped into a folder of released models."""
    name = contract["name"]
    for entry in contract["files"].values():
        target = folder / entry["file"]
        if entry.get("shipped", True):
            copy(source / entry["file"], target)
        else:
            target.unlink(missing_ok=True)
    for ending in ("labels.txt", "card.md"):
        copy(source / f"{name}.{ending}", folder / f"{name}.{ending}")
    write_json(folder / f"{name}.json", contract)


def exported(settings):
    """(the run's folder of exported files, its contract).

    Raises:
        ValueError: there is none, it is of drawn pictures, or it has no file of a kind that is asked for.
    """
    source = settings.run_dir / "export"
    paths = list(source.glob("*.json"))
    if len(paths) != 1 or not RunFolder(settings.run_dir).is_complete:
        raise ValueError(f"{settings.run_dir} holds no exported model: name the folder of a complete run.")
    contract = read_contract(paths[0])
    if contract["synthetic"]:
        raise ValueError(f"{settings.run_dir} was trained on drawn pictures, which say nothing about skin.")
    missing = [kind for kind in settings.kinds if kind not in contract["files"]]
    if missing or not settings.kinds:
        raise ValueError(f"--kinds must name some of: {', '.join(contract['files'])}.")
    return source, contract


def copy(source, target):
    """Copies a file whole or not at all."""
    with replacing(target) as temporary:
        shutil.copyfile(source, temporary)


if __name__ == "__main__":
    run(main, Settings)
