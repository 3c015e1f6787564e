"""Figures 5 and 6 of Gilal et al. 2023: which runs they show, and what is drawn of them."""

import numpy as np
import pandas as pd
import pytest

from pipelines.sweeps.gilal2023 import figures
from pipelines.sweeps.gilal2023.paper_report import data_management_runs, loss_runs

STANDS_FOR = {"lite0": "efficientnet_b0", "lite2": "efficientnet_b2"}
LOSSES = {"crossentropy": np.nan, "focal": np.nan, "recall": 10.0, "inverse_frequency": np.nan}


@pytest.fixture
def runs():
    """Three architectures x two training sets at two balance ratios x four losses."""
    rows = [
        {
            "model": model, "loss": loss, "loss_name": loss, "gamma": gamma, "blurred": blurred, "rounds": rounds,
            "cleaning": "small" if rounds else "", "balance_ratio": (0.2 + 0.2 * blurred) * (1 + 3 * (rounds > 0)),
        }
        for model in ("lite4", "lite0", "lite2")
        for blurred in (False, True)
        for rounds in (0, 2)
        for loss, gamma in LOSSES.items()
    ]  # fmt: skip
    return pd.DataFrame(rows)


@pytest.fixture
def rates(runs):
    """Miss rates of 0.00, 0.01, ... and false alarm rates of twice as much, without uncertainty."""
    values = np.repeat(np.arange(len(runs))[:, None] / 100, 3, axis=1)
    return {"miss_rate": values, "false_alarm_rate": 2 * values}


@pytest.fixture
def drawn(monkeypatch):
    """The figures that were drawn, in the place of files."""
    found = []
    monkeypatch.setattr(figures, "save", lambda figure, path: found.append(figure))
    return found


def points(axes):
    """{colour and line style: [(x, y)]} of the lines of a panel."""
    return {
        (str(line[0].get_color()), line[0].get_linestyle()): line[0].get_xydata().tolist()
        for line in axes.containers
    }


def test_figure_5_shows_two_architectures_with_and_without_blur(runs, rates, drawn, tmp_path):
    chosen = data_management_runs(runs, STANDS_FOR)
    assert set(chosen["model"]) == {"lite0", "lite2"}
    assert set(chosen["loss"]) == {"crossentropy"}
    assert set(data_management_runs(runs, {})["model"]) == {"lite4", "lite0"}  # the first two
    figures.data_management(chosen, rates, tmp_path / "figure_5.png")
    left, right = drawn[0].axes
    assert (left.get_xlabel(), left.get_ylabel()) == (
        "False alarm rate (benign flagged)",
        "Miss rate (malignant missed)",
    )
    assert right.get_xlabel() == "Balance ratio (malignant / benign training images)"
    assert len(left.containers) == 4  # two models, each with and without blur
    assert len(right.containers) == 8  # both error rates of each
    row = chosen[(chosen["model"] == "lite2") & chosen["blurred"] & (chosen["rounds"] == 2)].index[0]
    assert [0.02 * row, 0.01 * row] in [
        pytest.approx(point) for line in points(left).values() for point in line
    ]
    assert [1.6, 0.02 * row] in [pytest.approx(point) for line in points(right).values() for point in line]


def test_figure_6_shows_the_losses_of_one_architecture_on_blurred_images(runs, rates, drawn, tmp_path):
    chosen = loss_runs(runs, STANDS_FOR)
    assert set(chosen["model"]) == {"lite2"}
    assert chosen["blurred"].all()
    assert set(chosen["loss"]) == {"crossentropy", "focal", "recall"}
    figures.losses(chosen, rates, tmp_path / "figure_6.png")
    left, right = drawn[0].axes
    assert (left.get_ylabel(), right.get_ylabel()) == ("Miss rate (malignant missed)",) * 2
    assert (
        len(left.containers) == len(right.containers) == 3
    )  # a line a loss; on the right, the miss rate alone
    assert all([x for x, _ in line] == [0.4, 1.6] for line in points(right).values())


def test_runs_that_differ_in_the_seed_alone_are_one_point(runs, rates, drawn, tmp_path):
    chosen = runs[
        (runs["model"] == "lite2") & (runs["loss"] == "focal") & runs["blurred"] & (runs["rounds"] == 0)
    ]
    both = pd.concat([chosen, chosen]).set_axis([3, 5])
    figures.losses(both, rates, tmp_path / "figure_6.png")
    ((line,),) = (points(axes).values() for axes in drawn[0].axes[:1])
    assert line == [pytest.approx([0.08, 0.04])]


def test_a_sweep_without_such_runs_has_no_figure(runs):
    plain = runs[(runs["loss"] == "inverse_frequency") & ~runs["blurred"]]
    assert data_management_runs(plain, {}).empty and loss_runs(plain, {}).empty
