"""What every row of the table of data sets must have."""

import inspect
import pkgutil
import re
from pathlib import Path

import pytest

from skinkeras.datasets import DATASETS
from skinkeras.lazy import LazyFunction

PAGES = Path(__file__).parents[2] / "docs" / "datasets"
README = (Path(__file__).parents[2] / "README.md").read_text()


def write(path, *lines):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n")


def ham10000(root):
    write(root / "labels.csv", "image_id,lesion_id,dx", "a,1,nv", "b,2,mel")


def isic2018(root):
    write(root / "ISIC2018_Task3_Training_GroundTruth.csv", "image,MEL,NV", "a,1,0", "b,0,1")
    write(root / "ISIC2018_Task3_Training_LesionGroupings.csv", "image,lesion_id", "a,1", "b,2")


def isic2019(root):
    write(root / "ISIC_2019_Training_GroundTruth.csv", "image,MEL,SCC", "a,1,0", "b,0,1")
    write(root / "ISIC_2019_Training_Metadata.csv", "image,lesion_id", "a,1", "b,2")


def isic2020(root):
    write(
        root / "ISIC_2020_Training_GroundTruth.csv",
        "image_name,patient_id,benign_malignant",
        *("c,1,benign", "d,2,malignant", "e,2,malignant"),
    )
    write(root / "ISIC_2020_Training_Duplicates.csv", "image_name_1,image_name_2", "d,e")


def isic_merge(root):
    isic2019(root)
    isic2020(root)


def folder(root):
    write(root / "benign" / "a.jpg")
    write(root / "malignant" / "b.jpg")


def manifest(root):
    write(root / "manifest.csv", "image,image_id,label", "a.jpg,a,benign", "b.jpg,b,malignant")


def isic_archive(root):
    write(root / "metadata.csv", "isic_id,diagnosis_1", "a,Benign", "b,Malignant")


def isic2024(root):
    write(root / "train-metadata.csv", "isic_id,target,patient_id", "a,0,p", "b,1,q")


def bcn20000(root):
    write(root / "bcn_20k_train.csv", "bcn_filename,diagnosis,lesion_id", "a.jpg,NV,1", "b.jpg,MEL,2")


def pad_ufes(root):
    rows = [f"{name}.png,p{name},1,{name}" for name in ("ACK", "BCC", "MEL", "NEV", "SCC", "SEK")]
    write(root / "metadata.csv", "img_id,patient_id,lesion_id,diagnostic", *rows)


def derm7pt(root):
    write(root / "meta" / "meta.csv", "diagnosis,derm", "melanoma,a.jpg", "blue nevus,b.jpg")


# The smallest folder that each reader takes; what is special about each is in test_readers.py.
SMALLEST = {
    "ham10000": ham10000,
    "isic2018": isic2018,
    "isic2019": isic2019,
    "isic2020": isic2020,
    "isic_merge": isic_merge,
    "isic_archive": isic_archive,
    "isic2024": isic2024,
    "bcn20000": bcn20000,
    "pad_ufes": pad_ufes,
    "derm7pt": derm7pt,
    "folder": folder,
    "manifest": manifest,
    "synthetic": lambda root: None,
}

each = pytest.mark.parametrize("name", DATASETS)


@each
def test_the_reader_takes_the_folder_and_its_classes_are_those_of_the_row(name, tmp_path):
    row = DATASETS[name]
    SMALLEST[name](tmp_path)
    images = row.read(tmp_path, n=20) if row.synthetic else row.read(tmp_path)
    assert len(images) >= 2
    assert set(row.positive) < set(images.classes)
    assert not row.class_titles or set(images.classes) <= set(row.class_titles)
    if row.taxonomy:
        if row.synthetic:
            images = row.read(tmp_path, n=20, structures=True)
        assert set(row.taxonomy.classes) == set(images.classes)


@each
def test_an_empty_folder_ends_in_a_sentence_that_names_it(name, tmp_path):
    if DATASETS[name].synthetic:
        pytest.skip("the synthetic images are generated there")
    with pytest.raises((FileNotFoundError, ValueError), match=re.escape(str(tmp_path))):
        DATASETS[name].read(tmp_path)


@each
def test_the_row_says_what_is_wrong_with_the_data(name):
    row = DATASETS[name]
    assert row.title and row.licence and row.layout
    assert "\n" not in row.layout
    assert row.limits
    for sentence in (*row.limits, *row.binary_limits):
        assert sentence[0].isupper() or sentence[0].isdigit() or sentence[0] == '"'
        assert sentence.endswith(".")
    assert row.note == row.title or row.synthetic


@each
def test_published_duplicates_are_dropped_where_there_is_a_list(name, tmp_path):
    row = DATASETS[name]
    if row.known_duplicates is None:
        assert "isic2020" not in name and name != "isic_merge"
        return
    SMALLEST[name](tmp_path)
    images = row.read(tmp_path)
    fewer, dropped = row.known_duplicates(images, tmp_path)
    assert dropped == 1 == len(images) - len(fewer)
    assert "e" not in set(fewer.table["image_id"])


@each
def test_the_readme_has_a_line_for_it(name):
    rows = [line for line in README.splitlines() if line.startswith("|")]
    assert any(f"`{name}`" in line.split("|")[1] for line in rows), f"add {name} to README.md's table of data"


@each
def test_it_has_a_page_that_says_where_to_get_it_and_its_licence(name):
    row = DATASETS[name]
    assert f"[`{name}`]({name}.md)" in (PAGES / "README.md").read_text()
    page = (PAGES / f"{name}.md").read_text()
    for heading in ("## Where to get it", "## Licence", "## What is read", "## Known limits"):
        assert heading in page
    if row.licence.startswith("CC"):
        assert row.licence in page
    for other in row.overlaps:
        assert f"`{other}`" in page
    for option in row.options:
        assert f"--{option.replace('_', '-')}" in page


@each
def test_its_reader_takes_the_options_of_the_row(name):
    reader = DATASETS[name].read
    if isinstance(reader, LazyFunction):
        parameters = inspect.signature(pkgutil.resolve_name(reader.reference)).parameters
        assert set(DATASETS[name].options) <= set(parameters)


@each
def test_its_reader_says_what_it_took(name, tmp_path):
    if DATASETS[name].synthetic:
        pytest.skip("nothing is looked for")
    SMALLEST[name](tmp_path)
    manifest = DATASETS[name].read(tmp_path)
    assert manifest.root == str(tmp_path)
    if name != "folder":  # a plain folder of folders leaves nothing to say
        assert str(tmp_path) in manifest.notes[0]
