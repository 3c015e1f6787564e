"""Any combination of settings: refused in one sentence, or a run that can be written down and asked for again."""

import contextlib
import io
import shlex
import types
import typing

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from refusals import check_words

from pipelines import binary, clean, multiclass
from pipelines.common import options
from pipelines.common.console import sentence
from skinkeras import losses, models
from skinkeras.errors import UsageError

JOBS = (binary, multiclass, clean)
TEXTS = st.one_of(
    st.sampled_from(
        ["", " ", "-", "--", "-1", "[red]x[/]", "a b", "a,b", "../x", "😀", "\u202ex", "none", "imagenet"]
    ),
    st.sampled_from(["mel", "malignant", "localhost:1", "grpc://h:1", *models.ARCHITECTURES, *losses.LOSSES]),
    st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=6),
)
NUMBERS = st.one_of(
    st.sampled_from(
        [
            "0",
            "1",
            "2",
            "-1",
            "0.5",
            "1e-3",
            "nan",
            "inf",
            "-inf",
            "1e400",
            "1_000",
            "0x10",
            "\uff12",
            "10" * 20,
        ]
    ),
    st.integers(-(2**70), 2**70).map(str),
    st.floats().map(str),
)


def words_for(hint):
    """A strategy for the words behind a flag of this type: mostly such as it takes."""
    if isinstance(hint, types.UnionType) or typing.get_origin(hint) is typing.Union:
        return st.one_of([words_for(choice) for choice in typing.get_args(hint) if choice is not type(None)])
    if typing.get_origin(hint) is typing.Literal:
        return st.sampled_from([*typing.get_args(hint), "x"]).map(lambda word: [word])
    if typing.get_origin(hint) is tuple:
        return st.lists(words_for(typing.get_args(hint)[0]), max_size=3).map(
            lambda lists: [word for words in lists for word in words]
        )
    one = NUMBERS if hint in (int, float) else TEXTS
    return st.lists(one, min_size=1, max_size=1)


@st.composite
def command_lines(draw, job):
    hints = options._field_types(job.Settings)
    words = []
    for name in draw(st.lists(st.sampled_from(sorted(hints)), max_size=6, unique=True)):
        if hints[name] is bool:
            words.append(options.flag(draw(st.sampled_from(["", "no_"])) + name))
        else:
            words += [options.flag(name), *draw(words_for(hints[name]))]
    return words


def resolved(job, words):
    """The settings, or None where they are refused in one sentence."""
    output = io.StringIO()
    try:
        with contextlib.redirect_stdout(output), contextlib.redirect_stderr(output):
            return job.resolved(options.read_command_line(job.Settings, words, program="job"))
    except (ValueError, UsageError, OSError) as error:
        check_words(sentence(error))
    except SystemExit as stopped:  # by tyro: no such choice, no number
        assert stopped.code in (0, 2) and "Traceback" not in output.getvalue()
    return None


@settings(max_examples=150, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
@given(st.data())
@pytest.mark.long
@pytest.mark.parametrize("job", JOBS, ids=lambda job: job.__name__)
def test_any_command_line_is_refused_or_can_be_asked_for_again(job, data):
    asked = resolved(job, data.draw(command_lines(job)))
    if asked is None:
        return
    values = options.flatten(asked)
    written = yaml.safe_load(yaml.safe_dump(options.plain(values), allow_unicode=True))
    assert options.build(job.Settings, written) == asked
    name = job.__name__.rpartition(".")[2]
    again = resolved(job, shlex.split(options.command(name, asked))[3:])
    left_out = {*options._LEFT_OUT, *options._STANDS_FOR_A_PATH}
    assert again is not None
    for setting, value in options.flatten(again).items():
        assert setting in left_out or value == values[setting], setting
