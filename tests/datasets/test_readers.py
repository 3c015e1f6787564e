import pytest

from skinkeras.datasets import (
    drop_known_duplicates,
    ham10000,
    image_folder,
    isic2018,
    isic2019,
    isic2020,
    isic_merge,
    known_duplicates,
    manifest_csv,
)

GROUND_TRUTH_2018 = "ISIC2018_Task3_Training_GroundTruth.csv"
GROUND_TRUTH_2019 = "ISIC_2019_Training_GroundTruth.csv"
GROUND_TRUTH_2020 = "ISIC_2020_Training_GroundTruth.csv"
DUPLICATES_2020 = "ISIC_2020_Training_Duplicates.csv"


def write(path, *lines):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n")


def images(manifest, root):
    return [path.removeprefix(f"{root}/") for path in manifest.table["image"]]


def test_ham10000_of_the_shared_data(shared_data):
    manifest = ham10000(shared_data / "ham10000")
    # Tschandl et al. 2018, table 3, and their lesions.
    assert manifest.counts() == {
        "akiec": 327, "bcc": 514, "bkl": 1099, "df": 115, "mel": 1113, "nv": 6705, "vasc": 142,
    }  # fmt: skip
    assert len(manifest) == 10015
    assert len(set(manifest.groups())) == 7470
    assert "vidir_molemax" in set(manifest.table["source"])


def test_isic_merge_has_the_papers_numbers(shared_data):
    # Gilal et al. 2023; 584 melanomas are those of ISIC 2020.
    assert isic_merge(shared_data / "isic").counts() == {"benign": 32542, "malignant": 5106}
    assert isic2020(shared_data / "isic").counts() == {"benign": 33126 - 584, "malignant": 584}


def test_isic2019_has_its_published_numbers(shared_data):
    counts = isic2019(shared_data / "isic").counts()
    assert counts["mel"] == 4522
    assert sum(counts.values()) == 25331
    assert list(counts) == ["mel", "nv", "bcc", "ak", "bkl", "df", "vasc", "scc"]


def test_no_known_duplicate_pair_stays_whole(shared_data):
    pairs = known_duplicates(shared_data / "isic")
    assert len(pairs) == 425
    manifest = isic2020(shared_data / "isic")
    smaller, dropped = drop_known_duplicates(manifest, shared_data / "isic")
    assert len(manifest) - len(smaller) == dropped
    present = set(smaller.table["image_id"])
    assert not any(first in present and second in present for first, second in pairs)
    # Nothing else is lost: of every pair one picture is left.
    assert all(first in present or second in present for first, second in pairs)


def test_a_chain_of_duplicates_keeps_no_more_than_it_must_drop(tmp_path):
    rows = [f"{name},p{name},benign" for name in "abc"] + ["d,pd,malignant"]
    write(tmp_path / GROUND_TRUTH_2020, "image_name,patient_id,benign_malignant", *rows)
    manifest = isic2020(tmp_path)
    with pytest.raises(FileNotFoundError, match=DUPLICATES_2020):
        drop_known_duplicates(manifest, tmp_path)
    write(tmp_path / DUPLICATES_2020, "image_name_1,image_name_2", "a,b", "b,c", "d,absent")
    smaller, dropped = drop_known_duplicates(manifest, tmp_path)
    assert smaller.table["image_id"].tolist() == ["a", "c", "d"]
    assert dropped == 1


def test_ham10000_in_its_official_layout(tmp_path):
    header = "lesion_id,image_id,dx,dx_type,age,sex,localization,dataset"
    rows = [
        "HAM_1,ISIC_1,bkl,histo,80.0,male,scalp,vidir_modern",
        "HAM_1,ISIC_2,bkl,histo,,male,scalp,rosendahl",
    ]
    write(tmp_path / "HAM10000_metadata.csv", header, *rows)
    write(tmp_path / "HAM10000_images_part_1" / "ISIC_1.jpg")
    write(tmp_path / "HAM10000_images_part_2" / "ISIC_2.jpg")
    manifest = ham10000(tmp_path)
    assert images(manifest, tmp_path) == [
        "HAM10000_images_part_1/ISIC_1.jpg",
        "HAM10000_images_part_2/ISIC_2.jpg",
    ]
    assert manifest.table["label"].tolist() == ["bkl", "bkl"]
    assert manifest.table["lesion_id"].tolist() == ["HAM_1", "HAM_1"]
    assert manifest.table["source"].tolist() == ["vidir_modern", "rosendahl"]


def test_ham10000_with_one_half_of_its_images_looks_for_the_others_beside_it(tmp_path):
    write(tmp_path / "HAM10000_metadata", "lesion_id,image_id,dx", "HAM_1,ISIC_1,mel", "HAM_2,ISIC_2,nv")
    write(tmp_path / "HAM10000_images_part_1" / "ISIC_1.jpg")
    manifest = ham10000(tmp_path)
    assert images(manifest, tmp_path) == [f"HAM10000_images_part_1/ISIC_{i}.jpg" for i in (1, 2)]
    assert set(manifest.table["source"]) == {"ham10000"}


def test_ham10000_names_file_line_column_and_value_of_an_unknown_class(tmp_path):
    write(tmp_path / "labels.csv", "image_id,lesion_id,dx", "a,1,nv", "b,2,mole")
    with pytest.raises(ValueError, match=r"/labels\.csv, line 3, column dx: 'mole' is not one of .*akiec"):
        ham10000(tmp_path)
    write(tmp_path / "labels.csv", "image_id,lesion_id,dx", "a,1,nv", "a,2,mel")
    with pytest.raises(ValueError, match=r"/labels\.csv, line 3, column image_id: 'a' occurs more than once"):
        ham10000(tmp_path)
    write(tmp_path / "labels.csv", "image_id,lesion,dx", "a,1,nv")
    with pytest.raises(
        ValueError, match=r"/labels\.csv has no column lesion_id; it has image_id, lesion, dx"
    ):
        ham10000(tmp_path)


@pytest.mark.parametrize("nested", [False, True])
def test_isic2018_in_its_official_layout(tmp_path, nested):
    folder = tmp_path / GROUND_TRUTH_2018.removesuffix(".csv") if nested else tmp_path
    header = "image,MEL,NV,BCC,AKIEC,BKL,DF,VASC"
    write(
        folder / GROUND_TRUTH_2018,
        header,
        "ISIC_1,0.0,0.0,0.0,1.0,0.0,0.0,0.0",
        "ISIC_2,1.0,0.0,0.0,0.0,0.0,0.0,0.0",
    )
    with pytest.raises(FileNotFoundError, match="LesionGroupings"):  # else lesions would straddle the split
        isic2018(tmp_path)
    write(
        tmp_path / "ISIC2018_Task3_Training_LesionGroupings.csv",
        "image,lesion_id,diagnosis_confirm_type",
        "ISIC_2,HAM_9,histopathology",
        "ISIC_1,HAM_8,histopathology",
    )
    manifest = isic2018(tmp_path)
    assert manifest.table["label"].tolist() == ["akiec", "mel"]
    assert manifest.table["lesion_id"].tolist() == ["HAM_8", "HAM_9"]
    assert images(manifest, tmp_path)[0] == "ISIC2018_Task3_Training_Input/ISIC_1.jpg"
    assert manifest.classes == ("akiec", "bcc", "bkl", "df", "mel", "nv", "vasc")


def write_2019(root, *rows):
    write(root / GROUND_TRUTH_2019, "image,MEL,NV,BCC,AK,BKL,DF,VASC,SCC,UNK", *rows)
    write(
        root / "ISIC_2019_Training_Metadata.csv",
        "image,age_approx,anatom_site_general,lesion_id,sex",
        "ISIC_1,55.0,anterior torso,,female",
        "ISIC_2,55.0,anterior torso,BCN_2,female",
    )


def test_isic2019_in_its_official_layout(tmp_path):
    write_2019(tmp_path, "ISIC_1,0.0,0.0,0.0,0.0,0.0,0.0,0.0,1.0,0.0", "ISIC_2,1,0,0,0,0,0,0,0,0")
    manifest = isic2019(tmp_path)
    assert manifest.table["label"].tolist() == ["scc", "mel"]
    assert manifest.table["lesion_id"].tolist() == [None, "BCN_2"]
    assert "unk" not in manifest.classes
    assert images(manifest, tmp_path)[1] == "ISIC_2019_Training_Input/ISIC_2.jpg"


@pytest.mark.parametrize(
    "row", ["1,1,0,0,0,0,0,0,0", "0,0,0,0,0,0,0,0,0", "0.5,0.5,0,0,0,0,0,0,0", "1,,0,0,0,0,0,0,0"]
)
def test_a_row_that_is_not_one_class_is_named_with_file_line_and_image(tmp_path, row):
    write_2019(tmp_path, "ISIC_1,1,0,0,0,0,0,0,0,0", f"ISIC_2,{row}")
    with pytest.raises(
        ValueError, match=rf"/{GROUND_TRUTH_2019}, line 3 \(image ISIC_2\): needs one class at 1"
    ):
        isic2019(tmp_path)


def test_columns_of_unknown_classes_and_repeated_images_are_refused(tmp_path):
    write(tmp_path / GROUND_TRUTH_2018, "image,MEL,NV,MOLE", "ISIC_1,0,0,1")
    with pytest.raises(ValueError, match=r"needs one class at 1, .*Received: MEL 0, NV 0, MOLE 1\."):
        isic2018(tmp_path)
    write_2019(tmp_path, *["ISIC_1,1,0,0,0,0,0,0,0,0"] * 2)
    with pytest.raises(ValueError, match=r"line 3, column image: 'ISIC_1' occurs more than once"):
        isic2019(tmp_path)
    write_2019(tmp_path, "ISIC_1,1,0,0,0,0,0,0,0,0")
    metadata = tmp_path / "ISIC_2019_Training_Metadata.csv"
    write(metadata, "image,lesion_id", "ISIC_1,a", "ISIC_1,b")
    with pytest.raises(
        ValueError, match=r"Metadata\.csv, line 3, column image: 'ISIC_1' occurs more than once"
    ):
        isic2019(tmp_path)


@pytest.mark.parametrize("folder", ["train", "ISIC_2020_Training_JPEG/train"])
@pytest.mark.parametrize("name", [GROUND_TRUTH_2020, "ISIC_2020_Training_GroundTruth_v2.csv"])
def test_isic2020_in_its_official_layouts(tmp_path, folder, name):
    header = (
        "image_name,patient_id,sex,age_approx,anatom_site_general_challenge,diagnosis,benign_malignant,target"
    )
    write(
        tmp_path / name,
        header,
        "ISIC_1,IP_1,male,45.0,head/neck,unknown,benign,0",
        "ISIC_2,IP_1,,,,melanoma,malignant,1",
    )
    write(tmp_path / folder / "ISIC_1.jpg")
    manifest = isic2020(tmp_path)
    assert images(manifest, tmp_path) == [f"{folder}/ISIC_1.jpg", f"{folder}/ISIC_2.jpg"]
    assert manifest.labels.tolist() == [0, 1]
    assert manifest.table["patient_id"].tolist() == ["IP_1", "IP_1"]


def test_isic2020_names_line_and_column_of_an_unknown_class(tmp_path):
    write(tmp_path / GROUND_TRUTH_2020, "image_name,patient_id,benign_malignant", "a,p,benign", "b,p,unsure")
    with pytest.raises(ValueError, match=rf"/{GROUND_TRUTH_2020}, line 3, column benign_malignant: 'unsure'"):
        isic2020(tmp_path)


def test_isic_merge_takes_only_the_melanomas_of_2019(tmp_path):
    write_2019(tmp_path / "2019", "ISIC_1,1,0,0,0,0,0,0,0,0", "ISIC_2,0,0,1,0,0,0,0,0,0")
    write(tmp_path / "2020" / GROUND_TRUTH_2020, "image_name,patient_id,benign_malignant", "ISIC_3,p,benign")
    manifest = isic_merge(tmp_path / "2019", tmp_path / "2020")
    assert manifest.table["image_id"].tolist() == ["ISIC_3", "ISIC_1"]
    assert manifest.table["label"].tolist() == ["benign", "malignant"]
    assert manifest.table["source"].tolist() == ["isic2020", "isic2019"]


@pytest.mark.parametrize(
    ("reader", "name"),
    [
        (ham10000, "labels.csv nor HAM10000_metadata.csv"),
        (isic2018, GROUND_TRUTH_2018),
        (isic2019, GROUND_TRUTH_2019),
        (isic2020, GROUND_TRUTH_2020),
        (isic_merge, GROUND_TRUTH_2020),
    ],
)
def test_an_empty_folder_is_refused_naming_the_file_that_is_missing(tmp_path, reader, name):
    with pytest.raises(FileNotFoundError, match=name) as caught:
        reader(tmp_path)
    assert str(tmp_path) in str(caught.value)


def test_image_folder_takes_one_folder_a_class_and_passes_hidden_files_over(tmp_path):
    for name in ("nevus/a.jpg", "nevus/more/b.PNG", "melanoma/a.jpeg", "melanoma/notes.txt"):
        write(tmp_path / name)
    # What macOS and picture viewers leave behind.
    for name in ("nevus/._a.jpg", "nevus/.thumbnails/a.jpg", ".trash/c.jpg", "readme.jpg"):
        write(tmp_path / name)
    manifest = image_folder(tmp_path)
    assert manifest.classes == ("melanoma", "nevus")
    assert images(manifest, tmp_path) == ["melanoma/a.jpeg", "nevus/a.jpg", "nevus/more/b.PNG"]
    assert manifest.table["label"].tolist() == ["melanoma", "nevus", "nevus"]
    assert len(set(manifest.groups())) == 3


def test_image_folder_refuses_what_is_not_classes_of_images(tmp_path):
    with pytest.raises(FileNotFoundError, match="There is no folder"):
        image_folder(tmp_path / "absent")
    write(tmp_path / "nevus" / "a.jpg")
    with pytest.raises(ValueError, match="needs one for each of two or more classes"):
        image_folder(tmp_path)
    (tmp_path / "melanoma").mkdir()
    with pytest.raises(ValueError, match=r"/melanoma holds no images"):
        image_folder(tmp_path)


def test_a_table_names_lesions_and_patients_of_ones_own_images(tmp_path):
    write(
        tmp_path / "manifest.csv",
        "image,image_id,label,lesion_id,patient_id",
        "a/1.jpg,1,nevus,x,",
        "a/2.jpg,2,nevus,x,p",
        "b/3.jpg,3,melanoma,y,p",
        "b/4.jpg,4,melanoma,,",
    )
    manifest = manifest_csv(tmp_path)
    assert manifest.classes == ("melanoma", "nevus")
    assert images(manifest, tmp_path) == ["a/1.jpg", "a/2.jpg", "b/3.jpg", "b/4.jpg"]
    # The first two share a lesion and the next a patient with the second; of the last nothing is known.
    groups = manifest.groups()
    assert groups[0] == groups[1] == groups[2] != groups[3]
    with pytest.raises(FileNotFoundError, match=r"absent/manifest\.csv"):
        manifest_csv(tmp_path / "absent")
