import pytest

from skinkeras.cleaning import PRESETS, CleaningPlan

# Gilal et al. 2023: benign and malignant training images of ISIC-merge and of ISIC-blur.
MERGE, BLUR = (26033, 4085), (52066, 16340)


def benign_after_each_round(plan, benign, malignant):
    sizes = [benign]
    for removed in plan.removals(benign, malignant):
        sizes.append(sizes[-1] - removed)
    return sizes


def test_the_papers_sizes():
    # The paper prints 14,033, 8,033 and 2,045 for the merge, 15,066 and 5,066 for the blurred set.
    assert benign_after_each_round(PRESETS["merge"], *MERGE) == [26033, 20033, 14033, 8033, 2045]
    assert benign_after_each_round(PRESETS["blur"], *BLUR) == [52066, 40066, 28066, 15066, 5066]


@pytest.mark.parametrize("name", ["merge", "blur"])
def test_a_scaled_preset_is_the_preset_on_the_papers_data_and_a_tenth_on_a_tenth(name):
    size = MERGE if name == "merge" else BLUR
    scaled = PRESETS[f"{name}-scaled"]
    assert scaled.removals(*size) == PRESETS[name].removals(*size)
    tenth = scaled.removals(size[0] // 10, size[1] // 10)
    assert tenth == pytest.approx([removed / 10 for removed in PRESETS[name].removals(*size)], abs=1.5)


def test_the_papers_ratios_on_nine_tenths_of_its_images():
    # A run takes a tenth of the training images for validation; the paper ends at ratios of 1.99 and 3.225.
    for name, benign, malignant, ratio in (("merge", 23430, 3676, 1.99), ("blur", 46860, 14704, 3.225)):
        left = benign_after_each_round(PRESETS[f"{name}-scaled"], benign, malignant)[-1]
        assert malignant / left == pytest.approx(ratio, abs=0.01)


def test_it_stops_at_the_balance_ratio():
    # 100 malignant at a ratio of 0.5 are 200 benign: 1000 -> 700 -> 400 -> 200.
    assert CleaningPlan(None, 300, until_ratio=0.5).removals(1000, 100) == [300, 300, 200]
    assert CleaningPlan(None, 0.3, until_ratio=0.5).removals(1000, 100) == [300, 300, 200]
    assert CleaningPlan(9, 300, until_ratio=0.5).removals(1000, 100) == [300, 300, 200]


def test_the_first_rounds():
    assert PRESETS["merge"].first(2).removals(*MERGE) == [6000, 6000]
    assert PRESETS["blur"].first(3).removals(*BLUR) == [12000, 12000, 13000]


@pytest.mark.parametrize(
    ("plan", "message"),
    [
        (CleaningPlan(2, 500), "2 rounds of 500 would remove all 1000 benign images"),
        (PRESETS["merge"], "There are 1000 benign images and 2045 are to be kept: nothing to clean"),
        (CleaningPlan(2, 0.0004), "0.0004 of 1000 benign images is less than one a round"),
        (CleaningPlan(None, 100, until_ratio=0.05), "balance ratio of 0.05 cannot be reached"),
        (CleaningPlan(None, 100, until_ratio=101), "balance ratio of 101 cannot be reached"),
        (CleaningPlan(2, 100, until_ratio=0.5), "leave 800 benign images, a balance ratio of 0.125, below"),
    ],
)
def test_what_does_not_suit_the_data_is_refused(plan, message):
    with pytest.raises(ValueError, match=message):
        plan.removals(1000, 100)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"rounds": 0, "remove": 5}, "rounds must be at least 1"),
        ({"rounds": None, "remove": 5}, "needs a number of rounds or a balance ratio"),
        ({"rounds": 1, "remove": 0}, "remove must be"),
        ({"rounds": 2, "remove": (5, 0)}, "remove must be"),
        ({"rounds": 2, "remove": (5,)}, "one number for each of 2 rounds"),
        ({"rounds": 1, "remove": 1.5}, "remove must be"),
        ({"rounds": 1, "remove": -3}, "remove must be"),
        ({"rounds": 1, "remove": 5, "until_ratio": 0}, "ratio must be positive"),
        ({"rounds": 1, "remove": 5, "until_ratio": float("nan")}, "ratio must be positive"),
    ],
)
def test_a_plan_that_says_nothing_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        CleaningPlan(**arguments)
