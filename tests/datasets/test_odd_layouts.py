"""Faults that people's tables and folders have beside their layout; `docs/datasets/layouts.md` lists them."""

import os

import numpy as np
import pytest
from data_layouts import HAM, classes, ham_rows, image, table

from skinkeras.datasets import (
    check_images,
    drop_known_duplicates,
    ham10000,
    image_folder,
    isic2018,
    isic2019,
    isic2020,
    isic2024,
    isic_archive,
    manifest_csv,
    missing_images,
)
from skinkeras.datasets.inspection import recognise


def ham(root, rows=None, lines=None, folder="images"):
    rows = ham_rows() if rows is None else rows
    for i, row in enumerate(ham_rows()):
        image(root / folder / f"{row[1]}.jpg", i)
    if lines is None:
        table(root / "HAM10000_metadata.csv", HAM, rows)
    else:
        (root / "HAM10000_metadata.csv").write_text("\n".join(lines))
    return ham10000(root)


def line(row, separator=","):
    return separator.join(map(str, row))


@pytest.mark.parametrize(
    "lines",
    [
        [line(HAM), *(f"{line(row)},," for row in ham_rows())],
        [line(HAM), f"{line(ham_rows()[0])},", *(line(row) for row in ham_rows()[1:])],
        [line(HAM), *(f"{i},{line(row)}" for i, row in enumerate(ham_rows(), 1))],
        [f",{line(HAM)}", *(f"{i},{line(row)}" for i, row in enumerate(ham_rows()))],
    ],
    ids=["separators at the end", "one separator at the end", "row names of R", "row names of pandas"],
)
def test_cells_without_a_name_do_not_shift_the_others(tmp_path, lines):
    manifest = ham(tmp_path, lines=lines)
    assert manifest.table["lesion_id"].tolist() == [f"HAM_{i}" for i in range(6)]
    assert set(manifest.table["acquisition"]) == {"rosendahl"}
    assert missing_images(manifest) == []


def test_decimal_commas_are_decimal_points(tmp_path):
    rows = [line([*row[:4], "52,5", *row[5:]], ";") for row in ham_rows()]
    assert set(ham(tmp_path / "ham", lines=[line(HAM, ";"), *rows]).table["age"]) == {52.5}
    root = tmp_path / "isic2019"
    root.mkdir()
    truth = "image;MEL;NV\na;1,0;0,0\nb;0,0;1,0"
    (root / "ISIC_2019_Training_GroundTruth.csv").write_text(truth)
    (root / "ISIC_2019_Training_Metadata.csv").write_text("image;lesion_id;age_approx\na;;45,0\nb;;")
    assert isic2019(root).table[["label", "age"]].to_numpy().tolist() == [["mel", 45.0], ["nv", None]]


def test_a_row_without_an_id_is_named_by_its_line(tmp_path):
    rows = [*ham_rows(), ("HAM_9", "", "nv", "", "", "", "", "")]
    with pytest.raises(ValueError, match=r"metadata\.csv, line 8, column image_id: the value is missing\.$"):
        ham(tmp_path, rows)


@pytest.mark.parametrize("spelling", ["{}.jpg", "{} ", "isic_{}.JPG"])
def test_lesions_are_found_however_the_two_tables_write_an_id(tmp_path, spelling):
    def other(number):
        name = number if spelling.startswith("isic") else f"ISIC_{number}"
        return spelling.format(name)

    truth = [(other(i), 1 - i % 2, i % 2) for i in range(4)]
    table(tmp_path / "ISIC2018_Task3_Training_GroundTruth.csv", ("image", "MEL", "NV"), truth)
    lesions = [(f"ISIC_{i}", f"L{i // 2}") for i in range(4)]
    name = "ISIC2018_Task3_Training_LesionGroupings.csv"
    table(tmp_path / name, ("image", "lesion_id"), lesions)
    assert isic2018(tmp_path).table["lesion_id"].tolist() == ["L0", "L0", "L1", "L1"]
    table(tmp_path / name, ("image", "lesion_id"), lesions[:3])
    with pytest.raises(ValueError, match=rf"{name} has no row for 1 of 4 images: .*_3"):
        isic2018(tmp_path)


def test_patients_are_found_however_the_two_tables_write_an_id(tmp_path):
    truth = [("ISIC_0.jpg", "0,0"), ("ISIC_1.jpg", "1,0")]
    table(tmp_path / "ISIC_2024_Training_GroundTruth.csv", ("isic_id", "malignant"), truth)
    patients = [("ISIC_1", "p"), ("ISIC_0", "q")]
    table(tmp_path / "ISIC_2024_Training_Metadata.csv", ("isic_id", "patient_id"), patients)
    manifest = isic2024(tmp_path)
    assert manifest.table["patient_id"].tolist() == ["q", "p"]
    assert manifest.table["label"].tolist() == ["benign", "malignant"]


def test_known_duplicates_are_left_out_however_their_list_writes_an_id(tmp_path):
    rows = [(f"ISIC_{i}.jpg", f"IP_{i}", ("Benign", "Malignant")[i % 2]) for i in range(4)]
    header = ("image_name", "patient_id", "benign_malignant")
    table(tmp_path / "ISIC_2020_Training_GroundTruth.csv", header, rows)
    pairs = [("ISIC_0", "ISIC_2")]
    table(tmp_path / "ISIC_2020_Training_Duplicates.csv", ("image_name_1", "image_name_2"), pairs)
    kept, dropped = drop_known_duplicates(isic2020(tmp_path), tmp_path)
    assert (kept.counts(), dropped) == ({"benign": 1, "malignant": 2}, 1)


def test_further_columns_of_a_table_of_classes_are_ignored(tmp_path):
    header = ("", "image", "MEL", "NV", "score_weight")
    table(
        tmp_path / "ISIC2018_Task3_Training_GroundTruth.csv", header, [(0, "a", 1, 0, 1), (1, "b", 0, 1, 1)]
    )
    name = "ISIC2018_Task3_Training_LesionGroupings.csv"
    table(tmp_path / name, ("image", "lesion_id"), [("a", "L1"), ("b", "L2")])
    assert isic2018(tmp_path).table["label"].tolist() == ["mel", "nv"]


def test_a_link_to_nowhere_or_to_itself_does_not_hide_an_image(tmp_path):
    root = tmp_path / "data"
    (root / "a_first").mkdir(parents=True)
    for row in ham_rows():
        os.symlink(tmp_path / "elsewhere", root / "a_first" / f"{row[1]}.jpg")
    os.symlink("round.jpg", root / "a_first" / "round.jpg")
    assert missing_images(ham(root, folder="z_last")) == []


def test_a_small_copy_does_not_hide_an_image(tmp_path):
    for row in ham_rows():
        image(tmp_path / "thumbnails" / f"{row[1]}.jpg", 900)
    assert {path.split("/")[-2] for path in ham(tmp_path, folder="full").table["image"]} == {"full"}


def test_two_tables_of_one_name_are_not_guessed_between(tmp_path):
    header = ("isic_id", "diagnosis_1")
    for name in ("ham", "bcn"):
        rows = [(f"ISIC_{name}_{i}", ("Benign", "Malignant")[i % 2]) for i in range(4)]
        table(tmp_path / name / "metadata.csv", header, rows)
    with pytest.raises(
        ValueError, match=r"2 tables where one is expected .*: bcn/metadata\.csv, ham/metadata\.csv"
    ):
        isic_archive(tmp_path)
    assert len(isic_archive(tmp_path / "ham")) == 4
    table(tmp_path / "metadata.csv", header, rows)  # the upper one
    assert len(isic_archive(tmp_path)) == 4


def test_a_table_of_no_known_data_set_is_told_what_a_manifest_needs(tmp_path):
    image(tmp_path / "a.jpg", 0)
    table(tmp_path / "labels.csv", ("filename", "class"), [("a.jpg", "nevus")])
    sentence = r"labels\.csv has the columns filename, class\. Write a table manifest\.csv with the columns image and"
    with pytest.raises(ValueError, match=sentence):
        recognise(tmp_path)


def test_images_in_a_format_that_is_not_read_are_counted(tmp_path):
    table(tmp_path / "HAM10000_metadata.csv", HAM, ham_rows())
    for row in ham_rows():
        (tmp_path / f"{row[1]}.dcm").write_bytes(b"DICM")
    with pytest.raises(
        ValueError, match=r"6 of 6 images are missing: .*in all folders: 6 \.dcm, 1 \.csv\. Download them\.$"
    ):
        recognise(tmp_path)


@pytest.mark.parametrize(
    "names",
    [
        ("train_set", "test_set"),
        ("Training-Data", "Testing data"),
        ("train_images", "test_images"),
        ("1_train", "2_test"),
    ],
)
def test_folders_of_a_split_may_be_called_sets_or_data(tmp_path, names):
    for number, name in enumerate(names):
        classes(tmp_path / name, start=1000 * number)
    manifest = image_folder(tmp_path)
    assert manifest.classes == ("benign", "malignant")
    assert set(manifest.given_split) == {"train", "test"}


def test_folders_of_clinics_above_the_classes_are_refused(tmp_path):
    for number, name in enumerate(("vienna", "sydney")):
        classes(tmp_path / name, ("Melanoma", "nevus"), start=1000 * number)
    with pytest.raises(
        ValueError, match="holds sydney, vienna, each with the folders melanoma, nevus, which are the"
    ):
        image_folder(tmp_path)
    # What is no name of a class says nothing.
    for number, name in enumerate(("benign", "malignant")):
        classes(tmp_path / "plain" / name, ("patient_1", "patient_2"), start=1000 * number)
    assert image_folder(tmp_path / "plain").counts() == {"benign": 6, "malignant": 6}


@pytest.mark.parametrize(
    "name", ["@eaDir", "$RECYCLE.BIN", "System Volume Information", "lost+found", "#recycle"]
)
def test_folders_of_a_system_are_passed_over(tmp_path, name):
    classes(tmp_path)
    for folder in (tmp_path / name, tmp_path / "benign" / name):
        image(folder / "benign_0.jpg" / "thumbnail.jpg", 900)
    assert image_folder(tmp_path).counts() == {"benign": 3, "malignant": 3}


@pytest.mark.parametrize(
    "written, stored", [("lä{}", "la\u0308{}"), ("la\u0308{}", "lä{}"), ("p{}", "p{}.jpg")]
)
def test_accents_in_two_forms_and_an_ending_twice_are_one_name(tmp_path, written, stored):
    for i in range(2):
        image(tmp_path / f"{stored.format(i)}.jpg", i)
    rows = [(f"{written.format(i)}.jpg", ("benign", "malignant")[i]) for i in range(2)]
    table(tmp_path / "manifest.csv", ("image", "label"), rows)
    assert missing_images(manifest_csv(tmp_path)) == []


def test_classes_with_accents_in_two_forms_are_one_class(tmp_path):
    for number, (subset, name) in enumerate((("train", "bösartig"), ("test", "bo\u0308sartig"))):
        classes(tmp_path / subset, (name, "gutartig"), start=1000 * number)
    assert image_folder(tmp_path).classes == ("bösartig", "gutartig")


@pytest.mark.parametrize("where", ["tables/all.csv", "a/b/c/d/manifest.csv"])
def test_a_manifest_in_a_folder_of_its_own_finds_its_images(tmp_path, where):
    for i in range(4):
        image(tmp_path / "pictures" / f"p{i}.jpg", i)
    table(tmp_path / where, ("image", "label"), [(f"pictures/p{i}.jpg", "ab"[i % 2]) for i in range(4)])
    manifest = manifest_csv(tmp_path)
    assert manifest.table["image"].tolist() == [f"{tmp_path}/pictures/p{i}.jpg" for i in range(4)]


@pytest.mark.parametrize("damage", ["cut", "text", "overwritten"])
def test_a_damaged_hdf5_file_is_refused_in_a_sentence(tmp_path, damage):
    h5py = pytest.importorskip("h5py")
    rows = [(f"ISIC_{i}", i % 2, f"IP_{i}") for i in range(40)]
    table(tmp_path / "train-metadata.csv", ("isic_id", "target", "patient_id"), rows)
    with h5py.File(tmp_path / "train-image.hdf5", "w") as file:
        for i in range(40):
            file[f"ISIC_{i}"] = np.void(bytes(range(256)) * 8)
    data = (tmp_path / "train-image.hdf5").read_bytes()
    damaged = {
        "cut": data[:2000],
        "text": b"version https://git-lfs",
        "overwritten": data[:600] + b"\xff" * len(data),
    }
    (tmp_path / "train-image.hdf5").write_bytes(damaged[damage])
    with pytest.raises(OSError, match=r"train-image\.hdf5 is damaged, or no HDF5 file: download it anew\.$"):
        isic2024(tmp_path)


def test_the_end_of_a_long_path_is_seen(tmp_path):
    classes(tmp_path / "skin" / ("a long name " * 8).strip(), start=0)
    for path in tmp_path.rglob("benign_*.jpg"):
        path.unlink()
        path.symlink_to("nowhere")
    with pytest.raises(FileNotFoundError, match=r"benign/benign_2\.jpg\. They were looked for"):
        check_images(image_folder(tmp_path))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("image,label\na,b\nc,d,e,f\n", r"comma-separated values: Expected 2 fields in line 3, saw 4\.$"),
        ('image,label\n"a,b\n', r"comma-separated values: EOF inside string starting at row 1\.$"),
    ],
)
def test_a_table_that_breaks_off_is_refused_with_its_line(tmp_path, text, reason):
    (tmp_path / "manifest.csv").write_text(text)
    with pytest.raises(ValueError, match=reason):
        manifest_csv(tmp_path)
