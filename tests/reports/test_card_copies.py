"""What a card says of images that occur twice."""

import pytest

from skinkeras.reports import check_record, model_card

COPIES = {"exact": 3, "near": 99, "of_different_groups": 1, "across_subsets": 0}


def test_a_record_without_these_facts_has_no_sentence_on_copies(binary):
    card = model_card(binary)
    assert "occur twice" not in card and "no test of the model" not in card


def test_copies_and_overlaps_are_part_of_the_data(binary):
    binary["data"] |= {"duplicates": COPIES, "left_out": 15, "overlaps": ["isic2018", "isic2019"]}
    check_record(binary)
    data = model_card(binary).split("## Data")[1].split("\n## ")[0]
    for sentence in (
        "3 pairs of equal files and 99 pairs of nearly equal images, 1 of these of different lesions or patients.",
        "The images of a pair are in one subset.",
        "Left out, because they are missing or cannot be read: 15 images.",
        "Other data sets share images with this one and cannot test the model independently: `isic2018`, `isic2019`.",
    ):
        assert sentence in data


def test_pairs_that_the_split_divides_are_a_limit(binary):
    binary["data"]["duplicates"] = COPIES | {"across_subsets": 1}
    card = model_card(binary)
    assert "are in one subset" not in card
    assert "- Of equal or nearly equal images, 1 pair is divided between two subsets" in card


def test_that_there_are_no_copies_is_said(binary):
    binary["data"]["duplicates"] = dict.fromkeys(COPIES, 0)
    assert "No two of the images are the same file or nearly equal." in model_card(binary)


@pytest.mark.parametrize("wrong", [{"exact": 1}, COPIES | {"near": -1}, COPIES | {"other": 1}])
def test_wrong_counts_do_not_fit_the_schema(binary, wrong):
    binary["data"]["duplicates"] = wrong
    with pytest.raises(ValueError, match=r"at data\.duplicates"):
        check_record(binary)
