"""The groups that say what is made, and where it goes."""

from dataclasses import dataclass
from pathlib import Path

from pipelines.common.groups.fields import Place
from pipelines.common.options import Options


@dataclass(frozen=True)
class FolderOptions(Options):
    """Where results go."""

    out: Path = Path("runs/job")
    """The run's folder."""
    resume: bool = False
    """Go on with the run in that folder."""
    cache_dir: Place = None
    """Where decoded images are kept for the next run; by default `.cache` beside the run's folder."""


@dataclass(frozen=True)
class OutputOptions(FolderOptions):
    """What is made, and where it goes."""

    export: bool = True
    """Go on to integers and .tflite files; without it, the run ends with the float model's evaluation."""
    robustness: bool = False
    """Also measure the form that ships on up to 2,000 disturbed test images (other light, blur, noise, hair ...)."""
