import numpy as np
import pandas as pd
import pytest

from skinkeras.datasets import Manifest

CLASSES = ("benign", "malignant")


def table_of(count, **columns):
    rows = {
        "image": [f"{i}.jpg" for i in range(count)],
        "image_id": [f"id{i}" for i in range(count)],
        "label": [CLASSES[i % 2] for i in range(count)],
    }
    return pd.DataFrame({**rows, **columns})


def test_labels_one_hot_and_counts_follow_the_order_of_the_classes():
    manifest = Manifest(table_of(3), ("unseen", "malignant", "benign"))
    assert manifest.labels.tolist() == [2, 1, 2]
    assert manifest.one_hot().tolist() == [[0, 0, 1], [0, 1, 0], [0, 0, 1]]
    assert manifest.one_hot().dtype == np.float32
    assert list(manifest.counts().items()) == [("unseen", 0), ("malignant", 1), ("benign", 2)]


def test_missing_columns_and_empty_strings_become_none():
    manifest = Manifest(table_of(2, lesion_id=["", float("nan")]), CLASSES)
    assert manifest.table["lesion_id"].tolist() == [None, None]
    assert manifest.table["patient_id"].tolist() == [None, None]


@pytest.mark.parametrize(
    ("column", "values", "sentence"),
    [
        ("label", ["benign", "malignant", "mole"], "line 4, column label: 'mole' is not one of the classes"),
        ("label", ["benign", None, "benign"], "line 3, column label: the value is missing"),
        ("image_id", ["a", "b", "a"], "line 4, column image_id: 'a' occurs more than once"),
        ("image", ["a.jpg", "", "c.jpg"], "line 3, column image: the value is missing"),
    ],
)
def test_a_wrong_row_is_named_with_file_line_column_and_value(column, values, sentence):
    with pytest.raises(ValueError, match=f"^my.csv, {sentence}"):
        Manifest(table_of(3, **{column: values}), CLASSES, origin="my.csv")


def test_tables_that_are_no_manifest_are_refused():
    with pytest.raises(ValueError, match=r"my\.csv has no column label"):
        Manifest(table_of(2).drop(columns="label"), CLASSES, origin="my.csv")
    with pytest.raises(ValueError, match=r"my\.csv has no rows"):
        Manifest(table_of(0), CLASSES, origin="my.csv")
    for classes in (("benign",), ("benign", "benign", "malignant")):
        with pytest.raises(ValueError, match="two or more different classes"):
            Manifest(table_of(2), classes)


def test_groups_join_lesions_and_patients_through_others():
    # A and B share a lesion, B and C a patient; D shares neither; E and F are unknown, so they stand alone.
    lesions = ["l1", "l1", "l2", "l3", None, None]
    patients = [None, "p1", "p1", "p2", None, None]
    groups = Manifest(table_of(6, lesion_id=lesions, patient_id=patients), CLASSES).groups()
    assert groups[0] == groups[1] == groups[2]
    assert len(set(groups.tolist())) == 4


def test_a_lesion_and_a_patient_of_one_name_are_two_things():
    manifest = Manifest(table_of(2, lesion_id=["7", None], patient_id=[None, "7"]), CLASSES)
    assert len(set(manifest.groups())) == 2


def test_csv_keeps_everything_with_images_inside_and_outside_its_folder(tmp_path):
    inside, outside = tmp_path / "data" / "pictures" / "0.jpg", tmp_path / "elsewhere" / "1.jpg"
    columns = {"lesion_id": ["007", None], "patient_id": [None, "p"], "source": ["a, b", 'say "c"']}
    manifest = Manifest(table_of(2, image=[str(inside), str(outside)], **columns), CLASSES)
    path = tmp_path / "data" / "manifest.csv"
    manifest.to_csv(path)
    again = Manifest.from_csv(path)
    assert again.classes == CLASSES
    pd.testing.assert_frame_equal(again.table, manifest.table)

    text = path.read_text()
    assert str(inside) not in text and str(outside) in text
    moved = tmp_path / "moved" / "manifest.csv"
    moved.parent.mkdir()
    path.rename(moved)
    images = Manifest.from_csv(moved).table["image"].tolist()
    assert images == [str(tmp_path / "moved" / "pictures" / "0.jpg"), str(outside)]


def test_csv_with_given_classes_names_the_line_of_another_one(tmp_path):
    path = tmp_path / "manifest.csv"
    path.write_text("image,image_id,label\na.jpg,a,malignant\nb.jpg,b,mole\n")
    with pytest.raises(ValueError, match=r"manifest\.csv, line 3, column label: 'mole' is not one of"):
        Manifest.from_csv(path, CLASSES)


def test_files_that_are_no_table_are_refused(tmp_path):
    path = tmp_path / "manifest.csv"
    with pytest.raises(FileNotFoundError, match=r"no manifest .*manifest\.csv"):
        Manifest.from_csv(path)
    contents = {
        b"": "not a table of comma-separated values",
        b"image,image_id,label\na,b,c\na,b,c,d\n": "line 3",
        b"\xff\xfe\x00\x80": "not a table of comma-separated values",
        b"picture;image_id;label\na;b;c\n": "has no column image; it has picture, image_id, label",
    }
    for content, sentence in contents.items():
        path.write_bytes(content)
        with pytest.raises(ValueError, match=rf"manifest\.csv .*{sentence}"):
            Manifest.from_csv(path)


def test_select_takes_masks_and_row_numbers():
    manifest = Manifest(table_of(4), CLASSES)
    assert manifest.select(np.array([True, False, False, True])).table["image_id"].tolist() == ["id0", "id3"]
    assert manifest.select([2, 1]).table["image_id"].tolist() == ["id2", "id1"]


def test_binary_makes_the_named_classes_malignant():
    manifest = Manifest(table_of(4, label=["mel", "nv", "bcc", "nv"]), ("bcc", "mel", "nv"))
    assert manifest.binary(("mel", "bcc")).labels.tolist() == [1, 0, 1, 0]
    assert manifest.binary(["mel"]).classes == CLASSES
    with pytest.raises(ValueError, match="'melanoma' is not a class of this data: bcc, mel, nv"):
        manifest.binary(["melanoma"])
    for names in ([], ["bcc", "mel", "nv"]):
        with pytest.raises(ValueError, match="at least one positive class and not all"):
            manifest.binary(names)


def lesions_of(common, rare):
    """`common` benign and `rare` malignant pictures, two a lesion."""
    labels = [CLASSES[0]] * common + [CLASSES[1]] * rare
    return Manifest(
        table_of(len(labels), label=labels, lesion_id=[f"l{i // 2}" for i in range(len(labels))]), CLASSES
    )


def test_limit_keeps_about_n_images_whole_lesions_and_the_shares_of_the_classes():
    manifest = lesions_of(900, 100)
    small = manifest.limit(200, seed=3)
    assert 195 <= len(small) <= 205
    assert 18 <= small.counts()["malignant"] <= 22
    assert (small.table["lesion_id"].value_counts() == 2).all()
    assert small.table["image_id"].tolist() == manifest.limit(200, seed=3).table["image_id"].tolist()
    assert small.table["image_id"].tolist() != manifest.limit(200, seed=4).table["image_id"].tolist()
    assert manifest.limit(1000) is manifest


@pytest.mark.parametrize("n", [0, -5, 20])
def test_a_limit_too_small_for_the_rarest_class_is_refused_with_the_least_that_works(n):
    # 5 of 78 pictures of the rarest class need 5 / 78 of all 1,478, rounded up: 95.
    counts = {"nv": 1100, "mel": 300, "df": 78}
    labels = [name for name, count in counts.items() for _ in range(count)]
    manifest = Manifest(table_of(len(labels), label=labels), tuple(counts))
    with pytest.raises(ValueError, match=rf"--max-images {n} leaves .* class df to split: use at least 95\."):
        manifest.limit(n)
    with pytest.raises(ValueError, match="use at least 95"):
        manifest.limit(94)
    assert manifest.limit(95).counts()["df"] == 5


def test_a_limit_for_a_class_of_few_images_asks_for_no_more_than_there_are():
    manifest = lesions_of(50, 4)
    with pytest.raises(ValueError, match="use at least 54"):
        manifest.limit(53)
    assert len(manifest.limit(54)) == 54


def test_labels_that_only_look_alike_are_refused(tmp_path):
    table_of(3, label=["malignant", "Malignant", "benign"]).to_csv(tmp_path / "manifest.csv", index=False)
    with pytest.raises(ValueError, match="only in upper and lower case, 'Malignant' and 'malignant'"):
        Manifest.from_csv(tmp_path / "manifest.csv")
    labels = ["malignant ", "benign", "malignant"]
    with pytest.raises(ValueError, match="a class with spaces around it: 'malignant '"):
        Manifest(table_of(3, label=labels), sorted(set(labels)))


def test_spaces_around_a_label_of_a_file_do_not_matter(tmp_path):
    table_of(3, label=["malignant ", " benign", "malignant"]).to_csv(tmp_path / "manifest.csv", index=False)
    assert Manifest.from_csv(tmp_path / "manifest.csv").counts() == {"benign": 1, "malignant": 2}


def test_a_misspelt_column_of_groups_is_refused_and_others_are_let_be(tmp_path):
    path = tmp_path / "manifest.csv"
    for column, meant in (("lesion", "lesion_id"), ("patientid", "patient_id")):
        table_of(4, **{column: list("abcd")}).to_csv(path, index=False)
        with pytest.raises(ValueError, match=f"a column {column}, which is not looked at: call it {meant}"):
            Manifest.from_csv(path)
    table_of(4, lesion_id=list("aabb"), lesion=list("abcd"), patient_age=range(4)).to_csv(path, index=False)
    assert len(set(Manifest.from_csv(path).groups())) == 2
