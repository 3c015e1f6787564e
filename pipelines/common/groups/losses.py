"""The groups that say what is minimised: a setting for each row of `losses.PARAMETERS`."""

import dataclasses
from dataclasses import dataclass
from typing import Annotated, Literal

from tyro.conf import arg

from pipelines.common.groups.fields import Number, choice
from pipelines.common.options import Options, flag
from skinkeras import losses


@dataclass(frozen=True)
class LossOptions(Options):
    """What training minimises."""

    loss: choice(*losses.LOSSES) = None
    """The loss."""
    weighting: Literal[tuple(losses.WEIGHTINGS)] = "none"
    """Class balance (cb), effective number (es), self-paced (spl), hard examples (ohem), adjusted logits."""

    def check(self):
        losses.check_parameters(**{n: v for n, v in self.parameters.items() if v is not None})
        self.between("focal_delta", 0, 100)  # above, the loss of every image is 0
        for name, value in self.parameters.items():
            given = value is not None and value is not False  # 0 is
            if given and self.loss is not None and name not in self.used_parameters:
                raise ValueError(f"{flag(name)} needs {self._owners(name)}.")

    def _owners(self, name):
        """What has the parameter, and why it is refused without that."""
        for option, chosen, table in (
            ("loss", self.loss, losses.LOSSES),
            ("weighting", self.weighting, losses.WEIGHTINGS),
        ):
            owners = [row for row, entry in table.items() if name in entry.parameters]
            if owners and chosen not in owners:
                return _needed(option, owners, chosen)
            if owners and losses.PARAMETERS[name].only_with:
                other, values = losses.PARAMETERS[name].only_with
                return _needed(other, values, self.parameters[other])
        return "a loss that has it"

    @property
    def parameters(self):
        """{name: value} of the parameters that some loss or weighting has."""
        names = (field.name for field in dataclasses.fields(self))
        return {name: getattr(self, name) for name in names if name in losses.PARAMETERS}

    @property
    def used_parameters(self):
        """The part of `parameters` that has an effect with the chosen loss and weighting."""
        given = {name: value for name, value in self.parameters.items() if value is not None}
        used = losses.effective_parameters(self.loss, self.weighting, **given)
        return {name: value for name, value in self.parameters.items() if name in used}

    def facts(self):
        """{setting in words: value}, for the card."""
        facts = {"loss": losses.LOSSES[self.loss].title, "weighting": losses.WEIGHTINGS[self.weighting].title}
        for name, value in self.used_parameters.items():
            row = losses.PARAMETERS[name]
            if not (row.usual and value == row.default):
                facts[name.replace("_", " ")] = row.words.get(value, value)
        return facts


def _needed(option, values, chosen):
    """What an option without effect needs, and why it is refused."""
    return f"{flag(option)} {' or '.join(values)}: with {flag(option)} {chosen} it would have no effect"


def _loss_options(job, loss_help, **more):
    """The group of the losses and weightings that a job offers, with a setting for each of their parameters."""
    offered = [name for name, row in losses.LOSSES.items() if job in row.jobs]
    rows = (*(losses.LOSSES[name] for name in offered), *losses.WEIGHTINGS.values())
    loss = Annotated[choice(*offered), arg(help=loss_help)]
    fields = [
        ("loss", loss, None),
        *(_parameter(n) for n in dict.fromkeys(n for r in rows for n in r.parameters)),
    ]
    fields += [
        (name, Annotated[kind, arg(help=text)], default) for name, (kind, default, text) in more.items()
    ]
    name = f"{job.capitalize()}LossOptions"
    made = dataclasses.make_dataclass(name, fields, bases=(LossOptions,), frozen=True)
    made.__doc__, made.__module__ = LossOptions.__doc__, __name__
    return made


def _parameter(name):
    """The field of a row of `losses.PARAMETERS`: its name, type and default."""
    row = losses.PARAMETERS[name]
    if row.kind is bool:
        return name, Annotated[bool, arg(help=row.help)], False
    return name, Annotated[Number if row.kind is float else choice(*row.kind), arg(help=row.help)], None


BinaryLossOptions = _loss_options(
    "binary",
    "Cross-entropy by recall (the default), plain, by inverse frequency, or focal (Gilal et al. 2023).",
    target=(
        Literal["diagnosis", "binary"],
        "diagnosis",
        "Learn all classes (recall loss plus their cross-entropy), adding up malignant ones, or learn two (eq. 7).",
    ),
)
DiagnosisLossOptions = _loss_options(
    "diagnosis", "Cross-entropy (Barata & Santiago 2021, eq. 5; the default) or focal loss (eq. 6)."
)
