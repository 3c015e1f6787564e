"""All experiments by name."""

import difflib
from fnmatch import fnmatchcase

from skinkeras.experiments import barata2021, gilal2023
from skinkeras.experiments.experiment import Experiment

#: Name -> `Experiment`, of one paper after the other.
EXPERIMENTS = {one.name: one for paper in (gilal2023, barata2021) for one in paper.experiments()}


def names(pattern: str = "*") -> tuple[str, ...]:
    """The names of the experiments that match a pattern.

    Args:
        pattern: as in a shell: `*` stands for any text, `?` for any character.

    Returns:
        Names, in the order of the papers' tables.

    Example:
        >>> names("gilal2023/lite0_blur_rcel*")
        ('gilal2023/lite0_blur_rcel', 'gilal2023/lite0_blur_rcel10', 'gilal2023/lite0_blur_rcel100')
        >>> len(names("gilal2023/*")), len(names("barata2021/*"))
        (144, 40)
    """
    return tuple(name for name in EXPERIMENTS if fnmatchcase(name, pattern))


def get(name: str) -> Experiment:
    """The experiment called `name`.

    Args:
        name: one of `names()`.

    Raises:
        ValueError: there is no such experiment; the sentence has the closest names.

    Example:
        >>> experiment = get("gilal2023/b2_blur_rcel")
        >>> experiment.job, experiment.settings["model"], experiment.settings["oversample"]
        ('binary', 'efficientnet_b2', 'g23')
        >>> experiment.description
        'EfficientNet-B2; radial blur; recall cross-entropy, eq. 6'
    """
    if name in EXPERIMENTS:
        return EXPERIMENTS[name]
    close = difflib.get_close_matches(name, EXPERIMENTS, n=3)
    papers = ", ".join(dict.fromkeys(one.partition("/")[0] for one in EXPERIMENTS))
    advice = (
        f"Did you mean {' or '.join(close)}?"
        if close
        else f"skinkeras.experiments.names() lists those of {papers}."
    )
    raise ValueError(f"There is no experiment {name!r}. {advice}")
