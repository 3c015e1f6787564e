"""Tables as people have them; `docs/datasets/layouts.md` lists them."""

import re
from pathlib import Path

import pytest
from data_layouts import HAM, ham_rows, image, table

from skinkeras.datasets import ham10000, isic2018, isic_archive, manifest_csv, missing_images
from skinkeras.datasets.inspection import recognise

LABEL = ("benign", "malignant")
HEADER = ("image", "image_id", "label")


def images(root, count=8):
    for i in range(count):
        image(root / f"p{i}.jpg", i)


def manifest(root, row, header=HEADER, **form):
    images(root)
    table(root / "manifest.csv", header, [row(i) for i in range(8)], **form)
    return manifest_csv(root)


def plain(i):
    return (f"p{i}.jpg", f"id{i}", LABEL[i % 2])


@pytest.mark.parametrize(
    "form",
    [
        {"separator": "\t", "encoding": "utf-8-sig"},
        {"separator": ";", "encoding": "utf-16"},
        {"separator": "|"},
        {"separator": ";", "encoding": "cp1252"},
    ],
    ids=str,
)
def test_the_separator_and_the_encoding_are_found(tmp_path, form):
    read = manifest(tmp_path, lambda i: (f"p{i}.jpg", f"id{i}", ("gutartig", "bösartig")[i % 2]), **form)
    assert read.classes == ("bösartig", "gutartig")


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-32"])
def test_a_table_in_another_encoding_is_refused_in_a_sentence(tmp_path, encoding):
    with pytest.raises(ValueError, match=r"manifest\.csv is not a table of .*: save it in UTF-8\.$"):
        manifest(tmp_path, plain, encoding=encoding)


def test_what_excel_adds_does_not_matter(tmp_path):
    images(tmp_path)
    lines = ["sep=;", "image;image_id;label", *(";".join(plain(i)) for i in range(8)), "", ";;"]
    (tmp_path / "manifest.csv").write_text("\r\n".join(lines))
    assert len(manifest_csv(tmp_path)) == 8
    lines[6:6] = ["", ";;"]
    lines[8] = "p4.jpg;id0;benign"
    (tmp_path / "manifest.csv").write_text("\n".join(lines))
    with pytest.raises(
        ValueError, match=r"manifest\.csv, line 9, column image_id: 'id0' occurs more than once"
    ):
        manifest_csv(tmp_path)


@pytest.mark.parametrize(
    "path",
    [
        "https://example.org/skin/p{}.jpg",
        "https://example.org/skin/p{}.jpg?size=full",
        "file:///home/me/my%20skin/p{}.jpg",
        "\\\\server\\share\\p{}.jpg",
        " p{}.jpg ",
    ],
)
def test_images_are_found_by_the_end_of_a_url_or_a_path(tmp_path, path):
    read = manifest(tmp_path, lambda i: (path.format(i), f"id{i}", f"{LABEL[i % 2]} "))
    assert missing_images(read) == []
    assert read.classes == LABEL


@pytest.mark.parametrize(
    "header", [("Image", "Image_ID", "Label", "Lesion_ID"), ("IMAGE", "Image ID", "LABEL", "lesion-id")]
)
def test_capitals_and_spaces_in_the_names_of_columns_do_not_matter(tmp_path, header):
    read = manifest(tmp_path, lambda i: (*plain(i), f"L{i // 2}"), header)
    assert read.table["lesion_id"].nunique() == 4
    assert len(set(read.groups())) == 4


def test_published_tables_may_have_capitals_too(tmp_path):
    rows = [(*row[:2], row[2].upper(), *row[3:]) for row in ham_rows()]
    table(tmp_path / "ham" / "HAM10000_metadata.csv", [name.upper() for name in HAM], rows)
    read = ham10000(tmp_path / "ham")
    assert read.counts()["mel"] == 3
    assert set(read.table["acquisition"]) == {"rosendahl"}
    rows = [
        ("a", "Benign", "Dermoscopic"),
        ("b", "Malignant", "dermoscopic"),
        ("c", "Benign", "clinical: overview"),
    ]
    table(tmp_path / "archive" / "metadata.csv", ("ISIC_ID", "Diagnosis_1", "Image_Type"), rows)
    assert isic_archive(tmp_path / "archive").table["image_id"].tolist() == ["a", "b"]


def test_an_old_download_of_the_archive_is_told_its_flag(tmp_path):
    rows = [("a", "benign"), ("b", "malignant")]
    table(tmp_path / "metadata.csv", ("isic_id", "benign_malignant"), rows)
    with pytest.raises(ValueError, match="no column diagnosis_1: pass --label-column benign_malignant"):
        isic_archive(tmp_path)
    assert isic_archive(tmp_path, label_column="Benign_Malignant").classes == LABEL


def test_a_manifest_without_ids_is_read_by_the_names_of_its_files(tmp_path):
    header = ("image", "label", "MEL", "NV")  # one-hot columns beside the label are not needed
    read = manifest(tmp_path, lambda i: (f"p{i}.jpg", LABEL[i % 2], i % 2, 1 - i % 2), header)
    assert read.table["image_id"].tolist() == [f"p{i}" for i in range(8)]
    assert "has no column image_id: the names of the files are the ids" in read.notes[0]
    for folder in "ab":
        image(tmp_path / "two" / folder / "x.jpg", ord(folder))
    table(
        tmp_path / "two" / "manifest.csv",
        ("image", "label"),
        [("a/x.jpg", "benign"), ("b/x.jpg", "malignant")],
    )
    assert manifest_csv(tmp_path / "two").table["image_id"].tolist() == ["a/x.jpg", "b/x.jpg"]


@pytest.mark.parametrize(
    ("header", "sentence"),
    [
        (("filename", "diagnosis"), "has no column image; it has filename, diagnosis"),
        (("image", "MEL"), "has no column label; it has image, mel"),
    ],
)
def test_a_manifest_without_its_columns_names_those_it_has(tmp_path, header, sentence):
    with pytest.raises(ValueError, match=sentence):
        manifest(tmp_path, lambda i: (f"p{i}.jpg", i % 2), header)


def test_leading_zeros_are_part_of_an_id(tmp_path):
    header = (*HEADER, "lesion_id")
    read = manifest(
        tmp_path, lambda i: (f"p{i}.jpg", f"{i:03}", LABEL[i % 2], "01" if i % 2 else "1"), header
    )
    assert read.table["image_id"].tolist() == [f"{i:03}" for i in range(8)]
    assert set(read.table["lesion_id"]) == {"01", "1"}


def test_ids_and_files_may_differ_in_case_only(tmp_path):
    (tmp_path / "case").touch()
    if (tmp_path / "CASE").exists():
        pytest.skip("the file system does not distinguish case")
    rows = []
    for i, name in enumerate(("x0", "X0", "x1", "X1")):
        image(tmp_path / "deep" / f"{name}.jpg", i)
        rows.append((name, name, LABEL[i % 2]))
    table(tmp_path / "manifest.csv", HEADER, rows)
    read = manifest_csv(tmp_path)
    assert [path.rsplit("/")[-1] for path in read.table["image"]] == ["x0.jpg", "X0.jpg", "x1.jpg", "X1.jpg"]


def test_two_different_images_of_one_id_are_named_even_if_equally_large(tmp_path):
    table(tmp_path / "HAM10000_metadata.csv", HAM, ham_rows())
    for number, folder in enumerate("ab"):
        for i, row in enumerate(ham_rows()):
            image(tmp_path / folder / f"{row[1]}.bmp", 100 * number + i)
    with pytest.raises(ValueError, match=r"called ISIC_0, which differ: a/ISIC_0\.bmp, b/ISIC_0\.bmp: keep"):
        ham10000(tmp_path)
    # As a folder of two classes it could be read; that somebody wanted HAM10000 is said.
    manifests, refusals = recognise(tmp_path)
    assert list(manifests) == ["folder"]
    assert list(refusals) == ["ham10000"]


def test_labels_without_their_lesions_are_refused(tmp_path):
    table(
        tmp_path / "ISIC2018_Task3_Training_GroundTruth.csv",
        ("image", "MEL", "NV"),
        [("a", 1, 0), ("b", 0, 1)],
    )
    sentence = r"no lesions of ISIC 2018, which ISIC2018_Task3_Training_GroundTruth\.csv needs"
    with pytest.raises(FileNotFoundError, match=sentence):
        isic2018(tmp_path)
    with pytest.raises(ValueError, match=f"No reader takes .*--data isic2018: .*{sentence}"):
        recognise(tmp_path)


def test_a_spreadsheet_is_to_be_saved_as_csv(tmp_path):
    images(tmp_path)
    (tmp_path / "manifest.xlsx").write_bytes(b"PK")
    with pytest.raises(FileNotFoundError, match=r"Save manifest\.xlsx as CSV\.$"):
        manifest_csv(tmp_path)


def test_every_row_of_the_page_is_held_by_a_test():
    root = Path(__file__).parents[2]
    rows = (root / "docs" / "datasets" / "layouts.md").read_text("utf-8").splitlines()[7:]
    named = [re.search(r"`(test_\w+)` \|$", row) for row in rows]
    assert len(named) > 40 and all(named)
    there = "".join(path.read_text("utf-8") for path in (root / "tests").rglob("test_*.py"))
    assert [match[1] for match in named if f"def {match[1]}(" not in there] == []
