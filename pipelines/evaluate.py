"""How good a model is on somebody's own labelled images.

python -m pipelines.evaluate FILE.tflite --data folder --data-dir DIR
python -m pipelines.evaluate RUN_DIR --data isic_archive --data-dir DIR --against OTHER.tflite
"""

import datetime
import shlex
from dataclasses import dataclass
from pathlib import Path

from tyro.conf import Positional

from pipelines.common import checks, options
from pipelines.common.console import refuse_invalid_input, run, say, section
from pipelines.common.groups import ExternalDataOptions, Name, Place
from pipelines.common.options import Options
from pipelines.common.startup import start_keras
from skinkeras.files.locks import locked_folder, remove_leftovers

# What `external_results.write` leaves, of which evaluation.json comes last.
_WRITTEN = {"predictions.csv", "figures", "evaluation.md", "evaluation.json"}


@dataclass(frozen=True)
class EvaluationOptions(Options):
    """What is measured, and where the results go."""

    against: Place = None
    """A second file or run to compare with, on the same images."""
    title: Name = None
    """What the images are called in the results, such as "Clinic X, 2025"; by default the data set's title."""
    recalibrate: bool = False
    """Also say how well the model would be calibrated if it were fitted to images like these (cross-fitted)."""
    robustness: bool = False
    """Also measure on up to 2,000 of the images in other light, out of focus, with noise, and so on."""
    out: Path = Path("runs/evaluation")
    """Folder of the results; a folder of an earlier evaluation is replaced."""
    cache_dir: Place = None
    """Where decoded images are kept; by default `.cache` beside the folder of the results."""


@dataclass(frozen=True)
class Settings:
    """Settings of the evaluation."""

    model: Positional[Path]
    """A .tflite file, or the folder of a complete run."""
    data: ExternalDataOptions = ExternalDataOptions()
    evaluation: EvaluationOptions = EvaluationOptions()


def main(settings):
    """Measures a model on labelled images that it was not trained on, and writes figures, tables and a section for
    its card.

    Nothing is fitted on the images. Images that the model was trained on are left out where that is recorded.
    """
    asked = settings.evaluation
    with refuse_invalid_input():
        _check_paths(settings)
    with locked_folder(asked.out):
        with refuse_invalid_input():
            _check_out(asked.out)
            remove_leftovers(asked.out)
            start_keras(0)
            from pipelines.common import external_images, external_results, measured_models

            model = measured_models.read_model(settings.model)
            other = measured_models.read_model(asked.against) if asked.against else None
            if other is not None and other.classes != model.classes:
                raise ValueError(
                    f"--against {asked.against} has the classes {', '.join(other.classes)}, and {settings.model} has "
                    f"{', '.join(model.classes)}: only models of the same classes can be compared."
                )
            section("Data")
            cache_dir = asked.cache_dir or asked.out.parent / ".cache"
            images = external_images.load(settings.data, model, cache_dir, () if other is None else (other,))
        section(f"Measuring {model.name} on {len(images.subset.rows):,} images")
        facts = {
            **images.facts,
            "model": model.name,
            **(_titled(images.facts, asked.title) if asked.title else {}),
            "date": datetime.date.today().isoformat(),
            "command": _command(settings),
        }
        results = external_results.measured(model, images, recalibrate=asked.recalibrate)
        if other is not None:
            results["against"] = external_results.compared(model, other, images, cache_dir)
        if asked.robustness:
            results["robustness"] = external_results.robustness(model, images)
        external_results.write(asked.out, model, images, {**facts, **results})
    say(f"Section for a card: {asked.out / 'evaluation.md'}")
    say(f"All figures:        {asked.out / 'evaluation.json'}")


def _titled(facts, title):
    """The title of the images, and of what the model was trained on if that is the same data set."""
    return {"data": title} | ({"trained_on": title} if facts["trained_on"] == facts["data"] else {})


def _check_paths(settings):
    if not settings.model.exists():
        raise ValueError(f"There is no file or folder {settings.model}.")
    if settings.evaluation.against is not None and not settings.evaluation.against.exists():
        raise ValueError(f"There is no file or folder {settings.evaluation.against}.")
    checks.check_data(settings.data)


def _command(settings):
    """The command in which names of this machine's folders are left out."""
    usual = options.flatten(Settings(settings.model))
    said = {name: value for name, value in options.flatten(settings).items() if value != usual[name]}
    for name in ("model", "out", "cache_dir"):
        said.pop(name, None)
    said |= {name: "DIR" for name in ("data_dir",) if name in said}
    said |= {"against": said["against"].name} if "against" in said else {}
    return shlex.join(["python", "-m", "pipelines.evaluate", settings.model.name, *options.flags(said)])


def _check_out(folder):
    """Raises ValueError if the folder holds something other than an evaluation, whole or of a killed process."""
    inside = {path.name for path in folder.iterdir() if path.name[0] != "."}
    if not inside <= _WRITTEN and not (folder / "evaluation.json").is_file():
        raise ValueError(f"{folder} is not empty and holds no evaluation: choose another --out.")


if __name__ == "__main__":
    run(main, Settings)
