"""A job's settings as groups, as a flat dict and as a command line; what they refuse."""

import dataclasses
import re
import shlex
import types
import typing
from pathlib import Path

import pytest
import yaml
from refusals import refused
from refused_settings import BY_A_GROUP, BY_A_JOB, JOBS

from pipelines import binary, clean, multiclass
from pipelines.common import options
from pipelines.common.options import Options, build, defaults, flags, flatten, option_names, parse, plain

#: What a setting takes to be accepted beside itself.
COMPANIONS = {
    "devices": {"strategy": "mirrored"},
    "blur_strength": {"oversample": "g23"},
    "clean_rounds": {"clean": "merge"},
    "clean_remove": {"clean": "custom", "clean_rounds": 2},
    "clean_until_ratio": {"clean": "custom", "clean_remove": 2.0},
    "clean_dir": {"clean": "merge"},
    "raw_weights": {"weighting": "cb"},
    "constancy_gamma": {"colour_constancy": "yes"},
}
#: Of a name as a command line shows it, and of text that a type does not say enough about.
EXAMPLES = {
    **{"model": "vgg16", "clean_model": "vgg16", "weights": "my file.weights.h5"},
    **{"clean": "blur-scaled", "clean_rounds": 3, "level": 3, "label_column": "diagnosis_3"},
    "operating_point": "sensitivity_95",
    "constancy_gamma": 2.2,
    "data_service": "grpc://10.0.0.5:5050",
}


def types_of(job):
    """{flat name: type}, from the groups themselves."""
    found = {}
    for name, hint in typing.get_type_hints(job.Settings).items():
        is_group = dataclasses.is_dataclass(hint)
        found |= typing.get_type_hints(hint) if is_group else {name: hint}
    return found


def example(hint, usual):
    """A value of a type, other than the usual one."""
    if isinstance(hint, types.UnionType) or typing.get_origin(hint) is typing.Union:
        hint = next(choice for choice in typing.get_args(hint) if choice is not type(None))
    if typing.get_origin(hint) is typing.Literal:
        return next(choice for choice in reversed(typing.get_args(hint)) if choice != usual)
    if hint is bool:
        return not usual
    return {
        int: 7,
        float: 0.25,
        Path: Path("a folder/of mine"),
        tuple[float, float]: (0.001, 0.1),
        tuple[str, ...]: ("mel", "bcc"),
    }[hint]


def given(job, name):
    """Flat values in which the setting `name` is not what it usually is, and that the job takes."""
    value = EXAMPLES.get(name) or example(types_of(job)[name], defaults(job.Settings)[name])
    return {**COMPANIONS.get(name, {}), name: value}


EVERY_SETTING = [(job, name) for job in JOBS for name in option_names(job.Settings)]


def names(value):
    return value.__name__ if isinstance(value, types.ModuleType) else str(value)


@pytest.mark.parametrize(("job", "name"), EVERY_SETTING, ids=names)
def test_every_setting_survives_all_its_forms(job, name):
    values = given(job, name)
    settings = build(job.Settings, values)
    assert flatten(settings) == {**defaults(job.Settings), **values}
    assert build(job.Settings, flatten(settings)) == settings
    assert build(job.Settings, yaml.safe_load(yaml.safe_dump(plain(flatten(settings))))) == settings
    assert parse(job.Settings, flags(flatten(settings))) == settings
    assert parse(job.Settings, flags(values)) == settings


@pytest.mark.parametrize("job", JOBS, ids=names)
def test_settings_as_they_are_and_resolved_survive_all_their_forms(job):
    for settings in (job.Settings(), job.with_defaults(job.Settings())):
        assert parse(job.Settings, flags(flatten(settings))) == settings
        assert build(job.Settings, plain(flatten(settings))) == settings


@pytest.mark.parametrize("job", JOBS, ids=names)
def test_no_two_groups_of_a_job_have_a_setting_of_the_same_name(job):
    fields = [field for field in dataclasses.fields(job.Settings)]
    groups = [field.default for field in fields if isinstance(field.default, Options)]
    every = [field.name for group in groups for field in dataclasses.fields(group)]
    every += [field.name for field in fields if not isinstance(field.default, Options)]
    assert len(set(every)) == len(every)
    assert sorted(option_names(job.Settings)) == sorted(every)


def test_a_setting_that_a_job_does_not_have_is_named():
    with pytest.raises(ValueError, match="There is no setting gama"):
        build(binary.Settings, {"gama": 1})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("epochs", "many"), ("epochs", 2.5), ("epochs", True), ("loss", "triplet"), ("export", "no")),
        *(("positive", "mel"), ("positive", [1]), ("blur_strength", [0.01]), ("weights", None)),
    ],
)
def test_a_value_of_another_type_is_named(name, value):
    with pytest.raises(ValueError, match=f"^--{name.replace('_', '-')} cannot be "):
        build(binary.Settings, {name: value})


def test_a_whole_number_is_a_number():
    assert build(binary.Settings, {"gamma": 10}) == build(binary.Settings, {"gamma": 10.0})


def test_resolving_twice_changes_nothing():
    for job in JOBS:
        once = job.with_defaults(job.Settings())
        assert job.with_defaults(once) == once


# What was said to the released version, and what is said today.
OLD = [
    (binary, "--learn binary", "--target binary"),
    (binary, "--limit 150", "--max-images 150"),
    (multiclass, "--limit=150", "--max-images=150"),
    (clean, "--limit 150", "--max-images 150"),
    (multiclass, "--units 9", "--lstm-units 9"),
    (binary, "--oversample g23 --rho 0.01 0.1", "--oversample g23 --blur-strength 0.01 0.1"),
    (binary, "--split paper", "--split-by paper"),
    (multiclass, "--split=paper", "--split-by=paper"),
    (multiclass, "--splits 3", "--repeats 3"),
    (multiclass, "--base-loss ce", "--loss crossentropy"),
    (multiclass, "--base-loss=focal", "--loss=focal"),
    (multiclass, "--weighting la", "--weighting logit_adjustment"),
    (multiclass, "--weighting=la", "--weighting=logit_adjustment"),
]


@pytest.mark.parametrize(("job", "old", "new"), OLD, ids=names)
def test_what_was_said_to_the_released_version_is_understood(job, old, new):
    assert parse(job.Settings, old.split()) == parse(job.Settings, new.split()) != job.Settings()


def test_settings_of_the_released_version_are_understood():
    old = {"base_loss": "ce", "weighting": "la", "units": 9, "limit": 150, "splits": 3, "split": "paper"}
    new = {
        **{"loss": "crossentropy", "weighting": "logit_adjustment", "lstm_units": 9, "max_images": 150},
        **{"repeats": 3, "split_by": "paper"},
    }
    assert build(multiclass.Settings, old) == build(multiclass.Settings, new)


def help_of(job, capsys):
    with pytest.raises(SystemExit) as stopped:
        options.read_command_line(job.Settings, ["--help"])
    assert stopped.value.code == 0
    return capsys.readouterr().out


@pytest.mark.parametrize("job", JOBS, ids=names)
def test_help_shows_the_names_of_today_alone(job, capsys):
    text = help_of(job, capsys)
    for name in option_names(job.Settings):
        assert re.search(rf"{options.flag(name)}(?![\w-])", text), name
    for _, old, _ in OLD:
        flag = re.match(r"--[\w-]+", old)[0]
        if flag[2:] not in ("oversample", "weighting"):
            assert not re.search(rf"(?<![\w-]){flag}(?![\w-])", text), flag
    assert not re.search(r"[{,](la|ce)[,}]", text)


def refusing_jobs(values):
    """The jobs that have all of these settings, and whose choices they are."""
    for job in JOBS:
        hints = types_of(job)
        if set(values) <= set(hints) and all(
            value in typing.get_args(hints[name])
            or not isinstance(value, str)
            or name in ("model", "clean_model", "data_service")
            or any(value in typing.get_args(choice) for choice in typing.get_args(hints[name]))
            for name, value in values.items()
        ):
            yield job


@pytest.mark.parametrize(("values", "sentence"), BY_A_GROUP, ids=names)
def test_a_group_refuses_a_value_in_one_sentence_in_python_and_on_the_command_line(
    values, sentence, monkeypatch, capsys, tmp_path
):
    jobs = list(refusing_jobs(values))
    assert jobs
    for job in jobs:
        with pytest.raises(ValueError) as refusal:
            build(job.Settings, values)
        assert sentence in str(refusal.value)
        with pytest.raises(ValueError, match=f"^{re.escape(str(refusal.value))}$"):
            parse(job.Settings, flags(values))
        text = refused(monkeypatch, capsys, job, *flags(values), "--out", tmp_path / "run")
        assert text == f"Error: {refusal.value}\n"
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(("job", "words", "sentence"), BY_A_JOB, ids=names)
def test_a_job_refuses_what_does_not_go_together_in_one_sentence(
    job, words, sentence, monkeypatch, capsys, tmp_path
):
    text = refused(monkeypatch, capsys, job, *words, "--out", tmp_path / "run")
    assert sentence in text
    assert text.startswith("Error: ") and text.count("\n") == 1
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    "words", [["--gama", "10"], ["--data", "isic2077"], ["--augmentation", "weak"], ["--epochs", "many"]]
)
def test_unknown_flags_and_choices_are_refused(words, monkeypatch, capsys):
    for job in (binary, multiclass):
        text = refused(monkeypatch, capsys, job, *words)
        assert words[-1] in text or words[0] in text
        with pytest.raises(ValueError, match=words[0].strip("-")):
            parse(job.Settings, words)


COMMANDS = [
    (binary, "--data ham10000 --data-dir DIR --gamma 10.0"),
    (binary, "--oversample g23 --clean merge-scaled --clean-folds 3 --loss focal --no-export"),
    (binary, "--data ham10000 --data-dir DIR --model vgg16_cbam --weights none --positive mel bcc --seed 3"),
    (multiclass, "--quick --data ham10000 --data-dir DIR"),
    (multiclass, "--quick --data ham10000 --data-dir DIR --colour-constancy yes --loss focal --no-export"),
    (
        multiclass,
        "--data ham10000 --data-dir DIR --model hierarchical_efficientnet_lite0 --weighting cb --raw-weights "
        "--optimizer sgd",
    ),
    (clean, "--data ham10000 --data-dir DIR --clean custom --clean-rounds 2 --clean-remove 0.1"),
]


@pytest.mark.parametrize(("job", "words"), COMMANDS, ids=names)
def test_the_shortest_command_asks_for_the_same_run(job, words):
    settings = job.with_defaults(parse(job.Settings, words.split()))
    name = job.__name__.rpartition(".")[2]
    command = shlex.split(options.command(name, settings))
    assert command[:3] == ["python", "-m", job.__name__]
    assert job.with_defaults(parse(job.Settings, command[3:])) == settings
    assert sorted(command[3:]) == sorted(words.split())


def test_the_command_names_no_path_of_this_machine(tmp_path):
    values = {"data": "ham10000", "data_dir": tmp_path, "out": tmp_path / "run", "weights": "none"}
    values |= {"cache_dir": tmp_path, "materialise": tmp_path, "resume": True}
    settings = binary.with_defaults(build(binary.Settings, values))
    expected = "python -m pipelines.binary --data ham10000 --data-dir DIR --weights none"
    assert options.command("binary", settings) == expected
    values |= {"weights": str(tmp_path / "my.weights.h5"), "gamma": 10.0}
    settings = binary.with_defaults(build(binary.Settings, values))
    assert options.command("binary", settings).endswith("--weights FILE --gamma 10.0")
