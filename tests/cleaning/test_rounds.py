import json

import numpy as np
import pandas as pd
import pytest

from skinkeras.cleaning import PRESETS, CleaningError, CleaningPlan, CleaningRounds


def rows(labels="BBBBMBMB"):
    table = pd.DataFrame({"image_id": [f"i{n}" for n in range(len(labels))], "variant": "itself"})
    return table.assign(label=["malignant" if label == "M" else "benign" for label in labels])


LOSSES = np.array([0.1, 0.9, 0.3, 0.5, 7.0, 0.5, 8.0, 0.2])


def test_the_benign_rows_of_highest_loss_go_and_malignant_ones_stay(tmp_path):
    rounds = CleaningRounds(tmp_path, rows(), CleaningPlan(2, 2))
    assert rounds.remaining().all()
    rounds.record(LOSSES)
    # Row 1 (0.9); of the equal ones (0.5) the earlier, row 3. Rows 4 and 6 are malignant.
    assert np.flatnonzero(~rounds.remaining()).tolist() == [1, 3]
    assert rounds.counts() == {"benign": 4, "malignant": 2, "ratio": 0.5}
    assert rounds.ranking(1)["rank"].tolist() == [8, 3, 6, 4, 2, 5, 1, 7]
    rounds.record(-LOSSES + 10)
    assert np.flatnonzero(~rounds.remaining()).tolist() == [0, 1, 3, 7]
    assert rounds.ranking(2)["rank"].isna().tolist() == [False, True, False, True] + [False] * 4
    assert rounds.is_complete
    assert rounds.remaining(1).sum() == 6


def test_a_row_that_is_gone_needs_no_loss_and_a_row_that_is_left_does(tmp_path):
    rounds = CleaningRounds(tmp_path, rows(), CleaningPlan(3, 1))
    rounds.record(LOSSES)
    rounds.record(np.where(rounds.remaining(), LOSSES, np.nan))
    with pytest.raises(CleaningError, match="Round 3 of the cleaning has losses that are not finite"):
        rounds.record(np.full(8, np.nan))


def test_another_process_goes_on_where_this_one_stopped(tmp_path):
    first = CleaningRounds(tmp_path, rows(), CleaningPlan(2, 2))
    first.record(LOSSES)
    second = CleaningRounds(tmp_path, rows(), CleaningPlan(2, 2))
    assert second.done == 1
    assert (second.remaining() == first.remaining()).all()
    assert second.ranking(1)["loss"].tolist() == LOSSES.tolist()
    for rounds in (first, second):
        rounds.record(LOSSES)
    pd.testing.assert_frame_equal(first.ranking(2), second.ranking(2))


def test_variants_of_an_image_count_singly(tmp_path):
    table = rows("BBBM").assign(image_id=["a", "a", "b", "c"], variant=["itself", "flip", "itself", "itself"])
    rounds = CleaningRounds(tmp_path, table, CleaningPlan(1, 1))
    rounds.record([0.1, 0.9, 0.2, 5])
    assert rounds.remaining().tolist() == [True, False, True, True]


def test_the_first_rounds_of_a_longer_cleaning_can_be_used(tmp_path):
    long = CleaningRounds(tmp_path, rows(), CleaningPlan(3, 1))
    for _ in range(3):
        long.record(LOSSES)
    short = CleaningRounds(tmp_path, rows(), CleaningPlan(2, 1))
    assert short.is_complete
    assert (short.remaining() == long.remaining(2)).all()


@pytest.mark.parametrize(
    ("table", "plan", "settings", "name"),
    [
        (rows("BBBBMBMM"), CleaningPlan(1, 1), {"seed": 0}, "digest"),
        (rows("BBBBMBM"), CleaningPlan(1, 1), {"seed": 0}, "digest"),
        (rows(), CleaningPlan(1, 2), {"seed": 0}, "removals"),
        (rows(), CleaningPlan(1, 1), {"seed": 1}, "seed=0, this one has seed=1"),
    ],
)
def test_the_cleaning_of_something_else_is_refused(tmp_path, table, plan, settings, name):
    CleaningRounds(tmp_path, rows(), CleaningPlan(1, 1), {"seed": 0}).record(LOSSES)
    with pytest.raises(ValueError, match=rf"holds a cleaning with {name}"):
        CleaningRounds(tmp_path, table, plan, settings)


def test_a_folder_that_was_gone_on_with_otherwise_is_refused(tmp_path):
    CleaningRounds(tmp_path, rows("BBBBBBBBBBM"), CleaningPlan(1, 3)).record(np.arange(11.0))
    CleaningRounds(tmp_path, rows("BBBBBBBBBBM"), CleaningPlan(2, 3)).record(np.arange(11.0))
    # One malignant at a ratio of 0.2 leaves 5 benign rows: removals of 3 and 2, where 3 and 3 were done.
    with pytest.raises(ValueError, match=r"round_2.csv is the ranking of another cleaning \(3 of 11 rows"):
        CleaningRounds(tmp_path, rows("BBBBBBBBBBM"), CleaningPlan(None, 3, until_ratio=0.2))


def test_rows_that_are_shown_otherwise_are_other_rows(tmp_path):
    CleaningRounds(tmp_path, rows().assign(rho=0.01), CleaningPlan(1, 1)).record(LOSSES)
    with pytest.raises(ValueError, match="holds a cleaning with digest"):
        CleaningRounds(tmp_path, rows().assign(rho=0.02), CleaningPlan(1, 1))


def test_a_full_disk_leaves_no_round_behind(tiny_disk):
    rounds = CleaningRounds(tiny_disk, rows("B" * 5_000 + "M"), CleaningPlan(1, 5))
    with pytest.raises(OSError, match="No space left"):
        rounds.record(np.arange(5_001.0))
    assert CleaningRounds(tiny_disk, rows("B" * 5_000 + "M"), CleaningPlan(1, 5)).done == 0


def test_a_folder_of_something_else_is_refused(tmp_path):
    plan = CleaningPlan(2, 2)
    (tmp_path / "picture.jpg").write_text("")
    with pytest.raises(ValueError, match="is not empty and holds no cleaning"):
        CleaningRounds(tmp_path, rows(), plan)
    assert [path.name for path in tmp_path.iterdir()] == ["picture.jpg"]
    CleaningRounds(tmp_path / "cleaning", rows(), plan).record(LOSSES)
    with pytest.raises(ValueError, match=r"holds no cleaning, but .*cleaning does"):
        CleaningRounds(tmp_path, rows(), plan)


WITHIN_FOLDS = {"clean_folds": 2, "ranked_within_folds": True}


def test_folds_whose_models_differ_in_scale_lose_images_in_proportion(tmp_path):
    # Three quarters of the benign rows are in fold 0, whose model has losses a hundred times smaller.
    rng = np.random.default_rng(0)
    folds = np.repeat([0, 1], [750, 250])
    losses = rng.exponential(size=1000) * np.where(folds == 0, 0.01, 1)
    for name, settings, removed in (("pooled", {}, [0, 80]), ("within", WITHIN_FOLDS, [60, 20])):
        rounds = CleaningRounds(tmp_path / name, rows("B" * 1000 + "M"), CleaningPlan(1, 80), settings)
        rounds.record([*losses, 3.0], [*folds, 1])
        gone = ~rounds.remaining()[:1000]
        assert [gone[folds == fold].sum() for fold in (0, 1)] == pytest.approx(
            removed, abs=4 * (name == "pooled")
        )
    for fold in (0, 1):  # and in each the highest losses
        assert losses[gone & (folds == fold)].min() > losses[~gone & (folds == fold)].max()


def test_ranks_within_folds_by_hand(tmp_path):
    rounds = CleaningRounds(tmp_path, rows("BBBBMBM"), CleaningPlan(2, 2), WITHIN_FOLDS)
    # Benign of fold 0: 0.4, 0.3, 0.2; of fold 1: 9, 8. Above each are 0, 1/3, 2/3 and 0, 1/2 of them, and half a row:
    # 1/6, 3/6, 5/6 and 1/4, 3/4; a malignant row of fold 0 below all of them has 7/6, of fold 1 above all 1/4.
    rounds.record([0.4, 0.3, 0.2, 9.0, 0.1, 8.0, 10.0], [0, 0, 0, 1, 0, 1, 1])
    assert rounds.ranking(1)["rank"].tolist() == [1, 4, 6, 2, 7, 5, 3]
    assert np.flatnonzero(~rounds.remaining()).tolist() == [0, 3]
    again = CleaningRounds(tmp_path, rows("BBBBMBM"), CleaningPlan(2, 2), WITHIN_FOLDS)
    assert again.ranking(1)["fold"].tolist() == [0, 0, 0, 1, 0, 1, 1]
    for each in (rounds, again):
        each.record([np.nan, 0.3, 0.2, np.nan, 0.1, 8.0, 10.0], [-1, 0, 0, -1, 0, 1, 1])
    pd.testing.assert_frame_equal(rounds.ranking(2), again.ranking(2))
    assert rounds.ranking(2)["fold"].isna().tolist() == [True, False, False, True, False, False, False]


def test_a_cleaning_that_pooled_its_folds_goes_on_as_it_began(tmp_path):
    begun = CleaningRounds(tmp_path, rows(), CleaningPlan(2, 2), {"clean_folds": 2})
    begun.record(LOSSES)
    again = CleaningRounds(tmp_path, rows(), CleaningPlan(2, 2), WITHIN_FOLDS)
    folds = [0, 0, 0, 0, 1, 1, 1, 1]
    begun.record(LOSSES)
    again.record(LOSSES, folds)
    pd.testing.assert_frame_equal(begun.ranking(2), again.ranking(2))


@pytest.mark.parametrize("rounds_asked", [2, 3, 4])
def test_a_cleaning_of_the_earlier_blur_preset_goes_on_as_it_began(tmp_path, rounds_asked):
    table = rows("B" * 52066 + "M" * 16340)
    begun = CleaningRounds(tmp_path, table, CleaningPlan(4, 12_000, 5_066))
    begun.record(np.arange(len(table), dtype=float))
    assert json.loads((tmp_path / "cleaning.json").read_text())["removals"] == [12000, 12000, 12000, 11000]
    again = CleaningRounds(tmp_path, table, PRESETS["blur"].first(rounds_asked))
    assert again.removals == [12000, 12000, 12000, 11000][:rounds_asked]
    assert again.done == 1
