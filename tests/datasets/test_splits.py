import numpy as np
import pandas as pd
import pytest

from skinkeras.datasets import (
    Manifest,
    check_split,
    ham10000,
    isic_merge,
    load_split,
    save_split,
    split,
    split_method,
)

PARTS = ("train", "validation", "test")


def manifest_of(counts, pictures_a_lesion=1):
    """So many lesions of each class, and so many pictures of each lesion."""
    labels = [name for name, count in counts.items() for _ in range(count * pictures_a_lesion)]
    ids = [f"id{i}" for i in range(len(labels))]
    lesions = [f"l{i // pictures_a_lesion}" for i in range(len(labels))]
    table = pd.DataFrame({"image": ids, "image_id": ids, "label": labels, "lesion_id": lesions})
    return Manifest(table, tuple(counts))


def parts_of(manifest, assignment, column):
    """The largest number of parts that one value of the column occurs in."""
    known = manifest.table[column].notna()
    return (
        pd.Series(assignment)[known.to_numpy()]
        .groupby(manifest.table[column][known].to_numpy())
        .nunique()
        .max()
    )


def check_shares(manifest, assignment):
    for part, share in zip(PARTS, (0.7, 0.1, 0.2), strict=True):
        assert abs((assignment == part).mean() - share) < 0.02, part
        assert set(manifest.labels[assignment == part]) == set(manifest.labels), part


@pytest.fixture(scope="module")
def ham(shared_data):
    manifest = ham10000(shared_data / "ham10000")
    return manifest, split(manifest, "grouped", 0)


@pytest.fixture(scope="module")
def merge(shared_data):
    return isic_merge(shared_data / "isic")


def test_grouped_split_of_ham10000_keeps_lesions_whole(ham):
    manifest, assignment = ham
    assert parts_of(manifest, assignment, "lesion_id") == 1
    check_shares(manifest, assignment)
    for number in range(7):  # within a third of a tenth, for the rarest class too
        share = (assignment[manifest.labels == number] == "test").mean()
        assert 0.17 < share < 0.23, manifest.classes[number]


def test_grouped_split_of_isic_merge_keeps_lesions_and_patients_whole(merge):
    assignment = split(merge, "grouped", 0)
    assert parts_of(merge, assignment, "patient_id") == 1
    assert parts_of(merge, assignment, "lesion_id") == 1
    check_shares(merge, assignment)


def test_paper_split_of_isic_merge_has_the_papers_numbers(merge):
    assignment = split(merge, "paper", 0)
    test = merge.labels[assignment == "test"]
    rest = merge.labels[assignment != "test"]
    # Gilal et al. 2023: (benign, malignant).
    assert np.bincount(test).tolist() == [6509, 1021]
    assert np.bincount(rest).tolist() == [26033, 4085]
    assert abs((assignment == "validation").sum() - 3012) <= 1
    # By image: patients straddle it.
    assert parts_of(merge, assignment, "patient_id") == 3


@pytest.mark.parametrize("method", ["grouped", "paper"])
def test_a_seed_gives_one_split_and_another_seed_another(method):
    manifest = manifest_of({"benign": 80, "malignant": 40}, pictures_a_lesion=2)
    first = split(manifest, method, 5)
    assert (first == split(manifest, method, 5)).all()
    assert (first != split(manifest, method, 6)).any()


def test_a_class_in_few_lesions_is_in_every_part():
    for lesions in range(3, 12):
        manifest = manifest_of({"nv": 60, "df": lesions}, pictures_a_lesion=2)
        assignment = split(manifest, "grouped", 0)
        assert parts_of(manifest, assignment, "lesion_id") == 1
        for part in PARTS:
            assert set(manifest.labels[assignment == part]) == {0, 1}, (lesions, part)
        # The few lesions of one class must not cost the other its training images.
        for part, share in zip(PARTS, (0.7, 0.1, 0.2), strict=True):
            assert abs((assignment == part)[manifest.labels == 0].mean() - share) < 0.05, (lesions, part)


@pytest.mark.parametrize("lesions", [1, 2])
def test_a_class_in_too_few_lesions_is_refused_by_name(lesions):
    # Many pictures of it do not help.
    manifest = manifest_of({"nv": 60, "df": lesions}, pictures_a_lesion=20)
    with pytest.raises(ValueError, match=rf"Class df is in {lesions} group.*train, validation, test"):
        split(manifest, "grouped", 0)


def test_a_class_of_too_few_images_is_refused_by_name_in_the_paper_split():
    with pytest.raises(ValueError, match="Class df has too few images to be in every subset"):
        split(manifest_of({"nv": 60, "df": 5}), "paper", 0)


@pytest.mark.parametrize("method", ["grouped", "paper"])
def test_a_class_without_images_is_refused_by_name(method):
    with pytest.raises(ValueError, match="has no image of class df, of which there are 0 in all"):
        split(manifest_of({"nv": 60, "df": 0, "mel": 30}), method, 0)


def test_a_part_without_a_class_is_refused_naming_both():
    manifest = manifest_of({"nv": 3, "df": 2})
    assignment = np.array(["train", "validation", "test", "train", "test"])
    with pytest.raises(
        ValueError, match="The validation subset has no image of class df, of which there are 2"
    ):
        check_split(manifest, assignment)


def test_an_unknown_method_is_refused():
    with pytest.raises(ValueError, match="Received: 'random'"):
        split(manifest_of({"nv": 9, "df": 9}), "random")


def test_a_saved_split_is_read_back(tmp_path):
    manifest = manifest_of({"benign": 20, "malignant": 20}, pictures_a_lesion=2)
    assignment = split(manifest, "grouped", 1)
    path = tmp_path / "split.csv"
    save_split(manifest, assignment, path)
    assert load_split(manifest, path).tolist() == assignment.tolist()
    table = pd.read_csv(path)
    assert list(table.columns) == ["image_id", "label", "group", "split"]
    assert (table.groupby("group")["split"].nunique() == 1).all()


def test_a_split_of_other_images_or_unknown_parts_is_refused(tmp_path):
    manifest = manifest_of({"benign": 20, "malignant": 20})
    path = tmp_path / "split.csv"
    save_split(manifest, split(manifest), path)
    for other in (manifest.select(range(39)), manifest.select(range(39, -1, -1))):
        with pytest.raises(ValueError, match=r"split\.csv is the split of other images"):
            load_split(other, path)
    lines = path.read_text().splitlines()
    path.write_text("\n".join([*lines[:3], lines[3].rsplit(",", 1)[0] + ",holdout", *lines[4:]]))
    with pytest.raises(ValueError, match=r"split\.csv, line 4: 'holdout' is not a subset of a split"):
        load_split(manifest, path)
    with pytest.raises(FileNotFoundError, match=r"absent\.csv"):
        load_split(manifest, tmp_path / "absent.csv")


def test_a_few_patients_with_many_images_are_split():
    table = pd.DataFrame(
        {
            "image": [f"{i}.jpg" for i in range(60)],
            "image_id": [f"id{i}" for i in range(60)],
            "label": ["a" if i % 3 else "b" for i in range(60)],
            "patient_id": [f"p{i % 8}" for i in range(60)],
        }
    )
    parts = split(Manifest(table, ("a", "b")))
    assert set(parts) == {"train", "validation", "test"}
    assert all(table.assign(part=parts).groupby("patient_id")["part"].nunique() == 1)


def test_without_validation_the_paper_split_has_the_papers_numbers(merge):
    assignment = split(merge, "paper", 0, validation=0)
    assert np.bincount(merge.labels[assignment == "train"]).tolist() == [26033, 4085]
    assert np.bincount(merge.labels[assignment == "test"]).tolist() == [6509, 1021]
    assert set(assignment) == {"train", "test"}
    # The test images are those of the split with validation.
    assert ((split(merge, "paper", 0) == "test") == (assignment == "test")).all()


def test_without_validation_ham10000_is_split_80_to_20(ham):
    manifest, with_validation = ham
    by_image = split(manifest, "paper", 0, validation=0)
    assert [(by_image == name).sum() for name in ("train", "test")] == [8012, 2003]
    grouped = split(manifest, "grouped", 0, validation=0)
    assert set(grouped) == {"train", "test"}
    assert parts_of(manifest, grouped, "lesion_id") == 1
    assert abs((grouped == "test").mean() - 0.2) < 0.01
    assert ((grouped == "test") == (with_validation == "test")).mean() > 0.99


# What both papers print, on tables of as many images: Gilal et al. 2023, Table I; HAM10000 has 10,015 images.
@pytest.mark.parametrize(
    ("counts", "train", "test"),
    [
        ({"benign": 32_542, "malignant": 5_106}, [26_033, 4_085], [6_509, 1_021]),
        (
            {"akiec": 327, "bcc": 514, "bkl": 1_099, "df": 115, "mel": 1_113, "nv": 6_705, "vasc": 142},
            8_012,
            2_003,
        ),
    ],
)
@pytest.mark.parametrize("seed", [0, 1])
def test_without_validation_the_paper_split_has_the_printed_sizes(counts, train, test, seed):
    manifest = manifest_of(counts)
    assignment = split(manifest, "paper", seed, validation=0)
    for name, expected in (("train", train), ("test", test)):
        sizes = np.bincount(manifest.labels[assignment == name]).tolist()
        assert expected in (sizes, sum(sizes)), name
    assert set(assignment) == {"train", "test"}


@pytest.mark.parametrize("validation", [-0.1, 0.6, float("nan")])
def test_a_share_of_validation_that_is_none_is_refused(validation):
    with pytest.raises(ValueError, match=r"must be 0 to 0\.5"):
        split(manifest_of({"nv": 9, "df": 9}), validation=validation)


def test_a_larger_validation_takes_from_the_training_images():
    manifest = manifest_of({"nv": 200, "df": 200})
    assignment = split(manifest, validation=0.3)
    assert [(assignment == part).mean() for part in PARTS] == [0.5, 0.3, 0.2]


def given(subsets, **columns):
    table = manifest_of({"a": len(subsets) // 2, "b": len(subsets) - len(subsets) // 2}).table
    return Manifest(table.assign(split=subsets, **columns), ("a", "b"))


def test_a_given_split_is_used_unless_another_is_asked_for():
    subsets = np.tile(["train", "train", "validation", "test", "train", "test"], 10)
    manifest = given(subsets)
    for seed in range(3):
        assert split(manifest, seed=seed).tolist() == subsets.tolist()
        assert split(manifest, "given", seed, validation=0).tolist() == subsets.tolist()
    assert split(manifest, "grouped").tolist() != subsets.tolist()
    assert split(manifest, "paper").tolist() != subsets.tolist()
    with pytest.raises(ValueError, match="gives no split: it has no column split"):
        split(manifest_of({"nv": 9, "df": 9}), "given")


def test_a_given_split_comes_before_groups_where_there_is_one():
    with_split, without = given(["train", "test"] * 10), manifest_of({"nv": 9, "df": 9})
    assert (split_method(with_split), split_method(without)) == ("given", "grouped")
    assert split_method(given(["train"] * 20)) == "grouped"  # one subset is no split
    for method in ("grouped", "paper", "given"):
        assert split_method(with_split, method) == method


def test_a_given_split_without_validation_gets_whole_groups_of_its_training_images():
    subsets = np.repeat(np.tile(["train", "train", "train", "test"], 30), 2)
    manifest = given(subsets, lesion_id=np.repeat([f"l{i}" for i in range(120)], 2))
    assignment = split(manifest)
    assert ((assignment == "test") == (subsets == "test")).all()
    assert abs((assignment == "validation").sum() - 18) <= 4
    assert parts_of(manifest, assignment, "lesion_id") == 1


def test_a_given_split_that_divides_groups_is_said():
    manifest = given(["train", "test"] * 10, lesion_id=[f"l{i // 2}" for i in range(20)])
    assert manifest.warnings() == [
        "The given split divides 10 groups of related images (of one lesion or patient): the test is then too easy."
    ]
    assert manifest.warnings(given=False) == []


def test_a_class_that_one_shuffle_leaves_out_of_a_subset_is_in_all_of_another():
    # Six classes of three lesions each: in ten folds no fold has all of them.
    manifest = manifest_of({name: 3 for name in "abcdef"}, pictures_a_lesion=2)
    for seed in range(5):
        assignment = split(manifest, seed=seed)
        for part in PARTS:
            assert set(manifest.labels[assignment == part]) == set(range(6))
