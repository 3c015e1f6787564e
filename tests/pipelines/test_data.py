"""`python -m pipelines.data`: what a folder is."""

from pathlib import Path

import pytest
from data_layouts import HAM, classes, ham_rows, image, table
from PIL import Image

from pipelines import data
from skinkeras.errors import UsageError


def ham(root):
    rows = ham_rows(8)
    table(root / "HAM10000_metadata.csv", HAM, rows)
    for i, row in enumerate(rows):
        image(root / "images" / f"{row[1]}.jpg", i)


def shown(capsys, folder, **settings):
    data.main(data.Settings(folder, out=folder.parent / "sheet.png", **settings))
    return capsys.readouterr().out


def test_a_folder_is_described_in_about_ten_lines(tmp_path, capsys):
    ham(tmp_path / "ham")
    out = shown(capsys, tmp_path / "ham")
    assert len([line for line in out.splitlines() if line.strip()]) <= 12
    assert "--data ham10000" in out
    assert "4 mel, 4 nv" in out
    assert "8 groups of related images (8 lesions, no patients named)" in out
    assert "8 acquisition, 8 age, 8 sex, 8 site, 8 confirmed_by" in out
    assert "64 x 48 (8)" in out
    assert "0 pairs" in out
    assert "would be skipped: nothing" in out
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert sheet.width > 1000


def test_what_would_be_skipped_is_counted_and_named(tmp_path, capsys):
    ham(tmp_path / "ham")
    (tmp_path / "ham" / "images" / "ISIC_0.jpg").unlink()
    (tmp_path / "ham" / "images" / "ISIC_1.jpg").write_bytes(b"no image")
    out = shown(capsys, tmp_path / "ham")
    assert "would be skipped: 1 missing: ISIC_0; 1 unreadable: ISIC_1 (" in out


def test_images_without_a_row_are_counted_and_named(tmp_path, capsys, monkeypatch):
    ham(tmp_path / "ham")
    assert "does not name" not in shown(capsys, tmp_path / "ham")
    for i in range(12):
        image(tmp_path / "ham" / "more" / f"x{i:02}.png", 900 + i)
    sentence = "images that the table does not name: 12: more/x00.png, more/x01.png"
    assert sentence in shown(capsys, tmp_path / "ham")
    monkeypatch.chdir(tmp_path / "ham")
    assert sentence in shown(capsys, Path())


def test_copies_are_counted_and_contradictions_named(tmp_path, capsys):
    root = tmp_path / "mine"
    classes(root)
    (root / "benign" / "again.jpg").write_bytes((root / "benign" / "benign_0.jpg").read_bytes())
    assert "duplicates: 1 pair (1 of the same file), 1 of them of different groups" in shown(capsys, root)
    (root / "malignant" / "again.jpg").write_bytes((root / "benign" / "benign_0.jpg").read_bytes())
    assert "Training refuses this: " in shown(capsys, root)


def test_a_given_split_and_all_readers_are_named(tmp_path, capsys):
    root = tmp_path / "mine"
    for number, subset in enumerate(("train", "test")):
        classes(root / subset, start=1000 * number)
    rows = [
        (path.relative_to(root), path.stem + str(n), "ab"[n % 2])
        for n, path in enumerate(root.rglob("*.jpg"))
    ]
    table(root / "manifest.csv", ("image", "image_id", "label"), rows)
    out = shown(capsys, root)
    assert "a split is given: 6 test, 6 train" in out
    assert "also read by: --data manifest" in out
    assert "a split is given" not in shown(capsys, root, data="manifest")


def test_a_folder_that_nobody_reads_is_described(tmp_path):
    image(tmp_path / "images" / "x.jpg", 0)
    table(tmp_path / "about.csv", ("file", "verdict"), [("x", "fine")])
    with pytest.raises(UsageError) as caught:
        data.main(data.Settings(tmp_path))
    sentence = str(caught.value)
    assert "there is: images/, about.csv" in sentence
    assert "1 images in it and below" in sentence
    assert "about.csv has the columns file, verdict" in sentence


def test_images_without_labels_are_for_another_job(tmp_path):
    image(tmp_path / "x.jpg", 0)
    with pytest.raises(UsageError, match=r"Images without labels are for python -m pipelines\.predict\."):
        data.main(data.Settings(tmp_path))


def test_images_that_are_all_missing_are_refused_in_one_sentence(tmp_path):
    table(tmp_path / "HAM10000_metadata.csv", HAM, ham_rows(30))
    with pytest.raises(UsageError, match=r"30 of 30 images are missing: ISIC_0, .* and 20 more"):
        data.main(data.Settings(tmp_path, "ham10000"))


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"folder": Path("absent")}, "There is no folder absent"),
        ({"max_images": 0}, "--max-images must be at least 1"),
        ({"level": 3}, "--level belongs to --data isic_archive"),
        ({"clinical": True, "data": "folder"}, "--clinical belongs to --data derm7pt"),
        ({"out": Path("sheet.xyz")}, r"--out sheet\.xyz ends in none of \.png, .*: name an image file"),
        ({"out": Path("sheet")}, "--out sheet ends in none of"),
        ({"out": Path("/")}, "--out / is a folder: name an image file"),
    ],
)
def test_wrong_settings_are_refused(tmp_path, settings, sentence):
    with pytest.raises(UsageError, match=sentence):
        data.main(data.Settings(**{"folder": tmp_path, **settings}))


def test_the_contact_sheet_shows_twelve_classes_and_says_so(tmp_path, capsys):
    root = tmp_path / "mine"
    classes(root, [f"class {letter}" for letter in "abcdefghijklm"], count=1)
    assert shown(capsys, root).endswith("sheet.png (the 12 largest of 13 classes)\n")


def test_the_contact_sheet_writes_names_that_are_not_english(tmp_path):
    titles = set()
    for name in ("Näv", "Nüv", "Мел", "Жел"):
        classes(tmp_path / name, (name, "я"), count=1)
        data.main(data.Settings(tmp_path / name, out=tmp_path / f"{name}.png"))
        with Image.open(tmp_path / f"{name}.png") as sheet:
            titles.add(sheet.crop((0, 0, 100, 24)).tobytes())
    assert len(titles) == 4  # letters that a font lacks would all be one box


def test_the_options_of_a_reader_reach_it(tmp_path, capsys):
    root = tmp_path / "archive"
    rows = [(f"ISIC_{i}", "Benign", ("Nevus", "Wart")[i % 2]) for i in range(4)]
    table(root / "metadata.csv", ("isic_id", "diagnosis_1", "diagnosis_2"), rows)
    for i in range(4):
        image(root / f"ISIC_{i}.jpg", i)
    out = shown(capsys, root, data="isic_archive", level=2, max_images=3)
    assert "2 Nevus, 2 Wart" in out
    assert "of 3 images opened" in out
