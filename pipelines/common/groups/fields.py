"""Types of settings that several groups have."""

from pathlib import Path
from typing import Annotated, Literal

from tyro.conf import arg

# What may be left out: `--help` says in words what is then done.
Count = Annotated[int | None, arg(metavar="INT", help_behavior_hint="")]
Number = Annotated[float | None, arg(metavar="FLOAT", help_behavior_hint="")]
Place = Annotated[Path | None, arg(metavar="PATH", help_behavior_hint="")]
Name = Annotated[str | None, arg(metavar="NAME", help_behavior_hint="")]


def choice(*values):
    """One of `values`, or nothing said."""
    shown = "{" + ",".join(values) + "}"
    return Annotated[Literal[values] | None, arg(metavar=shown, help_behavior_hint="")]
