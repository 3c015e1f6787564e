"""What an experiment is."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Experiment:
    """One training of a paper.

    Attributes:
        name: `"paper/parts"`, such as `"gilal2023/b2_blur_rcel"`.
        job: the module in `pipelines` that trains it, "binary" or "multiclass".
        settings: {name of a setting of that job: value}; all others have the job's defaults. The folder of the
            data set, the seed and the output are the user's.
        description: a line for people.
    """

    name: str
    job: str
    settings: Mapping[str, Any]
    description: str
