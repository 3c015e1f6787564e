"""Readers of the ISIC Archive, ISIC 2024, BCN20000, PAD-UFES-20 and derm7pt."""

import numpy as np
import pytest
from data_layouts import image, table

from skinkeras.datasets import (
    DATASETS,
    bcn20000,
    derm7pt,
    isic2024,
    isic_archive,
    missing_images,
    pad_ufes,
    split,
)

ARCHIVE = (
    "isic_id", "attribution", "copyright_license", "age_approx", "anatom_site_general", "diagnosis_1",
    "diagnosis_2", "diagnosis_3", "diagnosis_confirm_type", "fitzpatrick_skin_type", "image_type", "lesion_id",
    "patient_id", "sex",
)  # fmt: skip
MELANOMA = ("Malignant", "Malignant melanocytic proliferations (Melanoma)", "Melanoma, NOS")
NEVUS = ("Benign", "Benign melanocytic proliferations", "Nevus")
ANGIOMA = ("Benign", "Benign soft tissue proliferations - Vascular", "")


def archive_row(number, diagnosis, image_type="dermoscopic", confirmed="histopathology"):
    about = (f"ISIC_{number}", "A clinic", "CC-BY", "85+", "palms/soles")
    return (
        *about,
        *diagnosis,
        confirmed,
        "III",
        image_type,
        f"IL_{number // 2}",
        f"IP_{number // 3}",
        "female",
    )


def archive(root, rows, name="metadata.csv"):
    table(root / name, ARCHIVE, rows)
    for number, row in enumerate(rows):
        image(root / f"{row[0]}.jpg", number)


def test_the_archive_has_its_classes_by_level(tmp_path):
    archive(tmp_path, [archive_row(i, (MELANOMA, NEVUS, ANGIOMA)[i % 3]) for i in range(6)])
    manifest = isic_archive(tmp_path)
    assert manifest.counts() == {"Benign": 4, "Malignant": 2}
    assert missing_images(manifest) == []
    # An angioma has no name of the third level, and so keeps that of the second.
    assert isic_archive(tmp_path, 3).counts() == {ANGIOMA[1]: 2, "Melanoma, NOS": 2, "Nevus": 2}
    assert isic_archive(tmp_path, 5).classes == isic_archive(tmp_path, 3).classes
    with pytest.raises(ValueError, match=r"level of the diagnosis must be 1 to 5\. Received: 6"):
        isic_archive(tmp_path, 6)
    with pytest.raises(ValueError, match="has no column benign_malignant; it has isic_id, attribution"):
        isic_archive(tmp_path, label_column="benign_malignant")


def test_the_archive_keeps_what_it_knows_of_an_image(tmp_path):
    archive(
        tmp_path,
        [archive_row(0, NEVUS, confirmed="serial imaging showing no change"), archive_row(1, MELANOMA)],
    )
    first, second = isic_archive(tmp_path).table.to_dict("records")
    assert first["confirmed_by"] == "follow-up"
    assert second["confirmed_by"] == "histopathology"
    known = {
        "acquisition": "A clinic",
        "age": 85.0,
        "sex": "female",
        "site": "palms/soles",
        "skin_tone": "III",
    }
    assert {name: first[name] for name in known} == known
    assert first["lesion_id"] == second["lesion_id"] == "IL_0"


def test_only_dermoscopic_images_of_the_archive_are_read_and_the_others_counted(tmp_path):
    rows = [archive_row(i, (MELANOMA, NEVUS)[i % 2]) for i in range(4)]
    rows += [archive_row(4, NEVUS, "clinical: close-up"), archive_row(5, MELANOMA, "TBP tile: close-up")]
    rows += [archive_row(6, ("", "", ""))]
    archive(tmp_path, rows)
    manifest = isic_archive(tmp_path)
    assert len(manifest) == 4
    assert "1 images have no diagnosis_1 and are left out." in manifest.notes
    assert (
        "Images that are not dermoscopic are left out: 1 clinical: close-up, 1 TBP tile: close-up."
        in manifest.notes
    )
    assert len(isic_archive(tmp_path, all_image_types=True)) == 6
    archive(tmp_path, [archive_row(0, NEVUS, "RCM: tile")])
    with pytest.raises(ValueError, match=r"no images of a known class left: .*1 RCM: tile"):
        isic_archive(tmp_path)


def test_the_archives_export_of_ham10000(shared_data):
    folder = shared_data / "ham10000"
    manifest = isic_archive(folder)
    # 514 basal cell carcinomas, 197 squamous cell carcinomas and 1,113 melanomas.
    assert manifest.counts() == {"Benign": 8061, "Indeterminate": 130, "Malignant": 1824}
    assert len(set(manifest.groups())) == 7470
    counts = manifest.table["confirmed_by"].value_counts().to_dict()
    assert counts == {"histopathology": 5340, "follow-up": 3704, "consensus": 902, "confocal": 69}
    assert isic_archive(folder, 3).counts()["Melanoma, NOS"] == 1113


def test_every_way_of_confirmation_in_the_archives_schema_has_a_name(tmp_path):
    fields = pytest.importorskip("isic_metadata.fields")
    for number, way in enumerate(fields.DiagnosisConfirmTypeEnum):
        archive(
            tmp_path / str(number), [archive_row(0, NEVUS, confirmed=way.value), archive_row(1, MELANOMA)]
        )
        name = isic_archive(tmp_path / str(number)).table["confirmed_by"][0]
        assert name.split()[0] in ("histopathology", "follow-up", "consensus", "confocal", "clinical")


def test_pad_ufes_20(tmp_path):
    header = (
        "patient_id",
        "lesion_id",
        "age",
        "region",
        "gender",
        "fitspatrick",
        "diagnostic",
        "img_id",
        "biopsed",
    )
    labels = ("BCC", "ACK", "NEV", "SEK", "SCC", "MEL")
    rows = []
    for i, label in enumerate(labels):
        name = f"PAT_{i // 2}_{i}_9.png"
        rows.append(
            (f"PAT_{i // 2}", i, 55, "FOREARM", "FEMALE", "2.0" if i else "", label, name, i % 2 == 0)
        )
        image(tmp_path / "images" / f"imgs_part_{1 + i % 3}" / f"imgs_part_{1 + i % 3}" / name, i)
    table(tmp_path / "metadata.csv", header, rows)
    manifest = pad_ufes(tmp_path)
    assert missing_images(manifest) == []
    assert manifest.table["label"].tolist() == ["bcc", "ak", "nv", "sk", "scc", "mel"]
    assert manifest.table["skin_tone"].tolist() == [None, *["II"] * 5]
    assert manifest.table["confirmed_by"].tolist() == ["histopathology", "consensus"] * 3
    assert (manifest.table["sex"][0], manifest.table["site"][0], manifest.table["age"][0]) == (
        "female",
        "forearm",
        55.0,
    )
    assert len(set(manifest.groups())) == 3  # patients
    table(tmp_path / "metadata.csv", header, [*rows, (*rows[0][:6], "XXX", "PAT_9_9_9.png", True)])
    with pytest.raises(
        ValueError, match=r"metadata\.csv, line 8, column diagnostic: 'XXX' is not one of ACK, BCC"
    ):
        pad_ufes(tmp_path)


def test_bcn20000(tmp_path):
    header = ("bcn_filename", "age_approx", "anatom_site_general", "diagnosis", "lesion_id", "sex", "split")
    labels = ("NV", "MEL", "BCC", "BKL", "AK", "SCC", "DF", "VASC")
    rows = [
        (f"BCN_{i:010}.jpg", 60, "head/neck", label, f"BCN_{i}", "male", "train")
        for i, label in enumerate(labels)
    ]
    rows.append(("BCN_0000000099.jpg", 60, "", "", "", "", "test"))
    table(tmp_path / "bcn_20k_train.csv", header, rows)
    for i in range(8):
        image(tmp_path / "BCN_20k_train" / "bcn_20k_train" / f"BCN_{i:010}.jpg", i)
    manifest = bcn20000(tmp_path)
    assert missing_images(manifest) == []
    assert manifest.table["image_id"][0] == "BCN_0000000000"
    assert manifest.table["label"].tolist() == [label.lower() for label in labels]
    assert manifest.given_split is None
    assert manifest.notes[-1] == "1 images have no diagnosis and are left out."
    archive(
        tmp_path / "archive",
        [archive_row(0, NEVUS), archive_row(1, MELANOMA)],
        "bcn20000_metadata_2025-01-01.csv",
    )
    with pytest.raises(ValueError, match="read it with --data isic_archive"):
        bcn20000(tmp_path / "archive")
    assert len(isic_archive(tmp_path / "archive")) == 2


def derm7pt_folder(root, count=30):
    diagnoses = (
        "melanoma (in situ)",
        "clark nevus",
        "basal cell carcinoma",
        "lentigo",
        "seborrheic keratosis",
    )
    rows = []
    for i in range(count):
        rows.append((i + 1, diagnoses[i % 5], f"NEL/Ncl{i:03}.jpg", f"NEL/Nel{i:03}.jpg", "female", "back"))
        image(root / "images" / "NEL" / f"Ncl{i:03}.jpg", i)
        image(root / "images" / "NEL" / f"Nel{i:03}.jpg", 500 + i)
    table(root / "meta" / "meta.csv", ("case_num", "diagnosis", "clinic", "derm", "sex", "location"), rows)
    for name, cases in (("train", range(15)), ("valid", range(15, 20)), ("test", range(20, count))):
        table(root / "meta" / f"{name}_indexes.csv", ("indexes",), [(case,) for case in cases])


def test_derm7pt_has_its_five_classes_and_its_split(tmp_path):
    derm7pt_folder(tmp_path)
    manifest = derm7pt(tmp_path)
    assert missing_images(manifest) == []
    assert manifest.counts() == dict.fromkeys(("bcc", "mel", "misc", "nv", "sk"), 6)
    assert manifest.table["image_id"][0] == "NEL/Nel000.jpg"
    assert split(manifest).tolist() == ["train"] * 15 + ["validation"] * 5 + ["test"] * 10
    assert derm7pt(tmp_path, clinical=True).table["image"][0].endswith("images/NEL/Ncl000.jpg")
    (tmp_path / "meta" / "valid_indexes.csv").unlink()
    assert derm7pt(tmp_path).given_split is None


def test_derm7pt_refuses_lists_that_do_not_fit_and_unknown_diagnoses(tmp_path):
    derm7pt_folder(tmp_path)
    table(tmp_path / "meta" / "test_indexes.csv", ("indexes",), [(30,)])
    with pytest.raises(ValueError, match=r"test_indexes\.csv names a case that is not in the table"):
        derm7pt(tmp_path)
    table(tmp_path / "meta" / "test_indexes.csv", ("indexes",), [(20,)])
    with pytest.raises(ValueError, match="name 21 of 30 cases"):
        derm7pt(tmp_path)
    table(tmp_path / "meta" / "meta.csv", ("diagnosis", "derm"), [("melanoma", "a"), ("wart", "b")])
    with pytest.raises(ValueError, match="line 3, column diagnosis: 'wart' is not a known diagnosis"):
        derm7pt(tmp_path)


def slice3d(root):
    header = (
        "isic_id",
        "target",
        "patient_id",
        "lesion_id",
        "age_approx",
        "sex",
        "anatom_site_general",
        "attribution",
    )
    rows = [
        (f"ISIC_{i}", i % 2, f"IP_{i // 2}", "", 60, "male", "posterior torso", "A clinic") for i in range(4)
    ]
    table(root / "train-metadata.csv", header, rows)


def test_isic2024_of_kaggle_with_an_hdf5_file(tmp_path):
    h5py = pytest.importorskip("h5py")
    from skinkeras.images.decoding import decode

    slice3d(tmp_path)
    with h5py.File(tmp_path / "train-image.hdf5", "w") as file:
        for i in range(4):
            image(tmp_path / "once.jpg", i)
            file[f"ISIC_{i}"] = np.void((tmp_path / "once.jpg").read_bytes())
    manifest = isic2024(tmp_path)
    assert missing_images(manifest) == []
    assert manifest.table["image"][0] == f"{tmp_path}/train-image.hdf5/ISIC_0"
    assert manifest.counts() == {"benign": 2, "malignant": 2}
    assert len(set(manifest.groups())) == 2
    assert decode(manifest.table["image"][3], 48).tolist() == decode(tmp_path / "once.jpg", 48).tolist()
    assert manifest.table["acquisition"][0] == "A clinic"


def test_isic2024_of_the_challenge(tmp_path):
    truth = "ISIC_2024_Training_GroundTruth.csv"
    table(tmp_path / truth, ("isic_id", "malignant"), [("ISIC_0", "0.0"), ("ISIC_1", "1.0")])
    with pytest.raises(FileNotFoundError, match="patients of ISIC 2024"):
        isic2024(tmp_path)
    table(
        tmp_path / "ISIC_2024_Training_Metadata.csv",
        ("isic_id", "patient_id"),
        [("ISIC_1", "p"), ("ISIC_0", "q")],
    )
    for i in range(2):
        image(tmp_path / "ISIC_2024_Training_Input" / f"ISIC_{i}.jpg", i)
    manifest = isic2024(tmp_path)
    assert missing_images(manifest) == []
    assert manifest.table["patient_id"].tolist() == ["q", "p"]
    assert manifest.labels.tolist() == [0, 1]


def test_overlaps_are_named_on_both_sides():
    for name, row in DATASETS.items():
        for other in row.overlaps:
            assert name in DATASETS[other].overlaps, (name, other)
