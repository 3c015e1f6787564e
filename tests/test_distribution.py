"""Training on several devices of a `tf.distribute` strategy is the training on one."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("distribution_cases.py")
RECALL = {
    "recall": ("1", "2", "4", "4 collective"),
    "recall_epoch_in_a_weighting": ("2",),
    "recall_same_batch": ("2", "4"),
    "recall_of_diagnoses_four_steps_at_once": ("2",),
    "recall_made_outside_the_scope": ("2",),
}
SCHEDULES = {
    "one_cycle": ("1", "2", "4"),
    "one_cycle_adamw_four_steps_at_once": ("2",),
    "one_cycle_loss_scaled": ("2",),
    "curriculum": ("1", "2", "4"),
    "curriculum_per_class": ("2",),
    "resumed": ("2",),
    "phase": ("2",),
}
CASES = {**RECALL, **SCHEDULES}

# One process makes all trainings, before the first test.
pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def found():
    """What each case of the script gave: {name: {number of devices as text, "0": no strategy: results}}."""
    done = subprocess.run([sys.executable, SCRIPT], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


def pairs(cases):
    return [pytest.param(name, devices, id=f"{name}-{devices}") for name in cases for devices in cases[name]]


def test_every_case_is_compared(found):
    assert {name: tuple(results) for name, results in found.items()} == {
        name: ("0", *devices) for name, devices in CASES.items()
    }


@pytest.mark.parametrize(("name", "devices"), pairs(CASES))
def test_several_devices_train_as_one_does(found, name, devices):
    alone, together = found[name]["0"], found[name][devices]
    assert set(together) == set(alone)
    for quantity, values in alone.items():
        assert together[quantity] == pytest.approx(values, rel=1e-4, abs=1e-5), quantity


@pytest.mark.parametrize(("name", "devices"), pairs(RECALL))
def test_miss_rates_are_those_of_one_device_to_the_last_digit(found, name, devices):
    for rate in ("miss_rate_0", "miss_rate_1"):
        assert found[name][devices][rate] == found[name]["0"][rate]
    assert len(set(found[name]["0"]["miss_rate_0"])) > 1  # they move


def test_where_a_loss_is_made_and_how_devices_reduce_changes_nothing(found):
    for rate in ("miss_rate_0", "miss_rate_1"):
        expected = found["recall"]["0"][rate]
        assert found["recall_made_outside_the_scope"]["2"][rate] == expected


@pytest.mark.parametrize("devices", ["0", "2"])
@pytest.mark.parametrize("name", ["resumed", "phase"])
def test_a_resumed_training_ends_where_an_uninterrupted_one_ends(found, name, devices):
    assert found[name][devices]["resumed"] == found[name][devices]["whole"]


def test_learning_rates_and_momentums_are_those_of_one_device_to_the_last_digit(found):
    for name in ("learning_rate", "momentum"):
        assert found["one_cycle"]["4"][name] == found["one_cycle"]["0"][name]
