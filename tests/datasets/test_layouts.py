"""One test for each way in which people lay out their data; `docs/datasets/layouts.md` lists them."""

import os
import shutil

import pytest
from data_layouts import HAM, classes, ham_rows, image, table

from skinkeras.datasets import (
    drop_known_duplicates,
    ham10000,
    image_folder,
    isic2018,
    isic2019,
    isic2020,
    manifest_csv,
    missing_images,
    split,
)
from skinkeras.datasets.catalog import DATASETS

PARTS = ("HAM10000_images_part_1", "HAM10000_images_part_2")


def ham(root, name="HAM10000_metadata.csv", parts=PARTS, ending=".jpg", **form):
    rows = ham_rows()
    table(root / name, HAM, rows, **form)
    for i, row in enumerate(rows):
        image(root / parts[i % len(parts)] / f"{row[1]}{ending}", i)


@pytest.mark.parametrize(
    "layout",
    [
        {},
        {"name": "HAM10000_metadata.tab", "separator": "\t"},
        {"name": "HAM10000_metadata", "separator": "\t"},
        {"name": "HAM10000_metadata.csv", "separator": ";", "encoding": "utf-8-sig"},
        {"name": "HAM10000_metadata.csv", "separator": "\t", "encoding": "utf-16"},
        {"name": "tables/ham10000_METADATA.CSV"},
        {"name": "my_table.csv"},
        {"parts": [part.lower() for part in PARTS]},
        {"parts": [f"{part}/{part}" for part in PARTS]},
        {"parts": ("",)},
        {"parts": ("HAM10000_images",)},
        {"parts": ("images",), "ending": ".png"},
        {"ending": ".JPG"},
    ],
    ids=lambda layout: " ".join(map(str, layout.values())) or "official",
)
def test_ham10000_in_any_layout(tmp_path, layout):
    ham(tmp_path, **layout)
    manifest = ham10000(tmp_path)
    assert missing_images(manifest) == []
    assert manifest.counts()["mel"] == manifest.counts()["nv"] == 3
    assert [sentence.startswith("HAM10000, from ") for sentence in manifest.notes] == [True]


def test_ham10000_with_an_empty_published_folder(tmp_path):
    ham(tmp_path, parts=("images",))
    (tmp_path / PARTS[0]).mkdir()
    assert missing_images(ham10000(tmp_path)) == []


def test_a_link_to_the_data_is_as_good_as_the_data(tmp_path):
    ham(tmp_path / "disk", parts=("images",))
    (tmp_path / "work").mkdir()
    os.symlink(tmp_path / "disk" / "images", tmp_path / "work" / "pictures")
    os.symlink(tmp_path / "disk" / "HAM10000_metadata.csv", tmp_path / "work" / "HAM10000_metadata.csv")
    assert missing_images(ham10000(tmp_path / "work")) == []


def test_a_folder_without_the_table_is_described(tmp_path):
    for i in range(15):
        table(tmp_path / f"notes_{i:02}.csv", ("a", "b"), [])
    image(tmp_path / "x.jpg", 0)
    with pytest.raises(FileNotFoundError) as caught:
        ham10000(tmp_path)
    sentence = str(caught.value)
    assert "neither labels.csv nor HAM10000_metadata.csv" in sentence
    assert "columns image_id, lesion_id, dx" in sentence
    assert "notes_09.csv and 5 more; 1 .jpg images" in sentence
    assert "notes_10" not in sentence


def test_two_tables_that_may_be_the_right_one_are_not_guessed_between(tmp_path):
    ham(tmp_path, name="one.csv")
    ham(tmp_path, name="two.csv")
    assert len(ham10000(tmp_path)) == 6  # they are equal
    ham(tmp_path, name="two.csv", separator=";")
    with pytest.raises(
        ValueError, match=r"2 tables where one is expected \(HAM10000\): one\.csv, two\.csv: keep"
    ):
        ham10000(tmp_path)


def test_isic2018_and_isic2019_unpacked_into_folders_of_folders(tmp_path):
    for name in ("ISIC2018_Task3_Training", "ISIC_2019_Training"):
        truth = f"{name}_GroundTruth"
        table(
            tmp_path / truth / truth / f"{truth}.csv",
            ("image", "MEL", "NV"),
            [("a", 1.0, 0.0), ("b", 0.0, 1.0)],
        )
        for i, image_id in enumerate("ab"):
            image(tmp_path / f"{name}_Input" / f"{name}_Input" / f"{image_id}.jpg", i)
    lesions = [("a", "HAM_1", "histopathology", "30", "male"), ("b", "BCN_2", "", "", "")]
    header = ("image", "lesion_id", "diagnosis_confirm_type", "age_approx", "sex")
    for name in ("ISIC2018_Task3_Training_LesionGroupings", "ISIC_2019_Training_Metadata"):
        table(tmp_path / f"{name}.csv", header, lesions)
    older, newer = isic2018(tmp_path), isic2019(tmp_path)
    assert [missing_images(manifest) for manifest in (older, newer)] == [[], []]
    assert older.table["image"][0].endswith("ISIC2018_Task3_Training_Input/a.jpg")
    assert older.table["confirmed_by"].tolist() == ["histopathology", None]
    assert newer.table["acquisition"].tolist() == ["HAM10000", "BCN20000"]
    assert newer.table["age"].tolist() == [30.0, None]


@pytest.mark.parametrize(
    ("name", "images"),
    [
        ("ISIC_2020_Training_GroundTruth.csv", "train"),
        ("ISIC_2020_Training_GroundTruth_v2.csv", "ISIC_2020_Training_JPEG/train"),
        ("ISIC_2020_Training_GroundTruth.csv", "ISIC_2020_Training_JPEG"),
        ("train.csv", "jpeg/train"),
    ],
)
def test_isic2020_of_the_challenge_and_of_kaggle(tmp_path, name, images):
    header = ("image_name", "patient_id", "sex", "age_approx", "benign_malignant", "target")
    rows = [
        (f"ISIC_{i}", f"IP_{i // 2}", "female", 45, ("benign", "malignant")[i % 2], i % 2) for i in range(4)
    ]
    table(tmp_path / name, header, rows)
    table(tmp_path / "test.csv", header[:4], [("ISIC_9", "IP_9", "male", 50)])
    for i in range(4):
        image(tmp_path / images / f"ISIC_{i}.jpg", i)
    manifest = isic2020(tmp_path)
    assert missing_images(manifest) == []
    assert set(manifest.table["sex"]) == {"female"}
    # Kaggle has no list of the known duplicates: nothing is dropped, and that is said.
    with pytest.raises(FileNotFoundError, match="Duplicates"):
        drop_known_duplicates(manifest, tmp_path)
    kept, dropped = DATASETS["isic2020"].known_duplicates(manifest, tmp_path)
    assert (len(kept), dropped) == (4, 0)
    assert "no ISIC_2020_Training_Duplicates.csv" in kept.notes[-1]


def test_folders_called_train_val_and_test_are_the_split(tmp_path):
    for number, (subset, count) in enumerate((("Train", 6), ("val", 2), ("test", 3))):
        classes(tmp_path / subset, count=count, start=1000 * number)
    manifest = image_folder(tmp_path)
    assert manifest.classes == ("benign", "malignant")
    assignment = split(manifest, seed=7)
    assert [int((assignment == name).sum()) for name in ("train", "validation", "test")] == [12, 4, 6]
    for name, image_id in zip(assignment, manifest.table["image_id"], strict=True):
        assert image_id.startswith({"train": "Train/", "validation": "val/", "test": "test/"}[name])
    assert "The folders are a split: Train/ (12), val/ (4), test/ (6)." in manifest.notes


@pytest.mark.parametrize("second", ["test", "val"])
def test_folders_called_train_and_test_keep_their_test(tmp_path, second):
    classes(tmp_path / "train", count=20)
    classes(tmp_path / second, count=3, start=1000)
    manifest = image_folder(tmp_path)
    assignment = split(manifest)
    in_test = manifest.table["image_id"].str.startswith(f"{second}/").to_numpy()
    assert (assignment[in_test] == "test").all()
    assert set(assignment[~in_test]) == {"train", "validation"}
    assert "validation" not in split(manifest, validation=0)


def test_folders_of_a_split_with_something_beside_them_are_refused(tmp_path):
    for name in ("train", "test", "extra"):
        classes(tmp_path / name)
    with pytest.raises(ValueError, match="holds test, train, which are a split, and beside them extra"):
        image_folder(tmp_path)


def test_a_split_of_folders_that_lacks_a_class_is_refused(tmp_path):
    classes(tmp_path / "train", count=10)
    classes(tmp_path / "test", names=("benign", "other"), start=1000)
    with pytest.raises(ValueError, match="subset has no image of class"):
        split(image_folder(tmp_path))


def test_one_folder_on_the_way_is_passed_through(tmp_path):
    classes(tmp_path / "archive" / "skin_data")
    manifest = image_folder(tmp_path)
    assert manifest.classes == ("benign", "malignant")
    assert manifest.notes == (f"The classes are the folders in {tmp_path}/archive/skin_data.",)
    assert manifest.table["image_id"][0] == "archive/skin_data/benign/benign_0.jpg"


def test_capital_letters_do_not_matter_to_benign_and_malignant(tmp_path):
    classes(tmp_path, names=("Benign", "Malignant"))
    manifest = image_folder(tmp_path)
    assert manifest.classes == ("benign", "malignant")
    assert manifest.table["image"][0].endswith("Benign/Benign_0.jpg")
    classes(tmp_path, names=("Other",))
    manifest = image_folder(tmp_path)
    assert manifest.classes == ("Benign", "Malignant", "Other")
    assert manifest.binary(("malignant",)).counts() == {"benign": 6, "malignant": 3}
    with pytest.raises(ValueError, match="'melanoma' is not a class of this data: Benign, Malignant, Other"):
        manifest.binary(("melanoma",))


def test_classes_may_have_brackets_in_their_names(tmp_path):
    classes(tmp_path, names=("mel", "[unsure]"))
    assert image_folder(tmp_path).classes == ("[unsure]", "mel")


@pytest.mark.parametrize(
    "names",
    [
        ("images", "masks"),
        ("fold_0", "fold_1"),
        ("HAM10000_images_part_1", "HAM10000_images_part_2"),
        ("benign", "malignant", "Masks"),
        ("train", "benign"),
        ("ISIC2018_Task3_Training_Input", "ISIC2018_Task3_Training_GroundTruth"),
    ],
)
def test_folders_that_are_no_classes_are_refused_by_name(tmp_path, names):
    classes(tmp_path, names=names)
    with pytest.raises(ValueError, match="by their names are no classes") as caught:
        image_folder(tmp_path)
    assert {"images", "fold_0", PARTS[0], "Masks", "train", "ISIC2018_Task3_Training_Input"} & set(
        str(caught.value).replace(",", " ").split()
    )


def test_what_is_passed_over_is_counted_by_ending(tmp_path):
    classes(tmp_path)
    for name in ("benign/a.dcm", "benign/b.dcm", "malignant/notes.txt", "readme"):
        (tmp_path / name).write_text("")
    (tmp_path / "__MACOSX").mkdir()
    assert image_folder(tmp_path).notes == (
        "Files that are not images are passed over: 2 .dcm, 1 .txt, 1 without an ending.",
    )


def test_class_folders_may_be_links(tmp_path):
    classes(tmp_path / "disk")
    (tmp_path / "work").mkdir()
    for name in ("benign", "malignant"):
        os.symlink(tmp_path / "disk" / name, tmp_path / "work" / name)
    assert image_folder(tmp_path / "work").counts() == {"benign": 3, "malignant": 3}


def manifest(root, row, header=("image", "image_id", "label"), name="manifest.csv", **form):
    for i in range(8):
        image(root / "pictures" / f"p{i}.jpg", i)
    table(root / name, header, [row(i) for i in range(8)], **form)
    return manifest_csv(root)


LABEL = ("benign", "malignant")


@pytest.mark.parametrize(
    "path",
    [
        "pictures/p{}.jpg",
        ".\\pictures\\p{}.jpg",
        "pictures/p{}",
        "p{}",
        "p{}.png",
        "/home/other/skin/pictures/p{}.jpg",
        "D:\\skin\\pictures\\P{}.JPG",
    ],
)
def test_a_manifest_names_its_images_in_any_way(tmp_path, path):
    read = manifest(tmp_path, lambda i: (path.format(i), f"id{i}", LABEL[i % 2]))
    assert missing_images(read) == []
    assert read.table["image"].tolist() == [f"{tmp_path}/pictures/p{i}.jpg" for i in range(8)]


@pytest.mark.parametrize("name", ["Manifest.CSV", "manifest.tsv", "manifest", "tables/all_my_lesions.csv"])
def test_a_manifest_may_be_called_otherwise(tmp_path, name):
    read = manifest(tmp_path, lambda i: (f"p{i}.jpg", f"id{i}", LABEL[i % 2]), name=name, separator="\t")
    assert len(read) == 8
    assert missing_images(read) == []


def test_a_manifest_with_a_split_is_split_as_it_says(tmp_path):
    names = ("Train", "train", "train", "train", "val", "Validation", "test", "testing")
    read = manifest(
        tmp_path,
        lambda i: (f"p{i}.jpg", f"id{i}", LABEL[i % 2], names[i]),
        ("image", "image_id", "label", "split"),
    )
    assert split(read, seed=3).tolist() == ["train"] * 4 + ["validation"] * 2 + ["test"] * 2
    assert split(read.binary(("malignant",)).select(range(8))).tolist() == split(read).tolist()


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        ("holdout", "line 9, column split: 'holdout' is not one of train, validation, test"),
        ("", "column split: the value is missing"),
    ],
)
def test_a_manifest_with_an_unknown_subset_is_refused(tmp_path, value, sentence):
    with pytest.raises(ValueError, match=sentence):
        manifest(
            tmp_path,
            lambda i: (f"p{i}.jpg", f"id{i}", LABEL[i % 2], value if i == 7 else "train"),
            ("image", "image_id", "label", "split"),
        )


def test_a_manifest_with_training_images_only_gives_no_split(tmp_path):
    # It is split by group, unless the given split is asked for.
    read = manifest(
        tmp_path,
        lambda i: (f"p{i}.jpg", f"id{i}", LABEL[i % 2], "train"),
        ("image", "image_id", "label", "split"),
    )
    assert set(split(read)) == {"train", "validation", "test"}
    with pytest.raises(ValueError, match="has only train images: it needs train and test"):
        split(read, "given")


def test_classes_called_na_and_none_survive(tmp_path):
    read = manifest(tmp_path, lambda i: (f"p{i}.jpg", f"id{i}", ("NA", "None", "null")[i % 3]))
    assert read.classes == ("NA", "None", "null")
    read.to_csv(tmp_path / "again" / "manifest.csv")
    again = manifest_csv(tmp_path / "again")
    assert again.table["label"].tolist() == read.table["label"].tolist()
    assert [os.path.realpath(p) for p in again.table["image"]] == [
        os.path.realpath(p) for p in read.table["image"]
    ]


def test_the_data_set_may_be_moved_with_its_manifest(tmp_path):
    read = manifest(tmp_path / "here", lambda i: (f"pictures/p{i}.jpg", f"id{i}", LABEL[i % 2]))
    read.to_csv(tmp_path / "here" / "manifest.csv")
    shutil.move(tmp_path / "here", tmp_path / "there")
    assert missing_images(manifest_csv(tmp_path / "there")) == []
