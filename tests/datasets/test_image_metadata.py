"""What is known of an image beyond its label, and what stands for "not known"."""

import pandas as pd
import pytest

from skinkeras.datasets import METADATA, Manifest, ham10000, split


def manifest(count=40, **columns):
    rows = {
        "image": [f"{i}.jpg" for i in range(count)],
        "image_id": [f"id{i}" for i in range(count)],
        "label": [("a", "b")[i % 2] for i in range(count)],
    }
    return Manifest(pd.DataFrame({**rows, **columns}), ("a", "b"), origin="my.csv")


@pytest.mark.parametrize(
    "word",
    [
        "unknown",
        "Unknown",
        "-1",
        "n/a",
        "NA",
        "none",
        "nan",
        " UNK ",
        "NULL",
        "-",
        "#N/A",
        "Not_Available",
        "-999",
        ".",
    ],
)
@pytest.mark.parametrize("column", ["lesion_id", "patient_id"])
def test_a_placeholder_is_a_missing_value_and_is_said_once(column, word):
    read = manifest(**{column: [word if i % 2 else f"L{i}" for i in range(40)]})
    assert read.table[column].isna().sum() == 20
    assert len(set(read.groups())) == 40
    (sentence,) = read.notes
    assert sentence.startswith(f"{column} is {word.strip()!r} for 20 of 40 images:")
    assert read.select(range(10)).binary(("a",)).notes == read.notes
    assert read.warnings() == []


def test_zero_is_a_placeholder_unless_it_is_a_number_among_numbers():
    read = manifest(lesion_id=["0" if i % 2 else f"L{i}" for i in range(40)])
    assert read.table["lesion_id"].isna().sum() == 20
    # Half of all images are no lesion either, whatever the others are called.
    read = manifest(lesion_id=["0" if i % 2 else str(i + 1) for i in range(40)])
    assert read.table["lesion_id"].isna().sum() == 20
    read = manifest(lesion_id=[str(i // 2) for i in range(40)])
    assert read.table["lesion_id"].notna().all()
    assert read.notes == ()
    assert len(set(read.groups())) == 20


def test_an_id_of_many_images_is_named():
    read = manifest(200, patient_id=["clinic" if i < 50 else f"p{i}" for i in range(200)])
    (sentence,) = read.warnings()
    assert "'clinic' (25%)" in sentence
    assert manifest(40, patient_id=[f"p{i // 4}" for i in range(40)]).warnings() == []


KNOWN = {
    "acquisition": "clinic",
    "age": "45",
    "sex": "F",
    "site": "back",
    "confirmed_by": "histopathology",
    "skin_tone": "III",
}


def test_metadata_goes_through_everything_that_is_made_of_a_manifest(tmp_path):
    read = manifest(60, **{name: [value, None] * 30 for name, value in KNOWN.items()})
    wanted = {**KNOWN, "age": 45.0, "sex": "female"}
    read.to_csv(tmp_path / "manifest.csv")
    again = Manifest.from_csv(tmp_path / "manifest.csv")
    limited = read.limit(40)
    for other in (read, read.select(range(10)), read.binary(("a",)), limited, again):
        row = int(other.table["age"].notna().to_numpy().nonzero()[0][0])
        assert other.table.loc[row, list(METADATA)].to_dict() == wanted
    assert again.table[list(METADATA)].equals(read.table[list(METADATA)])
    assert len(split(again)) == 60


def test_saved_twice_is_the_same_file(tmp_path):
    read = manifest(60, **{name: [value, None] * 30 for name, value in KNOWN.items()})
    first, second = tmp_path / "one.csv", tmp_path / "two.csv"
    read.to_csv(first)
    Manifest.from_csv(first).to_csv(second)
    assert first.read_bytes() == second.read_bytes()


def test_columns_of_which_nothing_is_known_are_not_written(tmp_path):
    manifest(age=[50] * 40).to_csv(tmp_path / "manifest.csv")
    header = (tmp_path / "manifest.csv").read_text().splitlines()[0]
    assert header == "image,image_id,label,lesion_id,patient_id,source,age"


@pytest.mark.parametrize(
    ("column", "value", "sentence"),
    [
        ("age", "old", "'old' is not an age in years, 0 to 120"),
        ("age", "-5", "'-5' is not an age"),
        ("age", "300", "'300' is not an age"),
        ("sex", "cat", "'cat' is not one of male, female, other"),
    ],
)
def test_a_value_that_cannot_be_is_named_with_its_line(column, value, sentence):
    values = [None, value, *[None] * 38]
    with pytest.raises(ValueError, match=f"my.csv, line 3, column {column}: {sentence}"):
        manifest(**{column: values})


@pytest.mark.parametrize(("written", "meant"), [("85+", 85.0), ("0", 0.0), ("unknown", None), (30, 30.0)])
def test_ages_are_years(written, meant):
    assert manifest(age=[written] * 40).table["age"].tolist() == [meant] * 40


@pytest.mark.parametrize(
    ("column", "written", "meant"),
    [
        ("confirmed_by", "histo", "histopathology"),
        ("confirmed_by", " Histopathology", "histopathology"),
        ("confirmed_by", "Biopsy", "histopathology"),
        ("confirmed_by", "follow_up", "follow-up"),
        ("confirmed_by", "teledermatology", "teledermatology"),
        ("sex", "MALE", "male"),
        ("site", " Lower  extremity ", "Lower extremity"),
        ("site", "N/A", None),
        ("acquisition", "1", "1"),
        ("skin_tone", 4, "4"),
    ],
)
def test_metadata_have_one_spelling(column, written, meant):
    assert manifest(**{column: [written] * 40}).table[column].tolist() == [meant] * 40


@pytest.mark.parametrize("column", ["source", "acquisition", "site", "confirmed_by", "skin_tone"])
def test_of_spellings_that_differ_in_case_and_spaces_the_commonest_counts(column, tmp_path):
    read = manifest(**{column: ["Back", "BACK", "back ", "Back"] * 9 + ["arm", None, "Arm", "ARM"]})
    assert read.table[column].value_counts().to_dict() == {"Back": 36, "ARM": 3}
    read.to_csv(tmp_path / "manifest.csv")
    again = Manifest.from_csv(tmp_path / "manifest.csv")
    assert again.table[column].tolist() == read.table[column].tolist()


def test_ham10000_keeps_all_that_is_known(shared_data):
    table = ham10000(shared_data / "ham10000").table
    # Of 57 images each the sex and the age are not known, and of 234 the site.
    known = {
        "acquisition": 10015,
        "age": 9958,
        "sex": 9958,
        "site": 9781,
        "confirmed_by": 10015,
        "skin_tone": 0,
    }
    assert table[list(METADATA)].notna().sum().to_dict() == known
    assert table["acquisition"].value_counts()["vidir_molemax"] == 3954
    assert table["confirmed_by"].value_counts().to_dict() == {
        "histopathology": 5340, "follow-up": 3704, "consensus": 902, "confocal": 69,
    }  # fmt: skip
