"""A job's settings in all their forms: dataclasses, a flat dict, the words of a command line.

A job's settings are a frozen dataclass whose fields are groups (`pipelines.common.groups`) and, at most, a flag of
its own. The name of a field of a group is the flag, the key in `config.yaml` and in a sweep's YAML file: `flatten`,
`build`, `flags` and `parse` go from one form to another, and nothing else spells a flag.

Light to import: what is refused here is refused before TensorFlow is loaded.
"""

import contextlib
import dataclasses
import importlib
import io
import math
import shlex
import sys
import types
import typing
from contextvars import ContextVar
from pathlib import Path

import tyro

from skinkeras import experiments, models
from skinkeras.errors import UsageError

_LARGEST = {
    **{"batch_size": 65_536, "image_size": 4_096, "lstm_units": 4_096},
    **{"epochs": 100_000, "repeats": 1_000, "rounds": 1_000},
}

#: LiteRT makes as many threads as it is asked for, and thousands end the process.
MOST_THREADS = 256

# What flags, settings and values were called in the released version: understood, but shown nowhere.
_RENAMED = {
    "learn": "target",
    "limit": "max_images",
    "units": "lstm_units",
    "rho": "blur_strength",
    "split": "split_by",
    "splits": "repeats",
    "base_loss": "loss",
    "pictures": "images",
}
_RENAMED_VALUES = {("weighting", "la"): "logit_adjustment", ("loss", "ce"): "crossentropy"}

_parsing = ContextVar("parsing", default=False)


class Options:
    """A group of settings that checks itself when it is made."""

    def __post_init__(self):
        try:
            self.check()
        except ValueError as error:
            # tyro turns a ValueError into a box of its own; a command line gets our one sentence.
            if _parsing.get():
                raise UsageError(str(error)) from None
            raise

    def check(self):
        """Raises ValueError if a value is out of its range, whatever the other groups say."""

    def at_least(self, **least):
        """Raises ValueError if a setting is set and below the number given under its name, or absurdly large."""
        for name, number in least.items():
            value = getattr(self, name)
            if value is None:
                continue
            if not value >= number:  # which no NaN is
                raise ValueError(f"{flag(name)} must be at least {number}. Received: {value}")
            most = _LARGEST.get(name.removeprefix("head_").removeprefix("qat_").removeprefix("clean_"))
            if (most and value > most) or value == math.inf:
                raise ValueError(
                    f"{flag(name)} must be at most {most or 'a finite number'}. Received: {value}"
                )

    def between(self, name, least, most):
        """Raises ValueError if a setting is set and not in [least, most]."""
        value = getattr(self, name)
        if value is not None and not least <= value <= most:  # which no NaN is
            raise ValueError(f"{flag(name)} must be from {least:g} to {most:g}. Received: {value}")


def flag(name):
    """The flag of the setting called `name`."""
    return "--" + name.replace("_", "-")


def check_count(name, value, most, least=1):
    """Raises ValueError unless the number `value` of the setting called `name` is in [least, most]."""
    if not least <= value <= most:
        raise ValueError(f"{flag(name)} must be {least} or more, and at most {most}. Received: {value}")


def _groups(settings_class):
    hints = typing.get_type_hints(settings_class)
    return {
        field.name: hints[field.name]
        for field in dataclasses.fields(settings_class)
        if isinstance(hints[field.name], type) and issubclass(hints[field.name], Options)
    }


def _field_types(settings_class):
    """{flat name: its type} of all settings, in the order of the groups."""
    groups, types_of = _groups(settings_class), {}
    for name, hint in typing.get_type_hints(settings_class).items():
        types_of |= typing.get_type_hints(groups[name]) if name in groups else {name: hint}
    return types_of


def option_names(settings_class):
    """The flat names of all settings of a job, in the order in which `--help` has them."""
    return tuple(_field_types(settings_class))


def defaults(settings_class):
    """{flat name: value} of the settings when nothing was said."""
    return flatten(settings_class())


def flatten(settings):
    """The settings of a job as {flat name: value}."""
    values = {}
    for field in dataclasses.fields(settings):
        value = getattr(settings, field.name)
        if isinstance(value, Options):
            values |= {f.name: getattr(value, f.name) for f in dataclasses.fields(value)}
        else:
            values[field.name] = value
    return values


def build(settings_class, values):
    """The settings with these values under flat names; the others have their defaults.

    Args:
        settings_class: of a job.
        values: dict, for instance the settings in a `config.yaml`; lists stand for tuples, text for paths, and
            names of the released version for today's.

    Raises:
        ValueError: a name that the job does not have, or a value that it refuses.
    """
    types_of = _field_types(settings_class)
    values = {name: _typed(value, types_of.get(name)) for name, value in modern(values).items()}
    for name, value in values.items():
        if name not in types_of:
            raise ValueError(f"There is no setting {name}.")
        if not _is_of(value, types_of[name]):
            raise ValueError(f"{flag(name)} cannot be {value!r}.")
    groups = _groups(settings_class)
    made = {}
    for field in dataclasses.fields(settings_class):
        if field.name in groups:
            own = [f.name for f in dataclasses.fields(groups[field.name])]
            default = getattr(settings_class(), field.name)
            made[field.name] = dataclasses.replace(default, **{n: values[n] for n in own if n in values})
        elif field.name in values:
            made[field.name] = values[field.name]
    return settings_class(**made)


def filled(settings, values):
    """The settings in which each None has the value under its flat name, where there is one."""
    asked = flatten(settings)
    missing = {name: value for name, value in values.items() if asked.get(name, value) is None}
    return build(type(settings), asked | missing)


def modern(values):
    """Settings under the names and with the values of today, whatever the released version called them."""
    renamed = {_RENAMED.get(name, name): value for name, value in values.items()}
    return {
        name: _RENAMED_VALUES.get((name, value), value) if isinstance(value, str) else value
        for name, value in renamed.items()
    }


def plain(values):
    """The same values as YAML and JSON have them: text for paths, lists for tuples."""
    return {
        name: str(value) if isinstance(value, Path) else list(value) if isinstance(value, tuple) else value
        for name, value in values.items()
    }


def _typed(value, hint):
    choices = typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,)
    if isinstance(value, list):
        return tuple(value)
    if isinstance(value, str) and Path in choices:
        return Path(value)
    return value


def _is_of(value, hint):
    """Whether a value has the type of a setting; a whole number is a float, too."""
    inner = typing.get_args(hint)
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        return any(_is_of(value, choice) for choice in inner)
    if typing.get_origin(hint) is typing.Literal:
        return isinstance(value, str) and value in inner
    if typing.get_origin(hint) is tuple:
        as_many = Ellipsis in inner or len(inner) == len(value) if isinstance(value, tuple) else False
        return as_many and all(_is_of(entry, inner[0]) for entry in value)
    if isinstance(value, bool):
        return hint is bool
    return isinstance(value, int | float if hint is float else hint)


def flags(values):
    """The words of a command line that gives these settings; a None is left out."""
    words = []
    for name, value in values.items():
        if value is None:
            continue
        if isinstance(value, bool):
            words.append(flag(name) if value else flag(f"no_{name}"))
        elif isinstance(value, tuple | list):
            words += [flag(name), *map(str, value)]
        else:
            words += [flag(name), str(value)]
    return tuple(words)


# In a command that makes the same run again, paths of this machine are left out, or stand under another name.
_LEFT_OUT = ("resume", "cache_dir", "out", "clean_dir", "materialise", "data_service")
_STANDS_FOR_A_PATH = {"data_dir": "DIR", "weights": "FILE", "taxonomy": "FILE"}


def _is_path(name, value):
    """Whether the value of one of these settings is true of one machine alone: weights may have a name."""
    if value in (None, "imagenet", "none"):
        return False
    return name != "weights" or str(value) not in models.presets()


def portable(values):
    """Settings in plain form without what is true of one machine alone: for the record of a released model."""
    kept = {name: value for name, value in values.items() if name not in (*_LEFT_OUT, "data_dir")}
    for name in _STANDS_FOR_A_PATH.keys() & kept.keys():
        if _is_path(name, kept[name]):
            kept[name] = _STANDS_FOR_A_PATH[name]
    return kept


@dataclasses.dataclass(frozen=True)
class Request:
    """What a run was asked to do, for its folder and its record.

    Attributes:
        job: name of the module in `pipelines`, such as "binary".
        values: {flat name: value} of its settings, resolved.
        command: the shortest one that asks for the same.
    """

    job: str
    values: dict
    command: str


def request_of(job, settings):
    """The `Request` of a job's settings, resolved."""
    # Whether a process went on with a run is no fact of the run.
    values = {name: value for name, value in flatten(settings).items() if name != "resume"}
    return Request(job, values, command(job, settings))


def command(job, settings):
    """The shortest command that makes the same run again, with paths of this machine left out.

    Args:
        job: name of the module in `pipelines`, such as "binary".
        settings: resolved.
    """
    module = importlib.import_module(f"pipelines.{job}")
    usual = defaults(module.Settings)
    values = flatten(settings) | {name: usual[name] for name in _LEFT_OUT if name in usual}
    settings = module.with_defaults(build(module.Settings, values))
    for name in [name for name in values if values[name] != usual[name]]:
        if _resolves_to(module, {**values, name: usual[name]}, settings):
            values[name] = usual[name]
    said = {name: value for name, value in values.items() if value != usual[name]}
    for name, text in _STANDS_FOR_A_PATH.items():
        if name in said and _is_path(name, said[name]):
            said[name] = text
    return shlex.join(["python", "-m", f"pipelines.{job}", *flags(said)])


def _resolves_to(module, values, settings):
    """Whether the job fills in what `values` does not say to the same settings."""
    try:
        return module.with_defaults(build(module.Settings, values)) == settings
    except ValueError:
        return False


def read_command_line(settings_class, words=None, program=None, description=None):
    """The settings that a command line gives; prints help and errors as tyro does.

    Raises:
        UsageError: a group refuses a value.
        SystemExit: help was asked for, or a flag or a value is not known.
    """
    words = _modern_words(sys.argv[1:] if words is None else words, settings_class)
    words = _with_experiment(words, settings_class)
    token = _parsing.set(True)
    try:
        return tyro.cli(
            settings_class,
            prog=program,
            description=description,
            args=words,
            config=(tyro.conf.OmitArgPrefixes,),
        )
    finally:
        _parsing.reset(token)


# What jobs take in place of the flags of a whole experiment, and no other command.
_EXPERIMENT = "--experiment"


def _with_experiment(words, settings_class):
    """The words with `--experiment NAME` replaced by the flags of its settings; those that are given count."""
    taken = set(option_names(settings_class))
    if not {"model", "loss"} <= taken:
        return words
    rest, name, waiting = [], None, False
    for word in words:
        if waiting or word.startswith(f"{_EXPERIMENT}="):
            name, waiting = word.removeprefix(f"{_EXPERIMENT}="), False
        elif word == _EXPERIMENT:
            waiting = True
        else:
            rest.append(word)
    if waiting:
        raise UsageError(f"{_EXPERIMENT} needs a name, such as gilal2023/b2_blur_rcel.")
    if name is None:
        return words
    try:
        experiment = experiments.get(name)
    except ValueError as error:
        raise UsageError(f"{_EXPERIMENT}: {error}") from error
    if not set(experiment.settings) <= taken:
        raise UsageError(f"{name} is an experiment of python -m pipelines.{experiment.job}.")
    return [*flags(experiment.settings), *rest]


def parse(settings_class, words):
    """The settings that the words of a command line give. Raises ValueError, one sentence, if they are wrong."""
    output = io.StringIO()
    try:
        with contextlib.redirect_stdout(output), contextlib.redirect_stderr(output):
            return read_command_line(settings_class, list(words))
    except UsageError as error:
        raise ValueError(str(error)) from error
    except SystemExit:
        lines = output.getvalue().split()
        raise ValueError(" ".join(word for word in lines if set(word) - set("│╭╮╰╯─"))) from None


def _modern_words(words, settings_class):
    """The words of a command line with flags and values of the released version replaced."""
    names, result, last = option_names(settings_class), [], None
    for word in map(str, words):
        head, equals, rest = word.partition("=")
        if head.startswith("--"):
            old = head[2:].replace("-", "_")
            last = _RENAMED.get(old, old)
            if last in names and old not in names:
                head = flag(last)
            rest = _RENAMED_VALUES.get((last, rest), rest)
            result.append(head + equals + rest)
        else:
            result.append(_RENAMED_VALUES.get((last, word), word))
    return result
