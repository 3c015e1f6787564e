"""Every number of a command line at its ends: refused in one sentence before TensorFlow is loaded, or right."""

import math
import subprocess
import sys
import types
import typing

import pytest
from processes import SURROUNDINGS
from refusals import check_words

from pipelines import benchmark, binary, clean, demo, multiclass, predict, sweep
from pipelines.common import options
from skinkeras.errors import UsageError

JOBS = (binary, multiclass, clean)
HUGE = (10**21, 2**64, 2**63, 2**32, 2**31)
TINY = (0.0, -0.0, 1e-320, 5e-324)
ENDS = {
    int: (0, -1, *HUGE),
    float: (*TINY, -1.0, 1e21, 1e308, float(2**32), math.inf, -math.inf, math.nan),
}
#: What a number takes to be looked at beside itself.
COMPANIONS = {
    "blur_strength": {"oversample": "g23"},
    "clean_rounds": {"clean": "custom", "clean_remove": 2.0},
    "clean_remove": {"clean": "custom", "clean_rounds": 2},
    "clean_until_ratio": {"clean": "custom", "clean_remove": 2.0},
    "focal_delta": {"loss": "focal"},
    "lstm_units": {"model": "hierarchical_efficientnet_lite0"},
}
#: The ends that are right; all others are refused.
RIGHT = {
    "max_images": HUGE,  # more than there are: all of them
    "blur_strength": TINY,
    "clean_remove": (2**32,),  # which images decide
    "clean_folds": (0,),
    "dropout": TINY,
    "feature_dropout": TINY,
    "gamma": (*TINY, 2**32),
    "recall_momentum": TINY,
    "recall_floor": TINY,
    "focal_delta": TINY,
    "seed": (0, 2**31),
    "data_seed": (0, 2**31),
    "head_epochs": (0,),
    "validation": (0, 1e-300, *TINY),
    "not_sure": (0,),
}


def numbers_of(settings_class):
    """(name, type, how many; 0: not a tuple) of the settings that are numbers."""
    for name, hint in options._field_types(settings_class).items():
        for choice in typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,):
            inner = typing.get_args(choice)
            if typing.get_origin(choice) is tuple and inner[0] in ENDS:
                yield name, inner[0], 1 if Ellipsis in inner else len(inner)
            elif choice in ENDS:
                yield name, choice, 0


def ends_of(job):
    """(job, name, value) of every number at each of its ends."""
    return [
        (job, name, (end,) * many if many else end)
        for name, kind, many in numbers_of(job.Settings)
        for end in ENDS[kind]
    ]


def name_of(value):
    return value.__name__ if isinstance(value, types.ModuleType) else str(value)


TRAINING = [case for job in JOBS for case in ends_of(job)]


@pytest.mark.parametrize(("job", "name", "value"), TRAINING, ids=name_of)
def test_a_number_at_its_end_is_refused_in_one_sentence_or_right(job, name, value):
    words = options.flags({**COMPANIONS.get(name, {}), name: value})
    try:
        job.resolved(options.read_command_line(job.Settings, words, program="job"))
    except (ValueError, UsageError) as error:
        accepted, text = False, str(error)
        assert options.flag(name).replace("-", "_").lstrip("_") in text.replace("-", "_"), text
        assert "\n" not in text and len(text) < 200
        check_words(text)
    else:
        accepted = True
    assert accepted == ((value[0] if isinstance(value, tuple) else value) in RIGHT.get(name, ()))


OTHERS = [case for job in (predict, benchmark, demo) for case in ends_of(job)]
RIGHT_FOR_OTHERS = {"port": (0,)}


def given(job, name, value, tmp_path):
    """Settings of a job, one of which is at its end; the files that they name do not exist."""
    positional = {
        predict: {"file": tmp_path / "a.tflite", "images": ()},
        benchmark: {"files": ()},
        sweep: {"grid": tmp_path / "absent.yaml", "out": tmp_path / "sweep"},
        demo: {"out": tmp_path / "page", "models": tmp_path / "absent"},
    }[job]
    return job.Settings(**positional, **{name: value})


@pytest.mark.parametrize(("job", "name", "value"), [*OTHERS, *ends_of(sweep)], ids=name_of)
def test_a_number_of_another_job_is_refused_before_anything_else(job, name, value, tmp_path):
    with pytest.raises(UsageError) as refused:
        job.main(given(job, name, value, tmp_path))
    check_words(str(refused.value))
    # What is right goes on to the files, which are not there.
    right = (value[0] if isinstance(value, tuple) else value) in {**RIGHT_FOR_OTHERS, "run_gpus": TINY}.get(
        name, ()
    )
    assert (options.flag(name) in str(refused.value)) != right, str(refused.value)
    assert not any(tmp_path.iterdir())


def test_as_many_numbers_are_tried_as_there_are():
    assert len({(job, name) for job, name, _ in TRAINING}) >= 40
    assert {name for _, name, _ in [*OTHERS, *ends_of(sweep)]} == {
        *("threads", "runs", "rounds", "port", "workers", "run_cpus", "run_gpus")
    }


def test_a_number_that_is_refused_ends_the_process_with_2_and_one_line(tmp_path):
    words = ["-m", "pipelines.binary", "--batch-size", str(10**21), "--out", tmp_path / "run"]
    done = subprocess.run([sys.executable, *words], capture_output=True, text=True, **SURROUNDINGS)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"Error: --batch-size must be at most 65536. Received: {10**21}\n"
    assert not (tmp_path / "run").exists()
